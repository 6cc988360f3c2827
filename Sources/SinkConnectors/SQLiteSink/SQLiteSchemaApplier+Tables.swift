import Connector
import Model

/// Changes of a table's key and name.
extension SQLiteSchemaApplier {
  /// The table is made anew where its key is another than the schema's; the rows are the same.
  func changeKey(
    _ name: String, _ actual: [TableCatalog.ActualColumn], _ schema: TableSchema
  ) throws(ConnectorError) {
    try checkNames(schema)
    let present = actual.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }.map { $0.name.lowercased() }
    if present == schema.primaryKey.map({ $0.lowercased() }) { return }
    var columns: [String] = []
    for column in schema.primaryKey {
      guard let found = actual.first(where: { $0.name.lowercased() == column.lowercased() }) else {
        throw ConnectorError(
          .rejected, "key column \(column) is not in the replica",
          remedy: "drop the table in the file and read it again")
      }
      columns.append(found.name)
    }
    let key = TableRebuild.Key(columns: columns, isWithoutRowID: database.settings.isWithoutRowID)
    try rebuild.perform([], name, key: key)
  }

  /// The table goes on under the name that the new id has in the file.
  func moveTable(
    _ name: String, _ actual: [TableCatalog.ActualColumn], to id: TableID, _ schema: TableSchema
  ) throws(ConnectorError) {
    let new = try database.settings.tableName(id)
    let owner = try catalog.recorded(new).first?.table
    // An earlier call has come to its end; the old name may be another table's by now.
    if owner == id.description { return }
    guard !actual.isEmpty else {
      throw ConnectorError(
        .rejected, "table \(name) is not in the replica", remedy: "drop the pipeline's table and read it again")
    }
    if new != name {
      if new.lowercased() == name.lowercased() {
        // SQLite takes names that differ in case for the same, and refuses.
        let between = "_tidegate_rename"
        try database.run("ALTER TABLE \(SQLText.name(name)) RENAME TO \(SQLText.name(between))")
        try database.run("ALTER TABLE \(SQLText.name(between)) RENAME TO \(SQLText.name(new))")
      } else {
        guard try catalog.actual(new).isEmpty else {
          throw ConnectorError(
            .rejected, "table \(name) cannot be renamed: \(new) exists in the replica",
            remedy: "drop \(new) in the file, or route one of the tables to another name")
        }
        try database.run("ALTER TABLE \(SQLText.name(name)) RENAME TO \(SQLText.name(new))")
      }
    }
    try catalog.record(name, id, nil)
    try catalog.record(new, id, schema)
  }
}

extension SchemaChange {
  /// Whether a table gets another name.
  var isRename: Bool {
    if case .renameTable = self { return true }
    return false
  }
}
