import Connector
import Model

/// Applies schema changes, each in one transaction: after a crash a change has been applied as a whole or not at all, and
/// `_tidegate_columns` says which.
final class SQLiteSchemaApplier: SchemaApplier {
  let database: SQLiteDatabase
  let catalog: TableCatalog
  let rebuild: TableRebuild

  init(_ database: SQLiteDatabase) {
    self.database = database
    catalog = TableCatalog(database)
    rebuild = TableRebuild(database)
  }

  func close() { database.close() }

  func apply(_ change: SchemaChange, to table: TableID, resulting schema: TableSchema) throws(ConnectorError) {
    do {
      let name = try database.settings.tableName(table)
      // So that the renaming in a rebuild leaves views alone; those on a table that is renamed follow it. Inside a
      // transaction it would come too late.
      try database.run("PRAGMA legacy_alter_table = \(change.isRename ? "OFF" : "ON")")
      try database.transaction { () throws(ConnectorError) -> Void in
        try catalog.create()
        try perform(change, name, table, schema)
      }
    } catch {
      var error = error
      error.table = error.table ?? table
      throw error
    }
  }

  /// All in one transaction. SQLite reads the file's whole schema again after each change of it by another connection,
  /// and writes to the disk at each commit: thousands of tables one by one would take minutes.
  func create(_ tables: [(id: TableID, schema: TableSchema)]) throws(ConnectorError) {
    var made: [(name: String, id: TableID, schema: TableSchema)] = []
    for table in tables { made.append((try database.settings.tableName(table.id), table.id, table.schema)) }
    guard Set(made.map { $0.name.lowercased() }).count == made.count else {
      // SQLite takes two of them for the same: one by one, it is the second that is refused.
      for table in tables { try apply(.createTable(table.schema), to: table.id, resulting: table.schema) }
      return
    }
    try database.transaction { () throws(ConnectorError) -> Void in
      try catalog.create()
      // Step by step over all of them: a statement is prepared anew after each change of the schema.
      var missing: [(name: String, id: TableID, schema: TableSchema)] = []
      for table in made {
        let actual = try catalog.actual(table.name)
        if actual.isEmpty {
          missing.append(table)
        } else {
          try of(table.id) { () throws(ConnectorError) in try checkExisting(table.name, table.id, table.schema, actual)
          }
        }
      }
      for table in missing { try of(table.id) { () throws(ConnectorError) in try create(table.name, table.schema) } }
      for table in made { try catalog.record(table.name, table.id, table.schema) }
    }
  }

  /// Runs `body`; its error names the table.
  private func of(_ table: TableID, _ body: () throws(ConnectorError) -> Void) throws(ConnectorError) {
    do throws(ConnectorError) {
      try body()
    } catch {
      var error = error
      error.table = error.table ?? table
      throw error
    }
  }

  private func perform(
    _ change: SchemaChange, _ name: String, _ id: TableID, _ schema: TableSchema
  ) throws(ConnectorError) {
    let actual = try catalog.actual(name)
    switch change {
    case .createTable:
      if actual.isEmpty { try create(name, schema) } else { try checkExisting(name, id, schema, actual) }
      return try catalog.record(name, id, schema)
    case .dropTable:
      try database.run("DROP TABLE IF EXISTS \(SQLText.name(name))")
      return try catalog.record(name, id, nil)
    case .renameTable(let new): return try moveTable(name, actual, to: new, schema)
    default: break
    }
    guard !actual.isEmpty else {
      throw ConnectorError(
        .rejected, "table \(name) is not in the replica", remedy: "drop the pipeline's table and read it again")
    }
    if case .truncateTable = change { return try database.run("DELETE FROM \(SQLText.name(name))") }
    if case .alterPrimaryKey = change {
      try changeKey(name, actual, schema)
    } else if try !isApplied(name, schema) {
      try alter(change, name, schema)
    }
    try catalog.record(name, id, schema)
  }

  /// Whether the table has the resulting columns already: an earlier call has come to its end.
  private func isApplied(_ name: String, _ schema: TableSchema) throws(ConnectorError) -> Bool {
    let recorded = try catalog.recorded(name)
    guard recorded.count == schema.columns.count else { return false }
    let forms = recorded.map { ($0.name, StorageForm($0.type)) }
    return schema.columns.allSatisfy { column in
      forms.contains { $0.0 == column.name && $0.1 == StorageForm(column.type) }
    }
  }

  private func alter(_ change: SchemaChange, _ name: String, _ schema: TableSchema) throws(ConnectorError) {
    switch change {
    case .addColumns(let added): for item in added { try add(item.column, name) }
    case .dropColumns(let names): for column in names { try drop(column, name) }
    case .renameColumns(let renamed): for item in renamed { try rename(item, name) }
    case .alterColumnType(let altered): try alterTypes(altered, name)
    case .replaceTable:
      throw ConnectorError(
        .unsupported, "the replica cannot follow \(change.tag)", remedy: "drop the table in the file and read it again")
    case .createTable, .truncateTable, .dropTable, .alterPrimaryKey, .renameTable: break
    }
  }

  // MARK: Tables

  private func create(_ name: String, _ schema: TableSchema) throws(ConnectorError) {
    try checkNames(schema)
    let keyed = !schema.primaryKey.isEmpty
    let definition = TableDefinition(
      columns: schema.columns.map { TableDefinition.ColumnText($0.name, StorageForm($0.type).declared) },
      key: schema.keyIndexes.map { schema.columns[$0].name }, isStrict: database.settings.isStrict,
      isWithoutRowID: database.settings.isWithoutRowID && keyed)
    try database.run(definition.sql(name))
  }

  func checkNames(_ schema: TableSchema) throws(ConnectorError) {
    var seen: Set<String> = []
    for column in schema.columns {
      guard seen.insert(column.name.lowercased()).inserted else {
        throw ConnectorError(
          .unsupported, "column \(column.name) differs from another only in case, which SQLite cannot tell apart",
          remedy: "leave one of them out of the pipeline")
      }
      if column.name.utf8.contains(0) {
        throw ConnectorError(.unsupported, "a column's name holds a NUL byte, which SQLite cannot store")
      }
    }
    guard !schema.columns.isEmpty else { throw ConnectorError(.unsupported, "a table without columns") }
    if schema.keyIndexes.count != schema.primaryKey.count {
      throw ConnectorError(.rejected, "a column of the key is not among the table's columns")
    }
    if schema.primaryKey.isEmpty && Set(["rowid", "_rowid_", "oid"]).isSubset(of: seen) {
      throw ConnectorError(
        .unsupported, "a table without a key has columns of all three names by which SQLite knows a row",
        remedy: "give the table a key, or rename one of rowid, _rowid_ and oid")
    }
  }

  private func checkExisting(
    _ name: String, _ id: TableID, _ schema: TableSchema, _ actual: [TableCatalog.ActualColumn]
  ) throws(ConnectorError) {
    let recorded = try catalog.recorded(name)
    if let other = recorded.first?.table, other != id.description {
      throw ConnectorError(
        .rejected, "table \(name) of the replica belongs to \(other)",
        remedy: "set table.name to full, or route one of the tables to another name")
    }
    let key = actual.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }.map { $0.name.lowercased() }
    var same = actual.count == schema.columns.count && key == schema.primaryKey.map { $0.lowercased() }
    for column in schema.columns {
      let form = StorageForm(column.type)
      let found = actual.first { $0.name.lowercased() == column.name.lowercased() }
      let known = recorded.first { $0.name.lowercased() == column.name.lowercased() }
      if found?.declared != form.declared || known.map({ StorageForm($0.type) != form }) == true { same = false }
    }
    if !same {
      throw ConnectorError(
        .rejected, "table \(name) exists in the replica with other columns or another key",
        remedy: "drop the table in the file, or choose another path")
    }
  }

  // MARK: Columns

  private func actual(_ column: String, _ table: String) throws(ConnectorError) -> TableCatalog.ActualColumn? {
    let columns = try catalog.actual(table)
    return columns.first { $0.name == column } ?? columns.first { $0.name.lowercased() == column.lowercased() }
  }

  private func add(_ column: Column, _ table: String) throws(ConnectorError) {
    let form = StorageForm(column.type)
    if let found = try actual(column.name, table) {
      guard found.declared == form.declared else {
        throw ConnectorError(
          .rejected, "column \(column.name) exists in the replica with the type \(found.declared)",
          remedy: "drop the column in the file")
      }
      return
    }
    var text = "ALTER TABLE \(SQLText.name(table)) ADD COLUMN \(SQLText.name(column.name)) \(form.declared)"
    if let value = column.defaultValue {
      guard let literal = DefaultText.stored(value, column.type)?.literal else {
        throw ConnectorError(
          .unsupported,
          "the default '\(value)' of the new column \(column.name) \(column.type) cannot be given to rows "
            + "that are in the replica", remedy: "drop the table in the file and read it again")
      }
      text += " DEFAULT \(literal)"
    }
    try database.run(text)
  }

  private func drop(_ column: String, _ table: String) throws(ConnectorError) {
    guard let found = try actual(column, table) else { return }
    if found.keyPlace > 0 {
      throw ConnectorError(
        .unsupported, "column \(column) is part of the replica's key and cannot be dropped",
        remedy: "drop the table in the file and read it again")
    }
    try database.run("ALTER TABLE \(SQLText.name(table)) DROP COLUMN \(SQLText.name(found.name))")
  }

  private func rename(_ item: SchemaChange.RenamedColumn, _ table: String) throws(ConnectorError) {
    guard let found = try actual(item.from, table) else {
      if try actual(item.to, table) != nil { return }
      throw ConnectorError(
        .rejected, "column \(item.from) is not in the replica", remedy: "drop the table in the file and read it again")
    }
    if found.name == item.to { return }
    let head = "ALTER TABLE \(SQLText.name(table)) RENAME COLUMN "
    var from = found.name
    if from.lowercased() == item.to.lowercased() {
      // SQLite takes names that differ in case for the same, and refuses.
      let between = "_tidegate_rename"
      try database.run(head + "\(SQLText.name(from)) TO \(SQLText.name(between))")
      from = between
    }
    try database.run(head + "\(SQLText.name(from)) TO \(SQLText.name(item.to))")
  }

  private func alterTypes(_ altered: [SchemaChange.AlteredColumn], _ table: String) throws(ConnectorError) {
    let recorded = try catalog.recorded(table)
    var changes: [TableRebuild.Change] = []
    for item in altered {
      guard let found = try actual(item.column.name, table) else {
        throw ConnectorError(
          .rejected, "column \(item.column.name) is not in the replica",
          remedy: "drop the table in the file and read it again")
      }
      let known = recorded.first { $0.name.lowercased() == found.name.lowercased() }
      let from = StorageForm(known?.type ?? item.oldType)
      let to = StorageForm(item.column.type)
      if from != to { changes.append(TableRebuild.Change(column: found.name, from: from, to: to)) }
    }
    if !changes.isEmpty { try rebuild.perform(changes, table) }
  }
}

/// The default of a new column, as rows that exist already shall have it.
enum DefaultText {
  /// Nil when the text cannot be turned into a value of the type.
  static func stored(_ text: String, _ type: DataType) -> StoredValue? {
    let form = StorageForm(type)
    switch form {
    case .integer:
      switch text.lowercased() {
      case "true": return .integer(1)
      case "false": return .integer(0)
      default: return StoredValue.text(text).converted(from: .text, to: form)
      }
    case .blob, .fixedBinary: return StoredValue.blob(Array(text.utf8)).converted(from: .blob, to: form)
    case .bits:
      guard text.hasPrefix("b'"), text.hasSuffix("'"), let bits = UInt64(text.dropFirst(2).dropLast(), radix: 2) else {
        return nil
      }
      return StoredValue.blob((0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) })
        .converted(from: .bits(8), to: form)
    default: return StoredValue.text(text).converted(from: .text, to: form)
    }
  }
}
