import Model

/// Reads DDL statements as MySQL and MariaDB log them, as far as they matter to tables.
///
/// Lenient towards everything that names no table's structure. What it does not understand inside a statement is kept
/// as such (`AlterSpec.unsupported`, `CreateTable.unsupported`), so that only the pipeline of a captured table stops.
enum DDLParser {
  /// No statement about tables is longer than this (UTF-8 bytes); a longer one is not taken apart.
  static let longestStatement = 8 << 20

  /// - Parameter defaultSchema: the database of names without one.
  /// - Throws: `unsupported` when a statement begins like one that changes a table but names none, or is too long.
  static func parse(_ sql: String, defaultSchema: String, dialect: DDLDialect) throws(BinlogError) -> [DDLStatement] {
    // Views, routines, privileges and the like are told by their first words, however long they are.
    var head = TokenCursor(DDLTokenizer.tokens(of: sql, dialect: dialect, limit: headLength)[...])
    guard concernsTables(&head) else { return [.other] }
    guard sql.utf8.count <= longestStatement else {
      throw .unsupported("a statement of \(sql.utf8.count) bytes is too long: '\(sql.prefix(200))'")
    }
    let tokens = DDLTokenizer.tokens(of: sql, dialect: dialect).filter { !($0.kind == .symbol && $0.text == ";") }
    var cursor = TokenCursor(tokens[...])
    skipSettings(&cursor)
    let statements: [DDLStatement]? =
      switch cursor.takeAny(["ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE"]) {
      case "ALTER": alter(&cursor, defaultSchema, dialect)
      case "CREATE": create(&cursor, defaultSchema, dialect)
      case "DROP": drop(&cursor, defaultSchema)
      case "RENAME": rename(&cursor, defaultSchema)
      case "TRUNCATE": truncate(&cursor, defaultSchema)
      default: [.other]
      }
    guard let statements else {
      throw .unsupported("the statement '\(sql.prefix(200))' is not understood", remedy: "report this as a defect")
    }
    return statements
  }

  /// Tokens that are looked at in order to tell what a statement is about.
  private static let headLength = 12

  /// MariaDB's SET STATEMENT variable = value FOR statement.
  private static func skipSettings(_ cursor: inout TokenCursor) {
    if cursor.take("SET", "STATEMENT") {
      while !cursor.isAtEnd, !cursor.take("FOR") { cursor.advance() }
    }
  }

  /// Whether the first words are of a statement about tables, indexes or databases, or do not tell.
  private static func concernsTables(_ cursor: inout TokenCursor) -> Bool {
    if cursor.sees("SET") { return cursor.sees("SET", "STATEMENT") }
    guard let verb = cursor.takeAny(["ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE"]) else { return false }
    if verb == "TRUNCATE" { return true }
    _ = cursor.take("OR", "REPLACE")
    while cursor.takeAny(["ONLINE", "OFFLINE", "IGNORE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"]) != nil {}
    return ["TABLE", "TABLES", "INDEX", "DATABASE", "SCHEMA"].contains(cursor.current?.keyword ?? "")
  }

  /// Whether a name in the statement is the table's: for row changes in statement form, which must be refused when they
  /// may concern a captured table. Errs on the safe side: the schema is not looked at, nor case.
  static func mentions(_ table: TableID, in sql: String, dialect: DDLDialect) -> Bool {
    let name = table.table.lowercased()
    return DDLTokenizer.tokens(of: sql, dialect: dialect).contains { $0.isName && $0.text.lowercased() == name }
  }

  private static func alter(
    _ cursor: inout TokenCursor, _ schema: String, _ dialect: DDLDialect
  ) -> [DDLStatement]? {
    _ = cursor.take("ONLINE") || cursor.take("OFFLINE")
    let isIgnoring = cursor.take("IGNORE")
    if cursor.takeAny(["DATABASE", "SCHEMA"]) != nil {
      // Without a name it is the session's own.
      let isNamed = cursor.current.map { $0.isName && !Self.databaseOptions.contains($0.keyword) } ?? false
      return [.defineDatabase(isNamed ? cursor.name() ?? schema : schema)]
    }
    guard cursor.take("TABLE") else { return [.other] }
    _ = cursor.take("IF", "EXISTS")
    guard let table = cursor.tableName(defaultSchema: schema) else { return nil }
    skipWait(&cursor)
    let parser = AlterSpecParser(dialect: dialect, defaultSchema: schema)
    return [.alterTable(AlterTable(table: table, specs: parser.specs(cursor.rest), isIgnoring: isIgnoring))]
  }

  private static let databaseOptions: Set<String> = [
    "DEFAULT", "CHARACTER", "CHARSET", "CHAR", "COLLATE", "ENCRYPTION", "READ", "COMMENT",
  ]

  /// `WAIT 5`, `NOWAIT`.
  static func skipWait(_ cursor: inout TokenCursor) {
    if cursor.take("NOWAIT") { return }
    if cursor.sees("WAIT"), cursor.peek(1)?.kind == .number {
      cursor.advance()
      cursor.advance()
    }
  }

  private static func create(
    _ cursor: inout TokenCursor, _ schema: String, _ dialect: DDLDialect
  ) -> [DDLStatement]? {
    let replaces = cursor.take("OR", "REPLACE")
    if cursor.take("TEMPORARY") { return [.other] }
    if cursor.take("TABLE") {
      let parser = CreateTableParser(dialect: dialect, defaultSchema: schema)
      return parser.statement(&cursor, replaces: replaces).map { [.createTable($0)] }
    }
    if cursor.takeAny(["DATABASE", "SCHEMA"]) != nil {
      _ = cursor.take("IF", "NOT", "EXISTS")
      guard let name = cursor.name() else { return nil }
      return replaces ? [.dropDatabase(name), .defineDatabase(name)] : [.defineDatabase(name)]
    }
    return createIndex(&cursor, schema, replaces: replaces)
  }

  private static func createIndex(
    _ cursor: inout TokenCursor, _ schema: String, replaces: Bool
  ) -> [DDLStatement]? {
    var kind = KeyDefinition.Kind.plain
    while let word = cursor.takeAny(["ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"]) {
      if word == "UNIQUE" { kind = .unique }
    }
    guard cursor.take("INDEX") else { return [.other] }
    let ifNotExists = cursor.take("IF", "NOT", "EXISTS")
    guard let name = cursor.name(), let table = indexTable(&cursor, schema) else { return nil }
    skipWait(&cursor)
    guard let parts = KeyDefinitionParser().keyParts(&cursor) else { return nil }
    let key = KeyDefinition(kind: kind, name: name, parts: parts, ifNotExists: ifNotExists)
    let specs: [AlterSpec] = replaces ? [.dropKey(name), .addKey(key)] : [.addKey(key)]
    return [.alterTable(AlterTable(table: table, specs: specs))]
  }

  /// The table behind an index statement's ON.
  private static func indexTable(_ cursor: inout TokenCursor, _ schema: String) -> TableID? {
    while !cursor.isAtEnd, !cursor.sees("ON") { cursor.advance() }
    guard cursor.take("ON") else { return nil }
    return cursor.tableName(defaultSchema: schema)
  }

  private static func drop(_ cursor: inout TokenCursor, _ schema: String) -> [DDLStatement]? {
    if cursor.take("TEMPORARY") { return [.other] }
    if cursor.takeAny(["TABLE", "TABLES"]) != nil {
      _ = cursor.take("IF", "EXISTS")
      var tables: [TableID] = []
      repeat {
        guard let table = cursor.tableName(defaultSchema: schema) else { return nil }
        tables.append(table)
      } while cursor.take(symbol: ",")
      return [.dropTables(tables)]
    }
    if cursor.takeAny(["DATABASE", "SCHEMA"]) != nil {
      _ = cursor.take("IF", "EXISTS")
      return cursor.name().map { [.dropDatabase($0)] }
    }
    _ = cursor.takeAny(["ONLINE", "OFFLINE"])
    guard cursor.take("INDEX") else { return [.other] }
    _ = cursor.take("IF", "EXISTS")
    guard let name = cursor.name(), let table = indexTable(&cursor, schema) else { return nil }
    return [.alterTable(AlterTable(table: table, specs: [AlterSpecParser.dropKey(name)]))]
  }

  private static func rename(_ cursor: inout TokenCursor, _ schema: String) -> [DDLStatement]? {
    guard cursor.takeAny(["TABLE", "TABLES"]) != nil else { return [.other] }
    _ = cursor.take("IF", "EXISTS")
    var pairs: [RenamedTable] = []
    repeat {
      guard let from = cursor.tableName(defaultSchema: schema) else { return nil }
      skipWait(&cursor)
      guard cursor.take("TO"), let to = cursor.tableName(defaultSchema: schema) else { return nil }
      pairs.append(RenamedTable(from: from, to: to))
    } while cursor.take(symbol: ",")
    return [.renameTables(pairs)]
  }

  private static func truncate(_ cursor: inout TokenCursor, _ schema: String) -> [DDLStatement]? {
    _ = cursor.take("TABLE")
    return cursor.tableName(defaultSchema: schema).map { [.truncateTable($0)] }
  }
}
