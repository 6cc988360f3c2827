import Model

/// A column's type as `information_schema.COLUMNS` has it in COLUMN_TYPE and COLLATION_NAME, taken apart.
struct MySQLColumnType: Hashable, Sendable {
  /// The basic type. `text` and `blob` carry the number of bytes that their lengths take in the log (1 to 4).
  enum Kind: Hashable, Sendable {
    case tinyint, smallint, mediumint, int, bigint
    case float, double, decimal
    case bit, year
    case date, time, datetime, timestamp
    case char, varchar, binary, varbinary
    case text(lengthBytes: Int)
    case blob(lengthBytes: Int)
    case enumeration, set
    case json
    /// A spatial type.
    case geometry
    /// Four-byte floating-point numbers.
    case vector
    /// MariaDB's own.
    case uuid, inet4, inet6
    /// A type that this version does not carry.
    case unsupported
  }

  /// The basic type.
  private(set) var kind: Kind = .unsupported
  /// Display width, number of characters, bytes or bits, decimal precision, or digits of a second; nil when not given.
  private(set) var length: Int?
  /// Digits behind the decimal point; nil when not given.
  private(set) var scale: Int?
  /// UNSIGNED, which ZEROFILL implies.
  private(set) var isUnsigned = false
  private(set) var isZerofill = false
  /// MariaDB's COMPRESSED: the log has the value deflated.
  private(set) var isCompressed = false
  /// The members of ENUM and SET.
  private(set) var members: [String] = []
  /// The character set of text.
  private(set) var charset: MySQLCharset
  /// What converts the column's text, where that has been asked for (`types(of:converters:)`).
  private(set) var converter: TextConverter?
  /// COLUMN_TYPE itself, for messages.
  let text: String

  /// Takes a COLUMN_TYPE apart; `collation` is empty for types without one.
  ///
  /// A type that is not known gives the kind `unsupported`.
  /// - Throws: `unsupported` for text that is not of the form of a column type.
  init(columnType: String, collation: String) throws(BinlogError) {
    text = columnType
    charset = MySQLCharset(collation: collation)
    var scanner = ColumnTypeScanner(Self.withoutNotes(columnType))
    let name = scanner.word()
    var parameters: [Int] = []
    if name == "enum" || name == "set" {
      guard let members = scanner.members(), !members.isEmpty else { throw Self.malformed(columnType) }
      self.members = members
    } else if let numbers = try scanner.numbers(columnType) {
      parameters = numbers
    }
    length = parameters.first
    scale = parameters.count > 1 ? parameters[1] : nil
    kind = Self.kind(named: name)
    while !scanner.isAtEnd {
      switch scanner.word() {
      case "unsigned": isUnsigned = true
      case "zerofill":
        isZerofill = true
        isUnsigned = true
      case "signed": break
      // `varchar(20) /*M!100301 COMPRESSED*/`
      case "/*m!100301", "compressed": isCompressed = true
      case "compressed*/": isCompressed = true
      default:
        kind = .unsupported
        return
      }
    }
    try checkParameters()
    // Two members that the server shows as the same text.
    if hasUncertainMembers, Set(members).count < members.count { kind = .unsupported }
    if isCompressed, !isCompressible { kind = .unsupported }
  }

  /// What servers write behind types that are stored as in versions before MySQL 5.6 and MariaDB 10.1.
  private static let notes = [" /* mariadb-5.3 */", " /* 5.5 binary format */"]

  private static func withoutNotes(_ text: String) -> String {
    guard let note = notes.first(where: { text.hasSuffix($0) }) else { return text }
    return String(text.dropLast(note.count))
  }

  private var isCompressible: Bool {
    switch kind {
    case .varchar, .varbinary, .text, .blob: true
    default: false
    }
  }

  static func malformed(_ text: String) -> BinlogError { .unsupported("'\(text)' is not a column type that is known") }

  private static let kinds: [String: Kind] = [
    "tinyint": .tinyint, "smallint": .smallint, "mediumint": .mediumint, "int": .int, "bigint": .bigint,
    "float": .float, "double": .double, "decimal": .decimal, "bit": .bit, "year": .year, "date": .date, "time": .time,
    "datetime": .datetime, "timestamp": .timestamp, "char": .char, "varchar": .varchar, "binary": .binary,
    "varbinary": .varbinary, "tinytext": .text(lengthBytes: 1), "text": .text(lengthBytes: 2),
    "mediumtext": .text(lengthBytes: 3), "longtext": .text(lengthBytes: 4), "tinyblob": .blob(lengthBytes: 1),
    "blob": .blob(lengthBytes: 2), "mediumblob": .blob(lengthBytes: 3), "longblob": .blob(lengthBytes: 4),
    "enum": .enumeration, "set": .set, "json": .json, "geometry": .geometry, "point": .geometry,
    "linestring": .geometry, "polygon": .geometry, "multipoint": .geometry, "multilinestring": .geometry,
    "multipolygon": .geometry, "geometrycollection": .geometry, "geomcollection": .geometry, "vector": .vector,
    "uuid": .uuid, "inet4": .inet4, "inet6": .inet6,
  ]

  private static func kind(named name: String) -> Kind { kinds[name] ?? .unsupported }

  /// Refuses parameters that no server gives: what follows relies on their ranges.
  private mutating func checkParameters() throws(BinlogError) {
    let length = self.length
    let valid: Bool =
      switch kind {
      case .decimal: (1...65).contains(length ?? 10) && (0...min(length ?? 10, 38)).contains(scale ?? 0)
      case .bit: (1...64).contains(length ?? 1)
      case .time, .datetime, .timestamp: (0...6).contains(length ?? 0)
      case .char, .binary: (0...255).contains(length ?? 1)
      case .varchar, .varbinary: length.map { (0...65_535).contains($0) } ?? false
      case .vector: length.map { (1...16_383).contains($0) } ?? false
      case .enumeration: members.count <= 65_535
      case .set: members.count <= 64
      default: true
      }
    guard valid else { throw Self.malformed(text) }
    // Two-digit years are ambiguous in the snapshot.
    if kind == .year, length == 2 { kind = .unsupported }
  }

  /// Digits before and behind the decimal point of a DECIMAL.
  var decimalDigits: (precision: Int, scale: Int) { (length ?? 10, scale ?? 0) }
  /// Digits of a second of a temporal type.
  var fractionalDigits: Int { length ?? 0 }

  /// The types of a schema's columns, from the type and collation texts that they carry; with the converters of their
  /// character sets, by name (`CharsetLoader`).
  static func types(
    of schema: TableSchema, converters: [String: TextConverter] = [:]
  ) throws(BinlogError) -> [MySQLColumnType] {
    var result: [MySQLColumnType] = []
    for column in schema.columns {
      var type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
      if type.usesCharset { type.converter = converters[type.charset.name] }
      result.append(type)
    }
    return result
  }

  /// The converter of text that the snapshot reads as bytes.
  var snapshotConverter: TextConverter? { charset.isConvertedByServer ? nil : converter }
}

extension TextConverter: Hashable {
  /// Converters are compared by identity: there is one for each character set of a server.
  static func == (left: TextConverter, right: TextConverter) -> Bool { left === right }

  /// By identity.
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Reads the parts of a COLUMN_TYPE.
struct ColumnTypeScanner {
  private var rest: Substring.UnicodeScalarView

  init(_ text: String) { rest = text.unicodeScalars[...] }

  var isAtEnd: Bool { rest.allSatisfy { $0 == " " } }

  private mutating func skipBlanks() { rest = rest.drop { $0 == " " } }

  /// Everything up to a blank, a parenthesis or a comma, in lower case.
  mutating func word() -> String {
    skipBlanks()
    let word = rest.prefix { $0 != " " && $0 != "(" && $0 != ")" && $0 != "," }
    rest = rest.dropFirst(word.count)
    if word.isEmpty, let stray = rest.popFirst() { return String(stray) }
    return String(Substring(word)).lowercased()
  }

  /// `(10)` or `(10,2)`; nil when no parenthesis follows.
  mutating func numbers(_ text: String) throws(BinlogError) -> [Int]? {
    skipBlanks()
    guard rest.first == "(" else { return nil }
    rest.removeFirst()
    var numbers: [Int] = []
    while true {
      skipBlanks()
      let digits = rest.prefix { $0 >= "0" && $0 <= "9" }
      rest = rest.dropFirst(digits.count)
      guard let number = Int(String(Substring(digits))), number <= 1 << 32, numbers.count < 2 else {
        throw MySQLColumnType.malformed(text)
      }
      numbers.append(number)
      skipBlanks()
      switch rest.popFirst() {
      case ",": continue
      case ")": return numbers
      default: throw MySQLColumnType.malformed(text)
      }
    }
  }

  /// `('a','b''c')`; nil when it is anything else. A quote is doubled; backslash, NUL and line ends are escaped with a
  /// backslash, whatever the session's sql_mode is.
  mutating func members() -> [String]? {
    skipBlanks()
    guard rest.popFirst() == "(" else { return nil }
    var members: [String] = []
    while true {
      skipBlanks()
      guard rest.popFirst() == "'" else { return nil }
      var member = String.UnicodeScalarView()
      while let scalar = rest.popFirst() {
        if scalar == "\\", let escaped = rest.popFirst() {
          member.append(escaped == "n" ? "\n" : escaped == "r" ? "\r" : escaped == "0" ? "\0" : escaped)
        } else if scalar != "'" {
          member.append(scalar)
        } else if rest.first == "'" {
          rest.removeFirst()
          member.append(scalar)
        } else {
          break
        }
      }
      members.append(String(member))
      skipBlanks()
      switch rest.popFirst() {
      case ",": continue
      case ")": return members
      default: return nil
      }
    }
  }
}
