/// What newer servers put behind a TABLE_MAP's null bits: fields of type, packed length, value (MySQL:
/// `Table_map_event::Optional_metadata_field_type`; MariaDB has the same). With `binlog_row_metadata = MINIMAL` there are
/// signs, character sets and geometry types only.
struct OptionalMetadata {
  /// Of each column; only numeric ones count.
  private(set) var unsigned: [Bool]?
  /// The collation's number, of each character, ENUM and SET column.
  private(set) var collations: [UInt32?]
  private(set) var columnNames: [String]?
  /// Members of each ENUM and SET column, in its own character set.
  private(set) var members: [[[UInt8]]?]
  /// MySQL's number of a spatial column's type: 0 GEOMETRY, 1 POINT, 2 LINESTRING …
  private(set) var geometryTypes: [UInt64?]
  private(set) var primaryKey: [Int]?
  /// The primary key has only the beginnings of some columns.
  private(set) var hasKeyPrefixes = false
  /// Of each column; false: it is not in `SELECT *`.
  private(set) var visible: [Bool]?
  /// Elements of each VECTOR column.
  private(set) var vectorSizes: [UInt64?]

  private let layout: Layout

  /// The columns as the fixed part describes them.
  struct Layout {
    var columnTypes: [UInt8]
    var metadata: [UInt16]
    /// MariaDB counts spatial columns among those with a character set, MySQL does not.
    var isMariaDB: Bool

    /// The type; ENUM and SET come as STRING with their own number in the metadata's first byte.
    func type(_ column: Int) -> BinlogColumnType? {
      let type = BinlogColumnType(rawValue: columnTypes[column])
      guard type == .string, let real = BinlogColumnType(rawValue: UInt8(metadata[column] >> 8)),
        real == .enumeration || real == .set
      else { return type }
      return real
    }

    func columns(where condition: (BinlogColumnType) -> Bool) -> [Int] {
      columnTypes.indices.filter { type($0).map(condition) ?? false }
    }

    var textColumns: [Int] {
      columns { type in
        switch type {
        case .string, .varString, .varchar, .blob, .tinyBlob, .mediumBlob, .longBlob, .mariaBlobCompressed,
          .mariaVarcharCompressed, .vector:
          true
        case .geometry: isMariaDB
        default: false
        }
      }
    }

    var memberColumns: [Int] { columns { $0 == .enumeration || $0 == .set } }
  }

  init(_ bytes: UnsafeRawBufferPointer, layout: Layout) throws(BinlogError) {
    self.layout = layout
    let count = layout.columnTypes.count
    collations = Array(repeating: nil, count: count)
    members = Array(repeating: nil, count: count)
    geometryTypes = Array(repeating: nil, count: count)
    vectorSizes = Array(repeating: nil, count: count)
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      let type = try reader.u8()
      var field = ByteReader(try reader.bytes(try reader.packedCount()))
      try read(type, &field)
    }
  }

  private mutating func read(_ type: UInt8, _ field: inout ByteReader) throws(BinlogError) {
    switch type {
    case 1: try readSignedness(&field)
    case 2: try readDefaultCollation(&field, of: layout.textColumns)
    case 3: try readCollations(&field, of: layout.textColumns)
    case 4: try readNames(&field)
    case 5: try readMembers(&field, of: layout.columns { $0 == .set })
    case 6: try readMembers(&field, of: layout.columns { $0 == .enumeration })
    case 7:
      for column in layout.columns(where: { $0 == .geometry }) where !field.isAtEnd {
        geometryTypes[column] = try field.packedInteger()
      }
    case 8: try readKey(&field, hasPrefixes: false)
    case 9: try readKey(&field, hasPrefixes: true)
    case 10: try readDefaultCollation(&field, of: layout.memberColumns)
    case 11: try readCollations(&field, of: layout.memberColumns)
    case 12: visible = try Self.bits(&field, columns: Array(layout.columnTypes.indices), of: layout.columnTypes.count)
    case 13:
      for column in layout.columns(where: { $0 == .vector }) where !field.isAtEnd {
        vectorSizes[column] = try field.packedInteger()
      }
    default: break  // Only more of the same is to be expected of newer servers; nothing hangs on it.
    }
  }

  /// One bit for each of some columns, most significant first.
  private static func bits(_ field: inout ByteReader, columns: [Int], of count: Int) throws(BinlogError) -> [Bool] {
    var result = [Bool](repeating: false, count: count)
    var byte: UInt8 = 0
    for (index, column) in columns.enumerated() {
      if index % 8 == 0 { byte = try field.u8() }
      result[column] = byte & 0x80 != 0
      byte = byte << 1
    }
    return result
  }

  private mutating func readSignedness(_ field: inout ByteReader) throws(BinlogError) {
    let numeric = layout.columnTypes.indices.filter { Self.isNumeric(layout.columnTypes[$0]) }
    unsigned = try Self.bits(&field, columns: numeric, of: layout.columnTypes.count)
  }

  static func isNumeric(_ type: UInt8) -> Bool {
    switch BinlogColumnType(rawValue: type) {
    case .tiny, .short, .int24, .long, .longlong, .newdecimal, .float, .double, .decimal, .year: true
    default: false
    }
  }

  /// One collation for all, then pairs of number among `columns` and collation for the others.
  private mutating func readDefaultCollation(_ field: inout ByteReader, of columns: [Int]) throws(BinlogError) {
    let common = UInt32(truncatingIfNeeded: try field.packedInteger())
    for column in columns { collations[column] = common }
    while !field.isAtEnd {
      let index = try field.packedInteger()
      let collation = try field.packedInteger()
      guard index < UInt64(columns.count) else { throw .corrupt("a character set for column \(index)") }
      collations[columns[Int(index)]] = UInt32(truncatingIfNeeded: collation)
    }
  }

  private mutating func readCollations(_ field: inout ByteReader, of columns: [Int]) throws(BinlogError) {
    for column in columns { collations[column] = UInt32(truncatingIfNeeded: try field.packedInteger()) }
    guard field.isAtEnd else { throw .corrupt("a TABLE_MAP event has character sets for more columns than it has") }
  }

  private mutating func readNames(_ field: inout ByteReader) throws(BinlogError) {
    var names: [String] = []
    while !field.isAtEnd { names.append(String(decoding: try field.bytes(try field.packedCount()), as: UTF8.self)) }
    guard names.count == layout.columnTypes.count else {
      throw .corrupt("a TABLE_MAP event has \(names.count) names for \(layout.columnTypes.count) columns")
    }
    columnNames = names
  }

  private mutating func readMembers(_ field: inout ByteReader, of columns: [Int]) throws(BinlogError) {
    for column in columns {
      var list: [[UInt8]] = []
      for _ in 0..<(try field.packedCount()) { list.append(Array(try field.bytes(try field.packedCount()))) }
      members[column] = list
    }
  }

  private mutating func readKey(_ field: inout ByteReader, hasPrefixes: Bool) throws(BinlogError) {
    var key: [Int] = []
    while !field.isAtEnd {
      let column = try field.packedInteger()
      guard column < UInt64(layout.columnTypes.count) else { throw .corrupt("a key has column number \(column)") }
      key.append(Int(column))
      if hasPrefixes, try field.packedInteger() != 0 { hasKeyPrefixes = true }
    }
    primaryKey = key
  }
}
