/// Reads what stands behind DEFAULT.
struct DefaultClauseParser {
  let dialect: DDLDialect

  /// Nil when it is not understood.
  func clause(_ cursor: inout TokenCursor) -> DefaultClause? {
    if let inner = cursor.parenthesised() {
      // MariaDB makes a literal in parentheses the literal.
      var literal = TokenCursor(inner)
      if dialect.flavor == .mariadb, let clause = signed(&literal), literal.isAtEnd, clause.isLiteral { return clause }
      return .expression("(" + inner.text + ")")
    }
    return signed(&cursor)
  }

  private func signed(_ cursor: inout TokenCursor) -> DefaultClause? {
    if cursor.take(symbol: "-") {
      guard cursor.current?.kind == .number || cursor.sees(symbol: "."), case .constant(let text)? = literal(&cursor)
      else { return nil }
      return .constant("-" + text)
    }
    _ = cursor.take(symbol: "+")
    return literal(&cursor)
  }

  private func literal(_ cursor: inout TokenCursor) -> DefaultClause? {
    guard let token = cursor.current else { return nil }
    switch token.kind {
    case .string: return cursor.string().map { .constant($0) }
    case .number:
      cursor.advance()
      if token.text.hasPrefix("0x") { return Self.hexadecimal(token.text.dropFirst(2)).map { .bytes($0) } }
      return .constant(token.text)
    case .symbol:
      guard cursor.take(symbol: "."), let digits = cursor.current, digits.kind == .number else { return nil }
      cursor.advance()
      return .constant("0." + digits.text)
    case .quotedName: return nil
    case .word: return word(token, &cursor)
    }
  }

  private func word(_ token: DDLToken, _ cursor: inout TokenCursor) -> DefaultClause? {
    cursor.advance()
    switch token.keyword {
    case "NULL": return .null
    case "TRUE": return .constant("1")
    case "FALSE": return .constant("0")
    case "NEXT":
      guard cursor.take("VALUE", "FOR"), cursor.tableName(defaultSchema: "") != nil else { return nil }
      return .expression("NEXT VALUE FOR")
    case "CASE":
      while !cursor.isAtEnd, !cursor.take("END") { cursor.advance() }
      return .expression("CASE")
    default: break
    }
    if token.text.hasPrefix("0x") { return Self.hexadecimal(token.text.dropFirst(2)).map { .bytes($0) } }
    if token.text.hasPrefix("0b") { return Self.binary(token.text.dropFirst(2)).map { .bytes($0) } }
    if let next = cursor.current, next.kind == .string { return introduced(token.keyword, &cursor) }
    // _utf8mb4 x'4D', _latin1 0x4D.
    if token.keyword.hasPrefix("_"), let next = cursor.current, next.kind == .word || next.kind == .number {
      return literal(&cursor)
    }
    // CURRENT_TIMESTAMP, NOW(6), UUID() …
    let hasArguments = cursor.sees(symbol: "(")
    if hasArguments, cursor.parenthesised() == nil { return nil }
    return .expression(token.text + (hasArguments ? "()" : ""))
  }

  /// b'101', x'4D', N'text', _utf8mb4'text', DATE'2020-01-01'.
  private func introduced(_ keyword: String, _ cursor: inout TokenCursor) -> DefaultClause? {
    guard let text = cursor.string() else { return nil }
    switch keyword {
    case "B": return Self.binary(text[...]).map { .bytes($0) }
    case "X": return Self.hexadecimal(text[...]).map { .bytes($0) }
    case "N", "DATE", "TIME", "TIMESTAMP": return .constant(text)
    default: return keyword.hasPrefix("_") ? .constant(text) : nil
    }
  }

  private static func hexadecimal(_ digits: Substring) -> [UInt8]? {
    var digits = digits.count.isMultiple(of: 2) ? digits : "0" + digits
    var bytes: [UInt8] = []
    while !digits.isEmpty {
      guard let byte = UInt8(digits.prefix(2), radix: 16), digits.first != "+" else { return nil }
      bytes.append(byte)
      digits = digits.dropFirst(2)
    }
    return bytes
  }

  /// Bits in whole bytes, zeros in front.
  private static func binary(_ digits: Substring) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = digits
    while !rest.isEmpty {
      let end = rest.suffix(8)
      guard end.allSatisfy({ $0 == "0" || $0 == "1" }), let byte = UInt8(end, radix: 2) else { return nil }
      bytes.append(byte)
      rest = rest.dropLast(8)
    }
    return bytes.reversed()
  }
}

extension DefaultClause {
  /// A value rather than a rule.
  var isLiteral: Bool {
    switch self {
    case .null, .constant, .bytes: true
    case .none, .expression: false
    }
  }
}
