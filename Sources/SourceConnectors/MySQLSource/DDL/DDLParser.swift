import Model

/// Reads DDL statements as MySQL and MariaDB log them, as far as they matter to captured tables.
///
/// Lenient towards everything that names no table's structure. What it does not understand inside an ALTER TABLE
/// becomes `AlterSpec.unsupported`, so that only the pipeline of a captured table stops.
enum DDLParser {
  /// - Parameter defaultSchema: the database of names without one.
  /// - Throws: `unsupported` when a statement begins like one that changes a table but names none.
  static func parse(_ sql: String, defaultSchema: String, dialect: DDLDialect) throws(BinlogError) -> [DDLStatement] {
    let tokens = DDLTokenizer.tokens(of: sql, dialect: dialect).filter { !($0.kind == .symbol && $0.text == ";") }
    var cursor = TokenCursor(tokens[...])
    // MariaDB's SET STATEMENT variable = value FOR statement.
    if cursor.take("SET", "STATEMENT") {
      while !cursor.isAtEnd, !cursor.take("FOR") { cursor.advance() }
    }
    let statements: [DDLStatement]? =
      switch cursor.takeAny(["ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE"]) {
      case "ALTER": alter(&cursor, defaultSchema, dialect)
      case "CREATE": create(&cursor, defaultSchema)
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
    _ = cursor.take("IGNORE")
    guard cursor.take("TABLE") else { return [.other] }
    _ = cursor.take("IF", "EXISTS")
    guard let table = cursor.tableName(defaultSchema: schema) else { return nil }
    skipWait(&cursor)
    let parser = AlterSpecParser(dialect: dialect, defaultSchema: schema)
    return [.alterTable(AlterTable(table: table, specs: parser.specs(cursor.rest)))]
  }

  /// `WAIT 5`, `NOWAIT`.
  private static func skipWait(_ cursor: inout TokenCursor) {
    if cursor.take("NOWAIT") { return }
    if cursor.sees("WAIT"), cursor.peek(1)?.kind == .number {
      cursor.advance()
      cursor.advance()
    }
  }

  private static func create(_ cursor: inout TokenCursor, _ schema: String) -> [DDLStatement]? {
    let replaces = cursor.take("OR", "REPLACE")
    if cursor.take("TEMPORARY") { return [.other] }
    if cursor.take("TABLE") {
      _ = cursor.take("IF", "NOT", "EXISTS")
      guard let table = cursor.tableName(defaultSchema: schema) else { return nil }
      return replaces ? [.dropTables([table]), .createTable(table)] : [.createTable(table)]
    }
    if cursor.takeAny(["DATABASE", "SCHEMA"]) != nil {
      _ = cursor.take("IF", "NOT", "EXISTS")
      guard let name = cursor.name() else { return nil }
      return replaces ? [.dropDatabase(name), .createDatabase(name)] : [.createDatabase(name)]
    }
    while cursor.takeAny(["ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"]) != nil {}
    guard cursor.take("INDEX") else { return [.other] }
    return indexTable(&cursor, schema).map { [.createIndex($0)] }
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
    return indexTable(&cursor, schema).map { [.dropIndex($0)] }
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
