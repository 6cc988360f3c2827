import Model

/// The text that a column's constant default has in the catalog, which is what rows are filled with.
enum DefaultText {
  /// Nil where the constant cannot be told as text (bytes that are no UTF-8), or the type has no literals.
  static func canonical(_ clause: DefaultClause, _ type: MySQLColumnType) -> String? {
    switch clause {
    case .none, .null, .expression: return nil
    case .bytes(let bytes): return bytesText(bytes, type)
    case .constant(let text): return constant(text, type)
    }
  }

  private static func constant(_ text: String, _ type: MySQLColumnType) -> String? {
    switch type.kind {
    case .tinyint, .smallint, .mediumint, .int, .bigint: return rounded(text, scale: 0) ?? text
    case .decimal: return rounded(text, scale: type.scale ?? 0) ?? text
    case .float, .double: return type.scale.flatMap { rounded(text, scale: $0) } ?? approximate(text)
    case .year: return year(text)
    case .date: return TimeLiteral(text)?.dateText
    case .datetime, .timestamp: return TimeLiteral(text)?.text(digits: type.fractionalDigits)
    case .time: return TimeLiteral(time: text)?.timeText(digits: type.fractionalDigits)
    case .char: return trimmed(text)
    case .enumeration: return member(trimmed(text), type)
    case .set: return set(text, type)
    case .bit: return UInt64(text).map { bits($0) } ?? bytesText(Array(text.utf8), type)
    default: return text
    }
  }

  private static func bytesText(_ bytes: [UInt8], _ type: MySQLColumnType) -> String? {
    switch type.kind {
    case .char, .varchar, .text, .binary, .varbinary, .blob, .enumeration, .set:
      return String(validating: bytes, as: UTF8.self).flatMap { constant($0, type) }
    default:
      guard bytes.count <= 8 else { return nil }
      let number = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return type.kind == .bit ? bits(number) : constant(String(number), type)
    }
  }

  private static func bits(_ number: UInt64) -> String { "b'" + String(number, radix: 2) + "'" }

  private static func trimmed(_ text: some StringProtocol) -> String {
    var scalars = Array(text.unicodeScalars)
    while scalars.last == " " { scalars.removeLast() }
    return String(String.UnicodeScalarView(scalars))
  }

  /// A decimal number with so many digits behind the point, halves away from zero; nil when the text is no such number.
  static func rounded(_ text: String, scale: Int) -> String? {
    guard let number = DecimalDigits(text) else { return nil }
    return number.rounded(scale: scale)
  }

  /// `1e3` is shown as 1000, `1.50` as 1.5.
  private static func approximate(_ text: String) -> String {
    guard let number = Double(trimmed(text[...].drop { $0 == " " })), number.isFinite else { return text }
    if number == number.rounded(), abs(number) < 1e15 { return String(Int64(number)) }
    return "\(number)"
  }

  private static func year(_ text: String) -> String {
    guard let number = Int(text) else { return text }
    if text.count > 2 || number > 99 { return text }
    // The text '0' is 2000, the number 0 is 0000; what was written cannot be told apart any more.
    return String(number + (number < 70 ? 2000 : 1900))
  }

  /// Members are found without regard to case, and stand as they were defined.
  private static func member(_ text: String, _ type: MySQLColumnType) -> String {
    type.members.first { $0 == text } ?? type.members.first { $0.lowercased() == text.lowercased() } ?? text
  }

  private static func set(_ text: String, _ type: MySQLColumnType) -> String {
    let wanted = text.split(separator: ",").map { member(trimmed(String($0)), type) }
    guard wanted.allSatisfy({ type.members.contains($0) }) else { return text }
    return type.members.filter { wanted.contains($0) }.joined(separator: ",")
  }
}

/// A decimal number taken apart: sign, digits, and how many of them stand behind the point.
private struct DecimalDigits {
  private var isNegative = false
  private var digits: [UInt8] = []
  private var scale = 0

  /// Nil for anything but a number with at most so many digits as any column has.
  init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    while rest.first == 0x20 { rest.removeFirst() }
    while rest.last == 0x20 { rest.removeLast() }
    if let sign = rest.first, sign == 0x2d || sign == 0x2b {
      isNegative = sign == 0x2d
      rest.removeFirst()
    }
    var hasPoint = false
    while let byte = rest.first, byte == 0x2e || (byte >= 0x30 && byte <= 0x39) {
      rest.removeFirst()
      if byte == 0x2e {
        if hasPoint { return nil }
        hasPoint = true
      } else {
        digits.append(byte - 0x30)
        if hasPoint { scale += 1 }
      }
    }
    guard !digits.isEmpty else { return nil }
    if let mark = rest.first {
      guard mark | 0x20 == 0x65, let exponent = Int(String(decoding: rest.dropFirst(), as: UTF8.self)),
        abs(exponent) <= 400
      else { return nil }
      scale -= exponent
    }
    guard digits.count <= 1000 else { return nil }
  }

  func rounded(scale wanted: Int) -> String {
    var digits = self.digits
    var scale = self.scale
    while scale < wanted {
      digits.append(0)
      scale += 1
    }
    var carry = false
    while scale > wanted {
      let last = digits.popLast() ?? 0
      scale -= 1
      // Only the first digit that falls away decides.
      carry = last >= 5
    }
    if carry {
      var index = digits.count - 1
      while index >= 0, digits[index] == 9 {
        digits[index] = 0
        index -= 1
      }
      if index >= 0 { digits[index] += 1 } else { digits.insert(1, at: 0) }
    }
    while digits.count <= wanted { digits.insert(0, at: 0) }
    while digits.count > wanted + 1, digits.first == 0 { digits.removeFirst() }
    var text = digits.map { String($0) }.joined()
    if wanted > 0 { text.insert(".", at: text.index(text.endIndex, offsetBy: -wanted)) }
    return isNegative && digits.contains { $0 != 0 } ? "-" + text : text
  }
}
