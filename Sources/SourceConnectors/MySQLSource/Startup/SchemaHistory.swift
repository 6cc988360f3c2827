import Connector
import Model
import Platform

/// What the log says, from a place of the past to its end, about the schemas of some tables: enough to go back from
/// today's schemas to those that were in force at that place, or from what the log itself says of the first rows.
struct SchemaHistory {
  /// A statement about a table.
  struct Entry {
    var statement: DDLStatement
    var sql: String
    /// Behind the statement.
    var offset: Offset
    /// Whether rows of the table come before it in the log.
    var followsRows: Bool
    var dialect: DDLDialect
    /// Its number among all statements of the history.
    var number: Int
  }

  private(set) var entries: [TableID: [Entry]] = [:]
  /// The descriptions in front of the tables' first rows.
  private var firstMaps: [TableID: TableMap] = [:]
  /// The last statement about each database, by its name in lower case.
  private var databaseStatements: [String: Int] = [:]
  private var statementCount = 0

  /// Reads the log from `start` to its end, which is `end` or lies behind it.
  /// - Throws: what `LogWalk` throws; `unsupported` for a statement about one of the tables that is not understood;
  ///   `transient` when the server does not send the log as far as it has said to have written it.
  init(
    of tables: [TableID], from start: MySQLOffset, to end: MySQLOffset, settings: MySQLSourceSettings,
    interrupter: Interrupter
  ) throws(ConnectorError) {
    let deadline = Clock.monotonicMilliseconds() + TableStatements.patience
    // A server that shuts down, or whose dump is killed, ends the log as if it were whole.
    while true {
      let reached = try read(tables, from: start, settings, interrupter)
      // By GTIDs where there are any: of what a start by GTIDs passes over, the server sends nothing.
      if try reached.covers(end) { return }
      guard Clock.monotonicMilliseconds() < deadline else {
        throw ConnectorError(
          .transient, "the log was ended by the server before \(end.offset)", offset: reached.offset,
          remedy: "it is read again; if this goes on, look at the server's error log")
      }
      try interrupter.pause(milliseconds: 50)
      self = SchemaHistory()
    }
  }

  private init() {}

  private mutating func read(
    _ tables: [TableID], from start: MySQLOffset, _ settings: MySQLSourceSettings, _ interrupter: Interrupter
  ) throws(ConnectorError) -> MySQLOffset {
    let wanted = Set(tables)
    let walk = try LogWalk(settings, interrupter: interrupter, from: start)
    defer { walk.close() }
    var maps = TableMapCache()
    // Rows events come with a table map each, nearly always the one before.
    var latest: TableMap?
    while let event = try walk.next() {
      switch event {
      case .formatDescription: maps.removeAll()
      case .tableMap(let map):
        do {
          let found = try maps.register(map)
          if found === latest { continue }
          latest = found
          if wanted.contains(found.table), firstMaps[found.table] == nil { firstMaps[found.table] = found }
        } catch {
          throw error.connectorError(offset: walk.cursor.offset.offset)
        }
      case .query(let query) where query.kind == .ddl:
        try note(query, tables, walk)
      default: break
      }
    }
    return walk.cursor.offset
  }

  private mutating func note(_ query: QueryEvent, _ tables: [TableID], _ walk: LogWalk) throws(ConnectorError) {
    let sql = query.sql
    let dialect = DDLDialect(serverVersion: walk.facts.version, sqlMode: query.sqlMode ?? 0)
    let statements: [DDLStatement]
    do {
      statements = try DDLParser.parse(sql, defaultSchema: query.schema, dialect: dialect)
    } catch {
      guard let table = tables.first(where: { DDLParser.mentions($0, in: sql, dialect: dialect) }) else { return }
      throw error.connectorError(table: table, offset: walk.cursor.offset.offset)
    }
    for statement in statements {
      statementCount += 1
      switch statement {
      case .defineDatabase(let name), .dropDatabase(let name): databaseStatements[name.lowercased()] = statementCount
      default: break
      }
      for table in tables where statement.affects(table) {
        entries[table, default: []].append(
          Entry(
            statement: statement, sql: sql, offset: walk.cursor.offset.offset,
            followsRows: firstMaps[table] != nil, dialect: dialect, number: statementCount))
      }
    }
  }

  /// The schema that was in force at the beginning of the history, from today's. A table that came later begins with the
  /// schema that it was created with. `hasPrimaryKey`: today's key is declared as such, and no unique key in its place.
  ///
  /// Where statements since then cannot be undone, the log itself may tell: the statement that made the table, or what
  /// stands in front of its first rows.
  /// - Throws: `unsupported` when it cannot be known, naming the statement and what to do.
  func original(
    _ table: TableID, today: TableSchema, hasPrimaryKey: Bool, _ facts: SchemaHistoryFacts
  ) throws(ConnectorError) -> TableSchema {
    let all = (entries[table] ?? [])[...]
    var failure: ConnectorError
    do {
      return try undone(all, from: today, table, hasPrimaryKey: hasPrimaryKey)
    } catch {
      failure = error
    }
    let anchor: Anchor?
    do throws(BinlogError) {
      anchor = try self.anchor(table, today: today, hasPrimaryKey: hasPrimaryKey, facts)
    } catch {
      failure.message += " (the log's own description does not help: \(error.message))"
      throw failure
    }
    guard let anchor else { throw failure }
    return try undone(all.prefix(anchor.statementsBefore), from: anchor.schema, table, hasPrimaryKey: hasPrimaryKey)
  }

  /// A schema that the log tells, and how many of the table's statements come before it.
  private struct Anchor {
    var schema: TableSchema
    var statementsBefore: Int
  }

  private func anchor(
    _ table: TableID, today: TableSchema, hasPrimaryKey: Bool, _ facts: SchemaHistoryFacts
  ) throws(BinlogError) -> Anchor? {
    let all = entries[table] ?? []
    for (index, entry) in all.enumerated() where !entry.followsRows {
      guard case .createTable(let create) = entry.statement, create.tellsColumns else { continue }
      // The catalog has the database's character set as it is now.
      let isDatabaseKnown = databaseStatements[(table.schema ?? "").lowercased(), default: 0] < entry.number
      let applier = facts.applier(for: table, entry.dialect, isDatabaseKnown: isDatabaseKnown)
      return Anchor(schema: try applier.table(creating: create), statementsBefore: index)
    }
    let later = all.filter(\.followsRows)
    guard let map = firstMaps[table],
      let logged = LoggedSchema(map, collations: facts.collations, isMariaDB: facts.isMariaDB)
    else { return nil }
    var schema = try logged.schema(
      today: today, touched: Self.touchedColumns(later), hasPrimaryKey: hasPrimaryKey, options: facts.values)
    schema.nativeDefinition = Self.definition(before: later[...], TableDefinition(today.nativeDefinition)).text
    return Anchor(schema: schema, statementsBefore: all.count - later.count)
  }

  /// Names, in lower case, of the columns that statements define anew; nil where it may be any.
  private static func touchedColumns(_ entries: [Entry]) -> Set<String>? {
    var names: Set<String> = []
    for entry in entries {
      switch entry.statement {
      case .alterTable(let alter):
        for spec in alter.specs {
          switch spec {
          case .addColumn(let column, _, _), .modifyColumn(let column, _, _): names.insert(column.name.lowercased())
          case .changeColumn(let former, let column, _, _):
            names.formUnion([former.lowercased(), column.name.lowercased()])
          case .renameColumn(let former, let name, _): names.formUnion([former.lowercased(), name.lowercased()])
          case .dropColumn(let name, _): names.insert(name.lowercased())
          case .setDefault, .defaultCharset, .tableComment, .addKey, .dropPrimaryKey, .dropKey, .renameKey, .rowsChange,
            .exchangePartition, .irrelevant:
            break
          case .renameTable, .convert, .unsupported: return nil
          }
        }
      case .truncateTable, .defineDatabase: break
      default: return nil
      }
    }
    return names
  }

  /// Keys and default collation before the statements, as far as they follow from those after them.
  private static func definition(before entries: ArraySlice<Entry>, _ last: TableDefinition) -> TableDefinition {
    var definition = last
    for entry in entries {
      switch entry.statement {
      case .alterTable(let alter):
        for spec in alter.specs {
          switch spec {
          case .irrelevant, .setDefault, .tableComment, .rowsChange, .exchangePartition: break
          case .defaultCharset, .convert, .renameTable, .unsupported:
            definition = TableDefinition(collation: nil, keys: nil)
          case .addColumn, .dropColumn, .modifyColumn, .changeColumn, .renameColumn, .addKey, .dropPrimaryKey, .dropKey,
            .renameKey:
            definition.keys = nil
          }
        }
      case .createTable, .truncateTable, .defineDatabase, .other: break
      case .dropTables, .dropDatabase, .renameTables:
        definition = TableDefinition(collation: nil, keys: nil)
      }
    }
    return definition
  }

  private func undone(
    _ entries: ArraySlice<Entry>, from last: TableSchema, _ table: TableID, hasPrimaryKey: Bool
  ) throws(ConnectorError) -> TableSchema {
    var schema = last
    schema.nativeDefinition = Self.definition(before: entries, TableDefinition(last.nativeDefinition)).text
    for entry in entries.reversed() {
      do {
        schema = try Self.undo(entry, schema, hasPrimaryKey: hasPrimaryKey)
      } catch {
        throw ConnectorError(
          .unsupported, "the schema before this statement cannot be known: \(error.message): \(entry.sql.prefix(200))",
          table: table, offset: entry.offset,
          remedy: "start behind the statement (scan.startup.specific-offset, at the place above), take a snapshot with "
            + "scan.startup.mode: initial, or leave the table out with tables.exclude")
      }
    }
    return schema
  }

  /// The schema before a statement.
  private static func undo(_ entry: Entry, _ schema: TableSchema, hasPrimaryKey: Bool) throws(BinlogError)
    -> TableSchema
  {
    switch entry.statement {
    case .alterTable(let alter):
      var result = schema
      for spec in alter.specs.reversed() { try undo(spec, entry.followsRows, hasPrimaryKey: hasPrimaryKey, &result) }
      return result
    case .createTable, .truncateTable, .defineDatabase: return schema
    case .dropTables, .dropDatabase, .renameTables:
      // What stood under the name before has left no rows in the log: nothing needs its columns.
      if !entry.followsRows { return schema }
      throw .unsupported("another table stood under the name")
    default: return schema
    }
  }

  private static func undo(
    _ spec: AlterSpec, _ followsRows: Bool, hasPrimaryKey: Bool, _ schema: inout TableSchema
  ) throws(BinlogError) {
    switch spec {
    case .addColumn(let column, _, let ifNotExists):
      if ifNotExists, followsRows { throw .unsupported("the column may have been there before") }
      guard let index = schema.index(of: column.name) else { throw .unsupported("the column was dropped later") }
      schema.columns.remove(at: index)
    case .renameColumn(let former, let name, let ifExists):
      if ifExists, followsRows { throw .unsupported("the column may have had its name before") }
      try rename(name, to: former, &schema)
    case .changeColumn(let former, let column, _, _):
      // Without rows before it, a column may as well have had its type all the time.
      if followsRows { throw .unsupported("the column's former type is not in the log") }
      try rename(column.name, to: former, &schema)
    case .modifyColumn:
      if followsRows { throw .unsupported("the column's former type is not in the log") }
    case .irrelevant, .setDefault, .defaultCharset, .tableComment, .renameKey: break
    // The primary key tells rows apart; where it is none, another unique key may have done so.
    case .addKey(let key) where key.kind == .plain || (key.kind == .unique && hasPrimaryKey): break
    case .dropKey(let name) where hasPrimaryKey && name.lowercased() != "primary": break
    default: throw .unsupported("it cannot be undone")
    }
  }

  private static func rename(
    _ name: String, to former: String, _ schema: inout TableSchema
  ) throws(BinlogError) {
    guard let index = schema.index(of: name) else { throw .unsupported("the column was dropped later") }
    let current = schema.columns[index].name
    schema.columns[index].name = former
    schema.primaryKey = schema.primaryKey.map { $0 == current ? former : $0 }
  }
}
