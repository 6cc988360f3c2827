import Connector
import Model

/// What a reader of the log must know of its server and tables besides their schemas, in order to read statements.
struct CatalogFacts {
  let client: MySQLClient

  /// `lower_case_table_names`: 0, names keep their case; 1, they are stored in lower case; 2, they are compared so.
  func nameFolding() throws(ConnectorError) -> Int {
    try client.scalar("SELECT @@global.lower_case_table_names").flatMap { Int($0) } ?? 0
  }

  /// Whether a TIMESTAMP that is given neither NULL nor NOT NULL may be NULL.
  func hasNullableTimestamps() throws(ConnectorError) -> Bool {
    let row = try client.query("SHOW GLOBAL VARIABLES LIKE 'explicit_defaults_for_timestamp'").first
    return row?.last.map { $0 != "OFF" && $0 != "0" } ?? false
  }

  /// A database's default collation.
  func databaseCollation(_ name: String) throws(ConnectorError) -> String? {
    try client.scalar(
      "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = \(SQLText.string(name))")
  }

  /// The default collations of the tables.
  func collations(of tables: [TableID]) throws(ConnectorError) -> [TableID: String] {
    var result: [TableID: String] = [:]
    for filter in Self.filters(tables) {
      let rows = try client.query(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COLLATION FROM information_schema.TABLES WHERE \(filter)")
      for row in rows { result[TableID(schema: row[0], table: row[1] ?? "")] = row[2] }
    }
    return result
  }

  /// All keys of the tables, by table.
  func keys(of tables: [TableID]) throws(ConnectorError) -> [TableID: TableKeys] {
    var found: [TableID: [TableKeys.Key]] = [:]
    for filter in Self.filters(tables) {
      let rows = try client.query(
        "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, NON_UNIQUE "
          + "FROM information_schema.STATISTICS WHERE \(filter) "
          + "ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX")
      for row in rows {
        guard let name = row[2] else { continue }
        var keys = found.removeValue(forKey: TableID(schema: row[0], table: row[1] ?? "")) ?? []
        if keys.last?.name != name {
          keys.append(TableKeys.Key(name: name, isUnique: row[5] == "0", columns: [], isWhole: true))
        }
        let last = keys.count - 1
        if let column = row[3] { keys[last].columns.append(column) }
        if row[3] == nil || row[4] != nil { keys[last].isWhole = false }
        found[TableID(schema: row[0], table: row[1] ?? "")] = keys
      }
    }
    var result: [TableID: TableKeys] = [:]
    for table in tables { result[table] = TableKeys(found[table] ?? []) }
    return result
  }

  /// Conditions that select the tables, some hundreds at a time: servers open every table that a condition leaves.
  private static func filters(_ tables: [TableID]) -> [String] {
    let groups = Dictionary(grouping: tables) { $0.schema ?? "" }
    var filters: [String] = []
    for (schema, members) in groups.sorted(by: { $0.key < $1.key }) {
      var rest = members[...]
      while !rest.isEmpty {
        let names = rest.prefix(500).map { SQLText.string($0.table) }.joined(separator: ", ")
        filters.append("TABLE_SCHEMA = \(SQLText.string(schema)) AND TABLE_NAME IN (\(names))")
        rest = rest.dropFirst(500)
      }
    }
    return filters
  }
}
