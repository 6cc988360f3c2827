import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Starts in the past of tables whose former columns only the log knows: full metadata, and statements that make tables.
@Suite struct StartupLoggedSchemaTests {
  private static let full = ServerSetting.fullMetadata

  private static func discover(_ fixture: SourceFixture, _ start: Offset) throws -> DiscoveredTable {
    let planner = try fixture.connector().openPlanner()
    defer { planner.close() }
    return try #require(try planner.discoverTables(at: start).first { $0.id == fixture.table("t") })
  }

  /// All rows from the place on, with the columns' names after the last change.
  private static func rows(
    _ fixture: SourceFixture, _ table: DiscoveredTable, _ start: Offset
  ) throws -> (rows: [[String?]], columns: String) {
    let connector = try fixture.connector()
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
    defer { tail.close() }
    var rows: [[String?]] = []
    var last = ""
    try tail.readThrough(
      try connector.endOffset(), connector: connector,
      onChange: { _, _, schema in last = schema.columns.map(\.name).joined(separator: " ") },
      onRow: { rows.append($0.values) })
    return (rows, last)
  }

  @Test("columns that were dropped and retyped since", arguments: SourceServer.available)
  func changed(on kind: ServerKind) throws {
    let server = try SourceServer(kind, Self.full)
    defer { server.stop() }
    let fixture = try SourceFixture(
      "logged", server: server,
      """
      CREATE TABLE t (id INT PRIMARY KEY, kept TINYINT(1) NOT NULL, gone DECIMAL(9,3), wide SMALLINT UNSIGNED NOT NULL,
        text_ VARCHAR(20) CHARACTER SET latin1, kind ENUM('it''s','ü') CHARACTER SET utf8mb4, at_ DATETIME(3), bytes_ VARBINARY(9),
        large TEXT, flags BIT(12), small TINYINT(1), span TIME(2))
      """)
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    let row = "1, 2.500, 65535, 'Gerät', 'ü', '2024-02-29 01:02:03.004', x'00ff', 'long', b'101', 1, '-01:02:03.04'"
    for statement in [
      "INSERT INTO t VALUES (1, \(row))", "ALTER TABLE t DROP COLUMN gone, MODIFY wide BIGINT NOT NULL",
      "INSERT INTO t (id, kept, wide) VALUES (2, 0, 70000)",
      "ALTER TABLE t DROP text_, DROP kind, DROP at_, DROP bytes_, DROP large, DROP flags, DROP small, DROP span",
      "ALTER TABLE t ADD COLUMN last INT", "INSERT INTO t VALUES (3, 1, 5, 6)",
    ] { try fixture.execute(statement) }
    let table = try Self.discover(fixture, start)
    #expect(
      table.schema.columns.map(\.name) == [
        "id", "kept", "gone", "wide", "text_", "kind", "at_", "bytes_", "large", "flags", "small", "span",
      ])
    #expect(table.schema.primaryKey == ["id"])
    let kinds = table.schema.columns.map { "\($0.type)" }
    #expect(
      kinds == [
        "INT NOT NULL", "BOOLEAN NOT NULL", "DECIMAL(9,3)", "INT NOT NULL", "VARCHAR(20)", "STRING", "TIMESTAMP(3)",
        "VARBINARY(9)", "STRING", "BINARY(2)", "TINYINT", "TIME(2)",
      ])
    let (rows, last) = try Self.rows(fixture, table, start)
    #expect(last == "id kept wide last")
    #expect(rows.count == 3)
    // Decimals are shown as the bytes of their text.
    #expect(rows[0][0...5] == ["1", "1", "32 2e 35 30 30", "65535", "Gerät", "ü"])
    #expect(rows[0][8] == "long" && rows[0][10] == "1" && rows[0][11] == "-3723040000")
    #expect(rows[1].prefix(3) == ["2", "0", "70000"] && rows[2] == ["3", "1", "5", "6"])
  }

  @Test("a table that was made anew since, with other columns and another key", arguments: SourceServer.available)
  func madeAnew(on kind: ServerKind) throws {
    let server = try SourceServer(kind, Self.full)
    defer { server.stop() }
    let fixture = try SourceFixture(
      "anew", server: server, "CREATE TABLE t (a INT, b INT, v VARCHAR(9), PRIMARY KEY (b, a))")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    for statement in [
      "INSERT INTO t VALUES (1, 2, 'x')", "DROP TABLE t", "CREATE TABLE t (id BIGINT PRIMARY KEY)",
      "INSERT INTO t VALUES (9)",
    ] { try fixture.execute(statement) }
    let table = try Self.discover(fixture, start)
    #expect(table.schema.primaryKey == ["b", "a"])
    let (rows, last) = try Self.rows(fixture, table, start)
    #expect(rows == [["1", "2", "x"], ["9"]] && last == "id")
  }

  @Test("a table that was made in the log, and changed after", arguments: SourceServer.available)
  func madeInTheLog(on kind: ServerKind) throws {
    let fixture = try SourceFixture("made", on: kind)
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    for statement in [
      "CREATE TABLE t (id INT PRIMARY KEY, flag TINYINT(1), v VARCHAR(9) CHARACTER SET latin1)",
      "INSERT INTO t VALUES (1, 1, 'ü')", "ALTER TABLE t DROP COLUMN flag", "ALTER TABLE t MODIFY v TEXT",
      "INSERT INTO t VALUES (2, 'y')",
    ] { try fixture.execute(statement) }
    let table = try Self.discover(fixture, start)
    #expect(table.schema.columns.map { "\($0.type)" } == ["INT NOT NULL", "BOOLEAN", "VARCHAR(9)"])
    let (rows, last) = try Self.rows(fixture, table, start)
    #expect(rows == [["1", "1", "ü"], ["2", "y"]] && last == "id v")
  }

  @Test("a table of the log whose database has another character set by now", arguments: SourceServer.available)
  func madeUnderAnotherDefault(on kind: ServerKind) throws {
    for (isChanged, order) in [(false, [0, 1, 2]), (true, [1, 0, 2])] {
      let fixture = try SourceFixture("default", on: kind)
      try fixture.execute("ALTER DATABASE CHARACTER SET latin1")
      let start = try fixture.connector().endOffset()
      let statements = [
        "ALTER DATABASE CHARACTER SET utf8mb4", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), w INT)",
        "ALTER TABLE t MODIFY v TEXT, DROP COLUMN w",
      ]
      for index in order { try fixture.execute(statements[index]) }
      guard isChanged else {
        let table = try Self.discover(fixture, start)
        #expect(table.schema.columns[1].nativeCollation.hasPrefix("utf8mb4"))
        continue
      }
      let error = #expect(throws: ConnectorError.self) { _ = try Self.discover(fixture, start) }
      #expect(error?.kind == .unsupported && error?.message.contains("no character set") == true)
    }
  }

  /// What the description leaves open is refused as before, with the reason.
  @Test("types that look alike in the log are refused")
  func ambiguous() throws {
    let server = try SourceServer(.mariaDB, Self.full)
    defer { server.stop() }
    let fixture = try SourceFixture("alike", server: server, "CREATE TABLE t (id INT PRIMARY KEY, u UUID)")
    let start = try fixture.connector().endOffset()
    try fixture.execute("INSERT INTO t VALUES (1, UUID())")
    try fixture.execute("ALTER TABLE t DROP COLUMN u")
    let error = #expect(throws: ConnectorError.self) { _ = try Self.discover(fixture, start) }
    #expect(error?.kind == .unsupported && error?.remedy != nil)
    #expect(
      error?.message.contains("DROP COLUMN") == true && error?.message.contains("UUID") == true,
      "\(String(describing: error))")
  }
}
