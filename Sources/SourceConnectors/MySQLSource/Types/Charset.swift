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

  /// Whether the snapshot leaves the conversion to the server, which loses nothing here. Text in the other sets is read
  /// as bytes and converted as the log's is: the server would put question marks for what it cannot convert.
  var isConvertedByServer: Bool {
    switch self {
    case .utf8mb4, .utf8mb3, .ascii, .latin1, .binary: true
    case .ucs2, .utf16, .utf16le, .utf32, .other: false
    }
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

  /// The code point of a latin1 byte.
  @inline(__always) static func latin1Code(_ byte: UInt8) -> UInt32 {
    byte >= 0x80 && byte < 0xa0 ? UInt32(cp1252[Int(byte) - 0x80]) : UInt32(byte)
  }

  /// The character of a latin1 byte.
  static func latin1Scalar(_ byte: UInt8) -> Unicode.Scalar {
    Unicode.Scalar(latin1Code(byte)) ?? Unicode.Scalar(byte)
  }

  /// Bytes that a character takes at most, by which the server reckons lengths.
  var maximumCharacterLength: Int {
    switch self {
    case .utf8mb4, .utf16, .utf16le, .utf32: 4
    case .utf8mb3: 3
    case .ucs2: 2
    case .ascii, .latin1, .binary: 1
    case .other(let name): CharsetShape(charset: name).maximumLength
    }
  }
}
