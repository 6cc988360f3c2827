import Connector
import Model

/// A table as the server describes it.
struct TableDescription: Sendable {
  var id: TableID
  var engine: String
  /// The table's default collation.
  var collation: String
  var estimatedRows: Int
  /// Bytes, as the server estimates; 0 when it does not know.
  var averageRowLength: Int
  var schema: TableSchema
  /// Indexes that can be walked in the order of columns.
  var indexes: [TableIndex] = []
}

/// Reads table descriptions from information_schema, many tables with one query.
struct TableCatalog {
  let client: MySQLClient
  let facts: ServerFacts
  let values: ValueOptions
  let includesComments: Bool

  init(client: MySQLClient, facts: ServerFacts, settings: MySQLSourceSettings) {
    self.client = client
    self.facts = facts
    self.values = settings.values
    self.includesComments = settings.includesComments
  }

  private static let systemSchemas = ["information_schema", "performance_schema", "mysql", "sys"]

  /// Names and types of all tables that users can have made.
  func names() throws(ConnectorError) -> [(id: TableID, type: String)] {
    let excluded = Self.systemSchemas.map { SQLText.string($0) }.joined(separator: ", ")
    let rows = try client.query(
      "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES "
        + "WHERE TABLE_SCHEMA NOT IN (\(excluded)) AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')")
    return rows.compactMap { row in
      guard let schema = row[0], let name = row[1], let type = row[2] else { return nil }
      return (TableID(schema: schema, table: name), type)
    }
  }

  /// Waits for the statements that are about to change one of the tables.
  ///
  /// MySQL logs a statement before the catalog shows what it has done, MariaDB shows it before it is logged; queries of
  /// information_schema wait for neither. A query of the table itself does: the statement holds the table's metadata
  /// lock until both have happened.
  func settle(_ tables: [TableID]) throws(ConnectorError) {
    var rest = tables[...]
    while !rest.isEmpty {
      let part = rest.prefix(Self.settledAtOnce)
      rest = rest.dropFirst(part.count)
      do {
        try client.execute("SELECT " + part.map(Self.touching).joined(separator: ", "))
      } catch  where error.kind == .schemaMismatch || error.kind == .permission {
        // A table that is not there has nothing to wait for; one that cannot be read is the business of its reader.
        guard part.count > 1 else { continue }
        for table in part { try settle([table]) }
      }
    }
  }

  private static let settledAtOnce = 128

  private static func touching(_ table: TableID) -> String { "(SELECT 1 FROM \(SQLText.table(table)) LIMIT 0)" }

  /// One table; nil when it does not exist.
  func describe(_ table: TableID) throws(ConnectorError) -> TableDescription? {
    guard let schema = table.schema else { return nil }
    let filter = "TABLE_SCHEMA = \(SQLText.string(schema)) AND TABLE_NAME = \(SQLText.string(table.table))"
    return try describe(where: filter, wanted: [table]).first
  }

  /// Columns, key and indexes of one table, without what only planning needs; nil when it does not exist.
  func layout(of table: TableID) throws(ConnectorError) -> TableDescription? {
    guard let schema = table.schema else { return nil }
    let filter = "TABLE_SCHEMA = \(SQLText.string(schema)) AND TABLE_NAME = \(SQLText.string(table.table))"
    var tables = [
      table: TableDescription(
        id: table, engine: "", collation: "", estimatedRows: 0, averageRowLength: 0,
        schema: TableSchema(columns: [], primaryKey: []))
    ]
    try readColumns(filter, into: &tables)
    try readKeys(filter, into: &tables)
    return tables[table].flatMap { $0.schema.columns.isEmpty ? nil : $0 }
  }

  /// Several tables of one database; those that no longer exist are left out.
  ///
  /// The servers look one table up by its name, but go through the whole database for a list of names: more than a few
  /// tables are asked for all at once, and those that are not wanted are dropped here.
  func describe(schema: String, tables: [TableID]) throws(ConnectorError) -> [TableDescription] {
    let filter = "TABLE_SCHEMA = \(SQLText.string(schema))"
    if tables.count > Self.singleTables { return try describe(where: filter, wanted: Set(tables)) }
    var result: [TableDescription] = []
    for table in tables {
      result += try describe(where: "\(filter) AND TABLE_NAME = \(SQLText.string(table.table))", wanted: [table])
    }
    return result
  }

  private static let singleTables = 12

  private func describe(where filter: String, wanted: Set<TableID>) throws(ConnectorError) -> [TableDescription] {
    var tables: [TableID: TableDescription] = [:]
    let rows = try client.query(
      "SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_COLLATION, TABLE_ROWS, AVG_ROW_LENGTH, TABLE_COMMENT "
        + "FROM information_schema.TABLES WHERE \(filter)")
    for row in rows {
      let id = TableID(schema: row[0], table: row[1] ?? "")
      // The catalog compares names without regard to case.
      guard wanted.contains(id) else { continue }
      let comment = includesComments ? row[6].flatMap { $0.isEmpty ? nil : $0 } : nil
      tables[id] = TableDescription(
        id: id, engine: row[2] ?? "", collation: row[3] ?? "", estimatedRows: row[4].flatMap { Int($0) } ?? 0,
        averageRowLength: row[5].flatMap { Int($0) } ?? 0,
        schema: TableSchema(columns: [], primaryKey: [], comment: comment))
    }
    try readColumns(filter, into: &tables)
    try readKeys(filter, into: &tables)
    // A table without columns has gone between two of the questions, or may not be looked at.
    return tables.values.filter { !$0.schema.columns.isEmpty }.sorted { $0.id < $1.id }
  }

  private func readColumns(
    _ filter: String, into tables: inout [TableID: TableDescription]
  ) throws(ConnectorError) {
    let rows = try client.query(
      "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, "
        + "COLUMN_COMMENT FROM information_schema.COLUMNS WHERE \(filter) "
        + "ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION")
    for row in rows {
      let id = TableID(schema: row[0], table: row[1] ?? "")
      guard tables[id] != nil, let name = row[2], let native = row[3] else { continue }
      let collation = row[4] ?? ""
      let column = try column(
        of: id, name: name, native: native, collation: collation, isNullable: row[5] == "YES",
        defaultValue: ColumnDefault.constant(row[6], extra: row[7] ?? "", isMariaDB: facts.isMariaDB),
        comment: includesComments ? row[8].flatMap { $0.isEmpty ? nil : $0 } : nil)
      tables[id]?.schema.columns.append(column)
    }
  }

  private func column(
    of table: TableID, name: String, native: String, collation: String, isNullable: Bool, defaultValue: String?,
    comment: String?
  ) throws(ConnectorError) -> Column {
    let type: DataType?
    let carriedDefault: String?
    do throws(BinlogError) {
      let native = try MySQLColumnType(columnType: native, collation: collation)
      type = native.dataType(nullable: isNullable, treatTinyint1AsBoolean: values.treatTinyint1AsBoolean)
      carriedDefault = native.carriedDefault(defaultValue, nullable: isNullable, options: values)
      if values.isLossless, let reason = native.lossReason { throw BinlogError.lossy(name, native, reason) }
    } catch {
      throw error.connectorError(table: table)
    }
    guard let type else {
      let suffix = collation.isEmpty ? "" : " with collation \(collation)"
      throw ConnectorError(
        .unsupported, "column \(name) has the type \(native)\(suffix), which is not supported", table: table,
        remedy: "leave the table out with tables.exclude, or change the column")
    }
    return Column(
      name: name, type: type, comment: comment, defaultValue: carriedDefault, nativeType: native,
      nativeCollation: collation)
  }

  /// The keys and indexes. Whether the optimiser may use an index is told by a column that older servers do not have.
  private func readKeys(_ filter: String, into tables: inout [TableID: TableDescription]) throws(ConnectorError) {
    let release = facts.release
    let usable =
      facts.isMariaDB
      ? (release.isAtLeast(10, 6) ? "IGNORED = 'NO'" : "TRUE")
      : (release.isAtLeast(8, 0) ? "IS_VISIBLE = 'YES'" : "TRUE")
    let rows = try client.query(
      "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, NULLABLE, SUB_PART, NON_UNIQUE, COLLATION, "
        + "INDEX_TYPE = 'BTREE' AND \(usable) FROM information_schema.STATISTICS WHERE \(filter) "
        + "ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX")
    var indexes: [TableID: [TableIndex]] = [:]
    for row in rows {
      let id = TableID(schema: row[0], table: row[1] ?? "")
      guard tables[id] != nil, let name = row[2] else { continue }
      var list = indexes.removeValue(forKey: id) ?? []
      if list.last?.name != name {
        list.append(TableIndex(name: name, isUnique: row[6] == "0", isUsable: row[8] == "1"))
      }
      list[list.count - 1].add(
        column: row[3], isNullable: row[4] == "YES", isPrefix: row[5] != nil, direction: row[7] ?? "")
      indexes[id] = list
    }
    for (id, list) in indexes {
      tables[id]?.schema.primaryKey = TableIndex.key(of: list)
      tables[id]?.indexes = list
    }
    for (id, table) in tables {
      let definition = TableDefinition(
        collation: table.collation.isEmpty ? nil : table.collation, keys: TableKeys(table.indexes.map(\.key)))
      tables[id]?.schema.nativeDefinition = definition.text
    }
  }
}

/// Column defaults as information_schema shows them.
enum ColumnDefault {
  /// The default as plain text where it is a constant. MariaDB shows literals as SQL (`'x'`, `NULL`), MySQL as text.
  static func constant(_ text: String?, extra: String, isMariaDB: Bool) -> String? {
    guard let text else { return nil }
    let extra = extra.uppercased()
    if extra.contains("DEFAULT_GENERATED") || extra.contains("VIRTUAL") || extra.contains("STORED") { return nil }
    if !isMariaDB {
      return text.uppercased().hasPrefix("CURRENT_TIMESTAMP") || text.hasPrefix("b'") ? nil : text
    }
    if text == "NULL" { return nil }
    if text.hasPrefix("'"), text.hasSuffix("'"), text.count >= 2 {
      return unquoted(text.dropFirst().dropLast())
    }
    return Double(text) != nil ? text : nil
  }

  private static func unquoted(_ text: Substring) -> String {
    var result = ""
    var rest = text.unicodeScalars[...]
    while let character = rest.popFirst() {
      if character == "\\", let next = rest.popFirst() {
        switch next {
        case "n": result.unicodeScalars.append("\n")
        case "r": result.unicodeScalars.append("\r")
        case "t": result.unicodeScalars.append("\t")
        case "0": result.unicodeScalars.append("\0")
        default: result.unicodeScalars.append(next)
        }
      } else {
        if character == "'", rest.first == "'" { rest.removeFirst() }
        result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
