/// A piece of an SQL statement.
struct DDLToken: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    /// A bare word: keyword or name.
    case word
    /// A name in backticks, or in double quotes under ANSI_QUOTES.
    case quotedName
    /// A text in quotes, with its escapes resolved.
    case string
    case number
    /// A single character that is none of the above.
    case symbol
  }

  var kind: Kind
  /// The text without quotes.
  var text: String
  /// The text in upper case for bare words, else empty: what keywords are compared with.
  var keyword: String
  /// Where the token begins and ends in the statement, in Unicode scalars.
  var range: Range<Int>

  /// Whether it may be a name.
  var isName: Bool { kind == .word || kind == .quotedName }
}

/// Takes a statement apart as MySQL's lexer does: comments are left out, but the contents of `/*! … */` and MariaDB's
/// `/*M! … */` count, whose version the server has already judged. MySQL passes over `/*M! … */`.
struct DDLTokenizer {
  private let scalars: [Unicode.Scalar]
  private let dialect: DDLDialect
  private var index = 0
  private var tokens: [DDLToken] = []
  /// Inside an executable comment, whose end must be passed over.
  private var openComments = 0

  /// The tokens of a statement; with a limit, the first ones.
  static func tokens(of sql: String, dialect: DDLDialect, limit: Int = .max) -> [DDLToken] {
    var tokenizer = DDLTokenizer(scalars: Array(sql.unicodeScalars.prefix(longestText)), dialect: dialect)
    tokenizer.run(limit)
    return tokenizer.tokens
  }

  /// What stands behind so many characters is not looked at.
  private static let longestText = 64 << 20

  private init(scalars: [Unicode.Scalar], dialect: DDLDialect) {
    self.scalars = scalars
    self.dialect = dialect
  }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar {
    index + offset < scalars.count ? scalars[index + offset] : "\0"
  }

  private mutating func run(_ limit: Int) {
    while index < scalars.count, tokens.count < limit {
      let scalar = peek()
      // Other blanks of Unicode are letters of names.
      if scalar.value <= 0x20 {
        index += 1
      } else if skipComment(scalar) {
        continue
      } else if scalar == "`" || (scalar == "\"" && dialect.hasANSIQuotes) {
        quoted(scalar, .quotedName)
      } else if scalar == "'" || scalar == "\"" {
        quoted(scalar, .string)
      } else if Self.isDigit(scalar) {
        number()
      } else if Self.isWordPart(scalar) {
        word()
      } else {
        tokens.append(DDLToken(kind: .symbol, text: String(scalar), keyword: "", range: index..<index + 1))
        index += 1
      }
    }
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }

  private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
    isDigit(scalar) || (scalar >= "a" && scalar <= "z") || (scalar >= "A" && scalar <= "Z") || scalar == "_"
      || scalar == "$" || scalar.value >= 0x80
  }

  /// Passes a comment, or the mark of an executable one; false when there is none here.
  private mutating func skipComment(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "#" || (scalar == "-" && peek(1) == "-" && (peek(2).value <= 0x20)) {
      while index < scalars.count, scalars[index] != "\n" { index += 1 }
      return true
    }
    if scalar == "*", peek(1) == "/", openComments > 0 {
      openComments -= 1
      index += 2
      return true
    }
    guard scalar == "/", peek(1) == "*" else { return false }
    let isMariaDB = peek(2) == "M" && peek(3) == "!"
    if peek(2) == "!" || (isMariaDB && dialect.flavor == .mariadb) {
      index += isMariaDB ? 4 : 3
      while Self.isDigit(peek()) { index += 1 }
      openComments += 1
      return true
    }
    index += 2
    while index < scalars.count, !(peek() == "*" && peek(1) == "/") { index += 1 }
    index = min(index + 2, scalars.count)
    return true
  }

  private mutating func quoted(_ quote: Unicode.Scalar, _ kind: DDLToken.Kind) {
    let start = index
    var text = String.UnicodeScalarView()
    index += 1
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      if scalar == quote {
        guard peek() == quote else { break }
        index += 1
        text.append(quote)
      } else if scalar == "\\", kind == .string, !dialect.hasNoBackslashEscapes, index < scalars.count {
        text.append(contentsOf: Self.escape(scalars[index]))
        index += 1
      } else {
        text.append(scalar)
      }
    }
    tokens.append(DDLToken(kind: kind, text: String(text), keyword: "", range: start..<index))
  }

  /// What a backslash and a character stand for (MySQL manual, "String Literals").
  private static func escape(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    switch scalar {
    case "0": ["\0"]
    case "b": ["\u{8}"]
    case "n": ["\n"]
    case "r": ["\r"]
    case "t": ["\t"]
    case "Z": ["\u{1a}"]
    case "%", "_": ["\\", scalar]
    default: [scalar]
    }
  }

  private mutating func number() {
    let start = index
    var isNumber = true
    while index < scalars.count {
      let scalar = scalars[index]
      if Self.isWordPart(scalar) {
        // A name may begin with digits; a number has an exponent or the mark of hexadecimal at most.
        if !Self.isDigit(scalar), !isNumberLetter(scalar, start) { isNumber = false }
      } else if scalar == ".", isNumber, Self.isDigit(peek(1)) {
      } else if scalar == "+" || scalar == "-", isNumber, peek(-1) == "e" || peek(-1) == "E" {
      } else {
        break
      }
      index += 1
    }
    let text = String(String.UnicodeScalarView(scalars[start..<index]))
    tokens.append(
      DDLToken(
        kind: isNumber ? .number : .word, text: text, keyword: isNumber ? "" : text.uppercased(), range: start..<index))
  }

  private func isNumberLetter(_ scalar: Unicode.Scalar, _ start: Int) -> Bool {
    if scalar == "e" || scalar == "E" { return Self.isDigit(peek(1)) || peek(1) == "-" || peek(1) == "+" }
    return (scalar == "x" && index == start + 1)
      || (scalars[start] == "0" && start + 1 < scalars.count
        && scalars[start + 1] == "x" && scalar.properties.isASCIIHexDigit)
  }

  private mutating func word() {
    let start = index
    while index < scalars.count, Self.isWordPart(scalars[index]) { index += 1 }
    let text = String(String.UnicodeScalarView(scalars[start..<index]))
    tokens.append(DDLToken(kind: .word, text: text, keyword: text.uppercased(), range: start..<index))
  }
}
