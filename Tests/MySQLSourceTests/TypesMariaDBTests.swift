import Model
import TestKit
import Testing

@testable import MySQLSource

/// Types that only MariaDB has.
@Suite struct TypesMariaDBTests {
  @Test func addresses() throws {
    let paths = try BothPaths("addresses", on: .mariaDB, create: "id INT PRIMARY KEY, u UUID, a INET4, b INET6")
    var generator = SeededGenerator(seed: 21)
    func hex(_ count: Int) -> String {
      (0..<count).map { _ in
        let byte = Int.random(in: 0...2, using: &generator) == 0 ? UInt8.random(in: 0...255, using: &generator) : 0
        return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
      }.joined()
    }
    var fixed = [
      ("'00000000-0000-0000-0000-000000000000'", "'0.0.0.0'", "'::'"),
      ("'ffffffff-ffff-ffff-ffff-ffffffffffff'", "'255.255.255.255'", "'::1'"),
      ("'123e4567-e89b-12d3-a456-426614174000'", "'192.0.2.0'", "'2001:db8::'"),
      ("'0190a5c0-7b3a-7c00-8000-000000000000'", "'10.0.0.1'", "'::ffff:192.0.2.1'"),
      ("UUID()", "'1.2.3.4'", "'::192.0.2.1'"), ("NULL", "NULL", "'1:0:2:0:0:3:0:0'"),
      ("NULL", "NULL", "'1:0:0:2:0:0:3:0'"), ("NULL", "NULL", "'0:1::'"), ("NULL", "NULL", "'::ffff:0:1.2.3.4'"),
    ]
    for _ in 0..<300 {
      fixed.append(("CONCAT('\(hex(6))', '4\(hex(1))0', '8\(hex(7))0')", "x'\(hex(4))'", "x'\(hex(16))'"))
    }
    let rows = fixed.enumerated().map { "(\($0), \($1.0), \($1.1), \($1.2))" }
    try paths.execute("INSERT INTO t VALUES \(rows.joined(separator: ", "))")
    let values = try paths.rows().map(\.values)
    #expect(values[2] == ["2", "123e4567-e89b-12d3-a456-426614174000", "192.0.2.0", "2001:db8::"])
    #expect(values[3][3] == "::ffff:192.0.2.1")
    #expect(try paths.schema().columns.map(\.type.annotation) == [nil, .uuid, nil, nil])
    #expect(try paths.schema().columns[2].type.kind == .string)
  }

  @Test func compressedColumns() throws {
    let paths = try BothPaths(
      "compressed", on: .mariaDB,
      create: """
        id INT PRIMARY KEY, v VARCHAR(200) COMPRESSED, vb VARBINARY(3000) COMPRESSED, tt TINYTEXT COMPRESSED, t TEXT COMPRESSED,
        mb MEDIUMBLOB COMPRESSED, lt LONGTEXT COMPRESSED, l VARCHAR(60000) COMPRESSED CHARACTER SET latin1,
        g TEXT COMPRESSED CHARACTER SET gbk, u VARCHAR(100) COMPRESSED CHARACTER SET utf16
        """)
    let texts = ["''", "'x'", "REPEAT('ab', 90)", "'äöü'", "NULL"]
    for (id, text) in texts.enumerated() {
      try paths.execute("INSERT INTO t VALUES (\(id), \((0..<9).map { _ in text }.joined(separator: ", ")))")
    }
    try paths.execute("SET column_compression_zlib_wrap = 1")
    try paths.execute(
      """
      INSERT INTO t VALUES (9, REPEAT('ü', 200), REPEAT(x'00', 3000), REPEAT('t', 255), REPEAT('word ', 13000), REPEAT(x'ff', 100000),
      REPEAT('😀', 50000), REPEAT('é', 60000), REPEAT('中文', 10000), REPEAT('😀', 50))
      """)
    #expect(try paths.values("g").prefix(3) == ["", "x", String(repeating: "ab", count: 90)])
    #expect(try paths.values("u")[5] == String(repeating: "😀", count: 50))
    #expect(try paths.values("lt")[5]?.utf8.count == 200_000)
  }

  @Test func expandedValuesAreBounded() throws {
    let type = try MySQLColumnType(columnType: "text /*M!100301 COMPRESSED*/", collation: "utf8mb4_general_ci")
    let dataType = try #require(type.dataType(nullable: true, treatTinyint1AsBoolean: true))
    let column = Column(name: "x", type: dataType, nativeType: type.text, nativeCollation: "utf8mb4_general_ci")
    let schema = RowSchema(
      table: TableID(schema: "d", table: "t"), version: 1, schema: TableSchema(columns: [column], primaryKey: []))
    // TABLE_MAP: id 1, flags, "d"."t", one column of type 140 with two length bytes.
    let map = hexBytes("0164000174000" + "18c0102" + "01")
    func decode(_ value: [UInt8]) throws -> [Row] {
      try map.withUnsafeBytes { mapBytes in
        let tableMap = try TableMap(TableMapEvent(tableID: 1, flags: 0, body: mapBytes))
        let plan = try RowDecodingPlan(tableMap: tableMap, schema: schema, types: [type])
        let body = hexBytes("01ff00") + [UInt8(value.count & 0xff), UInt8(value.count >> 8)] + value
        return try body.withUnsafeBytes { bytes in
          var decoder = try RowsDecoder(RowsEvent(tableID: 1, flags: 0, kind: .insert, body: bytes), plan: plan)
          var batch = RowBatch()
          batch.reset(schema: schema)
          while try decoder.next(into: &batch) {}
          return Row.rows(of: batch, schema)
        }
      }
    }
    #expect(try decode([]).first?.values == [.bytes([])])
    #expect(try decode([0, 0x61]).first?.values == [.bytes([0x61])])
    // 200 times "a", without zlib's header.
    let good: [UInt8] = [0x89, 200] + hexBytes("4b4c1c1e0000")
    #expect(try decode(good).first?.values == [.bytes(Array(repeating: 0x61, count: 200))])
    let stream = Array(good[2...])
    let damages: [[UInt8]] = [
      [0x89, 201] + stream, [0x89, 199] + stream, [0x8c, 0xff, 0xff, 0xff, 0xff, 1], [0x80, 1], [0x81, 200] + stream,
      [0x11, 1, 1], [0x89],
    ]
    for damaged in damages { #expect(throws: BinlogError.self) { try decode(damaged) } }
    var generator = SeededGenerator(seed: 22)
    for _ in 0..<5000 {
      var damaged = good
      damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      _ = try? decode(damaged)
    }
  }

  @Test func jsonIsTextAsItIs() throws {
    let paths = try BothPaths("json", on: .mariaDB, create: "id INT PRIMARY KEY, j JSON")
    try paths.execute("INSERT INTO t VALUES (1, '{ \"a\" :  [1,  2] }')")
    #expect(try paths.values("j") == ["{ \"a\" :  [1,  2] }"])
  }
}
