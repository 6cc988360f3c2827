import Connector
import Model

/// What a history has to know of the server besides the log.
struct SchemaHistoryFacts {
  /// Names of the collations, by their numbers.
  var collations: [UInt32: String]
  /// Default collations of the databases, by their names.
  var databaseCollations: [String: String]
  var isMariaDB: Bool
  var values: ValueOptions
  var includesComments: Bool

  /// Asks the server.
  init(_ client: MySQLClient, isMariaDB: Bool, _ settings: MySQLSourceSettings) throws(ConnectorError) {
    self.isMariaDB = isMariaDB
    values = settings.values
    includesComments = settings.includesComments
    collations = [:]
    databaseCollations = [:]
    for row in try client.query("SELECT ID, COLLATION_NAME FROM information_schema.COLLATIONS WHERE ID IS NOT NULL") {
      guard let number = row[0].flatMap({ UInt32($0) }), let name = row[1] else { continue }
      collations[number] = name
    }
    for row in try client.query("SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA") {
      if let name = row[0] { databaseCollations[name] = row[1] }
    }
  }

  /// What reads a CREATE TABLE. `isDatabaseKnown`: the database's default character set was then what it is now.
  func applier(for table: TableID, _ dialect: DDLDialect, isDatabaseKnown: Bool) -> DDLApplier {
    let collation = isDatabaseKnown ? databaseCollations[table.schema ?? ""] : nil
    return DDLApplier(
      dialect: dialect, treatTinyint1AsBoolean: values.treatTinyint1AsBoolean, defaultCollation: collation,
      databaseCollation: collation, includesComments: includesComments, isLossless: values.isLossless,
      movesShortYears: values.movesShortYears)
  }
}

extension CreateTable {
  /// Whether the statement itself says what columns the table has.
  var tellsColumns: Bool {
    !ifNotExists && like == nil && !hasSelect && special == nil && unsupported == nil && !columns.isEmpty
  }
}
