/// The 16 bytes that identify a MySQL server.
struct MySQLUUID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The first and the last eight bytes, most significant first, so that integer order is text order.
  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The next 16 bytes of an event.
  init(reading reader: inout ByteReader) throws(BinlogError) {
    high = try reader.bigEndian(8)
    low = try reader.bigEndian(8)
  }

  /// Reads 32 hexadecimal digits with or without dashes and braces, as MySQL does; nil for any other text.
  init?(text: some StringProtocol) {
    var words: [UInt64] = [0, 0]
    var digits = 0
    for scalar in text.unicodeScalars where scalar != "-" && scalar != "{" && scalar != "}" {
      guard digits < 32, scalar.isASCII, let digit = Character(scalar).hexDigitValue else { return nil }
      words[digits / 16] = words[digits / 16] << 4 | UInt64(digit)
      digits += 1
    }
    guard digits == 32 else { return nil }
    self.init(high: words[0], low: words[1])
  }

  static func < (left: MySQLUUID, right: MySQLUUID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  /// The 16 bytes in order.
  var bytes: [UInt8] {
    [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
  }

  /// `3e11fa47-71ca-11e1-9e33-c80aa9429562`.
  var description: String {
    var text = ""
    for (index, byte) in bytes.enumerated() {
      if [4, 6, 8, 10].contains(index) { text += "-" }
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
    return text
  }
}

/// The tag that may follow a server's UUID in a GTID (MySQL 8.3 and later): a lower-case letter or underscore, then
/// letters, digits and underscores, 32 in all. Plain memory: the bytes, filled up with zeros, most significant first.
struct MySQLGTIDTag: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The longest tag, in bytes.
  static let longest = 32
  /// No tag.
  static let none = MySQLGTIDTag()

  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  private init() {}

  /// Reads a tag; capital letters count as small ones. Empty is no tag; nil for anything else that is none.
  init?(bytes: some Collection<UInt8>) {
    guard bytes.count <= Self.longest else { return nil }
    var all: [UInt64] = [0, 0, 0, 0]
    for (index, byte) in bytes.enumerated() {
      let lower = byte &- 0x41 <= 25 ? byte | 0x20 : byte
      let isLetter = lower &- 0x61 <= 25 || lower == 0x5f
      guard isLetter || (index > 0 && lower &- 0x30 <= 9) else { return nil }
      all[index / 8] |= UInt64(lower) << UInt64(56 - index % 8 * 8)
    }
    words = (all[0], all[1], all[2], all[3])
  }

  /// The bytes.
  var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) }
    }.filter { $0 != 0 }
  }

  var isEmpty: Bool { words.0 == 0 }

  static func == (left: MySQLGTIDTag, right: MySQLGTIDTag) -> Bool { left.words == right.words }
  static func < (left: MySQLGTIDTag, right: MySQLGTIDTag) -> Bool { left.words < right.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    if words.1 != 0 { hasher.combine(words.1) }
  }

  /// The tag; empty for none.
  var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// Where transactions are numbered: a server, and a tag on it (MySQL: `Tsid`).
struct MySQLGTIDSource: Hashable, Sendable, Comparable, CustomStringConvertible {
  var server: MySQLUUID
  var tag = MySQLGTIDTag.none

  static func < (left: MySQLGTIDSource, right: MySQLGTIDSource) -> Bool {
    (left.server, left.tag) < (right.server, right.tag)
  }

  /// `3e11fa47-71ca-11e1-9e33-c80aa9429562`, or with `:tag` behind.
  var description: String { tag.isEmpty ? "\(server)" : "\(server):\(tag)" }
}

/// The name of one transaction in MySQL: where it began, and its number there.
struct MySQLGTID: Hashable, Sendable, CustomStringConvertible {
  var source: MySQLGTIDSource
  /// From 1 on.
  var number: Int64

  init(source: MySQLGTIDSource, number: Int64) {
    self.source = source
    self.number = number
  }

  /// Without a tag.
  init(source: MySQLUUID, number: Int64) { self.init(source: MySQLGTIDSource(server: source), number: number) }

  /// `3e11fa47-71ca-11e1-9e33-c80aa9429562:23`.
  var description: String { "\(source):\(number)" }
}

extension MySQLGTID {
  /// Reads the body of a GTID_TAGGED_LOG event: a message of MySQL's serialization library (libs/mysql/serialization,
  /// readme.md; the fields in `Gtid_event::define_fields`): version, size, last field that must be known, then fields
  /// of number and value, here 0 flags, 1 server (16 integers), 2 number, 3 tag. What follows is of no interest.
  init(tagged body: UnsafeRawBufferPointer) throws(BinlogError) {
    var reader = ByteReader(body)
    let version = try reader.variableInteger()
    guard version == 1 else {
      throw .unsupported("a GTID_TAGGED_LOG event has the format \(version), which is not known")
    }
    let size = try reader.variableInteger()
    guard size <= UInt64(body.count) else { throw ByteReader.truncated(Int(clamping: size), body.count) }
    let lastKnown = try reader.variableInteger()
    guard lastKnown <= 11 else {
      throw .unsupported("a GTID_TAGGED_LOG event has the field \(lastKnown), which is not known")
    }
    var server: MySQLUUID?
    var number: Int64 = 0
    var tag = MySQLGTIDTag.none
    while !reader.isAtEnd {
      switch try reader.variableInteger() {
      case 0: _ = try reader.variableInteger()
      case 1: server = try Self.server(&reader)
      case 2: number = try reader.signedVariableInteger()
      case 3: tag = try MySQLGTIDTag(reading: &reader)
      default: reader = ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
      }
    }
    guard let server, number > 0 else { throw .corrupt("a GTID_TAGGED_LOG event without a GTID") }
    self.init(source: MySQLGTIDSource(server: server, tag: tag), number: number)
  }

  private static func server(_ reader: inout ByteReader) throws(BinlogError) -> MySQLUUID {
    var words: (UInt64, UInt64) = (0, 0)
    for index in 0..<16 {
      let byte = try reader.variableInteger()
      guard byte <= 255 else { throw .corrupt("a server UUID has a byte of \(byte)") }
      if index < 8 { words.0 = words.0 << 8 | byte } else { words.1 = words.1 << 8 | byte }
    }
    return MySQLUUID(high: words.0, low: words.1)
  }
}

extension MySQLGTIDTag {
  /// Reads a length (of variable size) and the tag.
  init(reading reader: inout ByteReader) throws(BinlogError) {
    let length = try reader.variableInteger()
    guard length <= UInt64(Self.longest) else { throw .corrupt("a GTID tag of \(length) bytes") }
    guard let tag = MySQLGTIDTag(bytes: try reader.bytes(Int(length))) else {
      throw .corrupt("a GTID tag with characters that are not allowed")
    }
    self = tag
  }
}
