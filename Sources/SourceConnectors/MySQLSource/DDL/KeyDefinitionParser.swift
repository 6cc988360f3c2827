import Model

/// Reads keys and constraints: what stands beside columns in CREATE TABLE and behind ADD in ALTER TABLE.
struct KeyDefinitionParser {
  /// What was found.
  enum Element: Hashable {
    case key(KeyDefinition)
    /// MariaDB's PERIOD FOR name (from, to).
    case period(name: String, columns: [String])
    /// Foreign keys, checks, indexes without a bearing on identity.
    case irrelevant
    case notUnderstood
  }

  private static let constraintWords: Set<String> = ["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]

  /// Nil when no key or constraint begins at the cursor but a column.
  func element(_ cursor: inout TokenCursor) -> Element? {
    var constraint: String?
    let saysConstraint = cursor.take("CONSTRAINT")
    if saysConstraint {
      _ = cursor.take("IF", "NOT", "EXISTS")
      if let next = cursor.current, next.kind == .quotedName || !Self.constraintWords.contains(next.keyword) {
        constraint = cursor.name()
      }
    }
    if cursor.take("PRIMARY", "KEY") {
      _ = cursor.take("IF", "NOT", "EXISTS")
      return key(.primary, "PRIMARY", &cursor)
    }
    if cursor.take("UNIQUE") {
      _ = cursor.takeAny(["INDEX", "KEY"])
      return named(.unique, constraint, &cursor)
    }
    if cursor.takeAny(["INDEX", "KEY"]) != nil { return named(.plain, nil, &cursor) }
    if cursor.sees("FOREIGN", "KEY") || cursor.sees("CHECK") { return .irrelevant }
    if cursor.takeAny(["FULLTEXT", "SPATIAL"]) != nil {
      _ = cursor.takeAny(["INDEX", "KEY"])
      return named(.plain, nil, &cursor)
    }
    if cursor.sees("VECTOR"), cursor.peek(1)?.keyword == "INDEX" || cursor.peek(1)?.keyword == "KEY" {
      return .irrelevant
    }
    if cursor.take("PERIOD", "FOR") { return period(&cursor) }
    return saysConstraint ? .notUnderstood : nil
  }

  private func named(_ kind: KeyDefinition.Kind, _ constraint: String?, _ cursor: inout TokenCursor) -> Element {
    let ifNotExists = cursor.take("IF", "NOT", "EXISTS")
    var name = constraint
    if !cursor.sees(symbol: "("), !cursor.sees("USING"), !cursor.sees("TYPE") { name = cursor.name() ?? name }
    let element = key(kind, name, &cursor)
    guard ifNotExists, case .key(var definition) = element else { return element }
    definition.ifNotExists = true
    return .key(definition)
  }

  /// The columns, behind an index type; what follows (USING, COMMENT, VISIBLE …) does not matter.
  private func key(_ kind: KeyDefinition.Kind, _ name: String?, _ cursor: inout TokenCursor) -> Element {
    while !cursor.isAtEnd, !cursor.sees(symbol: "(") { cursor.advance() }
    guard let parts = keyParts(&cursor) else { return .notUnderstood }
    cursor.finish()
    return .key(KeyDefinition(kind: kind, name: name, parts: parts))
  }

  /// `(a, b(10) DESC, (c + 1))`; nil when there are none.
  func keyParts(_ cursor: inout TokenCursor) -> [KeyDefinition.Part]? {
    guard let inner = cursor.parenthesised() else { return nil }
    var parts: [KeyDefinition.Part] = []
    for tokens in inner.splitAtCommas() {
      var part = TokenCursor(tokens)
      guard let column = part.name() else {
        parts.append(KeyDefinition.Part(column: nil))
        continue
      }
      let hasPrefix = part.sees(symbol: "(")
      if hasPrefix { _ = part.parenthesised() }
      // A period in WITHOUT OVERLAPS is no column.
      parts.append(KeyDefinition.Part(column: part.sees("WITHOUT") ? nil : column, hasPrefix: hasPrefix))
    }
    return parts.isEmpty ? nil : parts
  }

  private func period(_ cursor: inout TokenCursor) -> Element {
    guard let name = cursor.name(), let inner = cursor.parenthesised() else { return .notUnderstood }
    return .period(name: name, columns: inner.splitAtCommas().compactMap { $0.first?.text })
  }
}
