import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// MariaDB keeps the hashes of long UNIQUE keys in columns that only the log shows.
@Suite struct TailHiddenColumnsTests {
  @Test(arguments: [[], [ServerSetting.fullMetadata]]) func hashesOfKeysArePassedOver(
    settings: [ServerSetting]
  ) throws {
    let server = try SourceServer(.mariaDB, settings: settings)
    defer { server.stop() }
    let fixture = try SourceFixture(
      "hashes", server: server,
      "CREATE TABLE t (id INT PRIMARY KEY, t TEXT, v VARCHAR(4000), b BIGINT, UNIQUE (t), UNIQUE (v), "
        + "UNIQUE u (b) USING HASH)", "INSERT INTO t VALUES (1, 'a', 'b', 5), (2, NULL, NULL, NULL)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    var replica = TestReplica()
    for row in try connector.read(.everything, of: schema).1 { replica.apply(row) }
    let start = try connector.endOffset()
    for statement in [
      "INSERT INTO t VALUES (3, 'c', 'd', 6), (4, 'e', NULL, NULL)", "UPDATE t SET v = 'x' WHERE id > 2 LIMIT 1",
      "DELETE FROM t WHERE id = 1", "UPDATE t SET t = NULL WHERE id = 3",
    ] { try fixture.execute(statement) }
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    try tail.readThrough(try connector.endOffset(), connector: connector) { replica.apply($0) }
    try fixture.execute("ALTER TABLE t DROP KEY u, ADD COLUMN c BIGINT")
    try fixture.execute("INSERT INTO t VALUES (5, 'g', 'h', 7, 8)")
    try fixture.execute("ALTER TABLE t DROP KEY t, DROP KEY v")
    try fixture.execute("INSERT INTO t VALUES (6, 'g', 'h', 7, 8)")
    var last: [TestRow] = []
    try tail.readThrough(try connector.endOffset(), connector: connector) { last.append($0) }
    #expect(last.map(\.description) == ["insert(5, g, h, 7, 8)", "insert(6, g, h, 7, 8)"])
    #expect(replica.problems == [])
    #expect(
      replica.rows.values.map { "\($0.map { $0 ?? "-" })" }.sorted() == [
        "[\"2\", \"-\", \"-\", \"-\"]", "[\"3\", \"-\", \"x\", \"6\"]", "[\"4\", \"e\", \"-\", \"-\"]",
      ])
  }

  /// The reader comes to the rows when the key is no hash any more.
  @Test func aHashThatIsGoneMeanwhile() throws {
    let fixture = try SourceFixture(
      "hashes", "CREATE TABLE t (id INT PRIMARY KEY, b INT NOT NULL, UNIQUE v (b) USING HASH)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let start = try connector.endOffset()
    try fixture.execute("INSERT INTO t VALUES (1, 2)")
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: start)
    defer { tail.close() }
    try fixture.execute("CREATE OR REPLACE UNIQUE INDEX v ON t (id, b)")
    try fixture.execute("INSERT INTO t VALUES (3, 4)")
    let rows = try tail.rows(through: try connector.endOffset(), connector: connector)
    #expect(rows.map(\.description) == ["insert(1, 2)", "insert(3, 4)"])
  }

  /// A column that the schema lacks is no hidden one.
  @Test func aColumnTooManyIsStillAMismatch() throws {
    let fixture = try SourceFixture(
      "hashes", "CREATE TABLE t (id INT PRIMARY KEY, a INT, b BIGINT, UNIQUE (a))")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    var known = table.schema
    known.columns.removeLast()
    let start = try connector.endOffset()
    try fixture.execute("INSERT INTO t VALUES (1, 2, 3)")
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: known), from: start)
    defer { tail.close() }
    let error = #expect(throws: ConnectorError.self) {
      try tail.rows(through: try connector.endOffset(), connector: connector)
    }
    #expect(error?.kind == .schemaMismatch)
  }
}
