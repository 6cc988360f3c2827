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

  /// The databases' default collations, by their names in lower case.
  func databaseCollations() throws(ConnectorError) -> [String: String] {
    let rows = try client.query("SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA")
    var result: [String: String] = [:]
    for row in rows { if let name = row[0] { result[name.lowercased()] = row[1] } }
    return result
  }
}
