import Connector
import Model

/// `_tidegate_columns`: the logical type of every column that this sink has made, which SQLite's own declared types do not
/// tell; and what SQLite says about a table.
struct TableCatalog {
  /// A column as SQLite has it.
  struct ActualColumn: Equatable {
    var name: String
    var declared: String
    /// Place in the primary key, from 1; 0: none.
    var keyPlace: Int
  }

  /// A column as this sink recorded it.
  struct RecordedColumn {
    var name: String
    var type: DataType
    var table: String
  }

  private let database: SQLiteDatabase

  init(_ database: SQLiteDatabase) { self.database = database }

  /// Creates the table where it is missing.
  func create() throws(ConnectorError) {
    try database.run(
      """
      CREATE TABLE IF NOT EXISTS "_tidegate_columns" (
        table_name TEXT NOT NULL COLLATE NOCASE, position INTEGER NOT NULL, column_name TEXT NOT NULL,
        type TEXT NOT NULL, annotation TEXT, table_id TEXT NOT NULL, PRIMARY KEY (table_name, position)) WITHOUT ROWID
      """)
  }

  /// The columns that SQLite has; empty when there is no such table.
  func actual(_ table: String) throws(ConnectorError) -> [ActualColumn] {
    let query = try database.statement("SELECT name, type, pk FROM pragma_table_xinfo(?1) ORDER BY cid")
    try query.bind(1, table)
    var columns: [ActualColumn] = []
    while try query.step() {
      columns.append(
        ActualColumn(
          name: query.text(0) ?? "", declared: (query.text(1) ?? "").uppercased(), keyPlace: query.integer(2)))
    }
    return columns
  }

  /// Whether the table is STRICT, and whether it is WITHOUT ROWID.
  func traits(_ table: String) throws(ConnectorError) -> (strict: Bool, withoutRowID: Bool) {
    let query = try database.statement("SELECT strict, wr FROM pragma_table_list(?1) WHERE schema = 'main'")
    try query.bind(1, table)
    defer { query.reset() }
    guard try query.step() else { return (false, false) }
    return (query.integer(0) != 0, query.integer(1) != 0)
  }

  /// Statements that made the table's indexes and triggers.
  func attachments(_ table: String) throws(ConnectorError) -> [String] {
    let query = try database.statement(
      """
      SELECT sql FROM sqlite_schema
      WHERE lower(tbl_name) = lower(?1) AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid
      """)
    try query.bind(1, table)
    var statements: [String] = []
    while try query.step() { statements.append(query.text(0) ?? "") }
    return statements
  }

  /// The columns as recorded, in the schema's order; empty when the table is not this sink's.
  func recorded(_ table: String) throws(ConnectorError) -> [RecordedColumn] {
    let query = try database.statement(
      """
      SELECT column_name, type, annotation, table_id FROM "_tidegate_columns" WHERE table_name = ?1 ORDER BY position
      """)
    try query.bind(1, table)
    var columns: [RecordedColumn] = []
    while try query.step() {
      let annotation = query.text(2).flatMap { DataType.Annotation(text: $0) }
      guard let type = DataType(text: query.text(1) ?? "", annotation: annotation) else {
        let found = query.text(1) ?? "NULL"
        query.reset()
        throw ConnectorError(.corrupt, "_tidegate_columns holds the unknown type \(found) for table \(table)")
      }
      columns.append(RecordedColumn(name: query.text(0) ?? "", type: type, table: query.text(3) ?? ""))
    }
    return columns
  }

  /// Replaces what is recorded of a table; nil: forgets it.
  func record(_ table: String, _ id: TableID, _ schema: TableSchema?) throws(ConnectorError) {
    let delete = try database.statement("DELETE FROM \"_tidegate_columns\" WHERE table_name = ?1")
    try delete.bind(1, table)
    try delete.run()
    guard let schema else { return }
    for (position, column) in schema.columns.enumerated() {
      let insert = try database.statement("INSERT INTO \"_tidegate_columns\" VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      try insert.bind(1, table)
      try insert.bind(2, position)
      try insert.bind(3, column.name)
      try insert.bind(4, column.type.description)
      try insert.bind(5, column.type.annotation?.description)
      try insert.bind(6, id.description)
      try insert.run()
    }
  }
}
