import Model

/// Reads what stands behind `ALTER TABLE name`.
struct AlterSpecParser {
  let dialect: DDLDialect
  let defaultSchema: String

  /// The specifications in order.
  func specs(_ tokens: ArraySlice<DDLToken>) -> [AlterSpec] {
    var specs: [AlterSpec] = []
    for part in tokens.splitAtCommas() {
      var cursor = TokenCursor(part)
      // ORDER BY and PARTITION BY come last and may have commas of their own.
      if cursor.sees("ORDER", "BY") || cursor.sees("PARTITION", "BY") { break }
      if let spec = partitionSpec(part) {
        // It is the statement's last, and may name several partitions.
        specs.append(spec)
        break
      }
      specs.append(contentsOf: spec(&cursor, part))
    }
    return specs
  }

  private static let partitionVerbs: Set<String> = [
    "ADD", "DROP", "TRUNCATE", "COALESCE", "REORGANIZE", "EXCHANGE", "ANALYZE", "CHECK", "OPTIMIZE", "REBUILD",
    "REPAIR",
    "DISCARD", "IMPORT", "CONVERT",
  ]

  /// What is done to partitions: most of it moves rows about within the table; the rest removes or brings rows without
  /// events.
  private func partitionSpec(_ part: ArraySlice<DDLToken>) -> AlterSpec? {
    var cursor = TokenCursor(part)
    guard let verb = cursor.takeAny(Self.partitionVerbs) else { return nil }
    if verb == "CONVERT", cursor.take("TABLE") { return .rowsChange(part.text) }
    guard cursor.take("PARTITION") else { return nil }
    switch verb {
    case "EXCHANGE":
      _ = cursor.name()
      guard cursor.take("WITH", "TABLE"), let other = cursor.tableName(defaultSchema: defaultSchema) else {
        return .unsupported(part.text)
      }
      return .exchangePartition(with: other)
    case "DROP", "TRUNCATE", "DISCARD", "IMPORT", "CONVERT": return .rowsChange(part.text)
    default: return .irrelevant
    }
  }

  private func spec(_ cursor: inout TokenCursor, _ part: ArraySlice<DDLToken>) -> [AlterSpec] {
    let found: [AlterSpec]? =
      switch cursor.current?.keyword {
      case "ADD": add(&cursor)
      case "DROP": drop(&cursor)
      case "MODIFY": modify(&cursor)
      case "CHANGE": change(&cursor)
      case "RENAME": rename(&cursor)
      case "ALTER": alterColumn(&cursor)
      case "CONVERT": convert(&cursor)
      case "DISCARD", "IMPORT": cursor.peek(1)?.keyword == "TABLESPACE" ? [.rowsChange(part.text)] : nil
      default: options(&cursor)
      }
    return found ?? [.unsupported(part.text)]
  }

  private func add(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    let saysColumn = cursor.take("COLUMN")
    let ifNotExists = cursor.take("IF", "NOT", "EXISTS")
    if let inner = cursor.parenthesised() {
      var specs: [AlterSpec] = []
      for part in inner.splitAtCommas() {
        var element = TokenCursor(part)
        guard let added = addedElement(&element, saysColumn: false, ifNotExists: ifNotExists) else { return nil }
        specs.append(contentsOf: added)
      }
      return endOfSpec(cursor) ? specs : nil
    }
    return addedElement(&cursor, saysColumn: saysColumn, ifNotExists: ifNotExists)
  }

  private func addedElement(
    _ cursor: inout TokenCursor, saysColumn: Bool, ifNotExists: Bool
  ) -> [AlterSpec]? {
    if !saysColumn {
      if cursor.sees("SYSTEM", "VERSIONING") { return nil }
      switch KeyDefinitionParser().element(&cursor) {
      case .key(let key): return [.addKey(key)]
      case .period(let name, _): return name.uppercased() == "SYSTEM_TIME" ? nil : [.irrelevant]
      case .irrelevant: return [.irrelevant]
      case .notUnderstood: return nil
      case nil: break
      }
    }
    guard let name = cursor.definedName(), let definition = ColumnDefinitionParser(dialect).definition(name, &cursor)
    else { return nil }
    guard let position = place(&cursor), endOfSpec(cursor) else { return nil }
    return [.addColumn(definition, position: position, ifNotExists: ifNotExists)] + inlineKeys(definition)
  }

  /// A column's own PRIMARY KEY and UNIQUE.
  private func inlineKeys(_ definition: ColumnDefinition) -> [AlterSpec] {
    CreateTableParser.inlineKeys(definition, dialect).map { .addKey($0) }
  }

  private func drop(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    if cursor.take("PRIMARY", "KEY") { return [.dropPrimaryKey] }
    if cursor.takeAny(["INDEX", "KEY", "CONSTRAINT"]) != nil {
      _ = cursor.take("IF", "EXISTS")
      return cursor.name().map { [Self.dropKey($0)] }
    }
    if cursor.sees("FOREIGN", "KEY") || cursor.sees("CHECK") || cursor.sees("PERIOD", "FOR") { return [.irrelevant] }
    if cursor.sees("SYSTEM", "VERSIONING") { return nil }
    _ = cursor.take("COLUMN")
    let ifExists = cursor.take("IF", "EXISTS")
    guard let name = cursor.name() else { return nil }
    _ = cursor.takeAny(["RESTRICT", "CASCADE"])
    return endOfSpec(cursor) ? [.dropColumn(name, ifExists: ifExists)] : nil
  }

  /// DROP INDEX of a name.
  static func dropKey(_ name: String) -> AlterSpec {
    name.uppercased() == "PRIMARY" ? .dropPrimaryKey : .dropKey(name)
  }

  private func modify(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    _ = cursor.take("COLUMN")
    let ifExists = cursor.take("IF", "EXISTS")
    guard let name = cursor.definedName(), let definition = ColumnDefinitionParser(dialect).definition(name, &cursor),
      let position = place(&cursor), endOfSpec(cursor)
    else { return nil }
    return [.modifyColumn(definition, position: position, ifExists: ifExists)] + inlineKeys(definition)
  }

  private func change(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    _ = cursor.take("COLUMN")
    let ifExists = cursor.take("IF", "EXISTS")
    guard let old = cursor.definedName(), let name = cursor.definedName(),
      let definition = ColumnDefinitionParser(dialect).definition(name, &cursor), let position = place(&cursor),
      endOfSpec(cursor)
    else { return nil }
    return [.changeColumn(old, definition, position: position, ifExists: ifExists)] + inlineKeys(definition)
  }

  private func rename(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    if cursor.takeAny(["INDEX", "KEY"]) != nil {
      _ = cursor.take("IF", "EXISTS")
      guard let from = cursor.name(), cursor.take("TO"), let to = cursor.name() else { return nil }
      return [.renameKey(from: from, to: to)]
    }
    if cursor.take("COLUMN") {
      let ifExists = cursor.take("IF", "EXISTS")
      guard let from = cursor.name(), cursor.take("TO"), let to = cursor.name() else { return nil }
      return [.renameColumn(from: from, to: to, ifExists: ifExists)]
    }
    if cursor.takeAny(["TO", "AS"]) == nil { _ = cursor.take(symbol: "=") }
    return cursor.tableName(defaultSchema: defaultSchema).map { [.renameTable($0)] }
  }

  private func alterColumn(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    if cursor.takeAny(["INDEX", "KEY", "CHECK", "CONSTRAINT"]) != nil { return [.irrelevant] }
    _ = cursor.take("COLUMN")
    _ = cursor.take("IF", "EXISTS")
    guard let name = cursor.name() else { return nil }
    if cursor.take("DROP", "DEFAULT") { return [.setDefault(name, .none)] }
    guard cursor.take("SET") else { return nil }
    if cursor.takeAny(["VISIBLE", "INVISIBLE"]) != nil { return [.irrelevant] }
    guard cursor.take("DEFAULT"), let value = DefaultClauseParser(dialect: dialect).clause(&cursor) else { return nil }
    return [.setDefault(name, value)]
  }

  private func convert(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    cursor.advance()
    guard cursor.take("TO"), cursor.takeCharset(),
      let charset = cursor.wordOrString()
    else { return nil }
    let collation = cursor.take("COLLATE") ? cursor.wordOrString() : nil
    return [.convert(charset: charset.lowercased(), collation: collation?.lowercased())]
  }

  /// FIRST, AFTER c, or nothing.
  private func place(_ cursor: inout TokenCursor) -> ColumnPlace? {
    if cursor.take("FIRST") { return .first }
    if cursor.take("AFTER") { return cursor.name().map { .after($0) } }
    return .unspecified
  }

  /// Behind the last specification the partitioning may follow without a comma.
  private func endOfSpec(_ cursor: TokenCursor) -> Bool {
    cursor.isAtEnd || cursor.sees("PARTITION", "BY") || cursor.sees("REMOVE", "PARTITIONING")
  }

  private static let harmless: Set<String> = [
    "ENGINE", "TYPE", "COMMENT", "AUTO_INCREMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "ALGORITHM", "LOCK", "FORCE",
    "DISABLE", "ENABLE", "REMOVE", "UNION",
    "WITH", "WITHOUT", "MIN_ROWS", "MAX_ROWS", "AVG_ROW_LENGTH", "CHECKSUM", "TABLE_CHECKSUM", "DELAY_KEY_WRITE",
    "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES", "PACK_KEYS", "INSERT_METHOD", "DATA", "INDEX",
    "CONNECTION", "PASSWORD", "TABLESPACE", "STORAGE", "COMPRESSION", "ENCRYPTION", "SECONDARY_ENGINE",
    "SECONDARY_LOAD", "SECONDARY_UNLOAD", "AUTOEXTEND_SIZE", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE",
    "START", "UPGRADE", "NOWAIT", "WAIT", "TRANSACTIONAL", "PAGE_CHECKSUM",
  ]

  /// Table options, several of them with or without blanks between; the character set is the only one that matters.
  private func options(_ cursor: inout TokenCursor) -> [AlterSpec]? {
    guard let first = cursor.current else { return [] }
    let isCharset = ["DEFAULT", "CHARACTER", "CHARSET", "CHAR", "COLLATE"].contains(first.keyword)
    let isAssignment = cursor.peek(1)?.kind == .symbol && cursor.peek(1)?.text == "="
    guard isCharset || isAssignment || Self.harmless.contains(first.keyword) else { return nil }
    var charset: String?
    var collation: String?
    var comment: String?
    while !cursor.isAtEnd {
      if cursor.takeCharset() {
        _ = cursor.take(symbol: "=")
        charset = cursor.wordOrString()?.lowercased()
      } else if cursor.take("COLLATE") {
        _ = cursor.take(symbol: "=")
        collation = cursor.wordOrString()?.lowercased()
      } else if cursor.take("COMMENT") {
        _ = cursor.take(symbol: "=")
        comment = cursor.string()
      } else {
        cursor.advance()
      }
    }
    var specs: [AlterSpec] = comment.map { [.tableComment($0)] } ?? []
    if charset != nil || collation != nil { specs.append(.defaultCharset(charset: charset, collation: collation)) }
    return specs.isEmpty ? [.irrelevant] : specs
  }
}
