/// Reads a column's type in DDL and writes it as information_schema's COLUMN_TYPE has it.
struct ColumnTypeParser {
  let dialect: DDLDialect

  /// A type before its attributes.
  struct Parsed {
    var name: String
    /// Digits or members in parentheses, as they stand in COLUMN_TYPE.
    var parameters: [Int] = []
    var members: [String]?
    var charset: String?
    var sizeHint: Int?
    var isUnsigned = false
    var isZerofill = false
    /// SERIAL: NOT NULL and AUTO_INCREMENT as well.
    var isSerial = false

    init(_ name: String, _ parameters: [Int] = []) {
      self.name = name
      self.parameters = parameters
    }
  }

  private static let simple: [String: String] = [
    "TINYINT": "tinyint", "INT1": "tinyint", "SMALLINT": "smallint", "INT2": "smallint", "MEDIUMINT": "mediumint",
    "INT3": "mediumint", "MIDDLEINT": "mediumint", "INT": "int", "INTEGER": "int", "INT4": "int", "BIGINT": "bigint",
    "INT8": "bigint", "BIT": "bit", "DATE": "date", "TIME": "time", "DATETIME": "datetime", "TIMESTAMP": "timestamp",
    "YEAR": "year", "BINARY": "binary", "VARBINARY": "varbinary", "RAW": "varbinary", "TINYTEXT": "tinytext",
    "MEDIUMTEXT": "mediumtext", "LONGTEXT": "longtext", "CLOB": "longtext", "TINYBLOB": "tinyblob",
    "MEDIUMBLOB": "mediumblob", "LONGBLOB": "longblob",
  ]

  /// The type at the cursor; nil when there is none that is known at least by its form.
  func type(_ cursor: inout TokenCursor) -> Parsed? {
    guard let token = cursor.current, token.kind == .word else { return nil }
    cursor.advance()
    let word = token.keyword
    var parsed: Parsed?
    switch word {
    case "BOOL", "BOOLEAN": return Parsed("tinyint", [1])
    case "SERIAL":
      parsed = Parsed("bigint")
      parsed?.isUnsigned = true
      parsed?.isSerial = true
    case "FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL": parsed = approximate(word, &cursor)
    case "DECIMAL", "DEC", "NUMERIC", "FIXED", "NUMBER": parsed = decimal(word, &cursor)
    case "CHAR" where cursor.sees("BYTE"), "CHARACTER" where cursor.sees("BYTE"):
      cursor.advance()
      parsed = Parsed("binary", [1])
    case "CHAR", "CHARACTER", "NCHAR", "NATIONAL", "VARCHAR", "VARCHARACTER", "VARCHAR2", "NVARCHAR":
      parsed = character(word, &cursor)
    case "TEXT", "BLOB":
      parsed = Parsed(word.lowercased())
      parsed?.sizeHint = numbers(&cursor)?.first
    case "LONG": parsed = long(&cursor)
    case "GEOMETRYCOLLECTION" where dialect.flavor == .mysql && !dialect.showsIntegerWidths,
      "GEOMCOLLECTION" where dialect.flavor == .mysql && !dialect.showsIntegerWidths:
      parsed = Parsed("geomcollection")
    case "GEOMETRYCOLLECTION", "GEOMCOLLECTION": parsed = Parsed("geometrycollection")
    case "ENUM", "SET": return members(word, &cursor)
    case "JSON": return json()
    default: parsed = plain(word, &cursor)
    }
    guard var parsed else { return nil }
    numberAttributes(&parsed, &cursor)
    return parsed
  }

  /// `(10)` or `(10, 2)`; nil without parentheses, or when they hold anything else.
  private func numbers(_ cursor: inout TokenCursor) -> [Int]? {
    guard cursor.sees(symbol: "("), let inner = cursor.parenthesised() else { return nil }
    // MariaDB takes a number with a point for the whole one in front of it.
    return inner.splitAtCommas().compactMap { $0.first.flatMap { Int($0.text.prefix { $0 != "." }) } }
  }

  private func plain(_ word: String, _ cursor: inout TokenCursor) -> Parsed {
    var parsed = Parsed(Self.simple[word] ?? word.lowercased(), numbers(&cursor) ?? [])
    switch parsed.name {
    case "varbinary": if let length = parsed.parameters.first { parsed = Self.bounded(parsed.name, length) }
    case "bit", "binary": if parsed.parameters.isEmpty { parsed.parameters = [1] }
    case "time", "datetime", "timestamp": if parsed.parameters == [0] { parsed.parameters = [] }
    case "vector": if parsed.parameters.isEmpty { parsed.parameters = [2048] }
    case "year": parsed.parameters = dialect.showsIntegerWidths ? [parsed.parameters.first == 2 ? 2 : 4] : []
    default: break
    }
    return parsed
  }

  private func approximate(_ word: String, _ cursor: inout TokenCursor) -> Parsed {
    if word == "DOUBLE" { _ = cursor.take("PRECISION") }
    let parameters = numbers(&cursor) ?? []
    if parameters.count == 2 {
      let isFloat = word == "FLOAT" || word == "FLOAT4" || (word == "REAL" && dialect.hasRealAsFloat)
      return Parsed(isFloat ? "float" : "double", parameters)
    }
    switch word {
    case "FLOAT": return Parsed(parameters.first ?? 0 > 24 ? "double" : "float")
    case "FLOAT4": return Parsed("float")
    case "REAL": return Parsed(dialect.hasRealAsFloat ? "float" : "double")
    default: return Parsed("double")
    }
  }

  private func decimal(_ word: String, _ cursor: inout TokenCursor) -> Parsed {
    let parameters = numbers(&cursor) ?? []
    // NUMBER is Oracle's, and without a precision a double.
    if word == "NUMBER", parameters.isEmpty { return Parsed("double") }
    let precision = parameters.first ?? 10
    return Parsed("decimal", [precision == 0 ? 10 : precision, parameters.count > 1 ? parameters[1] : 0])
  }

  private func character(_ word: String, _ cursor: inout TokenCursor) -> Parsed? {
    var isNational = word == "NCHAR" || word == "NVARCHAR"
    var varies = word.contains("VAR")
    if word == "NATIONAL" {
      isNational = true
      guard let kind = cursor.takeAny(["CHAR", "CHARACTER", "VARCHAR", "VARCHARACTER"]) else { return nil }
      varies = kind.hasPrefix("VAR")
    }
    if cursor.takeAny(["VARYING", "VARCHAR", "VARCHARACTER"]) != nil { varies = true }
    let length = numbers(&cursor)?.first
    if varies, length == nil { return nil }
    var parsed = Self.bounded(varies ? "varchar" : "char", length ?? 1)
    if isNational { parsed.charset = "utf8mb3" }
    return parsed
  }

  /// Outside strict mode a VARCHAR or VARBINARY that no row can hold is taken for TEXT or BLOB of that length.
  private static func bounded(_ name: String, _ length: Int) -> Parsed {
    guard length > 65_535, name.hasPrefix("var") else { return Parsed(name, [length]) }
    var parsed = Parsed(name == "varchar" ? "text" : "blob")
    parsed.sizeHint = length
    return parsed
  }

  /// LONG, LONG VARCHAR: MEDIUMTEXT. LONG VARBINARY: MEDIUMBLOB.
  private func long(_ cursor: inout TokenCursor) -> Parsed {
    if cursor.take("VARBINARY") { return Parsed("mediumblob") }
    if cursor.takeAny(["CHAR", "CHARACTER"]) != nil {
      _ = cursor.take("VARYING")
    } else {
      _ = cursor.takeAny(["VARCHAR", "VARCHARACTER"])
    }
    return Parsed("mediumtext")
  }

  /// Trailing blanks of members do not count.
  private func members(_ word: String, _ cursor: inout TokenCursor) -> Parsed? {
    guard let inner = cursor.parenthesised() else { return nil }
    var members: [String] = []
    for part in inner.splitAtCommas() {
      var member = TokenCursor(part)
      // A character set may stand in front: _latin1'a'.
      if member.current?.keyword.hasPrefix("_") ?? false || member.sees("N") { member.advance() }
      guard let text = member.string(), member.isAtEnd else { return nil }
      var scalars = Array(text.unicodeScalars)
      while scalars.last == " " { scalars.removeLast() }
      members.append(String(String.UnicodeScalarView(scalars)))
    }
    var parsed = Parsed(word.lowercased())
    parsed.members = members
    return members.isEmpty ? nil : parsed
  }

  /// MariaDB's JSON is another word for LONGTEXT with a binary collation.
  private func json() -> Parsed {
    guard dialect.flavor == .mariadb else { return Parsed("json") }
    var parsed = Parsed("longtext")
    parsed.charset = "utf8mb4"
    return parsed
  }

  private func numberAttributes(_ parsed: inout Parsed, _ cursor: inout TokenCursor) {
    while let attribute = cursor.takeAny(["UNSIGNED", "SIGNED", "ZEROFILL"]) {
      if attribute != "SIGNED" { parsed.isUnsigned = true }
      if attribute == "ZEROFILL" { parsed.isZerofill = true }
    }
    guard let width = Self.widths[parsed.name] else { return }
    if parsed.parameters.isEmpty { parsed.parameters = [parsed.isUnsigned ? width.unsigned : width.signed] }
    // Newer servers show a width only where it says something: TINYINT(1), and with leading zeros.
    let isBoolean = parsed.name == "tinyint" && parsed.parameters == [1] && !parsed.isUnsigned
    if !dialect.showsIntegerWidths, !parsed.isZerofill, !isBoolean { parsed.parameters = [] }
  }

  private static let widths: [String: (signed: Int, unsigned: Int)] = [
    "tinyint": (4, 3), "smallint": (6, 5), "mediumint": (9, 8), "int": (11, 10), "bigint": (20, 20),
  ]
}

extension ColumnTypeParser.Parsed {
  /// As COLUMN_TYPE has it.
  var columnType: String {
    var text = name
    if let members {
      text += "(" + members.map { "'" + Self.escaped($0) + "'" }.joined(separator: ",") + ")"
    } else if !parameters.isEmpty {
      text += "(" + parameters.map(String.init).joined(separator: ",") + ")"
    }
    if isUnsigned { text += " unsigned" }
    if isZerofill { text += " zerofill" }
    return text
  }

  private static func escaped(_ member: String) -> String {
    member.unicodeScalars.map { scalar in
      switch scalar {
      case "'": "''"
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\r": "\\r"
      case "\0": "\\0"
      default: String(scalar)
      }
    }.joined()
  }
}
