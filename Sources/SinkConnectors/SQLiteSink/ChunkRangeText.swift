import Connector
import Model

/// A chunk range as one line of the progress table: columns, lower and upper bound, separated by `|`; the elements of
/// each by commas; `-` for a bound that is not there. Text and bytes are hexadecimal, so that nothing needs escaping.
enum ChunkRangeText {
  /// The line of a range.
  static func text(_ range: ChunkRange) -> String {
    let columns = range.columns.map { element(.text($0)) }.joined(separator: ",")
    return "\(columns)|\(bound(range.lower))|\(bound(range.upper))"
  }

  private static func bound(_ parts: [KeyPart]?) -> String {
    parts.map { $0.map(element).joined(separator: ",") } ?? "-"
  }

  private static func element(_ part: KeyPart) -> String {
    switch part {
    case .integer(let value): "i\(value)"
    case .unsigned(let value): "u\(value)"
    case .text(let value): "t" + hexadecimal(value.utf8)
    case .bytes(let value): "b" + hexadecimal(value)
    }
  }

  private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.reduce(into: "") { text, byte in
      if byte < 16 { text += "0" }
      text += String(byte, radix: 16)
    }
  }

  /// The range of a line.
  /// - Throws: `corrupt` when the line is none.
  static func range(_ text: String) throws(ConnectorError) -> ChunkRange {
    let fields = text.split(separator: "|", omittingEmptySubsequences: false)
    guard fields.count == 3, let columns = parts(fields[0]) else { throw damaged(text) }
    var names: [String] = []
    for case .text(let name) in columns { names.append(name) }
    guard names.count == columns.count else { throw damaged(text) }
    return ChunkRange(columns: names, lower: try bound(fields[1], text), upper: try bound(fields[2], text))
  }

  private static func damaged(_ text: String) -> ConnectorError {
    ConnectorError(
      .corrupt, "_tidegate_progress holds a range that cannot be read: \(text.prefix(80))",
      remedy: "restore the database from a backup, or submit the pipeline again")
  }

  private static func bound(_ field: Substring, _ text: String) throws(ConnectorError) -> [KeyPart]? {
    if field == "-" { return nil }
    guard let parts = parts(field) else { throw damaged(text) }
    return parts
  }

  private static func parts(_ field: Substring) -> [KeyPart]? {
    if field.isEmpty { return [] }
    var parts: [KeyPart] = []
    for element in field.split(separator: ",", omittingEmptySubsequences: false) {
      guard let part = part(element) else { return nil }
      parts.append(part)
    }
    return parts
  }

  private static func part(_ element: Substring) -> KeyPart? {
    let value = element.dropFirst()
    switch element.first {
    case "i": return Int64(value).map { .integer($0) }
    case "u": return UInt64(value).map { .unsigned($0) }
    case "t":
      guard let bytes = bytes(value), let text = String(validating: bytes, as: UTF8.self) else { return nil }
      return .text(text)
    case "b": return bytes(value).map { .bytes($0) }
    default: return nil
    }
  }

  private static func bytes(_ digits: Substring) -> [UInt8]? {
    let digits = Array(digits.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
