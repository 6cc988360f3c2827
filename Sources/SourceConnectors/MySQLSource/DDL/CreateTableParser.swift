import Model

/// Reads what stands behind `CREATE TABLE`.
struct CreateTableParser {
  let dialect: DDLDialect
  let defaultSchema: String

  /// Nil when not even a name is there.
  func statement(_ cursor: inout TokenCursor, replaces: Bool) -> CreateTable? {
    let ifNotExists = cursor.take("IF", "NOT", "EXISTS")
    guard let table = cursor.tableName(defaultSchema: defaultSchema) else { return nil }
    var create = CreateTable(table: table, ifNotExists: ifNotExists, replaces: replaces)
    DDLParser.skipWait(&cursor)
    if like(&cursor, &create) { return create }
    if cursor.sees(symbol: "("), !Self.beginsSelect(cursor.peek(1)) {
      guard let inner = cursor.parenthesised() else {
        create.unsupported = cursor.rest.text
        return create
      }
      var element = TokenCursor(inner)
      if like(&element, &create) { return create }
      for part in inner.splitAtCommas() where create.unsupported == nil { read(part, &create) }
    }
    options(&cursor, &create)
    return create
  }

  private func like(_ cursor: inout TokenCursor, _ create: inout CreateTable) -> Bool {
    guard cursor.take("LIKE") else { return false }
    create.like = cursor.tableName(defaultSchema: defaultSchema)
    if create.like == nil { create.unsupported = "LIKE \(cursor.rest.text)" }
    return true
  }

  private static func beginsSelect(_ token: DDLToken?) -> Bool {
    ["SELECT", "WITH", "TABLE", "VALUES"].contains(token?.keyword ?? "") || token?.text == "("
  }

  private func read(_ part: ArraySlice<DDLToken>, _ create: inout CreateTable) {
    var cursor = TokenCursor(part)
    switch KeyDefinitionParser().element(&cursor) {
    case .key(let key): create.keys.append(key)
    case .period(let name, let columns):
      if name.uppercased() == "SYSTEM_TIME" { create.special = "system-versioned" }
      create.periodColumns += columns
    case .irrelevant: break
    case .notUnderstood: create.unsupported = part.text
    case nil:
      guard let name = cursor.definedName(), let column = ColumnDefinitionParser(dialect).definition(name, &cursor),
        cursor.isAtEnd
      else {
        create.unsupported = part.text
        return
      }
      create.columns.append(column)
      create.keys += Self.inlineKeys(column, dialect)
    }
  }

  /// The keys that a column's own PRIMARY KEY and UNIQUE make. Of both, MariaDB makes one.
  static func inlineKeys(_ column: ColumnDefinition, _ dialect: DDLDialect) -> [KeyDefinition] {
    let parts = [KeyDefinition.Part(column: column.name)]
    var keys: [KeyDefinition] = []
    if column.isPrimaryKey { keys.append(KeyDefinition(kind: .primary, name: TableKeys.primaryName, parts: parts)) }
    if column.isUnique, keys.isEmpty || dialect.flavor == .mysql {
      keys.append(KeyDefinition(kind: .unique, name: nil, parts: parts))
    }
    return keys
  }

  /// Table options up to the partitioning, which does not matter, or a SELECT.
  private func options(_ cursor: inout TokenCursor, _ create: inout CreateTable) {
    while let token = cursor.current {
      switch token.keyword {
      case "SELECT", "VALUES", "TABLE":
        create.hasSelect = true
        return
      case "WITH" where cursor.peek(1)?.keyword != "SYSTEM":
        create.hasSelect = true
        return
      case "PARTITION":
        skipPartitioning(&cursor)
      default: option(token, &cursor, &create)
      }
    }
  }

  private func option(_ token: DDLToken, _ cursor: inout TokenCursor, _ create: inout CreateTable) {
    if cursor.takeCharset() {
      _ = cursor.take(symbol: "=")
      create.charset = cursor.wordOrString()?.lowercased()
    } else if cursor.take("COLLATE") {
      _ = cursor.take(symbol: "=")
      create.collation = cursor.wordOrString()?.lowercased()
    } else if cursor.take("COMMENT") {
      _ = cursor.take(symbol: "=")
      create.comment = cursor.string()
    } else if cursor.take("WITH", "SYSTEM", "VERSIONING") {
      create.special = "system-versioned"
    } else if cursor.take("SEQUENCE") {
      _ = cursor.take(symbol: "=")
      if cursor.current?.text != "0" { create.special = "a sequence" }
    } else if cursor.sees(symbol: "("), Self.beginsSelect(cursor.peek(1)) {
      create.hasSelect = true
      cursor.finish()
    } else if cursor.sees(symbol: "(") {
      if cursor.parenthesised() == nil { cursor.finish() }
    } else {
      cursor.advance()
    }
  }

  /// Partition definitions may have parentheses and any words, but no SELECT.
  private func skipPartitioning(_ cursor: inout TokenCursor) {
    cursor.advance()
    while let token = cursor.current, !["SELECT", "AS", "IGNORE", "REPLACE"].contains(token.keyword) {
      if cursor.sees(symbol: "("), !Self.beginsSelect(cursor.peek(1)) {
        if cursor.parenthesised() == nil { cursor.finish() }
      } else if cursor.sees(symbol: "("), cursor.peek(1)?.text == "(" {
        if cursor.parenthesised() == nil { cursor.finish() }
      } else if cursor.sees(symbol: "(") {
        return
      } else {
        cursor.advance()
      }
    }
  }
}
