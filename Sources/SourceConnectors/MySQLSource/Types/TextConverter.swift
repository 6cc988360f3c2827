import Model

/// Turns text of one character set into UTF-8. Immutable; one for each set and kind of server, kept for ever, so that
/// row decoding can hold it without counting references.
///
/// `@unchecked Sendable`: the tables are filled before the initialiser returns, are never written again and never freed.
final class TextConverter: @unchecked Sendable {
  private enum Scheme {
    case latin1, ucs2, utf16, utf16le, utf32, table
  }

  /// What stands in the tables for a sequence that is no character, and comes out of `next` for one.
  static let none = UInt32.max

  /// The character set's name.
  let name: String
  private let scheme: Scheme
  /// Bytes of the character that begins with a byte; 0: no character does.
  private let lengths: UnsafeMutablePointer<UInt8>
  private let singles: UnsafeMutablePointer<UInt32>
  private let pairs: UnsafeMutablePointer<UInt32>
  private let triples: UnsafeMutablePointer<UInt32>
  private let quads: UnsafeMutablePointer<UInt32>
  private let hasQuads: Bool

  private static func table(_ count: Int) -> UnsafeMutablePointer<UInt32> {
    let table = UnsafeMutablePointer<UInt32>.allocate(capacity: max(count, 1))
    table.initialize(repeating: none, count: max(count, 1))
    return table
  }

  private init(_ name: String, _ scheme: Scheme, _ shape: CharsetShape) {
    self.name = name
    self.scheme = scheme
    lengths = .allocate(capacity: 256)
    for lead in 0..<256 { lengths[lead] = shape.length(lead: UInt8(lead)) }
    singles = Self.table(256)
    pairs = Self.table(scheme == .table && shape.maximumLength > 1 ? 65_536 : 0)
    triples = Self.table(shape.hasShifts ? 65_536 : 0)
    quads = Self.table(shape.hasQuads ? CharsetShape.quadCount : 0)
    hasQuads = shape.hasQuads
  }

  private convenience init(_ name: String, _ scheme: Scheme) { self.init(name, scheme, CharsetShape(charset: "")) }

  /// Makes the tables of a set of one to four bytes a character by asking what the sequences mean: each call is given
  /// some of them, of one length, and returns as many code points, `none` for what is no character.
  convenience init<E: Error>(asking charset: String, _ meaning: ([[UInt8]]) throws(E) -> [UInt32]) throws(E) {
    let shape = CharsetShape(charset: charset)
    self.init(charset, .table, shape)
    func bytes(_ code: Int) -> [UInt8] { [UInt8(code >> 8), UInt8(code & 0xff)] }
    let singleCodes = shape.singles
    for (code, point) in zip(singleCodes, try meaning(singleCodes.map { [$0] })) { singles[Int(code)] = point }
    let pairCodes = shape.pairs
    for (code, point) in zip(pairCodes, try meaning(pairCodes.map(bytes))) { pairs[code] = point }
    let tripleCodes = shape.triples
    for (code, point) in zip(tripleCodes, try meaning(tripleCodes.map { [0x8f] + bytes($0) })) { triples[code] = point }
    let quadNumbers = Array(0..<(shape.hasQuads ? CharsetShape.quadCount : 0))
    for (number, point) in zip(quadNumbers, try meaning(quadNumbers.map(CharsetShape.quad))) { quads[number] = point }
  }

  private static let latin1 = TextConverter("latin1", .latin1)
  private static let ucs2 = TextConverter("ucs2", .ucs2)
  private static let utf16 = TextConverter("utf16", .utf16)
  private static let utf16le = TextConverter("utf16le", .utf16le)
  private static let utf32 = TextConverter("utf32", .utf32)

  /// The converter of a set that needs no tables; nil for the others, and for those that are UTF-8 already.
  static func builtIn(_ charset: MySQLCharset) -> TextConverter? {
    switch charset {
    case .latin1: latin1
    case .ucs2: ucs2
    case .utf16: utf16
    case .utf16le: utf16le
    case .utf32: utf32
    case .utf8mb4, .utf8mb3, .ascii, .binary, .other: nil
    }
  }

  /// Sets a column of the row being written to the UTF-8 of `bytes`. Returns nil, or the place of the first byte that
  /// begins no character; then the column's value is void.
  func set(_ column: Int, bytes: UnsafeRawBufferPointer, in batch: inout RowBatch) -> Int? {
    var size = 0
    var offset = 0
    while offset < bytes.count {
      let start = offset
      let code = next(bytes, &offset)
      if code == Self.none { return start }
      size &+= Self.utf8Length(code)
    }
    let target = batch.reserveBytes(column, count: size)
    offset = 0
    var written = 0
    while offset < bytes.count { written &+= Self.write(next(bytes, &offset), to: target + written) }
    return nil
  }

  /// The code point at `offset`, which is moved behind it; `none` when there is no character.
  @inline(__always) private func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt32 {
    switch scheme {
    case .latin1:
      offset &+= 1
      return MySQLCharset.latin1Code(bytes[offset &- 1])
    case .table: return tableEntry(bytes, &offset)
    case .utf32:
      guard bytes.count &- offset >= 4 else { return Self.none }
      let code = unit(bytes, offset, bigEndian: true) &<< 16 | unit(bytes, offset &+ 2, bigEndian: true)
      offset &+= 4
      return code < 0xd800 || (code >= 0xe000 && code < 0x11_0000) ? code : Self.none
    case .ucs2, .utf16, .utf16le: return unitPair(bytes, &offset)
    }
  }

  @inline(__always)
  private func unit(_ bytes: UnsafeRawBufferPointer, _ offset: Int, bigEndian: Bool) -> UInt32 {
    let (first, second) = (UInt32(bytes[offset]), UInt32(bytes[offset &+ 1]))
    return bigEndian ? first &<< 8 | second : second &<< 8 | first
  }

  private func unitPair(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt32 {
    let bigEndian = scheme != .utf16le
    guard bytes.count &- offset >= 2 else { return Self.none }
    let high = unit(bytes, offset, bigEndian: bigEndian)
    offset &+= 2
    guard high >= 0xd800, high < 0xe000 else { return high }
    guard scheme != .ucs2, high < 0xdc00, bytes.count &- offset >= 2 else { return Self.none }
    let low = unit(bytes, offset, bigEndian: bigEndian)
    offset &+= 2
    guard low >= 0xdc00, low < 0xe000 else { return Self.none }
    return 0x10000 + (high - 0xd800) << 10 + (low - 0xdc00)
  }

  @inline(__always) private func tableEntry(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt32 {
    let lead = Int(bytes[offset])
    let length = Int(lengths[lead])
    if length == 1 {
      offset &+= 1
      return singles[lead]
    }
    guard length > 1, bytes.count &- offset >= length else { return Self.none }
    let second = Int(bytes[offset &+ 1])
    if hasQuads, second >= 0x30, second <= 0x39 { return quad(bytes, &offset) }
    let start = offset
    offset &+= length
    return length == 2 ? pairs[lead &<< 8 | second] : triples[second &<< 8 | Int(bytes[start &+ 2])]
  }

  private func quad(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt32 {
    guard bytes.count &- offset >= 4 else { return Self.none }
    let (second, third, fourth) = (Int(bytes[offset + 1]), Int(bytes[offset + 2]), Int(bytes[offset + 3]))
    guard third >= 0x81, third <= 0xfe, fourth >= 0x30, fourth <= 0x39 else { return Self.none }
    let number = ((Int(bytes[offset]) - 0x81) * 10 + second - 0x30) * 1260 + (third - 0x81) * 10 + fourth - 0x30
    offset &+= 4
    if number < CharsetShape.quadCount { return quads[number] }
    let supplementary = number - CharsetShape.firstSupplementaryQuad
    return supplementary >= 0 && supplementary < 0x10_0000 ? 0x10000 + UInt32(supplementary) : Self.none
  }

  @inline(__always) private static func utf8Length(_ code: UInt32) -> Int {
    code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }

  /// Writes a character's UTF-8; returns its length.
  @inline(__always) private static func write(_ code: UInt32, to target: UnsafeMutableRawPointer) -> Int {
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

  /// The error for text that cannot be converted.
  func invalid(_ column: String, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> BinlogError {
    var shown = ""
    for byte in bytes.dropFirst(offset).prefix(4) {
      shown += byte < 16 ? " 0" + String(byte, radix: 16) : " " + String(byte, radix: 16)
    }
    return .unsupported(
      "column \(column) holds bytes that are no character of \(name):\(shown), at byte \(offset)",
      remedy: "correct the value at the source, or change the column to a binary type")
  }
}
