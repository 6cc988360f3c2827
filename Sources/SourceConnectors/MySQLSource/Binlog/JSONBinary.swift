/// MySQL's binary JSON (sql-common/json_binary.h), turned into the text that the server prints for the same document:
/// `{"a": 1, "b": [true, null]}`.
struct JSONBinary {
  /// The server refuses documents that are nested more deeply.
  private static let deepest = 100

  /// Output beyond this is refused: only a damaged document, whose parts overlap, could give so much.
  private let outputLimit: Int

  /// Whether the blanks behind colons and commas are left out.
  private let isCompact: Bool

  /// Appends a document's text.
  /// - Parameter isCompact: leaves out the blanks that the server puts behind colons and commas.
  /// - Throws: `corrupt` for anything that is not of the format.
  static func appendText(
    of document: UnsafeRawBufferPointer, isCompact: Bool = false, to text: inout [UInt8]
  ) throws(BinlogError) {
    guard let type = document.first else {
      // The server stores the JSON null of an ALTER or an IGNORE as nothing.
      text.append(contentsOf: "null".utf8)
      return
    }
    let decoder = JSONBinary(outputLimit: text.count + 64 + document.count * 8, isCompact: isCompact)
    try decoder.value(type, UnsafeRawBufferPointer(rebasing: document.dropFirst()), depth: 1, to: &text)
  }

  private func value(
    _ type: UInt8, _ data: UnsafeRawBufferPointer, depth: Int, to text: inout [UInt8]
  ) throws(BinlogError) {
    guard text.count <= outputLimit else { throw .corrupt("a JSON document whose parts overlap") }
    var reader = ByteReader(data)
    switch type {
    case 0x00, 0x01: try container(data, isObject: true, isLarge: type == 0x01, depth: depth, to: &text)
    case 0x02, 0x03: try container(data, isObject: false, isLarge: type == 0x03, depth: depth, to: &text)
    case 0x04: try Self.literal(try reader.u8(), to: &text)
    case 0x05: text.append(contentsOf: String(Int16(bitPattern: try reader.u16())).utf8)
    case 0x06: text.append(contentsOf: String(try reader.u16()).utf8)
    case 0x07: text.append(contentsOf: String(Int32(bitPattern: try reader.u32())).utf8)
    case 0x08: text.append(contentsOf: String(try reader.u32()).utf8)
    case 0x09: text.append(contentsOf: String(Int64(bitPattern: try reader.u64())).utf8)
    case 0x0a: text.append(contentsOf: String(try reader.u64()).utf8)
    case 0x0b: try JSONText.append(Double(bitPattern: try reader.u64()), to: &text)
    case 0x0c: JSONText.appendQuoted(try reader.bytes(try Self.length(&reader)), to: &text)
    case 0x0f: try opaque(&reader, to: &text)
    default: throw .corrupt("a JSON document with a value of type \(type)")
    }
  }

  private static func literal(_ value: UInt8, to text: inout [UInt8]) throws(BinlogError) {
    switch value {
    case 0: text.append(contentsOf: "null".utf8)
    case 1: text.append(contentsOf: "true".utf8)
    case 2: text.append(contentsOf: "false".utf8)
    default: throw .corrupt("a JSON document with the literal \(value)")
    }
  }

  /// Seven bits a byte, least significant first; the high bit says that more follow. At most five bytes.
  private static func length(_ reader: inout ByteReader) throws(BinlogError) -> Int {
    var value = 0
    for index in 0..<5 {
      let byte = try reader.u8()
      value |= Int(byte & 0x7f) << (7 * index)
      if byte & 0x80 == 0 { return value }
    }
    throw .corrupt("a JSON document with an endless length")
  }

  /// Element count, size, key entries (offset, 2-byte length), value entries (type, offset or value), keys, values. All
  /// offsets count from the container's first byte, in 2 or (large) 4 bytes.
  private func container(
    _ data: UnsafeRawBufferPointer, isObject: Bool, isLarge: Bool, depth: Int, to text: inout [UInt8]
  ) throws(BinlogError) {
    guard depth <= Self.deepest else { throw .corrupt("a JSON document nested more than \(Self.deepest) deep") }
    let width = isLarge ? 4 : 2
    var header = ByteReader(data)
    let count = Int(try header.littleEndian(width))
    let size = Int(try header.littleEndian(width))
    guard size <= data.count else { throw ByteReader.truncated(size, data.count) }
    let whole = UnsafeRawBufferPointer(rebasing: data[..<size])
    let tables = count * ((isObject ? width + 2 : 0) + width + 1)
    guard 2 * width + tables <= size else { throw ByteReader.truncated(tables, size) }
    var keys = ByteReader(try header.bytes(isObject ? count * (width + 2) : 0))
    var values = ByteReader(try header.bytes(count * (width + 1)))
    let floor = 2 * width + tables
    text.append(isObject ? 0x7b : 0x5b)
    for index in 0..<count {
      if index > 0 { separate(0x2c, &text) }
      if isObject {
        let offset = Int(try keys.littleEndian(width))
        let length = Int(try keys.u16())
        guard offset >= floor, offset + length <= size else { throw ByteReader.truncated(offset + length, size) }
        JSONText.appendQuoted(UnsafeRawBufferPointer(rebasing: whole[offset..<(offset + length)]), to: &text)
        separate(0x3a, &text)
      }
      let type = try values.u8()
      let slot = try values.bytes(width)
      if Self.isInlined(type, isLarge: isLarge) {
        try value(type, slot, depth: depth + 1, to: &text)
      } else {
        var pointer = ByteReader(slot)
        let offset = Int(try pointer.littleEndian(width))
        guard offset >= floor, offset < size else { throw ByteReader.truncated(offset, size) }
        try value(type, UnsafeRawBufferPointer(rebasing: whole[offset...]), depth: depth + 1, to: &text)
      }
    }
    text.append(isObject ? 0x7d : 0x5d)
  }

  private func separate(_ mark: UInt8, _ text: inout [UInt8]) {
    text.append(mark)
    if !isCompact { text.append(0x20) }
  }

  /// Literals and 16-bit integers stand in the value entry itself; in large containers 32-bit integers as well.
  private static func isInlined(_ type: UInt8, isLarge: Bool) -> Bool {
    switch type {
    case 0x04, 0x05, 0x06: true
    case 0x07, 0x08: isLarge
    default: false
    }
  }

  /// A value of an SQL type that JSON does not have: type number, length, the type's own bytes.
  private func opaque(_ reader: inout ByteReader, to text: inout [UInt8]) throws(BinlogError) {
    let type = try reader.u8()
    let data = try reader.bytes(try Self.length(&reader))
    var value = ByteReader(data)
    switch BinlogColumnType(rawValue: type) {
    case .newdecimal:
      let precision = Int(try value.u8())
      let scale = Int(try value.u8())
      guard precision >= 1, precision <= 65, scale <= 38, scale <= precision else {
        throw .corrupt("a JSON document with a DECIMAL(\(precision),\(scale))")
      }
      try BinaryDecimal(reading: &value, precision: precision, scale: scale).append(to: &text)
    case .date: JSONText.appendDate(try value.u64(), hasTime: false, to: &text)
    case .datetime, .timestamp: JSONText.appendDate(try value.u64(), hasTime: true, to: &text)
    case .time: JSONText.appendTime(Int64(bitPattern: try value.u64()), to: &text)
    default: JSONText.appendBase64(data, type: type, to: &text)
    }
  }
}
