import Connector
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// Reads a tail as a pipeline would, with every captured table's versions, and writes down what it is told.
final class SchemaFollower {
  let connector: any SourceConnector
  private(set) var schemas: [TableID: RowSchema] = [:]
  private(set) var log: [String] = []
  private(set) var offset: Offset
  private var version = 1
  private var tail: (any TailReader)?
  /// Tables that are passed over when they are announced.
  var declined: Set<String> = []

  init(_ connector: any SourceConnector, _ fixture: SourceFixture, _ tables: String...) throws {
    self.connector = connector
    for name in tables {
      let found = try connector.discover(fixture.table(name))
      schemas[found.id] = RowSchema(table: found.id, version: 1, schema: found.schema)
    }
    offset = try connector.endOffset()
  }

  func schema(_ table: TableID) -> TableSchema? { schemas[table]?.schema }

  /// Goes on from another place.
  func start(at offset: Offset, _ schemas: [TableID: RowSchema]) {
    self.offset = offset
    self.schemas = schemas
  }

  /// Opens the reader that `follow` uses, before anything happens.
  func open() throws {
    tail = try newTail()
  }

  private func newTail() throws -> any TailReader {
    let tables = schemas.values.sorted { $0.table < $1.table }.map {
      TailTable(schema: $0, ignoredThrough: nil, chunks: [])
    }
    return try connector.tail(TailRequest(start: offset, tables: tables))
  }

  /// Reads up to the log's end, from where the last reader has ended, with a reader of its own unless one is open.
  @discardableResult func follow() throws -> [String] {
    let end = try connector.endOffset()
    let before = log.count
    let tail = if let tail { tail } else { try newTail() }
    defer {
      tail.close()
      self.tail = nil
    }
    var batch = RowBatch()
    let deadline = Clock.monotonicMilliseconds() + 60_000
    while true {
      switch try tail.next(into: &batch, byteLimit: 4096, wait: 50) {
      case .rows:
        if let table = batch.schema?.table.table { log += batch.testRows().map { "\(table) \($0)" } }
      case .schemaChange(let table, _, let changes, let schema): try change(tail, table, changes, schema)
      case .idle: break
      }
      if let reached = tail.committableOffset {
        offset = reached
        if try connector.hasPassed(reached, end) { return Array(log[before...]) }
      }
      guard Clock.monotonicMilliseconds() < deadline else { throw SourceServerError("the tail did not reach \(end)") }
    }
  }

  private func change(
    _ tail: any TailReader, _ table: TableID, _ changes: [SchemaChange], _ schema: TableSchema
  ) throws {
    log.append("\(table.table): \(changes.map(Self.text).joined(separator: " ")) -> \(Self.text(schema))")
    version += 1
    if changes.contains(.dropTable) || declined.contains(table.table) {
      schemas[table] = nil
      return try tail.adopt(nil, for: table)
    }
    var name = table
    for case .renameTable(let new) in changes { name = new }
    schemas[table] = nil
    let adopted = RowSchema(table: name, version: version, schema: schema)
    schemas[name] = adopted
    try tail.adopt(adopted, for: table)
  }

  private static func text(_ change: SchemaChange) -> String {
    switch change {
    case .renameTable(let name): "rename(\(name.table))"
    case .alterPrimaryKey(let key): "key(\(key.joined(separator: ",")))"
    default: change.tag
    }
  }

  private static func text(_ schema: TableSchema) -> String {
    schema.columns.map { $0.name + (schema.primaryKey.contains($0.name) ? "*" : "") }.joined(separator: ",")
  }
}

@Suite struct TailSchemaTableTests {
  private static let capturesNewTables = ["scan.newly-added-table.enabled": "true"]

  private func run(
    _ kind: ServerKind, options: [String: String] = [:], tables: [String] = ["CREATE TABLE t (id INT PRIMARY KEY)"],
    captured: String? = "t", pattern: String = "[a-z]+", isLate: Bool = false, _ statements: String...
  ) throws -> [String] {
    let fixture = try SourceFixture("tables", on: kind)
    for table in tables { try fixture.execute(table) }
    var options = options
    options["tables"] = "\(fixture.database).\(pattern)"
    let follower = try SchemaFollower(try fixture.connector(options), fixture)
    if let captured {
      for name in captured.split(separator: ",") { try follower.capture(fixture.table(String(name))) }
    }
    if !isLate { try follower.open() }
    for statement in statements { try fixture.execute(statement) }
    return try follower.follow()
  }

  @Test(arguments: SourceServer.available) func droppedAndMadeAgain(on kind: ServerKind) throws {
    #expect(
      try run(
        kind, "INSERT INTO t VALUES (1)", "DROP TABLE t",
        "CREATE TABLE t (a INT NOT NULL, b VARCHAR(9) CHARACTER SET latin1, UNIQUE (a))",
        "INSERT INTO t VALUES (7, 'é')", "ALTER TABLE t DROP INDEX a", "INSERT INTO t VALUES (7, 'x')") == [
          "t insert(1)", "t: drop.table -> id*", "t: create.table -> a*,b", "t insert(7, é)", "t: key() -> a,b",
          "t insert(7, x)",
        ])
  }

  @Test(arguments: SourceServer.available) func newTables(on kind: ServerKind) throws {
    let statements = [
      "CREATE TABLE n (a INT PRIMARY KEY, b INT)", "INSERT INTO n VALUES (1, 2)", "CREATE TABLE l LIKE n",
      "INSERT INTO l VALUES (3, 4)", "CREATE TABLE s SELECT * FROM n", "CREATE TABLE x_1 (a INT)",
      "CREATE TEMPORARY TABLE u (a INT)", "CREATE TABLE IF NOT EXISTS n (z INT)", "DROP TABLE l",
    ]
    let fixture = try SourceFixture("new", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)")
    func follower(_ options: [String: String]) throws -> SchemaFollower {
      var options = options
      options["tables"] = "\(fixture.database).[a-z]+"
      return try SchemaFollower(try fixture.connector(options), fixture, "t")
    }
    let ignoring = try follower([:])
    let capturing = try follower(Self.capturesNewTables)
    let declining = try follower(Self.capturesNewTables)
    declining.declined = ["n", "l", "s"]
    for statement in statements { try fixture.execute(statement) }
    #expect(try ignoring.follow().isEmpty)
    #expect(
      try capturing.follow() == [
        "n: create.table -> a*,b", "n insert(1, 2)", "l: create.table -> a*,b", "l insert(3, 4)",
        "s: create.table -> a,b", "s insert(1, 2)", "l: drop.table -> a*,b",
      ])
    #expect(
      try declining.follow().filter { !$0.hasPrefix("n: replace") } == [
        "n: create.table -> a*,b", "s: create.table -> a,b",
      ])
  }

  @Test(arguments: SourceServer.available) func renames(on kind: ServerKind) throws {
    #expect(
      try run(kind, "INSERT INTO t VALUES (1)", "RENAME TABLE t TO r", "INSERT INTO r VALUES (2)") == [
        "t insert(1)", "t: rename(r) -> id*", "r insert(2)",
      ])
    #expect(
      try run(
        kind, "ALTER TABLE t ADD v INT, RENAME TO r", "INSERT INTO r VALUES (2, 3)", "ALTER TABLE r DROP v",
        "INSERT INTO r VALUES (4)") == [
          "t: add.column rename(r) -> id*,v", "r insert(2, 3)", "r: drop.column -> id*", "r insert(4)",
        ])
    #expect(
      try run(kind, "RENAME TABLE t TO t_2", "INSERT INTO t_2 VALUES (2)", "CREATE TABLE t (a INT)") == [
        "t: drop.table -> id*", "t: create.table -> a",
      ])
    #expect(
      try run(kind, "ALTER TABLE t ADD n DATETIME DEFAULT CURRENT_TIMESTAMP, RENAME TO r") == [
        "t: drop.table -> id*,n", "r: replace.table -> id*,n",
      ])
    // Another table takes the name: its rows are in no event.
    #expect(
      try run(
        kind, tables: ["CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE t_new (a INT PRIMARY KEY, b INT)"],
        "INSERT INTO t_new VALUES (1, 1)", "RENAME TABLE t TO t_old, t_new TO t", "INSERT INTO t VALUES (2, 2)") == [
          "t: replace.table -> a*,b", "t insert(2, 2)",
        ])
    #expect(
      try run(
        kind, tables: ["CREATE TABLE a (x INT PRIMARY KEY)", "CREATE TABLE b (y INT PRIMARY KEY)"], captured: "a,b",
        "RENAME TABLE a TO tmp, b TO a, tmp TO b", "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (2)") == [
          "a: replace.table -> y*", "b: replace.table -> x*", "a insert(1)", "b insert(2)",
        ])
    // A table that was not captured comes under a name that matches.
    #expect(
      try run(
        kind, options: Self.capturesNewTables,
        tables: ["CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u_1 (a INT PRIMARY KEY)"],
        "INSERT INTO u_1 VALUES (1)", "RENAME TABLE u_1 TO v", "INSERT INTO v VALUES (2)", "RENAME TABLE t TO t_1",
        "RENAME TABLE t_1 TO t") == [
          "v: replace.table -> a*", "v insert(2)", "t: drop.table -> id*", "t: replace.table -> id*",
        ])
  }

  @Test(arguments: SourceServer.available) func keys(on kind: ServerKind) throws {
    #expect(
      try run(
        kind, tables: ["CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL, w INT NOT NULL, UNIQUE u (w))"],
        "INSERT INTO t VALUES (1, 1, 1)", "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (v)",
        "UPDATE t SET id = 2", "UPDATE t SET v = 3", "ALTER TABLE t DROP PRIMARY KEY", "UPDATE t SET w = 4",
        "DROP INDEX u ON t", "UPDATE t SET w = 5", "CREATE UNIQUE INDEX x ON t (id, v)", "UPDATE t SET id = 6") == [
          "t insert(1, 1, 1)", "t: key(v) -> id,v*,w", "t updateBefore(1, 1, 1)", "t updateAfter(2, 1, 1)",
          "t delete(2, 1, 1)", "t insert(2, 3, 1)", "t: key(w) -> id,v,w*", "t delete(2, 3, 1)", "t insert(2, 3, 4)",
          "t: key() -> id,v,w", "t updateBefore(2, 3, 4)", "t updateAfter(2, 3, 5)", "t: key(id,v) -> id*,v*,w",
          "t delete(2, 3, 5)", "t insert(6, 3, 5)",
        ])
  }

  /// A reader that starts long after the statements knows the keys that were there then, whatever the catalog shows.
  @Test(arguments: SourceServer.available) func keysOfTheFuture(on kind: ServerKind) throws {
    let table = "CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL, w INT NOT NULL, UNIQUE u (w))"
    let log = try run(
      kind, tables: [table], isLate: true, "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (v)",
      "INSERT INTO t VALUES (1, 1, 1)", "ALTER TABLE t DROP PRIMARY KEY", "UPDATE t SET w = 4", "DROP INDEX u ON t",
      "UPDATE t SET w = 5", "CREATE UNIQUE INDEX x ON t (id, v)", "UPDATE t SET id = 6",
      "RENAME TABLE t TO another_1", "CREATE TABLE t (z INT PRIMARY KEY)")
    #expect(
      log.dropLast(2) == [
        "t: key(v) -> id,v*,w", "t insert(1, 1, 1)", "t: key(w) -> id,v,w*", "t delete(1, 1, 1)", "t insert(1, 1, 4)",
        "t: key() -> id,v,w", "t updateBefore(1, 1, 4)", "t updateAfter(1, 1, 5)", "t: key(id,v) -> id*,v*,w",
        "t delete(1, 1, 5)", "t insert(6, 1, 5)",
      ])
  }

  /// `lower_case_table_names`: statements may spell names otherwise than table maps do.
  @Test func foldedNames() throws {
    let server = try SourceServer(.mariaDB, .argument("--lower-case-table-names=1"))
    defer { server.stop() }
    let fixture = try SourceFixture("Folded", server: server, "CREATE TABLE T (id INT PRIMARY KEY)")
    let database = fixture.database.lowercased()
    let connector = try fixture.connector(["tables": "\(database).[a-z]+"])
    let found = try connector.discover(TableID(schema: database, table: "t"))
    let follower = try SchemaFollower(connector, fixture)
    follower.start(
      at: follower.offset, [found.id: RowSchema(table: found.id, version: 1, schema: found.schema)])
    for statement in [
      "ALTER TABLE T ADD v INT", "INSERT INTO T VALUES (1, 2)", "RENAME TABLE T TO R", "INSERT INTO R VALUES (3, 4)",
      "TRUNCATE R", "DROP TABLE R", "CREATE TABLE T (a INT)", "INSERT INTO T VALUES (5)",
    ] { try fixture.execute(statement) }
    #expect(
      try follower.follow() == [
        "t: add.column -> id*,v", "t insert(1, 2)", "t: rename(r) -> id*,v", "r insert(3, 4)",
        "r: truncate.table -> id*,v", "r: drop.table -> id*,v", "t: create.table -> a", "t insert(5)",
      ])
  }

  @Test(arguments: SourceServer.available) func rowsWithoutEvents(on kind: ServerKind) throws {
    let partitioned =
      "CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id) "
      + "(PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN (20))"
    #expect(
      try run(
        kind, tables: [partitioned, "CREATE TABLE o (id INT PRIMARY KEY)"], captured: "t,o",
        "ALTER TABLE t ADD PARTITION (PARTITION r VALUES LESS THAN (30))", "ALTER TABLE t TRUNCATE PARTITION p, q",
        "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE o", "ALTER TABLE t DROP PARTITION q",
        "ALTER TABLE t ADD n INT AS (id + 1) STORED", "ALTER TABLE t ADD at DATETIME DEFAULT CURRENT_TIMESTAMP",
        "ALTER TABLE t MODIFY at DATE", "INSERT INTO t (id, at) VALUES (5, '2020-01-02')") == [
          "t: replace.table -> id*", "o: replace.table -> id*", "t: replace.table -> id*", "t: replace.table -> id*",
          "t: replace.table -> id*,n", "t: replace.table -> id*,n,at", "t: replace.table -> id*,n,at",
          "t insert(5, 6, 18263)",
        ])
  }

  @Test func replacedByCreateOrReplace() throws {
    #expect(
      try run(.mariaDB, "CREATE OR REPLACE TABLE t (a INT PRIMARY KEY)", "INSERT INTO t VALUES (3)") == [
        "t: replace.table -> a*", "t insert(3)",
      ])
  }

  /// A statement between the chunks' watermarks: no change fits the chunks on both sides of it.
  @Test(arguments: SourceServer.available) func changesBetweenChunks(on kind: ServerKind) throws {
    let fixture = try SourceFixture("between", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let start = try connector.endOffset()
    try fixture.execute("ALTER TABLE t ADD w INT")
    let end = try connector.endOffset()
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let read = TailTable(schema: schema, ignoredThrough: nil, chunks: Self.chunks(start, end))
    let (changes, _) = try Self.changes(of: read, connector, from: start, to: end)
    #expect(changes.map(\.tag) == ["replace.table"])
  }

  /// A statement about keys alone, in front of all chunks or between them: no row is read anew for it, and later
  /// statements are judged by it.
  @Test(arguments: SourceServer.available) func keysBetweenChunks(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "keys_between", on: kind, "CREATE TABLE t (id INT NOT NULL, v INT NOT NULL, UNIQUE u (id), KEY k (v))")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    var places = [try connector.endOffset()]
    for statement in [
      "ALTER TABLE t ADD UNIQUE w (v), RENAME INDEX k TO j", "DROP INDEX w ON t", "CREATE UNIQUE INDEX v ON t (v)",
    ] {
      try fixture.execute(statement)
      places.append(try connector.endOffset())
    }
    for watermarks in [(0, 0), (1, 1), (1, 2), (2, 2), (0, 3), (3, 3)] {
      let chunks = Self.chunks(places[watermarks.0], places[watermarks.1])
      let (changes, last) = try Self.changes(
        of: TailTable(schema: schema, ignoredThrough: nil, chunks: chunks), connector, from: places[0], to: places[3])
      #expect(changes.isEmpty)
      #expect(TableDefinition(last.nativeDefinition).keys?.keys.map(\.name) == ["j", "u", "v"])
    }
    let registered = TailTable(schema: schema, ignoredThrough: places[1], chunks: [])
    let (_, last) = try Self.changes(of: registered, connector, from: places[0], to: places[3])
    #expect(TableDefinition(last.nativeDefinition).keys?.keys.map(\.name) == ["k", "u", "v"])
  }

  /// Columns have come and gone before all chunks were read: what was done to keys meanwhile cannot be told.
  @Test(arguments: SourceServer.available) func keysOfLostColumns(on kind: ServerKind) throws {
    let fixture = try SourceFixture("keys_lost", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let start = try connector.endOffset()
    try fixture.execute("ALTER TABLE t ADD x INT, ADD UNIQUE w (v); ALTER TABLE t DROP x, DROP INDEX w")
    let end = try connector.endOffset()
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let read = TailTable(schema: schema, ignoredThrough: nil, chunks: Self.chunks(end, end))
    let (changes, last) = try Self.changes(of: read, connector, from: start, to: end)
    #expect(changes.isEmpty)
    #expect(last.nativeDefinition.isEmpty)
    #expect(last.isEqualButDefinition(table.schema))
  }

  private static func chunks(_ first: Offset, _ second: Offset) -> [FinishedChunk] {
    let bound = [KeyPart.integer(100)]
    return [
      FinishedChunk(range: ChunkRange(columns: ["id"], lower: nil, upper: bound), watermark: first),
      FinishedChunk(range: ChunkRange(columns: ["id"], lower: bound, upper: nil), watermark: second),
    ]
  }

  /// What a reader of one table is told between two places, and the schema that it ends with.
  private static func changes(
    of table: TailTable, _ connector: any SourceConnector, from start: Offset, to end: Offset
  ) throws -> ([SchemaChange], TableSchema) {
    let tail = try connector.tail(TailRequest(start: start, tables: [table]))
    defer { tail.close() }
    var told: [SchemaChange] = []
    var last = table.schema.schema
    func note(_ table: TableID, _ changes: [SchemaChange], _ schema: TableSchema) {
      told += changes
      last = schema
    }
    try tail.readThrough(end, connector: connector, onChange: note) { _ in }
    #expect(tail.isPastWatermarks)
    return (told, last)
  }

  @Test(arguments: SourceServer.available) func statementsThatArePassedOver(on kind: ServerKind) throws {
    let fixture = try SourceFixture("skipped", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)")
    let follower = try SchemaFollower(try fixture.connector(), fixture, "t")
    try fixture.execute("ALTER TABLE t ADD g INT")
    // Other tests write to the same log, and may begin another file: the statement's own place is looked up.
    let files = try [follower.offset, follower.connector.endOffset()].compactMap { try MySQLOffset($0).position?.file }
    let events = try files.flatMap { try fixture.query("SHOW BINLOG EVENTS IN '\($0)'") }
    let event = try #require(
      events.last { event in
        let statement = event.last.flatMap { $0 } ?? ""
        return statement.contains("ADD g") && statement.contains(fixture.database)
      })
    let place = "\(event[0] ?? ""):\(event[4] ?? "")"
    let skipping = try SchemaFollower(try fixture.connector(["ddl.skip": "binlog.000001:4, \(place)"]), fixture)
    skipping.start(at: follower.offset, follower.schemas)
    #expect(try skipping.follow().isEmpty)
    #expect(try follower.follow() == ["t: add.column -> id*,g"])
    #expect(throws: ConnectorError.self) { try fixture.connector(["ddl.skip": "here"]) }
  }
}

extension SchemaFollower {
  func capture(_ table: TableID) throws {
    let found = try connector.discover(table)
    start(at: offset, schemas.merging([table: RowSchema(table: table, version: 1, schema: found.schema)]) { $1 })
  }
}
