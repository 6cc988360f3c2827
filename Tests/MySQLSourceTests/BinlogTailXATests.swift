import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// XA transactions through the tail: rows come where they are committed, once.
@Suite struct BinlogTailXATests {
  /// A server, its log as it is usually and packed.
  struct Lane: Sendable, CustomTestStringConvertible {
    var kind: ServerKind
    var isCompressed: Bool
    var testDescription: String { "\(kind)\(isCompressed ? ", compressed" : "")" }

    static var all: [Lane] {
      SourceServer.available.flatMap { [Lane(kind: $0, isCompressed: false), Lane(kind: $0, isCompressed: true)] }
    }

    /// A server of the test's own.
    func server() throws -> SourceServer { try SourceServer(kind, settings: isCompressed ? [.compressedLog] : []) }
  }

  struct Setup {
    var fixture: SourceFixture
    var connector: any SourceConnector
    var schema: RowSchema
    var start: Offset

    init(_ server: SourceServer) throws {
      fixture = try SourceFixture(
        "xa", server: server, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000))",
        "CREATE TABLE other (id INT PRIMARY KEY)")
      connector = try fixture.connector(["tables": "\(fixture.database).t"])
      let table = try connector.discover(fixture.table("t"))
      schema = RowSchema(table: table.id, version: 1, schema: table.schema)
      start = try connector.endOffset()
    }

    func rows(from offset: Offset, share: Int = 0, of shares: Int = 1) throws -> [String] {
      let tail = try connector.tail(schema, from: offset, share: share, of: shares)
      defer { tail.close() }
      return try tail.rows(through: try connector.endOffset(), connector: connector).map(Self.name)
    }

    static func name(_ row: TestRow) -> String { "\(row.operation) \(row.key.first.flatMap { $0 } ?? "")" }
  }

  /// XA START … XA PREPARE.
  private static func prepare(_ connection: SourceConnection, _ name: String, _ statements: String) throws {
    try connection.query("XA START \(name); \(statements); XA END \(name); XA PREPARE \(name)")
  }

  @Test(arguments: Lane.all)
  func rowsComeWithTheCommit(_ lane: Lane) throws {
    let server = try lane.server()
    defer { server.stop() }
    let setup = try Setup(server)
    let connection = try setup.fixture.connection()
    try connection.query("INSERT INTO t VALUES (1, 'before')")
    try Self.prepare(
      connection, "'a','b',7",
      "INSERT INTO t VALUES (2, 'x'); UPDATE t SET v = 'x' WHERE id = 1; INSERT INTO other VALUES (1)")
    // Nothing of it holds yet; another transaction is committed first.
    try setup.fixture.execute("INSERT INTO t VALUES (3, 'between')")
    #expect(try setup.rows(from: setup.start) == ["insert 1", "insert 3"])
    let between = try setup.connector.endOffset()
    try server.execute("FLUSH BINARY LOGS")
    try connection.query("XA COMMIT 'a','b',7")
    try connection.query("INSERT INTO t VALUES (4, 'after')")
    let all = ["insert 1", "insert 3", "insert 2", "updateBefore 1", "updateAfter 1", "insert 4"]
    #expect(try setup.rows(from: setup.start) == all)
    // The place is in front of the commit and behind the prepare: the log is searched for it.
    #expect(try setup.rows(from: between) == Array(all[2...]))
    // Rolled back, empty for the captured table, and in one phase.
    try Self.prepare(connection, "'c'", "INSERT INTO t VALUES (5, 'x')")
    try connection.query("XA ROLLBACK 'c'")
    try Self.prepare(connection, "'d'", "INSERT INTO other VALUES (2)")
    try connection.query("XA COMMIT 'd'")
    try connection.query(
      "XA START 'e'; INSERT INTO t VALUES (6, 'x'); INSERT INTO t VALUES (7, 'x'); XA END 'e'; XA COMMIT 'e' ONE PHASE")
    #expect(try setup.rows(from: setup.start) == all + ["insert 6", "insert 7"])
    let shares = try (0..<2).flatMap { try setup.rows(from: setup.start, share: $0, of: 2) }
    #expect(shares.sorted() == (all + ["insert 6", "insert 7"]).sorted())
  }

  /// The same name again and again, while another transaction is prepared for long.
  @Test(arguments: Lane.all.filter { !$0.isCompressed })
  func aNameUsedAgain(_ lane: Lane) throws {
    let server = try lane.server()
    defer { server.stop() }
    let setup = try Setup(server)
    let long = try setup.fixture.connection()
    try Self.prepare(long, "'long'", "INSERT INTO t VALUES (1000, 'x')")
    let connection = try setup.fixture.connection()
    var places: [(Offset, Int)] = []
    for round in 0..<4 {
      try Self.prepare(connection, "'again'", "INSERT INTO t VALUES (\(round), 'x')")
      places.append((try setup.connector.endOffset(), round))
      if round == 1 { try server.execute("FLUSH BINARY LOGS") }
      try connection.query("XA COMMIT 'again'")
    }
    try long.query("XA COMMIT 'long'")
    let expected = (0..<4).map { "insert \($0)" } + ["insert 1000"]
    for (place, round) in places { #expect(try setup.rows(from: place) == Array(expected[round...])) }
  }

  @Test(arguments: SourceServer.available)
  func aLostPrepareIsSaid(_ kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    let setup = try Setup(server)
    let connection = try setup.fixture.connection()
    try Self.prepare(connection, "'a'", "INSERT INTO t VALUES (1, 'x')")
    try server.execute("FLUSH BINARY LOGS")
    let purged = try eventually(within: 30) {
      let files = try server.query("SHOW BINARY LOGS").compactMap { $0[0] }
      try server.execute("PURGE BINARY LOGS TO '\(files.last ?? "")'")
      return try server.query("SHOW BINARY LOGS").count == 1
    }
    try #require(purged)
    let start = try setup.connector.endOffset()
    try connection.query("XA COMMIT 'a'")
    let error = #expect(throws: ConnectorError.self) { try setup.rows(from: start) }
    #expect(error?.kind == .offsetLost)
    #expect(error?.message.contains("X'61'") == true)
    #expect(error?.remedy?.contains("snapshot") == true)
  }

  /// Every dump is killed again and again, in the middle of transactions that are larger than a batch; and every place
  /// that could be committed is one to go on from.
  @Test(arguments: Lane.all)
  func killedInTheMiddle(_ lane: Lane) throws {
    let server = try lane.server()
    defer { server.stop() }
    let setup = try Setup(server)
    let connection = try setup.fixture.connection()
    let insert = "INSERT INTO t SELECT seq + %, REPEAT('x', 1500) FROM seq_1_to_50"
    for round in 0..<8 {
      let first = "\(round * 1000)"
      let statements = (0..<6).map { part in
        insert.split(separator: "%").joined(separator: "\(first) + \(part * 100)")
      }.joined(separator: "; ")
      if round % 2 == 0 {
        try Self.prepare(connection, "'r\(round)'", statements)
        if round == 4 { try server.execute("FLUSH BINARY LOGS") }
        try connection.query("XA COMMIT 'r\(round)'")
      } else {
        try connection.query("BEGIN; \(statements); COMMIT")
      }
    }
    let end = try setup.connector.endOffset()
    let expected = try setup.rows(from: setup.start)
    #expect(expected.count == 8 * 300)
    #expect(Set(expected).count == expected.count)
    var rows: [String] = []
    var places: [(Offset, Int)] = []
    var killed = 0
    var steps = 0
    let tail = try setup.connector.tail(setup.schema, from: setup.start)
    defer { tail.close() }
    try tail.readThrough(
      end, connector: setup.connector, byteLimit: 30_000,
      onStep: { offset in
        if let offset { places.append((offset, rows.count)) }
        steps += 1
        guard steps % 2 == 0 else { return }
        let dumps = try connection.query(
          "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
        for id in dumps.compactMap({ $0[0] }) where (try? connection.query("KILL \(id)")) != nil { killed += 1 }
      }, onRow: { rows.append(Setup.name($0)) })
    #expect(rows == expected)
    #expect(killed >= 1)
    for (place, count) in places where count < rows.count {
      #expect(try setup.rows(from: place) == Array(expected[count...]), "from \(place)")
    }
  }
}
