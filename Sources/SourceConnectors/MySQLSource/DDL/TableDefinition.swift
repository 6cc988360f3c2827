import Model

/// What statements about a table depend on besides its columns: the default collation and all keys.
///
/// The registry keeps it with the schema (`TableSchema.nativeDefinition`), so that every reader judges a statement alike,
/// wherever it has begun to read: the catalog only knows the table as it is now.
struct TableDefinition: Hashable, Sendable {
  /// The table's default collation; nil where it is not known.
  var collation: String?
  /// Nil where they are not known.
  var keys: TableKeys?

  init(collation: String?, keys: TableKeys?) {
    self.collation = collation
    self.keys = keys
  }

  /// In the words of CREATE TABLE: ``(PRIMARY KEY (`id`), UNIQUE KEY `k` (`a`, (0))) COLLATE `utf8mb4_bin` ``. `(0)` stands
  /// for what is not a whole column of a unique key; there are no outer parentheses where the keys are not known.
  var text: String {
    var parts: [String] = []
    if let keys {
      let sorted = keys.keys.sorted { ($0.name.lowercased(), $0.name) < ($1.name.lowercased(), $1.name) }
      parts.append("(" + sorted.map(Self.text).joined(separator: ", ") + ")")
    }
    if let collation { parts.append("COLLATE \(SQLText.name(collation))") }
    return parts.joined(separator: " ")
  }

  private static func text(_ key: TableKeys.Key) -> String {
    // Servers shorten other keys on their own, and nothing depends on it.
    let hasOthers = (key.isUnique && !key.isWhole) || key.columns.isEmpty
    let columns = key.columns.map { SQLText.name($0) } + (hasOthers ? ["(0)"] : [])
    let list = "(" + columns.joined(separator: ", ") + ")"
    if key.name == TableKeys.primaryName { return "PRIMARY KEY \(list)" }
    return "\(key.isUnique ? "UNIQUE " : "")KEY \(SQLText.name(key.name)) \(list)"
  }

  /// What a text says. One that is not understood says nothing: the table is then read anew where it would matter.
  init(_ text: String) {
    let tokens = DDLTokenizer.tokens(of: text, dialect: DDLDialect(serverVersion: ""))
    var cursor = TokenCursor(tokens[...])
    keys = cursor.parenthesised().flatMap(Self.keys)
    if cursor.take("COLLATE") { collation = cursor.name() }
  }

  private static func keys(_ list: ArraySlice<DDLToken>) -> TableKeys? {
    var keys: [TableKeys.Key] = []
    for tokens in list.splitAtCommas() {
      var cursor = TokenCursor(tokens)
      guard case .key(let key)? = KeyDefinitionParser().element(&cursor), let name = key.name else { return nil }
      let columns = key.parts.compactMap(\.column)
      keys.append(
        TableKeys.Key(
          name: name, isUnique: key.kind != .plain, columns: columns, isWhole: columns.count == key.parts.count))
    }
    return TableKeys(keys)
  }
}

extension TableSchema {
  /// Whether the two differ in nothing, or in nothing but their definitions.
  func isEqualButDefinition(_ other: TableSchema) -> Bool {
    var other = other
    other.nativeDefinition = nativeDefinition
    return self == other
  }
}
