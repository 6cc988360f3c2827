import Model

/// A MySQL character set, as far as column bytes of the log must be turned into UTF-8. (The snapshot's connection is
/// utf8mb4, so there the server converts.)
enum MySQLCharset: Hashable, Sendable {
  case utf8mb4
  case utf8mb3
  case ascii
  /// MySQL's latin1, which is cp1252 with its five undefined bytes taken as C1 controls.
  case latin1
  /// No character set: bytes.
  case binary
  /// Big-endian two-byte units; ucs2 without surrogates.
  case ucs2
  case utf16
  case utf16le
  case utf32
  /// Any other, by name.
  case other(String)

  /// From a character set's name; `utf8` is utf8mb3, as in every server before MySQL 9.
  init(name: String) {
    switch name.lowercased() {
    case "utf8mb4": self = .utf8mb4
    case "utf8mb3", "utf8": self = .utf8mb3
    case "ascii": self = .ascii
    case "latin1": self = .latin1
    case "binary": self = .binary
    case "ucs2": self = .ucs2
    case "utf16": self = .utf16
    case "utf16le": self = .utf16le
    case "utf32": self = .utf32
    default: self = .other(name.lowercased())
    }
  }

  /// From a collation's name, which begins with the character set's. Empty: utf8mb4, what types without a collation of
  /// their own (JSON) are sent in.
  init(collation: String) {
    if collation.isEmpty {
      self = .utf8mb4
    } else {
      self.init(name: String(collation.prefix { $0 != "_" }))
    }
  }

  /// Whether column bytes in it can be read from the log.
  var isSupported: Bool {
    if case .other = self { return false }
    return true
  }

  /// The character set's name in SQL.
  var name: String {
    switch self {
    case .utf8mb4: "utf8mb4"
    case .utf8mb3: "utf8mb3"
    case .ascii: "ascii"
    case .latin1: "latin1"
    case .binary: "binary"
    case .ucs2: "ucs2"
    case .utf16: "utf16"
    case .utf16le: "utf16le"
    case .utf32: "utf32"
    case .other(let name): name
    }
  }

  /// Whether a collation id, as in a QUERY event's status variables, belongs to latin1.
  static func isLatin1(collationID: UInt16) -> Bool { [5, 8, 15, 31, 47, 48, 49, 94].contains(collationID) }

  /// Characters of bytes 0x80 to 0x9f.
  private static let cp1252: InlineArray<32, UInt16> = [
    0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
    0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e,
    0x178,
  ]

  @inline(__always) private static func latin1Code(_ byte: UInt8) -> UInt32 {
    byte >= 0x80 && byte < 0xa0 ? UInt32(cp1252[Int(byte) - 0x80]) : UInt32(byte)
  }

  /// The character of a latin1 byte.
  static func latin1Scalar(_ byte: UInt8) -> Unicode.Scalar {
    Unicode.Scalar(latin1Code(byte)) ?? Unicode.Scalar(byte)
  }
}

extension MySQLCharset {
  /// Sets a column to the UTF-8 of `bytes`, which are in this character set.
  ///
  /// UTF-8 and ASCII are copied unchecked: the server has checked them, and the snapshot hands on the same bytes.
  @inline(__always) func set(
    _ column: Int, bytes: UnsafeRawBufferPointer, in batch: inout RowBatch
  ) throws(BinlogError) {
    switch self {
    case .utf8mb4, .utf8mb3, .ascii, .binary: batch.set(column, bytes: bytes)
    default: try setConverted(column, bytes: bytes, in: &batch)
    }
  }

  @inline(never) private func setConverted(
    _ column: Int, bytes: UnsafeRawBufferPointer, in batch: inout RowBatch
  ) throws(BinlogError) {
    var size = 0
    var reader = bytes
    while !reader.isEmpty { size += Self.utf8Length(try next(&reader)) }
    let target = batch.reserveBytes(column, count: size)
    var offset = 0
    reader = bytes
    while !reader.isEmpty { offset += Self.write(try next(&reader), to: target + offset) }
  }

  /// Takes one character off the front.
  @inline(__always) private func next(_ bytes: inout UnsafeRawBufferPointer) throws(BinlogError) -> UInt32 {
    switch self {
    case .latin1: return Self.latin1Code(Self.take(1, of: &bytes, bigEndian: true))
    case .utf32:
      guard bytes.count >= 4 else { throw invalid() }
      return try scalar(Self.take(4, of: &bytes, bigEndian: true))
    default: break
    }
    let bigEndian = self != .utf16le
    guard bytes.count >= 2 else { throw invalid() }
    let unit = Self.take(2, of: &bytes, bigEndian: bigEndian)
    guard unit >= 0xd800, unit < 0xe000 else { return unit }
    guard self != .ucs2, unit < 0xdc00, bytes.count >= 2 else { throw invalid() }
    let low = Self.take(2, of: &bytes, bigEndian: bigEndian)
    guard low >= 0xdc00, low < 0xe000 else { throw invalid() }
    return 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
  }

  @inline(__always) private static func take(
    _ count: Int, of bytes: inout UnsafeRawBufferPointer, bigEndian: Bool
  ) -> UInt32 {
    var value: UInt32 = 0
    for index in 0..<count { value = value << 8 | UInt32(bytes[bigEndian ? index : count - 1 - index]) }
    bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count))
    return value
  }

  @inline(__always) private static func latin1Code(_ value: UInt32) -> UInt32 {
    latin1Code(UInt8(truncatingIfNeeded: value))
  }

  private func scalar(_ value: UInt32) throws(BinlogError) -> UInt32 {
    guard value < 0xd800 || (value >= 0xe000 && value < 0x11_0000) else { throw invalid() }
    return value
  }

  private func invalid() -> BinlogError { .unsupported("a text holds bytes that are no \(name)") }

  private static func utf8Length(_ code: UInt32) -> Int {
    code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }

  /// Writes a character's UTF-8; returns its length.
  private static func write(_ code: UInt32, to target: UnsafeMutableRawPointer) -> Int {
    let length = utf8Length(code)
    if length == 1 {
      target.storeBytes(of: UInt8(truncatingIfNeeded: code), as: UInt8.self)
      return 1
    }
    var rest = code
    for index in stride(from: length - 1, to: 0, by: -1) {
      target.storeBytes(of: UInt8(truncatingIfNeeded: 0x80 | rest & 0x3f), toByteOffset: index, as: UInt8.self)
      rest >>= 6
    }
    let lead: UInt32 = length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0
    target.storeBytes(of: UInt8(truncatingIfNeeded: lead | rest), as: UInt8.self)
    return length
  }
}
