import Connector
import Model
import MySQLSource
import TestKit
import Testing

@Suite struct TailSchemaTests {
  @Test(arguments: SourceServer.available) func schemaChangesStandBetweenTheRows(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "ddl", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "CREATE TABLE o (id INT)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let tail = try connector.tail(schema, from: try connector.endOffset())
    defer { tail.close() }
    for statement in [
      "INSERT INTO t VALUES (1, 10)", "ALTER TABLE t ADD COLUMN name VARCHAR(20) DEFAULT 'new' AFTER id",
      "INSERT INTO t VALUES (2, 'two', 20)", "ALTER TABLE o ADD COLUMN x INT", "ALTER TABLE t ADD INDEX (v)",
      "ALTER TABLE t MODIFY v BIGINT", "UPDATE t SET v = 5000000000 WHERE id = 1",
      "ALTER TABLE t CHANGE v w BIGINT, RENAME COLUMN name TO label", "INSERT INTO t VALUES (3, 'three', 30)",
      "ALTER TABLE t DROP COLUMN label", "DELETE FROM t WHERE id = 2", "CREATE TABLE IF NOT EXISTS t (id INT)",
      "TRUNCATE TABLE t", "INSERT INTO t VALUES (9, 90)", "DROP TABLE t", "CREATE PROCEDURE p() SELECT 'DROP TABLE t'",
    ] { try fixture.execute(statement) }
    var log: [String] = []
    try tail.readThrough(
      try connector.endOffset(), connector: connector,
      onChange: { _, changes, schema in
        log.append(
          changes.map(\.tag).joined(separator: "+") + " -> " + schema.columns.map(\.name).joined(separator: ","))
      }, onRow: { log.append($0.description) })
    #expect(
      log == [
        "insert(1, 10)", "add.column -> id,name,v", "insert(2, two, 20)", " -> id,name,v",
        "alter.column.type -> id,name,v",
        "updateBefore(1, new, 10)", "updateAfter(1, new, 5000000000)", "rename.column -> id,label,w",
        "insert(3, three, 30)", "drop.column -> id,w", "delete(2, 20)", "truncate.table -> id,w", "insert(9, 90)",
        "drop.table -> id,w",
      ])
  }

  @Test(arguments: SourceServer.available) func whatCannotBeFollowedStopsLoudly(on kind: ServerKind) throws {
    for (name, statements) in [
      ("versioned", ["ALTER TABLE t ADD SYSTEM VERSIONING"]),
      ("statement", ["SET SESSION binlog_format = 'STATEMENT'; INSERT INTO t VALUES (1, 1)"]),
    ] where kind == .mariaDB || name != "versioned" {
      let fixture = try SourceFixture("loud_\(name)", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)")
      let connector = try fixture.connector()
      let table = try connector.discover(fixture.table("t"))
      let start = try connector.endOffset()
      let connection = try fixture.connection()
      for statement in statements { try connection.query(statement) }
      let end = try connector.endOffset()
      let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
      defer { tail.close() }
      let error = #expect(throws: ConnectorError.self, "\(name)") {
        _ = try tail.rows(through: end, connector: connector)
      }
      #expect(error?.policy == .stop, "\(name)")
      #expect(error?.table == table.id, "\(name)")
      #expect(error?.offset != nil, "\(name)")
    }
  }

  @Test(arguments: SourceServer.available) func aKeyThatChangesIsADeleteAndAnInsert(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "rekeyed", on: kind, "CREATE TABLE t (a INT, b VARCHAR(9), v INT, PRIMARY KEY (a, b))")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let start = try connector.endOffset()
    try fixture.execute("INSERT INTO t VALUES (1, 'x', 1)")
    try fixture.execute("UPDATE t SET v = 2")
    try fixture.execute("UPDATE t SET b = 'y'")
    try fixture.execute("UPDATE t SET b = 'Y', v = 3")
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
    defer { tail.close() }
    let rows = try tail.rows(through: try connector.endOffset(), connector: connector)
    #expect(
      rows.map(\.description) == [
        "insert(1, x, 1)", "updateBefore(1, x, 1)", "updateAfter(1, x, 2)", "delete(1, x, 2)", "insert(1, y, 2)",
        "delete(1, y, 2)", "insert(1, Y, 3)",
      ])
  }

  @Test(arguments: SourceServer.available) func tablesInterleavedInTransactionsKeepTheirOrder(on kind: ServerKind)
    throws
  {
    let fixture = try SourceFixture(
      "two", on: kind, "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT PRIMARY KEY)")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    let connection = try fixture.connection()
    for id in 0..<50 {
      try connection.query("BEGIN; INSERT INTO a VALUES (\(id)); INSERT INTO b VALUES (\(id)); COMMIT")
    }
    let schemas = try ["a", "b"].map { name in
      let table = try connector.discover(fixture.table(name))
      return RowSchema(table: table.id, version: 1, schema: table.schema)
    }
    let tables = schemas.map { TailTable(schema: $0, ignoredThrough: nil, chunks: []) }
    let tail = try connector.tail(TailRequest(start: start, tables: tables))
    defer { tail.close() }
    let end = try connector.endOffset()
    var batch = RowBatch()
    var order: [String] = []
    var committable = 0
    while true {
      if case .rows = try tail.next(into: &batch, byteLimit: 10_000, wait: 50), let schema = batch.schema {
        order += batch.testRows().map { "\(schema.table.table)\($0.key[0] ?? "")" }
      }
      guard let offset = tail.committableOffset else { continue }
      committable += 1
      if try connector.hasPassed(offset, end) { break }
    }
    #expect(order == (0..<50).flatMap { ["a\($0)", "b\($0)"] })
    #expect(committable > 0)
  }
}
