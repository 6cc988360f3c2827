import Model

/// Walks over a statement's tokens.
struct TokenCursor {
  private let tokens: ArraySlice<DDLToken>
  private(set) var index: Int

  init(_ tokens: ArraySlice<DDLToken>) {
    self.tokens = tokens
    index = tokens.startIndex
  }

  var isAtEnd: Bool { index >= tokens.endIndex }
  var current: DDLToken? { isAtEnd ? nil : tokens[index] }
  /// Passes everything.
  mutating func finish() { index = tokens.endIndex }

  /// The tokens not yet passed.
  var rest: ArraySlice<DDLToken> { tokens[min(index, tokens.endIndex)...] }

  /// The token `offset` further on, if there is one.
  func peek(_ offset: Int = 0) -> DDLToken? { index + offset < tokens.endIndex ? tokens[index + offset] : nil }

  /// Whether the keywords come next.
  func sees(_ keywords: String...) -> Bool {
    keywords.indices.allSatisfy { peek($0)?.keyword == keywords[$0] }
  }

  /// Whether a symbol comes next.
  func sees(symbol: String) -> Bool { current?.kind == .symbol && current?.text == symbol }

  mutating func advance() { index += 1 }

  /// Passes the keywords if all of them come next.
  mutating func take(_ keywords: String...) -> Bool {
    guard keywords.indices.allSatisfy({ peek($0)?.keyword == keywords[$0] }) else { return false }
    index += keywords.count
    return true
  }

  /// Passes one of the keywords and returns it.
  mutating func takeAny(_ keywords: Set<String>) -> String? {
    guard let keyword = current?.keyword, !keyword.isEmpty, keywords.contains(keyword) else { return nil }
    index += 1
    return keyword
  }

  mutating func take(symbol: String) -> Bool {
    guard sees(symbol: symbol) else { return false }
    index += 1
    return true
  }

  /// A name, bare or quoted.
  mutating func name() -> String? {
    guard let token = current, token.isName else { return nil }
    index += 1
    return token.text
  }

  /// A column's name as its definition has it: the table's may stand in front, `t.c` or `s.t.c`.
  mutating func definedName() -> String? {
    _ = take(symbol: ".")
    var found = name()
    while found != nil, take(symbol: ".") { found = tableNamePart() }
    return found
  }

  /// CHARACTER SET, in one of its spellings.
  mutating func takeCharset() -> Bool { take("CHARACTER", "SET") || take("CHARSET") || take("CHAR", "SET") }

  /// `t`, `s.t` or `.t`.
  mutating func tableName(defaultSchema: String) -> TableID? {
    if take(symbol: ".") { return name().map { TableID(schema: defaultSchema, table: $0) } }
    guard let first = name() else { return nil }
    guard take(symbol: ".") else { return TableID(schema: defaultSchema, table: first) }
    return tableNamePart().map { TableID(schema: first, table: $0) }
  }

  /// Behind a dot even digits are a name.
  private mutating func tableNamePart() -> String? {
    if let token = current, token.kind == .number {
      index += 1
      return token.text
    }
    return name()
  }

  /// A word, a quoted name or a text: what charsets and collations may be written as.
  mutating func wordOrString() -> String? {
    guard let token = current, token.kind != .symbol, token.kind != .number else { return nil }
    index += 1
    return token.text
  }

  /// A text; several in a row are one.
  mutating func string() -> String? {
    guard let token = current, token.kind == .string else { return nil }
    index += 1
    guard current?.kind == .string else { return token.text }
    var text = token.text
    while let next = current, next.kind == .string {
      text += next.text
      index += 1
    }
    return text
  }

  /// A whole number.
  mutating func integer() -> Int? {
    guard let token = current, token.kind == .number, let value = Int(token.text) else { return nil }
    index += 1
    return value
  }

  /// The tokens between a parenthesis and its partner, which are passed.
  mutating func parenthesised() -> ArraySlice<DDLToken>? {
    guard take(symbol: "(") else { return nil }
    let start = index
    var depth = 1
    while let token = current {
      index += 1
      guard token.kind == .symbol else { continue }
      if token.text == "(" { depth += 1 }
      if token.text == ")" { depth -= 1 }
      if depth == 0 { return tokens[start..<(index - 1)] }
    }
    return nil
  }
}

extension ArraySlice<DDLToken> {
  /// The parts between commas that stand outside parentheses.
  func splitAtCommas() -> [ArraySlice<DDLToken>] {
    var parts: [ArraySlice<DDLToken>] = []
    var depth = 0
    var start = startIndex
    for index in indices where self[index].kind == .symbol {
      switch self[index].text {
      case "(": depth += 1
      case ")": depth -= 1
      case "," where depth == 0:
        parts.append(self[start..<index])
        start = index + 1
      default: break
      }
    }
    if start < endIndex { parts.append(self[start...]) }
    return parts
  }

  /// The tokens' texts, for messages.
  var text: String { prefix(12).map(\.text).joined(separator: " ") }
}
