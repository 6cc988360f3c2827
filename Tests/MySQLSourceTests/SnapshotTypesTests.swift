import Connector
import Model
import MySQLSource
import TestKit
import Testing

@Suite struct SnapshotTypesTests {
  private static let columns = """
    id INT PRIMARY KEY, i8 TINYINT, u8 TINYINT UNSIGNED, flag BOOLEAN, i16 SMALLINT, u16 SMALLINT UNSIGNED,
    i24 MEDIUMINT, u24 MEDIUMINT UNSIGNED ZEROFILL, i32 INT, u32 INT UNSIGNED, i64 BIGINT, u64 BIGINT UNSIGNED,
    f FLOAT, f2 FLOAT(7,2), d DOUBLE, d3 DOUBLE(12,3), dec1 DECIMAL(10,2), dec2 DECIMAL(38,10), dec3 DECIMAL(65,30),
    dec4 DECIMAL(5,5) UNSIGNED, b1 BIT(1), b9 BIT(9), b64 BIT(64), y YEAR, dt DATE, t0 TIME, t6 TIME(6), dt0 DATETIME,
    dt3 DATETIME(3), ts0 TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL, c CHAR(10), vc VARCHAR(300), lat VARCHAR(20) CHARACTER SET latin1,
    u16t VARCHAR(20) CHARACTER SET utf8mb3, bin BINARY(8), vbin VARBINARY(300), tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB,
    bl BLOB, mb MEDIUMBLOB, lb LONGBLOB, js JSON, en ENUM('small','it''s','große'), st SET('a','b','c'''),
    gen INT AS (i32 + 1) STORED, virt VARCHAR(30) AS (CONCAT('v', id)) VIRTUAL
    """
  private static let names =
    "id, i8, u8, flag, i16, u16, i24, u24, i32, u32, i64, u64, f, f2, d, d3, dec1, dec2, dec3, dec4, b1, b9, b64, y, dt, "
    + "t0, t6, dt0, dt3, ts0, ts6, c, vc, lat, u16t, bin, vbin, tt, tx, mt, lt, tb, bl, mb, lb, js, en, st"

  private static let values = [
    """
    1, -128, 255, 1, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808,
    18446744073709551615, 3.4e38, 12345.67, 1.7976931348623157e308, 123456789.123, -99999999.99,
    1234567890123456789012345678.0123456789, 99999999999999999999999999999999999.123456789012345678901234567891,
    0.99999, b'1', b'101010101', b'1000000000000000000000000000000000000000000000000000000000000001', 2155,
    '9999-12-31', '23:59:59', '23:59:59.999999', '9999-12-31 23:59:59', '2024-02-29 12:34:56.789',
    '2038-01-19 03:14:07', '1970-01-01 00:00:01.000001', 'ten  chars', REPEAT('ü', 299), 'naïve €', '中文', 'ab',
    REPEAT(x'00ff', 150), 'tiny', 'text', REPEAT('m', 70000), 'l', x'00', x'ff00', REPEAT(x'01', 70000), 'x',
    '{"a": [1, 2.5, null, "ü"], "b": {"c": true}}', 'große', 'a,c'''
    """,
    """
    2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'0', b'0', b'0', 1901, '1000-01-01', '00:00:00',
    '00:00:00.000000', '1000-01-01 00:00:00', '1969-12-31 23:59:59.999', '1970-01-01 00:00:01',
    '2038-01-19 03:14:07.999999', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '[]', 'small', ''
    """,
    """
    3, -1, 127, 1, -1, 1, -1, 1, -1, 1, -1, 9223372036854775808, 1.1, -0.01, 0.1, -0.001, 0.01, -0.0000000001,
    -0.000000000000000000000000000001, 0.00001, b'1', b'1', b'1', 2000, '2000-02-29', '-01:02:03', '01:02:03.000004',
    '2000-02-29 00:00:00', '2000-02-29 00:00:00.001', '2000-02-29 00:00:00', '2000-02-29 00:00:00.100000', ' lead',
    'trail  ', 'x', 'y ', x'0000', x'2020', '\\n', '\\\\', '''', '"', x'20', x'0a', '', x'00', 'null', 'it''s', 'b'
    """,
  ]

  @Test(arguments: SourceServer.available) func snapshotAndTailGiveTheSameRows(on kind: ServerKind) throws {
    let fixture = try SourceFixture("types", on: kind, "CREATE TABLE t (\(Self.columns))")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    for row in Self.values { try fixture.execute("INSERT INTO t (\(Self.names)) VALUES (\(row))") }
    try fixture.execute("INSERT INTO t (id) VALUES (4)")
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    let logged = try tail.rows(through: try connector.endOffset(), connector: connector)
    let read = try connector.snapshot(table, schema).allRows.sorted { ($0.key[0] ?? "") < ($1.key[0] ?? "") }
    #expect(logged.count == 4)
    try #require(read.count == 4)
    for (left, right) in zip(read, logged) {
      for (index, column) in schema.columns.enumerated() {
        #expect(left.values[index] == right.values[index], "row \(left.key) column \(column.name)")
      }
    }
    let names = schema.columns.map(\.name)
    func value(_ row: Int, _ name: String) -> String? { names.firstIndex(of: name).flatMap { read[row].values[$0] } }
    #expect(
      value(0, "u64").map {
        String(decoding: $0.split(separator: " ").compactMap { UInt8($0, radix: 16) }, as: UTF8.self)
      } == "18446744073709551615")
    #expect(value(0, "f") == "3.4e+38")
    #expect(value(0, "lat") == "naïve €")
    #expect(value(0, "dt3") == "1709210096789000")
    #expect(value(2, "t0") == "-3723000000")
    #expect(value(0, "bin") == "61 62 0 0 0 0 0 0")
    #expect(value(0, "gen") == "-2147483647")
    #expect(value(0, "virt") == "v1")
    #expect(value(3, "js") == nil)
    #expect(value(1, "ts0") == "1000000")
  }

  @Test(arguments: SourceServer.available) func largeRowsPass(on kind: ServerKind) throws {
    let fixture = try SourceFixture("large", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, a LONGBLOB, b LONGTEXT)")
    let connector = try fixture.connector()
    let start = try connector.endOffset()
    let connection = try fixture.connection()
    for (id, size) in [(1, 5_000_000), (2, 17_000_000), (3, 10), (4, 40_000_000)] {
      try connection.query("INSERT INTO t VALUES (\(id), REPEAT(x'00ff27', \(size / 3)), REPEAT('ü', \(size / 8)))")
    }
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    func lengths(_ batch: borrowing RowBatch) -> [[Int]] {
      var result: [[Int]] = []
      batch.forEachRow { result.append([Int($0.integer(0)), $0.bytes(1).count, $0.bytes(2).count]) }
      return result
    }
    let expected = try connection.query("SELECT id, LENGTH(a), LENGTH(b) FROM t ORDER BY id").map { row in
      row.compactMap { $0.flatMap { Int($0) } }
    }
    let reader = try connector.makeSnapshotReader(SnapshotRequest(schema: schema, range: .everything))
    defer { reader.close() }
    _ = try reader.open()
    var batch = RowBatch()
    var read: [[Int]] = []
    var more = true
    while more {
      batch.reset(schema: schema)
      more = try reader.read(into: &batch, byteLimit: 1 << 20)
      read += lengths(batch)
    }
    #expect(read == expected)
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    let end = try connector.endOffset()
    var logged: [[Int]] = []
    while true {
      if case .rows = try tail.next(into: &batch, byteLimit: 1 << 20, wait: 50) { logged += lengths(batch) }
      if let offset = tail.committableOffset, try connector.hasPassed(offset, end) { break }
    }
    #expect(logged == expected)
  }

  @Test(arguments: SourceServer.available) func anotherSchemaIsNoticed(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "mismatch", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT)", "INSERT INTO t VALUES (1, 2)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let reader = try connector.makeSnapshotReader(SnapshotRequest(schema: schema, range: .everything))
    _ = try reader.open()
    reader.close()
    for change in ["ADD COLUMN w INT", "MODIFY v BIGINT", "RENAME COLUMN v TO x", "DROP PRIMARY KEY"] {
      try fixture.execute("DROP TABLE t")
      try fixture.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
      _ = try connector.read(.everything, of: schema)
      try fixture.execute("ALTER TABLE t \(change)")
      let error = #expect(throws: ConnectorError.self) { _ = try connector.read(.everything, of: schema) }
      #expect(error?.kind == .schemaMismatch && error?.table == table.id, "\(change)")
    }
    try fixture.execute("DROP TABLE t")
    let error = #expect(throws: ConnectorError.self) { _ = try connector.read(.everything, of: schema) }
    #expect(error?.kind == .schemaMismatch)
  }

  @Test(arguments: SourceServer.available) func anInterruptEndsARead(on kind: ServerKind) throws {
    let fixture = try SourceFixture("interrupt", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let blocker = try fixture.connection()
    try blocker.query("LOCK TABLES t WRITE")
    let reader = try connector.makeSnapshotReader(SnapshotRequest(schema: schema, range: .everything))
    defer { reader.close() }
    let waiter = try fixture.connection()
    let stopper = Stopper(reader)
    let thread = stopper.whenBlocked(waiter, on: "%FROM `\(fixture.database)`.`t`%")
    let error = #expect(throws: ConnectorError.self) { _ = try reader.open() }
    #expect(error?.kind == .cancelled)
    #expect(thread.join(milliseconds: 10_000))
  }
}
