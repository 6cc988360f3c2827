/// Which byte sequences a character set of one or two (or few more) bytes a character is made of. What they mean is
/// asked of the server, once (`CharsetLoader`).
struct CharsetShape {
  /// First and second bytes of two-byte characters.
  private(set) var leads: [ClosedRange<UInt8>] = []
  private(set) var trails: [ClosedRange<UInt8>] = []
  /// EUC: 0x8e and a byte from 0xa1 to 0xdf; 0x8f and two bytes of the ranges above.
  private(set) var hasShifts = false
  /// GB 18030: four bytes, of which the second is a digit.
  private(set) var hasQuads = false
  /// Bytes from 0x80 on that stand for themselves.
  private(set) var highSingles: [ClosedRange<UInt8>] = []

  /// Four-byte codes of GB 18030 below the supplementary planes, by their number.
  static let quadCount = 39_420
  /// The number of the four-byte code that stands for U+10000; from there on they are in the order of Unicode.
  static let firstSupplementaryQuad = 189_000

  init(charset: String) {
    switch charset {
    case "gbk": (leads, trails) = ([0x81...0xfe], [0x40...0x7e, 0x80...0xfe])
    case "gb18030":
      (leads, trails) = ([0x81...0xfe], [0x40...0x7e, 0x80...0xfe])
      hasQuads = true
    case "gb2312": (leads, trails) = ([0xa1...0xf7], [0xa1...0xfe])
    case "big5": (leads, trails) = ([0xa1...0xf9], [0x40...0x7e, 0xa1...0xfe])
    case "sjis", "cp932":
      (leads, trails) = ([0x81...0x9f, 0xe0...0xfc], [0x40...0x7e, 0x80...0xfc])
      highSingles = [0xa1...0xdf]
    case "euckr": (leads, trails) = ([0x81...0xfe], [0x41...0x5a, 0x61...0x7a, 0x81...0xfe])
    case "ujis", "eucjpms":
      (leads, trails) = ([0xa1...0xfe], [0xa1...0xfe])
      hasShifts = true
    default: highSingles = [0x80...0xff]
    }
  }

  /// Bytes of the longest character.
  var maximumLength: Int { hasQuads ? 4 : hasShifts ? 3 : leads.isEmpty ? 1 : 2 }

  private static func contains(_ ranges: [ClosedRange<UInt8>], _ byte: UInt8) -> Bool {
    ranges.contains { $0.contains(byte) }
  }

  /// How many bytes a character takes that begins with a byte; 0: none begins with it. (GB 18030 says with the second.)
  func length(lead: UInt8) -> UInt8 {
    if lead < 0x80 || Self.contains(highSingles, lead) { return 1 }
    if hasShifts, lead == 0x8e || lead == 0x8f { return lead - 0x8c }
    return Self.contains(leads, lead) ? 2 : 0
  }

  /// The single-byte characters.
  var singles: [UInt8] { (0...255).map { UInt8($0) }.filter { length(lead: $0) == 1 } }

  /// The two-byte sequences, as big-endian numbers.
  var pairs: [Int] {
    let seconds = trails.flatMap { $0.map { Int($0) } }
    let pairs = leads.flatMap { $0.map { Int($0) } }.flatMap { lead in seconds.map { lead << 8 | $0 } }
    return hasShifts ? pairs + (0x8ea1...0x8edf) : pairs
  }

  /// The last two bytes of the three-byte sequences.
  var triples: [Int] {
    guard hasShifts else { return [] }
    return (0xa1...0xfe).flatMap { second in (0xa1...0xfe).map { second << 8 | $0 } }
  }

  /// The four-byte sequence of a number.
  static func quad(_ number: Int) -> [UInt8] {
    [
      UInt8(0x81 + number / 12_600), UInt8(0x30 + number / 1260 % 10), UInt8(0x81 + number / 10 % 126),
      UInt8(0x30 + number % 10),
    ]
  }
}
