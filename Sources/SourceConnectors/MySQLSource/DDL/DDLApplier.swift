import Model

/// What a statement does to one table.
struct DDLEffect: Hashable, Sendable {
  /// The changes in order; empty when nothing changes that a sink would see (the schema may differ all the same: order of
  /// columns, storage type).
  var changes: [SchemaChange]
  /// The table afterwards, columns in the order of later row events.
  var schema: TableSchema
  /// Why the rows are not what the events tell; then `changes` is `replaceTable`.
  var rereading: String?
  /// The table's name afterwards, where the statement renames it.
  var renamedTo: TableID?
}

/// Works out what a DDL statement does to a table.
struct DDLApplier {
  var dialect: DDLDialect
  var treatTinyint1AsBoolean: Bool
  /// The default collation of a new table's database, where it is known.
  var defaultCollation: String?
  /// The database's default collation, where it is known.
  var databaseCollation: String?
  /// Whether column comments are carried.
  var includesComments: Bool
  /// `types.lossless`.
  var isLossless = false
  /// Whether the years 1 to 99 are moved.
  var movesShortYears = true

  /// How values are carried.
  var values: ValueOptions {
    ValueOptions(
      treatTinyint1AsBoolean: treatTinyint1AsBoolean, isLossless: isLossless, movesShortYears: movesShortYears)
  }

  /// - Parameters:
  ///   - statement: one that affects the table (`DDLStatement.affects`); any other has no effect. RENAME TABLE and CREATE
  ///     TABLE concern names and are dealt with elsewhere.
  ///   - current: the table as it was in front of the statement.
  /// - Throws: `unsupported` for what cannot be followed (what is not understood, types that are not carried);
  ///   `schemaMismatch` when the statement does not fit the schema.
  func schemaChanges(
    for statement: DDLStatement, on table: TableID, current: TableSchema
  ) throws(BinlogError) -> DDLEffect {
    let unchanged = DDLEffect(changes: [], schema: current)
    guard statement.affects(table, ignoringCase: dialect.foldsTableNames) else { return unchanged }
    switch statement {
    case .truncateTable: return DDLEffect(changes: [.truncateTable], schema: current)
    case .dropTables, .dropDatabase: return DDLEffect(changes: [.dropTable], schema: current)
    case .createTable, .defineDatabase, .renameTables, .other: return unchanged
    case .alterTable(let alter):
      guard alter.table.matches(table, ignoringCase: dialect.foldsTableNames) else {
        // The other side of EXCHANGE PARTITION: its rows have changed places with the partition's.
        guard alter.exchanges(with: table, ignoringCase: dialect.foldsTableNames) else { return unchanged }
        return DDLEffect(
          changes: [.replaceTable(current)], schema: current,
          rereading: "the rows were exchanged with a partition of \(alter.table)")
      }
      let definition = TableDefinition(current.nativeDefinition)
      var applier = self
      applier.defaultCollation = definition.collation
      var plan = AlterPlan(applier: applier, schema: current, keys: definition.keys, isIgnoring: alter.isIgnoring)
      for spec in alter.specs { try plan.note(spec) }
      return try plan.effect()
    }
  }

  static func notUnderstood(_ text: String) -> BinlogError {
    .unsupported(
      "\(text) cannot be followed on a captured table",
      remedy: "take a new snapshot of the table after the statement, or, if it changes neither columns nor rows, pass "
        + "over it with the option ddl.skip")
  }

  // MARK: Columns

  /// A column as the catalog will show it. NOT NULL because of a key is up to the caller.
  func column(
    _ definition: ColumnDefinition, schema: TableSchema, tableCollation: String?
  ) throws(BinlogError) -> Column {
    var type = try MySQLColumnType(columnType: definition.columnType, collation: "")
    var collation = ""
    if type.hasCollation {
      collation = try self.collation(definition, schema: schema, tableCollation: tableCollation)
    }
    var text = type.columnType(sizeHint: definition.sizeHint, collation: collation)
    if text.isBinary { collation = "" }
    if definition.isCompressed { text.columnType += " /*M!100301 COMPRESSED*/" }
    type = try MySQLColumnType(columnType: text.columnType, collation: collation)
    guard
      let dataType = type.dataType(
        nullable: isNullable(definition, type), treatTinyint1AsBoolean: treatTinyint1AsBoolean)
    else { throw Self.notCarried(definition.name, type) }
    if isLossless, let reason = type.lossReason { throw BinlogError.lossy(definition.name, type, reason) }
    let comment = definition.comment.flatMap { $0.isEmpty ? nil : $0 }
    return Column(
      name: definition.name, type: dataType, comment: includesComments ? comment : nil,
      defaultValue: type.carriedDefault(
        DefaultText.canonical(definition.defaultClause, type), nullable: dataType.isNullable, options: values),
      nativeType: text.columnType,
      nativeCollation: collation)
  }

  private func isNullable(_ definition: ColumnDefinition, _ type: MySQLColumnType) -> Bool {
    if definition.isAutoIncrement || definition.isPrimaryKey { return false }
    if let said = definition.isNullable { return said }
    return type.kind != .timestamp || dialect.hasNullableTimestamps || definition.isGenerated
  }

  static func notCarried(_ name: String, _ type: MySQLColumnType) -> BinlogError {
    .unsupported(
      "column \(name) gets the type \(type.text) (\(type.charset.name)), which is not carried",
      remedy: "leave the table out, or change the column's type")
  }

  /// A column in another character set. A text that may need more bytes in it gets the next larger type.
  func converted(_ column: Column, to collation: String) throws(BinlogError) -> Column {
    var column = column
    let old = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
    if case .text(let size) = old.kind, size < 4, size > 0,
      MySQLCharset(collation: collation).maximumCharacterLength > old.charset.maximumCharacterLength
    {
      column.nativeType = ["tinytext", "text", "mediumtext", "longtext"][size]
    }
    let text = try MySQLColumnType(columnType: column.nativeType, collation: collation)
      .columnType(sizeHint: nil, collation: collation)
    column.nativeType = text.columnType
    column.nativeCollation = text.isBinary ? "" : collation
    let type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
    guard
      let dataType = type.dataType(nullable: column.type.isNullable, treatTinyint1AsBoolean: treatTinyint1AsBoolean)
    else { throw Self.notCarried(column.name, type) }
    column.type = dataType
    return column
  }
}

extension AlterTable {
  /// Whether a partition is exchanged with that table.
  func exchanges(with table: TableID, ignoringCase: Bool) -> Bool {
    specs.contains { spec in
      guard case .exchangePartition(let other) = spec else { return false }
      return other.matches(table, ignoringCase: ignoringCase)
    }
  }

  /// The new name that the table gets.
  var newName: TableID? {
    specs.compactMap { spec in
      if case .renameTable(let name) = spec { return name }
      return nil
    }.last
  }
}

extension MySQLColumnType {
  /// Whether information_schema gives the column a collation.
  var hasCollation: Bool {
    switch kind {
    case .char, .varchar, .text, .enumeration, .set: true
    default: false
    }
  }

  /// The type text that the server settles on: TEXT(n) becomes the smallest of four sizes, and text in the character
  /// set `binary` becomes the binary type (`isBinary`).
  func columnType(sizeHint: Int?, collation: String) -> (columnType: String, isBinary: Bool) {
    var result = text
    if let sizeHint {
      let bytes =
        min(sizeHint, 1 << 32) * (hasCollation ? MySQLCharset(collation: collation).maximumCharacterLength : 1)
      let prefix = bytes < 1 << 8 ? "tiny" : bytes < 1 << 16 ? "" : bytes < 1 << 24 ? "medium" : "long"
      result = prefix + result
    }
    if kind == .varchar || kind == .varbinary, let length,
      length * MySQLCharset(collation: collation).maximumCharacterLength > 65_535
    {
      let bytes = length * MySQLCharset(collation: collation).maximumCharacterLength
      return (
        (bytes < 1 << 24 ? "medium" : "long") + (hasCollation && collation != "binary" ? "text" : "blob"),
        collation == "binary"
      )
    }
    guard collation == "binary" else { return (result, false) }
    switch kind {
    case .char: return ("binary(\(length ?? 1))", true)
    case .varchar: return ("varbinary(\(length ?? 0))", true)
    case .text: return (result.replacingSuffix("text", with: "blob"), true)
    default: return (result, false)
    }
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
  }
}
