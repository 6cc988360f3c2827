/// What newer servers put behind a TABLE_MAP's null bits: fields of type, packed length, value (MySQL:
/// `Table_map_event::Optional_metadata_field_type`; MariaDB has the same).
struct OptionalMetadata {
  private(set) var unsigned: [Bool]?
  private(set) var columnNames: [String]?
  private(set) var primaryKey: [Int]?

  init(_ bytes: UnsafeRawBufferPointer, columnTypes: [UInt8]) throws(BinlogError) {
    var reader = ByteReader(bytes)
    while !reader.isAtEnd {
      let type = try reader.u8()
      var field = ByteReader(try reader.bytes(try reader.packedCount()))
      switch type {
      case 1: try readSignedness(&field, columnTypes: columnTypes)
      case 4: try readNames(&field)
      case 8: try readKey(&field, hasPrefixes: false)
      case 9: try readKey(&field, hasPrefixes: true)
      default: break  // Character sets, enum and set members, geometry types, visibility: the schema has them.
      }
    }
  }

  /// One bit for each numeric column, most significant first.
  private mutating func readSignedness(_ field: inout ByteReader, columnTypes: [UInt8]) throws(BinlogError) {
    var result: [Bool] = []
    result.reserveCapacity(columnTypes.count)
    var bits: UInt8 = 0
    var left = 0
    for type in columnTypes {
      guard Self.isNumeric(type) else {
        result.append(false)
        continue
      }
      if left == 0 {
        bits = try field.u8()
        left = 8
      }
      result.append(bits & 0x80 != 0)
      bits = bits << 1
      left -= 1
    }
    unsigned = result
  }

  static func isNumeric(_ type: UInt8) -> Bool {
    switch BinlogColumnType(rawValue: type) {
    case .tiny, .short, .int24, .long, .longlong, .newdecimal, .float, .double, .decimal, .year: true
    default: false
    }
  }

  private mutating func readNames(_ field: inout ByteReader) throws(BinlogError) {
    var names: [String] = []
    while !field.isAtEnd { names.append(String(decoding: try field.bytes(try field.packedCount()), as: UTF8.self)) }
    columnNames = names
  }

  private mutating func readKey(_ field: inout ByteReader, hasPrefixes: Bool) throws(BinlogError) {
    var key: [Int] = []
    while !field.isAtEnd {
      let column = try field.packedInteger()
      guard column <= UInt64(UInt16.max) else { throw .corrupt("a key has column number \(column)") }
      key.append(Int(column))
      if hasPrefixes { _ = try field.packedInteger() }
    }
    primaryKey = key
  }
}
