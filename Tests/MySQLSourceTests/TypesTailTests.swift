import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Types that meet the tail in other ways than a plain insert.
@Suite struct TypesTailTests {
  @Test(arguments: SourceServer.available) func fullMetadataAgrees(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .fullMetadata)
    defer { server.stop() }
    let own =
      kind == .mySQL
      ? "v VECTOR(2), j JSON"
      : "u UUID, a INET4, b INET6, k VARCHAR(30) COMPRESSED CHARACTER SET gbk, z BLOB COMPRESSED"
    let values =
      kind == .mySQL
      ? "STRING_TO_VECTOR('[1,2]'), '[1]'"
      : "'123e4567-e89b-12d3-a456-426614174000', '192.0.2.1', '::1', '中文', REPEAT('z', 99)"
    let fixture = try SourceFixture(
      "meta", server: server,
      """
      CREATE TABLE t (id INT PRIMARY KEY, p POINT, gc GEOMETRYCOLLECTION, g VARCHAR(9) CHARACTER SET gbk,
      l TEXT CHARACTER SET latin2, w CHAR(5) CHARACTER SET utf16, e ENUM('ż', 'ó') CHARACTER SET latin2,
      s SET('a', 'ł') CHARACTER SET cp1250, y YEAR, bits BIT(9), f FLOAT(7,2) ZEROFILL, d DECIMAL(65,30), tm TIME(2), \(own))
      """)
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    try fixture.execute(
      """
      INSERT INTO t VALUES (1, ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))'), '汉字', 'żółć',
      'ab', 'ó', 'a,ł', 2024, 5, 12.5, 1.5, '-10:00:00.25', \(values))
      """)
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    let logged = try tail.rows(through: try connector.endOffset(), connector: connector)
    #expect(logged == (try connector.snapshot(table, schema).allRows))
    #expect(logged.first?.values[3...7] == ["汉字", "żółć", "ab", "ó", "a,ł"])
  }

  @Test(arguments: SourceServer.available) func addedColumnsOfAnotherCharacterSet(on kind: ServerKind) throws {
    let paths = try BothPaths("added", on: kind, create: "id INT PRIMARY KEY")
    let schema = try paths.schema()
    try paths.execute("INSERT INTO t VALUES (1)")
    try paths.execute("ALTER TABLE t ADD c VARCHAR(20) CHARACTER SET big5, ADD p POINT")
    try paths.execute("INSERT INTO t VALUES (2, '中文', ST_GeomFromText('POINT(3 4)'))")
    let tail = try paths.connector.tail(schema, from: paths.start)
    defer { tail.close() }
    let rows = try tail.rows(through: try paths.connector.endOffset(), connector: paths.connector)
    #expect(rows.map(\.values) == [["1"], ["2", "中文", "{\"coordinates\":[3,4],\"type\":\"Point\",\"srid\":0}"]])
    #expect(try paths.snapshot().last?.values == rows.last?.values)
  }

  @Test(arguments: SourceServer.available) func updatesOfEveryKind(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "updates", on: kind,
      create: "id INT PRIMARY KEY, g POLYGON, s VARCHAR(9) CHARACTER SET sjis, d DATE, n DATE NOT NULL, b BINARY(4)")
    try paths.execute("INSERT INTO t VALUES (1, NULL, '日本', '0000-00-00', '2020-00-00', x'00')")
    try paths.execute(
      "UPDATE t SET g = ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))'), s = '語', d = '2024-02-29', b = x'0102'")
    try paths.execute("DELETE FROM t")
    let rows = try paths.logged()
    #expect(rows.map(\.operation) == [.insert, .updateBefore, .updateAfter, .delete])
    #expect(rows[0].values == rows[1].values && rows[2].values == rows[3].values)
    #expect(rows[0].values == ["1", nil, "日本", nil, "0", "0 0 0 0"])
    #expect(rows[2].values[2...5] == ["語", "19782", "0", "1 2 0 0"])
  }
}
