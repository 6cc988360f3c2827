import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Starts in the past, with tables that have changed since.
@Suite struct StartupSchemaTests {
  private static func discover(
    _ fixture: SourceFixture, _ start: Offset
  ) throws -> [TableID: DiscoveredTable] {
    let planner = try fixture.connector().openPlanner()
    defer { planner.close() }
    return Dictionary(uniqueKeysWithValues: try planner.discoverTables(at: start).map { ($0.id, $0) })
  }

  private static func columns(_ schema: TableSchema) -> String { schema.columns.map(\.name).joined(separator: " ") }

  @Test("columns added and renamed since are as they were", arguments: SourceServer.available)
  func undone(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "past", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, a INT)", "INSERT INTO t VALUES (1, 10)")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    for statement in [
      "INSERT INTO t VALUES (2, 20)", "ALTER TABLE t ADD COLUMN b INT FIRST, ADD INDEX i (a), ADD UNIQUE INDEX u (a)",
      "DROP INDEX u ON t",
      "INSERT INTO t VALUES (7, 3, 30)", "ALTER TABLE t RENAME COLUMN a TO c", "ALTER TABLE t RENAME COLUMN id TO k",
      "ALTER TABLE t ADD COLUMN d VARCHAR(10) DEFAULT 'x' AFTER b", "INSERT INTO t VALUES (8, 'y', 4, 40)",
      "CREATE TABLE later (id INT PRIMARY KEY, v INT)", "INSERT INTO later VALUES (1, 1)",
      "ALTER TABLE later ADD COLUMN w INT",
    ] { try fixture.execute(statement) }
    let tables = try Self.discover(fixture, start)
    let table = try #require(tables[fixture.table("t")])
    #expect(Self.columns(table.schema) == "id a" && table.schema.primaryKey == ["id"])
    #expect(tables[fixture.table("later")].map { Self.columns($0.schema) } == "id v")
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
    defer { tail.close() }
    var rows: [[String?]] = []
    var last = ""
    try tail.readThrough(
      try connector.endOffset(), connector: connector, onChange: { _, _, schema in last = Self.columns(schema) },
      onRow: { rows.append($0.values) })
    #expect(rows == [["2", "20"], ["7", "3", "30"], ["8", "y", "4", "40"]])
    #expect(last == "b d k c")
    // A table that came later meets the statement that made it.
    let later = try #require(tables[fixture.table("later")])
    let other = try connector.tail(RowSchema(table: later.id, version: 1, schema: later.schema), from: start)
    defer { other.close() }
    #expect(try other.rows(through: try connector.endOffset(), connector: connector).map(\.values) == [["1", "1"]])
  }

  @Test("a shape that the log does not tell is named", arguments: SourceServer.available)
  func unknown(on kind: ServerKind) throws {
    for (change, word) in [
      ("ALTER TABLE t DROP COLUMN a", "DROP COLUMN"), ("ALTER TABLE t MODIFY a BIGINT", "MODIFY"),
      ("DROP TABLE t; CREATE TABLE t (id BIGINT PRIMARY KEY)", "DROP TABLE"),
    ] {
      let fixture = try SourceFixture("unknown", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, a INT)")
      let connector = try fixture.connector()
      let start = try connector.endOffset()
      try fixture.execute("INSERT INTO t VALUES (1, 10)")
      for statement in change.split(separator: ";") { try fixture.execute(String(statement)) }
      let error = #expect(throws: ConnectorError.self) { _ = try Self.discover(fixture, start) }
      #expect(error?.kind == .unsupported && error?.table == fixture.table("t"), "\(change)")
      #expect(error?.message.contains(word) == true && error?.remedy != nil)
      // The remedy works.
      let behind = try #require(error?.offset)
      #expect(try Self.discover(fixture, behind).count == 1)
    }
  }

  @Test("without rows before it, a change of type needs no former type", arguments: SourceServer.available)
  func untouched(on kind: ServerKind) throws {
    let fixture = try SourceFixture("quiet", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, a INT)")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    try fixture.execute("ALTER TABLE t MODIFY a BIGINT")
    try fixture.execute("ALTER TABLE t CHANGE a z BIGINT")
    try fixture.execute("INSERT INTO t VALUES (1, 10)")
    let table = try #require(try Self.discover(fixture, start)[fixture.table("t")])
    #expect(Self.columns(table.schema) == "id a")
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
    defer { tail.close() }
    #expect(try tail.rows(through: try connector.endOffset(), connector: connector).map(\.values) == [["1", "10"]])
  }
}
