import Connector
import Glibc
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Random statements, run on a real server: what the parser makes of them must be what the catalog shows afterwards.
@Suite struct DDLDifferentialTests {
  /// What was run, and whether the server took it.
  private struct Counts {
    var accepted = 0
    var refused = 0
    var unsupported = 0
  }

  /// One table's life.
  private final class Run {
    let fixture: SourceFixture
    let connection: SourceConnection
    let planner: any SourcePlanner
    let applier: DDLApplier
    var generator: DDLStatementGenerator
    var counts = Counts()
    var table: TableSchema?
    var hasRows = false

    init(_ kind: ServerKind, seed: UInt64) throws {
      fixture = try SourceFixture("generated", on: kind)
      connection = try fixture.connection()
      planner = try fixture.connector(["include-comments.enabled": "true"]).openPlanner()
      generator = DDLStatementGenerator(seed: seed, isMariaDB: kind == .mariaDB)
      let version = try connection.query("SELECT VERSION()").first?.first ?? nil
      var dialect = DDLDialect(serverVersion: version ?? "", sqlMode: 0x20_0000)
      dialect.hasNullableTimestamps =
        try connection.query("SELECT @@explicit_defaults_for_timestamp").first?.first == "1"
      let collation = try connection.query("SELECT @@collation_database").first?.first ?? nil
      applier = DDLApplier(
        dialect: dialect, treatTinyint1AsBoolean: true, defaultCollation: collation, databaseCollation: collation,
        includesComments: true)
    }

    private func parse(_ sql: String) throws -> DDLStatement? {
      try DDLParser.parse(sql, defaultSchema: fixture.database, dialect: applier.dialect).first
    }

    private func accepts(_ sql: String) -> Bool {
      do {
        try connection.query(sql)
        counts.accepted += 1
        return true
      } catch {
        counts.refused += 1
        return false
      }
    }

    func create() throws {
      try connection.query("DROP TABLE IF EXISTS t")
      var sql = generator.createTable()
      while !accepts(sql) { sql = generator.createTable() }
      guard case .createTable(let create) = try parse(sql) else {
        Issue.record("not taken for CREATE TABLE: \(sql)")
        return
      }
      table = try applier.table(creating: create)
      try compare(sql)
      hasRows = generator.chance(50)
      if hasRows { _ = try? connection.query("INSERT IGNORE INTO t () VALUES ()") }
    }

    func alter() throws {
      guard let before = table else { return }
      let names =
        TableDefinition(before.nativeDefinition).keys?.keys.filter { $0.name != TableKeys.primaryName }.map(\.name)
        ?? []
      let sql = generator.change(columns: before.columns.map(\.name), indexes: names)
      guard accepts(sql) else { return }
      guard let statement = try parse(sql) else { return }
      do {
        let effect = try applier.schemaChanges(for: statement, on: fixture.table("t"), current: before)
        table = effect.schema
        // What is read anew because it is not certain need not be right.
        if effect.rereading?.hasPrefix("CONVERT") == true {
          table = try #require(try planner.describe(fixture.table("t"))).schema
        }
        try compare(sql)
        try replay(effect, before, sql)
        if effect.rereading == nil { try compareRows(effect, sql) }
      } catch {
        Issue.record("\(sql): \(error)")
        table = nil
      }
    }

    /// The changes, one after the other, must lead to the same table, whatever the order of columns.
    private func replay(_ effect: DDLEffect, _ before: TableSchema, _ sql: String) throws {
      guard effect.rereading == nil else { return }
      var schema = before
      for change in effect.changes { schema = try schema.applying(change) }
      #expect(Set(schema.columns.map(\.name)) == Set(effect.schema.columns.map(\.name)), "\(sql)")
      #expect(schema.primaryKey == effect.schema.primaryKey, "\(sql)")
      for column in effect.schema.columns {
        guard let index = schema.index(of: column.name) else { continue }
        #expect(schema.columns[index].type == column.type, "\(sql)")
      }
    }

    /// The row that was there holds the default of each added column.
    private func compareRows(_ effect: DDLEffect, _ sql: String) throws {
      for case .addColumns(let added) in effect.changes where hasRows {
        for item in added
        where !item.column.nativeType.hasPrefix("bit") && item.column.defaultValue?.hasPrefix("1970-") != true {
          let name = DDLStatementGenerator.quoted(item.column.name)
          let rows = try connection.query("SELECT \(name) FROM t")
          for row in rows {
            let isNumber = item.column.nativeType.contains("zerofill") || item.column.nativeType.hasPrefix("year")
            let isTruth = item.column.type.kind == .boolean
            let form = { (text: String?) -> String? in
              guard isNumber || isTruth, let text, let number = Int(text) else { return text }
              return isTruth && number != 0 ? "1" : "\(number)"
            }
            #expect(form(row[0]) == form(item.column.defaultValue), "rows of \(item.column.name) after \(sql)")
          }
        }
      }
    }

    private func compare(_ sql: String) throws {
      guard var expected = table else { return }
      let found = try #require(try planner.describe(fixture.table("t"))).schema
      for index in expected.columns.indices where index < found.columns.count {
        if Column.isSameDefault(expected.columns[index], found.columns[index], sql) {
          expected.columns[index].defaultValue = found.columns[index].defaultValue
        }
      }
      table = expected
      guard expected != found else { return }
      let pairs = zip(expected.columns, found.columns).filter { $0 != $1 }
      let shown = try connection.query("SHOW CREATE TABLE t").first?.last ?? nil
      Issue.record(
        """
        \(sql)
        parsed:  \(pairs.map { "\($0.0)" }) key \(expected.primaryKey) \(expected.columns.count) \(expected.comment ?? "-")
        catalog: \(pairs.map { "\($0.1)" }) key \(found.primaryKey) \(found.columns.count) \(found.comment ?? "-")
        parsed \(expected.nativeDefinition), catalog \(found.nativeDefinition)
        \(shown ?? "")
        """)
      table = found
    }
  }

  /// `TIDEGATE_TEST_DDL_SEED` in the environment runs other statements, many more of them.
  @Test(arguments: SourceServer.available) func generatedStatements(on kind: ServerKind) throws {
    let given = getenv("TIDEGATE_TEST_DDL_SEED").flatMap { UInt64(String(cString: $0)) }
    let run = try Run(kind, seed: given ?? 20)
    defer { run.planner.close() }
    for _ in 0..<(given != nil ? 300 : kind == .mariaDB ? 80 : 25) {
      try run.create()
      for _ in 0..<6 { try run.alter() }
    }
    // Most of what is generated must be worth comparing.
    #expect(run.counts.accepted > run.counts.refused, "\(run.counts)")
  }
}
