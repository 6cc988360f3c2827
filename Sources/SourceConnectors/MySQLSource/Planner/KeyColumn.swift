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
    /// Text of a type whose order only the server knows: MariaDB's UUID, INET4, INET6.
    case named(type: String)
    /// Bytes.
    case bytes
    /// BIT of more than one bit, which rows hold in so many bytes, the highest first.
    case bits(bytes: Int)
    /// ENUM, by the number of its member; 0 is the text of a value that is no member.
    case members([String])
  }

  /// The column.
  let column: Column
  /// How its values compare.
  let order: Order

  /// Whether some rows may have no value: they come before all others.
  var isNullable: Bool { column.type.isNullable }

  /// Nil when the table cannot be cut by this column: its order is not one of values (SET), its text is not exact
  /// (FLOAT, DOUBLE), or it has too few values or too many members (BOOLEAN, ENUM of more than 255).
  init?(_ column: Column) {
    guard let order = Self.order(of: column) else { return nil }
    self.column = column
    self.order = order
  }

  private static func order(of column: Column) -> Order? {
    let native = column.nativeType.lowercased()
    let isOneOf = { (names: [String]) in names.contains { native.hasPrefix($0) } }
    switch (column.type.kind, column.type.annotation) {
    case (.boolean, _), (.tinyint, _), (.smallint, _), (.int, _), (.bigint, _):
      return isOneOf(["tinyint", "smallint", "mediumint", "int", "bigint", "year"]) ? .signed : nil
    case (.decimal, _) where native.hasPrefix("bigint"): return .unsigned
    case (.decimal, _): return .decimal
    case (.string, _) where isOneOf(["decimal", "numeric"]): return .decimal
    case (.string, _) where ["uuid", "inet4", "inet6"].contains(native): return .named(type: native)
    case (.date, _), (.time, _), (.timestamp, _), (.timestampLTZ, _): return .temporal
    case (_, .bit(let width)): return .bits(bytes: (width + 7) / 8)
    case (_, .enumeration(let members)): return members.count <= 255 ? .members(members) : nil
    case (.char, nil), (.varchar, nil), (.string, nil):
      guard isOneOf(["char", "varchar", "tinytext", "text", "mediumtext", "longtext"]) else { return nil }
      return textOrder(column.nativeCollation)
    case (.binary, nil), (.varbinary, nil), (.bytes, nil):
      return isOneOf(["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"]) ? .bytes : nil
    default: return nil
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
    switch order {
    case .collatedText, .named: return false
    default: return true
    }
  }

  /// Whether values can be added to. (A YEAR between those that a column holds might be read as one with two digits.)
  var isArithmetic: Bool {
    (order == .signed && !column.nativeType.lowercased().hasPrefix("year")) || order == .unsigned
  }

  /// Whether rows carry the column as text that stands for one value alone: some character sets of East Asia have several
  /// codes for one character, so text that has been through UTF-8 may come back as a neighbour. Text of those sets, and of
  /// UTF-16 and UTF-32, comes as the bytes that are stored.
  var hasExactText: Bool {
    guard case .collatedText = order else { return true }
    return MySQLCharset(collation: column.nativeCollation).isConvertedByServer
  }

  /// A value that the server gave for `selectExpression`, as a key part.
  /// - Throws: `corrupt` when an integer column's text is no integer.
  func part(_ text: String) throws(ConnectorError) -> KeyPart {
    switch order {
    case .signed:
      guard let value = Int64(text) else { throw malformed(text) }
      return .integer(value)
    case .unsigned, .bits, .members:
      guard let value = UInt64(text) else { throw malformed(text) }
      return .unsigned(value)
    case .decimal, .temporal, .binaryText, .collatedText, .named: return .text(text)
    case .bytes:
      guard let bytes = Hexadecimal.bytes(text) else { throw malformed(text) }
      return .bytes(bytes)
    }
  }

  /// A value as a snapshot's rows carry it in the text protocol, as a key part.
  /// - Throws: `corrupt` when an integer column's text is no integer.
  func part(ofRow value: UnsafeRawBufferPointer) throws(ConnectorError) -> KeyPart {
    switch order {
    case .bytes: return .bytes(Array(value))
    case .bits: return .unsigned(value.reduce(0) { $0 << 8 | UInt64($1) })
    case .members(let members): return .unsigned(Self.number(of: String(decoding: value, as: UTF8.self), in: members))
    default: return try part(String(decoding: value, as: UTF8.self))
    }
  }

  /// The number of an ENUM's member; 0 for text that is none.
  static func number(of text: String, in members: [String]) -> UInt64 {
    members.firstIndex(of: text).map { UInt64($0) + 1 } ?? 0
  }

  private func malformed(_ text: String) -> ConnectorError {
    ConnectorError(.corrupt, "the server gave \(text) for the key column \(column.name) of type \(column.nativeType)")
  }

  /// The column's quoted name.
  var name: String { SQLText.name(column.name) }

  /// The column in a SELECT list of the planner: bytes as hexadecimal digits, BIT and ENUM as their numbers, everything
  /// else as its text.
  var selectExpression: String {
    switch order {
    case .bytes: "HEX(\(name))"
    case .bits, .members: "(\(name) + 0)"
    default: name
    }
  }

  /// A key part as a literal that compares as the column's own values do.
  /// - Throws: `bug` when the part does not belong to this column.
  func literal(_ part: KeyPart) throws(ConnectorError) -> String {
    switch (order, part) {
    case (.signed, .integer), (.unsigned, .unsigned), (.bytes, .bytes), (.bits, .unsigned), (.members, .unsigned):
      return SQLText.literal(part)
    // As a string it would be compared as a DOUBLE, which is not exact.
    case (.decimal, .text(let text)) where Self.isNumber(text): return text
    case (.temporal, .text), (.binaryText, .text), (.collatedText, .text), (.named, .text): return SQLText.literal(part)
    default: throw ConnectorError(.bug, "the bound \(part) does not belong to the key column \(column.name)")
    }
  }

  /// The comparison of the column with a value, in a form for which the servers use an index.
  /// - Throws: `bug` when the part does not belong to this column.
  func comparison(_ relation: KeyRelation, _ part: KeyPart) throws(ConnectorError) -> String {
    let literal = try literal(part)
    guard case .members(let members) = order, case .unsigned(let number) = part else {
      return "\(name) \(relation.rawValue) \(literal)"
    }
    // A comparison with the number would be right, and a scan of the whole index.
    let wanted = members.enumerated().filter { relation.holds(UInt64($0.offset) + 1, number) }.map(\.element)
    var list = wanted.map { SQLText.string($0) }
    if relation.holds(0, number), !wanted.contains("") { list.append("''") }
    return list.isEmpty ? "FALSE" : "\(name) IN (\(list.joined(separator: ", ")))"
  }

  private static func isNumber(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
  }

  /// A literal that carries the column's collation, for comparing two values without a table.
  func collatedLiteral(_ part: KeyPart) throws(ConnectorError) -> String {
    if case .named(let type) = order { return "CAST(\(try literal(part)) AS \(type))" }
    guard case .collatedText(let collation) = order, let charset = collation.split(separator: "_").first else {
      return try literal(part)
    }
    return "CONVERT(\(try literal(part)) USING \(charset)) COLLATE \(collation)"
  }
}

/// How a key column's value stands to a bound.
enum KeyRelation: String {
  case below = "<"
  case equal = "="
  case atOrAbove = ">="
  case above = ">"

  /// Whether numbers stand so.
  func holds(_ left: UInt64, _ right: UInt64) -> Bool {
    switch self {
    case .below: left < right
    case .equal: left == right
    case .atOrAbove: left >= right
    case .above: left > right
    }
  }
}
