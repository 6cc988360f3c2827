import Connector
import Model

/// A column by which a table can be cut into chunks, and how its values compare.
struct KeyColumn: Hashable, Sendable {
  /// How values are carried in a `KeyPart` and compared.
  enum Order: Hashable, Sendable {
    /// Integers that fit Int64.
    case signed
    /// BIGINT UNSIGNED.
    case unsigned
    /// DECIMAL, as text with the column's scale.
    case decimal
    /// DATE, TIME, DATETIME, TIMESTAMP, as text.
    case temporal
    /// Text that compares byte by byte in UTF-8; `padded`: a shorter text counts as filled up with spaces.
    case binaryText(padded: Bool)
    /// Text whose order only the server knows.
    case collatedText(collation: String)
    /// Bytes.
    case bytes
  }

  /// The column.
  let column: Column
  /// How its values compare.
  let order: Order

  /// Nil when the table cannot be cut by this column: its order is not the order of its values (ENUM, SET), its text
  /// form is not exact (FLOAT, DOUBLE), or it is NULL for some rows.
  init?(_ column: Column) {
    guard !column.type.isNullable, let order = Self.order(of: column) else { return nil }
    self.column = column
    self.order = order
  }

  private static func order(of column: Column) -> Order? {
    let native = column.nativeType.lowercased()
    let isOneOf = { (names: [String]) in names.contains { native.hasPrefix($0) } }
    switch column.type.kind {
    case .boolean, .tinyint, .smallint, .int, .bigint:
      return isOneOf(["tinyint", "smallint", "mediumint", "int", "bigint", "year"]) ? .signed : nil
    case .decimal where native.hasPrefix("bigint"): return .unsigned
    case .decimal: return .decimal
    case .string where isOneOf(["decimal", "numeric"]): return .decimal
    case .date, .time, .timestamp, .timestampLTZ: return .temporal
    case .char, .varchar, .string:
      guard isOneOf(["char", "varchar", "tinytext", "text", "mediumtext", "longtext"]), column.type.annotation == nil
      else {
        return nil
      }
      return textOrder(column.nativeCollation)
    case .binary, .varbinary, .bytes:
      return isOneOf(["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"]) ? .bytes : nil
    case .float, .double, .array, .map: return nil
    }
  }

  private static func textOrder(_ collation: String) -> Order {
    switch collation.lowercased() {
    case "utf8mb4_bin", "utf8mb3_bin", "utf8_bin", "ascii_bin": .binaryText(padded: true)
    case "utf8mb4_0900_bin", "utf8mb4_nopad_bin", "utf8mb3_nopad_bin", "utf8_nopad_bin", "ascii_nopad_bin":
      .binaryText(padded: false)
    default: .collatedText(collation: collation)
    }
  }

  /// Whether values can be compared without the server.
  var isLocal: Bool {
    if case .collatedText = order { return false }
    return true
  }

  /// A value that the server gave as text, as a key part.
  /// - Throws: `corrupt` when an integer column's text is no integer.
  func part(_ text: String) throws(ConnectorError) -> KeyPart {
    switch order {
    case .signed:
      guard let value = Int64(text) else { throw malformed(text) }
      return .integer(value)
    case .unsigned:
      guard let value = UInt64(text) else { throw malformed(text) }
      return .unsigned(value)
    case .decimal, .temporal, .binaryText, .collatedText: return .text(text)
    case .bytes:
      guard text.utf8.count.isMultiple(of: 2) else { throw malformed(text) }
      var bytes: [UInt8] = []
      var high: UInt8?
      for digit in text.utf8 {
        guard let value = Self.hexadecimal(digit) else { throw malformed(text) }
        if let first = high {
          bytes.append(first << 4 | value)
          high = nil
        } else {
          high = value
        }
      }
      return .bytes(bytes)
    }
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  private func malformed(_ text: String) -> ConnectorError {
    ConnectorError(.corrupt, "the server gave \(text) for the key column \(column.name) of type \(column.nativeType)")
  }

  /// The column in a SELECT list of the planner: bytes as hexadecimal digits, everything else as its text.
  var selectExpression: String {
    order == .bytes ? "HEX(\(SQLText.name(column.name)))" : SQLText.name(column.name)
  }

  /// A key part as a literal that compares as the column's own values do.
  /// - Throws: `bug` when the part does not belong to this column.
  func literal(_ part: KeyPart) throws(ConnectorError) -> String {
    switch (order, part) {
    case (.signed, .integer), (.unsigned, .unsigned), (.bytes, .bytes): return SQLText.literal(part)
    // As a string it would be compared as a DOUBLE, which is not exact.
    case (.decimal, .text(let text)) where Self.isNumber(text): return text
    case (.temporal, .text), (.binaryText, .text), (.collatedText, .text): return SQLText.literal(part)
    default: throw ConnectorError(.bug, "the bound \(part) does not belong to the key column \(column.name)")
    }
  }

  private static func isNumber(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  /// A literal that carries the column's collation, for comparing two values without a table.
  func collatedLiteral(_ part: KeyPart) throws(ConnectorError) -> String {
    guard case .collatedText(let collation) = order, let charset = collation.split(separator: "_").first else {
      return try literal(part)
    }
    return "CONVERT(\(try literal(part)) USING \(charset)) COLLATE \(collation)"
  }
}
