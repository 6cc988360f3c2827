import Model

/// Spatial values as GeoJSON objects with a spatial reference system's number, in the reference's form:
/// `{"coordinates":[1,2.5],"type":"Point","srid":0}`, and `geometries` in place of `coordinates` for collections.
///
/// The servers keep and send a value as four bytes of SRID followed by well-known binary (OGC 06-103r4, section 8);
/// snapshot and log hand over the same bytes.
struct SpatialText {
  /// Deeper collections are refused; the servers themselves stop at about a hundred.
  private static let deepest = 100
  private static let names: [StaticString] = [
    "Geometry", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
  ]

  private let column: Int
  /// Rings stay as they are stored. Otherwise, as in the reference, outer rings run counter-clockwise, inner ones
  /// clockwise, and every ring is closed.
  private let keepsRings: Bool
  private var reader: ByteReader
  private var isBigEndian = false

  private init(column: Int, keepsRings: Bool, reader: ByteReader) {
    self.column = column
    self.keepsRings = keepsRings
    self.reader = reader
  }

  /// Sets a column of the row being written.
  /// - Throws: `corrupt` when the bytes are no spatial value.
  static func set(
    _ column: Int, value: UnsafeRawBufferPointer, keepsRings: Bool, in batch: inout RowBatch
  ) throws(BinlogError) {
    // What MariaDB puts into a NOT NULL column that an INSERT IGNORE leaves out.
    if value.isEmpty {
      throw .unsupported(
        "a spatial value is empty, which is no shape", remedy: "give such rows a shape, or let the column be NULL")
    }
    var reader = ByteReader(value)
    let srid = try reader.u32()
    var text = SpatialText(column: column, keepsRings: keepsRings, reader: reader)
    _ = batch.reserveBytes(column, count: 0)
    let type = try text.header()
    batch.extend(column, text: type == 7 ? "{\"geometries\":" : "{\"coordinates\":")
    try text.content(type, depth: 1, &batch)
    batch.extend(column, text: ",\"type\":\"")
    batch.extend(column, text: names[type])
    batch.extend(column, text: "\",\"srid\":")
    text.number(Double(srid), &batch)
    batch.extend(column, text: "}")
    guard text.reader.isAtEnd else { throw .corrupt("a spatial value with \(text.reader.remaining) surplus bytes") }
  }

  // MARK: Reading

  private mutating func header() throws(BinlogError) -> Int {
    let order = try reader.u8()
    guard order <= 1 else { throw .corrupt("a spatial value with the byte order \(order)") }
    isBigEndian = order == 0
    let type = try integer()
    guard (1...7).contains(type) else { throw .corrupt("a spatial value of the type \(type)") }
    return type
  }

  private mutating func integer() throws(BinlogError) -> Int {
    Int(isBigEndian ? try reader.bigEndian(4) : try reader.littleEndian(4))
  }

  /// A number of parts that take at least `size` bytes each.
  private mutating func count(size: Int) throws(BinlogError) -> Int {
    let count = try integer()
    guard count <= reader.remaining / size else { throw ByteReader.truncated(count, reader.remaining / size) }
    return count
  }

  private func ordinate(_ points: UnsafeRawBufferPointer, _ index: Int) -> Double {
    let bits = points.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)
    return Double(bitPattern: isBigEndian ? UInt64(bigEndian: bits) : UInt64(littleEndian: bits))
  }

  // MARK: Writing

  private mutating func content(_ type: Int, depth: Int, _ batch: inout RowBatch) throws(BinlogError) {
    switch type {
    case 1: try point(try reader.bytes(16), 0, &batch)
    case 2: try points(&batch)
    case 3: try polygon(&batch)
    case 7: try collection(depth: depth, &batch)
    default: try parts(of: type - 3, &batch)
    }
  }

  /// The parts of a multi-point, -line or -polygon: geometries of one type, whose headers go without saying.
  private mutating func parts(of type: Int, _ batch: inout RowBatch) throws(BinlogError) {
    batch.extend(column, text: "[")
    for index in 0..<(try count(size: 9)) {
      if index > 0 { batch.extend(column, text: ",") }
      guard try header() == type else { throw .corrupt("a spatial value whose parts are of different types") }
      try content(type, depth: 1, &batch)
    }
    batch.extend(column, text: "]")
  }

  private mutating func collection(depth: Int, _ batch: inout RowBatch) throws(BinlogError) {
    guard depth <= Self.deepest else { throw .corrupt("a spatial value nested more than \(Self.deepest) deep") }
    batch.extend(column, text: "[")
    for index in 0..<(try count(size: 9)) {
      if index > 0 { batch.extend(column, text: ",") }
      let type = try header()
      batch.extend(column, text: "{\"type\":\"")
      batch.extend(column, text: Self.names[type])
      batch.extend(column, text: type == 7 ? "\",\"geometries\":" : "\",\"coordinates\":")
      try content(type, depth: depth + 1, &batch)
      batch.extend(column, text: "}")
    }
    batch.extend(column, text: "]")
  }

  private mutating func points(_ batch: inout RowBatch) throws(BinlogError) {
    let count = try count(size: 16)
    let points = try reader.bytes(count * 16)
    batch.extend(column, text: "[")
    for index in 0..<count {
      if index > 0 { batch.extend(column, text: ",") }
      try point(points, index, &batch)
    }
    batch.extend(column, text: "]")
  }

  private mutating func polygon(_ batch: inout RowBatch) throws(BinlogError) {
    batch.extend(column, text: "[")
    for index in 0..<(try count(size: 4)) {
      if index > 0 { batch.extend(column, text: ",") }
      try ring(isOuter: index == 0, &batch)
    }
    batch.extend(column, text: "]")
  }

  private mutating func ring(isOuter: Bool, _ batch: inout RowBatch) throws(BinlogError) {
    let count = try count(size: 16)
    let points = try reader.bytes(count * 16)
    let isClosed =
      count > 1 && ordinate(points, 0) == ordinate(points, 2 * count - 2)
      && ordinate(points, 1) == ordinate(points, 2 * count - 1)
    let distinct = isClosed ? count - 1 : count
    let isReversed = !keepsRings && isOuter == isClockwise(points, distinct)
    batch.extend(column, text: "[")
    for index in 0..<(keepsRings || count == 0 ? count : distinct + 1) {
      if index > 0 { batch.extend(column, text: ",") }
      let source = keepsRings ? index : index % distinct
      try point(points, isReversed && source > 0 ? distinct - source : source, &batch)
    }
    batch.extend(column, text: "]")
  }

  /// By the sign of the area.
  private func isClockwise(_ points: UnsafeRawBufferPointer, _ count: Int) -> Bool {
    guard count > 2 else { return false }
    let (x0, y0) = (ordinate(points, 0), ordinate(points, 1))
    var area = 0.0
    for index in 1..<(count - 1) {
      let (x1, y1) = (ordinate(points, 2 * index) - x0, ordinate(points, 2 * index + 1) - y0)
      let (x2, y2) = (ordinate(points, 2 * index + 2) - x0, ordinate(points, 2 * index + 3) - y0)
      area += x1 * y2 - x2 * y1
    }
    return area < 0
  }

  private func point(_ points: UnsafeRawBufferPointer, _ index: Int, _ batch: inout RowBatch) throws(BinlogError) {
    let (x, y) = (ordinate(points, 2 * index), ordinate(points, 2 * index + 1))
    guard x.isFinite, y.isFinite else { throw .corrupt("a spatial value with the point \(x) \(y)") }
    batch.extend(column, text: "[")
    number(x, &batch)
    batch.extend(column, text: ",")
    number(y, &batch)
    batch.extend(column, text: "]")
  }

  private func number(_ value: Double, _ batch: inout RowBatch) { batch.extend(column, number: JSONNumber(value)) }
}

extension RowBatch {
  /// Appends a number's text to the column that was set last in the row being written.
  mutating func extend(_ column: Int, number: JSONNumber) {
    let target = extendBytes(column, count: number.count)
    for index in 0..<number.count { target.storeBytes(of: number.text[index], toByteOffset: index, as: UInt8.self) }
  }
}

/// Vectors (MySQL 9, MariaDB 11.7) as JSON arrays: `[1,2.5,1.0E-10]`. The servers keep and send them as little-endian
/// four-byte floating-point numbers; each number has the fewest digits that give it back.
enum VectorText {
  /// Sets a column of the row being written.
  /// - Throws: `corrupt` when the bytes are no vector.
  static func set(_ column: Int, value: UnsafeRawBufferPointer, in batch: inout RowBatch) throws(BinlogError) {
    guard value.count.isMultiple(of: 4) else { throw .corrupt("a vector of \(value.count) bytes") }
    _ = batch.reserveBytes(column, count: 0)
    batch.extend(column, text: "[")
    for offset in stride(from: 0, to: value.count, by: 4) {
      if offset > 0 { batch.extend(column, text: ",") }
      let bits = UInt32(littleEndian: value.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      let number = Float(bitPattern: bits)
      guard number.isFinite else { throw .corrupt("a vector with the number \(number)") }
      batch.extend(column, number: JSONNumber(number))
    }
    batch.extend(column, text: "]")
  }
}
