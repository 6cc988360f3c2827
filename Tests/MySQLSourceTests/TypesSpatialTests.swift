import Model
import TestKit
import Testing

@testable import MySQLSource

@Suite struct TypesSpatialTests {
  private static let cases: [(String, String, String)] = [
    ("POINT(1 1)", "Point", "{\"coordinates\":[1,1],\"type\":\"Point\",\"srid\":0}"),
    ("POINT(-0.001 12345678.5)", "Point", "{\"coordinates\":[-0.001,1.23456785E7],\"type\":\"Point\",\"srid\":0}"),
    ("POINT(0.1 1e20)", "Point", "{\"coordinates\":[0.1,1.0E20],\"type\":\"Point\",\"srid\":0}"),
    ("POINT(0.00099 -12345678)", "Point", "{\"coordinates\":[9.9E-4,-12345678],\"type\":\"Point\",\"srid\":0}"),
    (
      "LINESTRING(3 0, 3 3, 3 5)", "LineString",
      "{\"coordinates\":[[3,0],[3,3],[3,5]],\"type\":\"LineString\",\"srid\":0}"
    ),
    (
      "POLYGON((1 1, 2 1, 2 2, 1 2, 1 1))", "Polygon",
      "{\"coordinates\":[[[1,1],[2,1],[2,2],[1,2],[1,1]]],\"type\":\"Polygon\",\"srid\":0}"
    ),
    (
      "POLYGON((0 0, 0 9, 9 9, 9 0, 0 0), (2 2, 3 2, 3 3, 2 2))", "Polygon",
      "{\"coordinates\":[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[2,2],[3,3],[3,2],[2,2]]],\"type\":\"Polygon\",\"srid\":0}"
    ),
    ("MULTIPOINT(1 1, 2 2)", "MultiPoint", "{\"coordinates\":[[1,1],[2,2]],\"type\":\"MultiPoint\",\"srid\":0}"),
    (
      "MULTILINESTRING((1 1, 2 2, 3 3), (4 4, 5 5))", "MultiLineString",
      "{\"coordinates\":[[[1,1],[2,2],[3,3]],[[4,4],[5,5]]],\"type\":\"MultiLineString\",\"srid\":0}"
    ),
    (
      "MULTIPOLYGON(((0 0, 10 0, 10 10, 0 10, 0 0)), ((5 5, 7 5, 7 7, 5 7, 5 5)))", "MultiPolygon",
      "{\"coordinates\":[[[[0,0],[10,0],[10,10],[0,10],[0,0]]],[[[5,5],[7,5],[7,7],[5,7],[5,5]]]],\"type\":\"MultiPolygon\",\"srid\":0}"
    ),
    (
      "GEOMETRYCOLLECTION(POINT(10 10), POINT(30 30), LINESTRING(15 15, 20 20))", "GeometryCollection",
      "{\"geometries\":[{\"type\":\"Point\",\"coordinates\":[10,10]},{\"type\":\"Point\",\"coordinates\":[30,30]},"
        + "{\"type\":\"LineString\",\"coordinates\":[[15,15],[20,20]]}],\"type\":\"GeometryCollection\",\"srid\":0}"
    ),
    (
      "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2)), MULTIPOINT(3 4))", "GeometryCollection",
      "{\"geometries\":[{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\",\"coordinates\":[1,2]}]},"
        + "{\"type\":\"MultiPoint\",\"coordinates\":[[3,4]]}],\"type\":\"GeometryCollection\",\"srid\":0}"
    ),
  ]

  @Test(arguments: SourceServer.available) func spatialValues(on kind: ServerKind) throws {
    let types = [
      "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
    ]
    let paths = try BothPaths(
      "spatial", on: kind,
      create: "id INT PRIMARY KEY, g GEOMETRY, " + types.map { "c_\($0) \($0)" }.joined(separator: ", "))
    // MariaDB has no collections of collections.
    let cases = Self.cases.filter { kind == .mySQL || !$0.0.contains("N(GEO") }
    for (id, (text, type, _)) in cases.enumerated() {
      let value = "ST_GeomFromText('\(text)')"
      try paths.execute("INSERT INTO t (id, g, c_\(type)) VALUES (\(id), \(value), \(value))")
    }
    try paths.execute("INSERT INTO t (id, g) VALUES (99, ST_GeomFromText('POINT(1.5 2)', 4326))")
    let names = try paths.schema().columns.map(\.name)
    let rows = try paths.rows()
    for (row, (_, type, expected)) in zip(rows, cases) {
      #expect(row.values[1] == expected)
      #expect(row.values[try #require(names.firstIndex(of: "c_\(type)"))] == expected)
    }
    // Latitude comes first in MySQL's own texts of 4326; the bytes have x and y, as they are stored.
    let point = kind == .mySQL ? "[2,1.5]" : "[1.5,2]"
    #expect(rows.last?.values[1] == "{\"coordinates\":\(point),\"type\":\"Point\",\"srid\":4326}")
    #expect(try paths.schema().columns[1].type == DataType(.string, annotation: .geometry))
  }

  @Test(arguments: SourceServer.available) func ringsStayWithoutLoss(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "rings", on: kind, options: ["types.lossless": "true"], create: "id INT PRIMARY KEY, g POLYGON")
    try paths.execute("INSERT INTO t VALUES (1, ST_GeomFromText('POLYGON((0 0, 0 9, 9 9, 9 0, 0 0))'))")
    #expect(
      try paths.values("g") == ["{\"coordinates\":[[[0,0],[0,9],[9,9],[9,0],[0,0]]],\"type\":\"Polygon\",\"srid\":0}"])
  }

  private func text(_ bytes: [UInt8], _ set: (UnsafeRawBufferPointer, inout RowBatch) throws -> Void) throws -> String {
    let schema = RowSchema(
      table: TableID(table: "t"), version: 1,
      schema: TableSchema(columns: [Column(name: "x", type: DataType(.string))], primaryKey: []))
    var batch = RowBatch()
    batch.reset(schema: schema)
    batch.beginRow(.insert)
    try bytes.withUnsafeBytes { try set($0, &batch) }
    batch.endRow()
    return batch.row(at: 0).text(0)
  }

  private func spatial(_ bytes: [UInt8]) throws -> String {
    try text(bytes) { try SpatialText.set(0, value: $0, keepsRings: false, in: &$1) }
  }

  @Test func bothByteOrders() throws {
    let bytes = hexBytes(
      "e6100000" + "00" + "00000002" + "00000002" + "3ff0000000000000" + "4000000000000000" + "c008000000000000"
        + "0000000000000000")
    #expect(try spatial(bytes) == "{\"coordinates\":[[1,2],[-3,0]],\"type\":\"LineString\",\"srid\":4326}")
  }

  @Test func damageIsFound() throws {
    var value = hexBytes(
      "00000000" + "01" + "07000000" + "02000000" + "01" + "01000000" + "000000000000f03f" + "000000000000f03f")
    value += hexBytes("01" + "06000000" + "01000000" + "01" + "03000000" + "01000000" + "04000000")
    for point in [0.0, 0.0, 4.0, 0.0, 4.0, 4.0, 0.0, 0.0] {
      withUnsafeBytes(of: point.bitPattern.littleEndian) { value += $0 }
    }
    _ = try spatial(value)
    for count in 0..<value.count {
      #expect(throws: BinlogError.self) { try spatial(Array(value[..<count])) }
    }
    #expect(throws: BinlogError.self) { try spatial(value + [0]) }
    var nested = hexBytes("00000000")
    for _ in 0..<2000 { nested += hexBytes("010700000001000000") }
    #expect(throws: BinlogError.self) { try spatial(nested) }
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<20_000 {
      var damaged = value
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      _ = try? spatial(damaged)
    }
  }

  @Test func numbersReadBack() throws {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<20_000 {
      let value = Double(bitPattern: generator.next())
      guard value.isFinite else { continue }
      let number = JSONNumber(value)
      let text = String(decoding: (0..<number.count).map { number.text[$0] }, as: UTF8.self)
      #expect(Double(text) == value)
    }
    func text(_ value: Double) -> String {
      let number = JSONNumber(value)
      return String(decoding: (0..<number.count).map { number.text[$0] }, as: UTF8.self)
    }
    #expect(
      [0, -0.0, 1e16, 1e17, 9_999_999.5, 1e7 + 0.5, 0.001, 0.00012, 100, .leastNonzeroMagnitude].map(text) == [
        "0", "0", "10000000000000000", "1.0E17", "9999999.5", "1.00000005E7", "0.001", "1.2E-4", "100", "5.0E-324",
      ])
  }

  @Test func vectors() throws {
    func vector(_ values: [Float]) throws -> String {
      try text(values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { Array($0) } }) {
        try VectorText.set(0, value: $0, in: &$1)
      }
    }
    #expect(try vector([1, 2.5, -3e-10, 0.1, 16_777_216]) == "[1,2.5,-3.0E-10,0.1,16777216]")
    #expect(throws: BinlogError.self) { try vector([.nan]) }
    #expect(throws: BinlogError.self) { try text([1, 2, 3]) { try VectorText.set(0, value: $0, in: &$1) } }
  }

  @Test(arguments: SourceServer.available.filter { $0 == .mySQL }) func vectorsOfAServer(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "vectors", on: kind, create: "id INT PRIMARY KEY, v VECTOR(3), w VECTOR(16383), x VECTOR NOT NULL")
    let long = (0..<16_383).map { "\(Double($0) / 8)" }.joined(separator: ",")
    try paths.execute(
      "INSERT INTO t VALUES (1, STRING_TO_VECTOR('[1, 2.5, -3e-10]'), STRING_TO_VECTOR('[\(long)]'), STRING_TO_VECTOR('[7]'))"
    )
    try paths.execute(
      "INSERT INTO t VALUES (2, NULL, STRING_TO_VECTOR('[1]'), STRING_TO_VECTOR('[3.4028235e38, -1.1754944e-38]'))")
    #expect(try paths.values("v") == ["[1,2.5,-3.0E-10]", nil])
    #expect(try paths.values("x") == ["[7]", "[3.4028235E38,-1.1754944E-38]"])
  }
}
