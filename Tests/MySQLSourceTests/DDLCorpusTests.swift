import Connector
import Glibc
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Statements of others, run on a real server: what the parser makes of what the server logs must be what the catalog
/// shows afterwards. `TIDEGATE_TEST_DDL_CORPUS` names a file of them, separated by lines that hold `;;` alone.
@Suite struct DDLCorpusTests {
  static let corpus = getenv("TIDEGATE_TEST_DDL_CORPUS").map { String(cString: $0) }

  @Test(.enabled(if: corpus != nil, "TIDEGATE_TEST_DDL_CORPUS names no file"), arguments: SourceServer.available)
  func givenStatements(on kind: ServerKind) throws {
    let bytes = try #require(Self.read(Self.corpus ?? ""))
    let run = try DDLCorpusRun(kind)
    defer { run.close() }
    for statement in String(decoding: bytes, as: UTF8.self).split(separator: "\n;;\n") {
      try run.take(String(statement))
    }
    #expect(run.problems.isEmpty, "\(kind): \(run.counts)\n\(run.problems.joined(separator: "\n\n"))")
    #expect(run.counts.accepted > 0)
  }

  /// Odd statements of all sorts.
  @Test(arguments: SourceServer.available) func ownStatements(on kind: ServerKind) throws {
    let run = try DDLCorpusRun(kind)
    defer { run.close() }
    for statement in DDLCorpus.statements { try run.take(statement) }
    #expect(run.problems.isEmpty, "\(kind): \(run.counts)\n\(run.problems.joined(separator: "\n\n"))")
    #expect(run.counts.accepted > run.counts.refused)
  }

  private static func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }
}

/// Runs statements on a server and follows them as they are logged.
final class DDLCorpusRun {
  /// What became of the statements.
  struct Counts {
    var accepted = 0
    var refused = 0
    /// Tables whose columns only the server knows, or that are not carried.
    var unknown = 0
    var compared = 0
  }

  private let server: SourceServer
  private let connection: SourceConnection
  private let client: MySQLClient
  private let facts: ServerFacts
  private let planner: MySQLPlanner
  private var dialect: DDLDialect
  private var place: BinlogPosition
  private var model: [TableID: TableSchema] = [:]
  private(set) var counts = Counts()
  private(set) var problems: [String] = []

  init(_ kind: ServerKind) throws {
    server = try SourceServer(kind, .argument("--sync-binlog=0"))
    try server.execute("CREATE DATABASE corpus")
    connection = try SourceConnection(server, database: "corpus")
    let values = [
      "hostname": "127.0.0.1", "port": "\(server.port)", "username": SourceServer.account,
      "password": SourceServer.account, "tables": "\\.*.\\.*", "include-comments.enabled": "true",
    ]
    let made = try MySQLSourceFactory.make(
      Options(values, specs: MySQLSourceFactory.options), context: ConnectorContext(pipeline: "test", parallelism: 1))
    planner = try #require(try made.openPlanner() as? MySQLPlanner)
    client = planner.client
    facts = planner.facts
    place = try client.logEnd(facts)
    dialect = DDLDialect(serverVersion: client.serverVersion, sqlMode: 0)
    dialect.hasNullableTimestamps = try CatalogFacts(client: client).hasNullableTimestamps()
  }

  func close() {
    planner.close()
    connection.close()
    server.stop()
  }

  /// Runs one and compares.
  func take(_ sql: String) throws {
    do {
      try connection.query(sql)
      counts.accepted += 1
    } catch {
      counts.refused += 1
    }
    var touched: Set<TableID> = []
    for event in try logged() {
      var dialect = dialect
      dialect.sqlMode = event.sqlMode
      do {
        for statement in try DDLParser.parse(event.sql, defaultSchema: event.schema, dialect: dialect) {
          try follow(statement, dialect, event.sql, &touched)
        }
      } catch {
        problems.append("\(event.sql)\n  \(error)")
        touched.formUnion(model.keys)
      }
    }
    for table in touched { try compare(table, sql) }
  }

  private func logged() throws -> [(sql: String, schema: String, sqlMode: UInt64)] {
    let start = MySQLOffset(position: place, server: facts.identity)
    let walk = try LogWalk(planner.settings, interrupter: Interrupter(), from: start)
    defer { walk.close() }
    var found: [(sql: String, schema: String, sqlMode: UInt64)] = []
    while let event = try walk.next() {
      if case .query(let query) = event, query.kind == .ddl {
        found.append((query.sql, query.schema, query.sqlMode ?? 0))
      }
    }
    place = BinlogPosition(file: walk.cursor.file, position: walk.cursor.position)
    return found
  }

  // MARK: What a statement does

  private func follow(
    _ statement: DDLStatement, _ dialect: DDLDialect, _ sql: String, _ touched: inout Set<TableID>
  ) throws {
    switch statement {
    case .createTable(let create):
      if create.ifNotExists, model[create.table] != nil { return }
      touched.insert(create.table)
      model[create.table] = try made(create, dialect, sql)
    case .alterTable(let alter):
      let before = model[alter.table] ?? catalogued(alter.table)
      if let before { try follow(statement, alter, before, dialect, sql) }
      touched.insert(alter.newName ?? alter.table)
    case .dropTables(let tables): for table in tables { model[table] = nil }
    case .dropDatabase(let name): model = model.filter { $0.key.schema != name }
    case .renameTables(let pairs):
      for pair in pairs {
        model[pair.to] = model[pair.from]
        model[pair.from] = nil
        touched.insert(pair.to)
      }
    case .truncateTable, .defineDatabase, .other: break
    }
  }

  private func made(_ create: CreateTable, _ dialect: DDLDialect, _ sql: String) throws -> TableSchema? {
    if let like = create.like {
      var copy = model[like]
      copy?.comment = nil
      return copy ?? catalogued(create.table)
    }
    if create.hasSelect {
      counts.unknown += 1
      return catalogued(create.table)
    }
    do {
      return try applier(dialect, create.table).table(creating: create)
    } catch {
      noteUnsupported(error, create.table, sql)
      return catalogued(create.table)
    }
  }

  private func follow(
    _ statement: DDLStatement, _ alter: AlterTable, _ before: TableSchema, _ dialect: DDLDialect, _ sql: String
  ) throws {
    let name = alter.newName ?? alter.table
    model[alter.table] = nil
    do {
      let effect = try applier(dialect, alter.table).schemaChanges(for: statement, on: alter.table, current: before)
      model[name] = effect.schema
      if effect.rereading?.hasPrefix("CONVERT") == true { model[name] = catalogued(name) }
    } catch {
      noteUnsupported(error, name, sql)
      model[name] = catalogued(name)
    }
  }

  /// What the catalog does not carry either need not be followed.
  private func noteUnsupported(_ error: any Error, _ table: TableID, _ sql: String) {
    let found = try? planner.describe(table)
    if found == nil {
      counts.unknown += 1
    } else {
      problems.append("\(sql)\n  \(error)")
    }
  }

  private func applier(_ dialect: DDLDialect, _ table: TableID) throws -> DDLApplier {
    let database = try CatalogFacts(client: client).databaseCollations()[(table.schema ?? "").lowercased()]
    return DDLApplier(
      dialect: dialect, treatTinyint1AsBoolean: true, defaultCollation: database, databaseCollation: database,
      includesComments: true)
  }

  private func catalogued(_ table: TableID) -> TableSchema? {
    // A type that is not carried is as good as no table here.
    try? planner.describe(table)?.schema
  }

  private func compare(_ table: TableID, _ sql: String) throws {
    guard var expected = model[table] else { return }
    let described: DiscoveredTable?
    do {
      described = try planner.describe(table)
    } catch {
      counts.unknown += 1
      model[table] = nil
      return
    }
    guard let found = described?.schema else {
      problems.append("\(sql)\n  the catalog has no \(table)")
      model[table] = nil
      return
    }
    counts.compared += 1
    for index in expected.columns.indices where index < found.columns.count {
      if Column.isSameDefault(expected.columns[index], found.columns[index], sql) {
        expected.columns[index].defaultValue = found.columns[index].defaultValue
      }
    }
    let (parsed, keys) = (TableDefinition(expected.nativeDefinition), TableDefinition(found.nativeDefinition))
    if !expected.isEqualButDefinition(found) {
      let pairs = zip(expected.columns, found.columns).filter { $0 != $1 }
      problems.append(
        """
        \(sql)
          parsed:  \(pairs.map { "\($0.0)" }) key \(expected.primaryKey) \(expected.columns.count) \(expected.comment ?? "-")
          catalog: \(pairs.map { "\($0.1)" }) key \(found.primaryKey) \(found.columns.count) \(found.comment ?? "-")
        """)
    } else if parsed.collation != keys.collation || Self.unique(parsed.keys) != Self.unique(keys.keys) {
      problems.append("\(sql)\n  parsed:  \(parsed.text)\n  catalog: \(keys.text)")
    } else {
      return
    }
    model[table] = catalogued(table)
  }

  /// Other keys come and go with foreign keys, which is not followed.
  private static func unique(_ keys: TableKeys?) -> [String]? {
    keys?.keys.filter(\.isUnique).map { "\($0.name.lowercased()) \($0.columns.map { $0.lowercased() }) \($0.isWhole)" }
      .sorted()
  }
}

extension Column {
  /// The catalog does not show the implicit default of a column that was added as NOT NULL, nor bits as a value, and
  /// shows the zeros of ZEROFILL.
  static func isSameDefault(_ expected: Column, _ found: Column, _ sql: String) -> Bool {
    if expected.nativeType.hasPrefix("bit") { return true }
    // MySQL shows the default of bytes in hexadecimal.
    if expected.nativeType.contains("binary"), found.defaultValue?.hasPrefix("0x") == true { return true }
    if expected.nativeType.hasPrefix("binary") { return true }
    // Rounded: what is not known for certain is not carried.
    if expected.defaultValue == nil, expected.nativeType.contains("time") { return true }
    guard let value = expected.defaultValue else { return found.defaultValue == nil }
    // Servers take a default of an AUTO_INCREMENT column, and forget it.
    if found.defaultValue == nil, sql.contains("SET DEFAULT") { return true }
    if found.defaultValue == nil {
      return !expected.type.isNullable
        && (value.isEmpty || value == "a" || value.hasPrefix("1970-01-01") || value.allSatisfy { "0:.".contains($0) })
    }
    if expected.nativeType.contains("zerofill") { return Int(value) == found.defaultValue.flatMap { Int($0) } }
    return value == found.defaultValue
  }
}
