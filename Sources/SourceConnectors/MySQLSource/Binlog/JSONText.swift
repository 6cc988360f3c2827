/// The texts that MySQL prints for the scalars of a JSON document (sql-common/json_dom.cc, `Json_wrapper::to_string`).
enum JSONText {
  private static let hexDigits = Array("0123456789abcdef".utf8)

  /// A string in quotes; quote, backslash and control characters escaped.
  static func appendQuoted(_ string: UnsafeRawBufferPointer, to text: inout [UInt8]) {
    text.append(0x22)
    var clean = 0
    for index in 0..<string.count {
      let byte = string[index]
      guard byte < 0x20 || byte == 0x22 || byte == 0x5c else { continue }
      text.append(contentsOf: string[clean..<index])
      clean = index + 1
      text.append(0x5c)
      switch byte {
      case 0x08: text.append(0x62)
      case 0x09: text.append(0x74)
      case 0x0a: text.append(0x6e)
      case 0x0c: text.append(0x66)
      case 0x0d: text.append(0x72)
      case 0x22, 0x5c: text.append(byte)
      default:
        text.append(contentsOf: "u00".utf8)
        text.append(hexDigits[Int(byte >> 4)])
        text.append(hexDigits[Int(byte & 15)])
      }
    }
    text.append(contentsOf: string[clean...])
    text.append(0x22)
  }

  /// The shortest digits that give the same double. Plain from 1e-15 on, and for whole numbers below 1e15 (the rule of
  /// `my_gcvt` in strings/dtoa.cc with its widest field), with `.0` where there would be nothing but digits.
  /// - Throws: `corrupt` for infinities and NaN, which JSON does not have.
  static func append(_ value: Double, to text: inout [UInt8]) throws(BinlogError) {
    guard value.isFinite else { throw .corrupt("a JSON document with the number \(value)") }
    let decimal = ShortestDecimal(value)
    let exponent = decimal.exponent
    if value.sign == .minus { text.append(0x2d) }
    if exponent < -14 || (exponent > 15 && decimal.count <= exponent) {
      appendExponential(decimal, to: &text)
      return
    }
    if exponent <= 0 {
      text.append(contentsOf: "0.".utf8)
      text.append(contentsOf: repeatElement(0x30, count: -exponent))
    }
    for index in 0..<max(decimal.count, exponent) {
      if index == exponent, index > 0 { text.append(0x2e) }
      text.append(index < decimal.count ? decimal.digits[index] : 0x30)
    }
    if decimal.count <= exponent { text.append(contentsOf: ".0".utf8) }
  }

  /// `1.5e100`, `2e-300`.
  private static func appendExponential(_ decimal: ShortestDecimal, to text: inout [UInt8]) {
    text.append(decimal.digits[0])
    if decimal.count > 1 { text.append(0x2e) }
    for index in 1..<max(decimal.count, 1) { text.append(decimal.digits[index]) }
    text.append(0x65)
    text.append(contentsOf: String(decimal.exponent - 1).utf8)
  }

  private static func append(_ value: Int, digits: Int, to text: inout [UInt8]) {
    let number = String(value).utf8
    text.append(contentsOf: repeatElement(0x30, count: max(digits - number.count, 0)))
    text.append(contentsOf: number)
  }

  /// `"2024-02-29"` or `"2024-02-29 23:59:59.000000"` of a packed date and time.
  static func appendDate(_ packed: UInt64, hasTime: Bool, to text: inout [UInt8]) {
    let fields = Int(truncatingIfNeeded: packed >> 24)
    let months = fields >> 22
    text.append(0x22)
    append(months / 13, digits: 4, to: &text)
    text.append(0x2d)
    append(months % 13, digits: 2, to: &text)
    text.append(0x2d)
    append(fields >> 17 & 31, digits: 2, to: &text)
    if hasTime {
      text.append(0x20)
      appendClock(hour: fields >> 12 & 31, fields, Int(packed & 0xff_ffff), to: &text)
    }
    text.append(0x22)
  }

  /// `"-12:30:00.000000"` of a packed time.
  static func appendTime(_ packed: Int64, to text: inout [UInt8]) {
    let magnitude = packed.magnitude
    let fields = Int(truncatingIfNeeded: magnitude >> 24)
    text.append(0x22)
    if packed < 0 { text.append(0x2d) }
    appendClock(hour: fields >> 12 & 0x3ff, fields, Int(magnitude & 0xff_ffff), to: &text)
    text.append(0x22)
  }

  private static func appendClock(hour: Int, _ fields: Int, _ fraction: Int, to text: inout [UInt8]) {
    append(hour, digits: 2, to: &text)
    text.append(0x3a)
    append(fields >> 6 & 63, digits: 2, to: &text)
    text.append(0x3a)
    append(fields & 63, digits: 2, to: &text)
    text.append(0x2e)
    append(fraction, digits: 6, to: &text)
  }

  private static let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// `"base64:type15:…"`: any other SQL type, with its number and its bytes.
  static func appendBase64(_ data: UnsafeRawBufferPointer, type: UInt8, to text: inout [UInt8]) {
    text.append(contentsOf: "\"base64:type\(type):".utf8)
    var index = 0
    while index < data.count {
      // The server's encoder begins a new line after 76 digits, and JSON escapes its end.
      if index > 0, index % 57 == 0 { text.append(contentsOf: "\\n".utf8) }
      let taken = min(3, data.count - index)
      var group = 0
      for offset in 0..<3 { group = group << 8 | (offset < taken ? Int(data[index + offset]) : 0) }
      for position in 0..<4 {
        text.append(position <= taken ? base64Digits[group >> (18 - 6 * position) & 63] : 0x3d)
      }
      index += 3
    }
    text.append(0x22)
  }
}
