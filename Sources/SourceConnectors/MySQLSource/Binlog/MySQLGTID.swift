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

/// The name of one transaction in MySQL: where it began, and its number there.
struct MySQLGTID: Hashable, Sendable, CustomStringConvertible {
  var source: MySQLUUID
  /// From 1 on.
  var number: Int64

  /// `3e11fa47-71ca-11e1-9e33-c80aa9429562:23`.
  var description: String { "\(source):\(number)" }
}
