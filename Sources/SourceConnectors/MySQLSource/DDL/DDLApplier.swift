import Model

/// What a statement does to one table.
struct DDLEffect: Hashable, Sendable {
  /// The changes in order; empty when nothing changes that a sink would see (the schema may differ all the same: order of
  /// columns, storage type).
  var changes: [SchemaChange]
  /// The table afterwards, columns in the order of later row events.
  var schema: TableSchema
  /// The table's default collation, where the statement has set it: for the next `DDLApplier`.
  var defaultCollation: String?
}

/// Works out what a DDL statement does to a captured table.
struct DDLApplier {
  var dialect: DDLDialect
  var treatTinyint1AsBoolean: Bool
  /// The table's default collation, or its database's, where it is known.
  var defaultCollation: String?
  /// Whether column comments are carried.
  var includesComments: Bool
  /// `types.lossless`.
  var isLossless = false

  /// How values are carried.
  var values: ValueOptions { ValueOptions(treatTinyint1AsBoolean: treatTinyint1AsBoolean, isLossless: isLossless) }

  /// - Parameters:
  ///   - statement: one that affects the table (`DDLStatement.affects`); any other has no effect.
  ///   - current: the table as it was in front of the statement.
  /// - Throws: `unsupported` for what cannot be followed (changed keys, renamed tables, rows that vanish without events,
  ///   types that are not carried); `schemaMismatch` when the statement does not fit the schema.
  func schemaChanges(
    for statement: DDLStatement, on table: TableID, current: TableSchema
  ) throws(BinlogError) -> DDLEffect {
    guard statement.affects(table, ignoringCase: dialect.foldsTableNames) else {
      return DDLEffect(changes: [], schema: current)
    }
    switch statement {
    case .truncateTable: return DDLEffect(changes: [.truncateTable], schema: current)
    case .dropTables, .dropDatabase: return DDLEffect(changes: [.dropTable], schema: current)
    case .createTable, .createIndex, .dropIndex, .createDatabase, .other:
      return DDLEffect(changes: [], schema: current)
    case .renameTables: throw Self.renamed()
    case .alterTable(let alter):
      // The table is the one altered, or the new name of another.
      guard alter.table.matches(table, ignoringCase: dialect.foldsTableNames) else { throw Self.renamed() }
      var plan = AlterPlan(applier: self, schema: current)
      for spec in alter.specs { try plan.note(spec) }
      return try plan.effect()
    }
  }

  static func renamed() -> BinlogError {
    .unsupported(
      "a captured table is renamed, or another table takes its name",
      remedy: "stop the pipeline before tables are renamed or swapped, then start it with a new snapshot")
  }

  /// The collation of a character column from what its definition says and the table's default.
  func collation(
    _ definition: ColumnDefinition, schema: TableSchema, tableCollation: String?
  ) throws(BinlogError) -> String {
    if let collation = definition.collation, collation != "default" { return collation }
    if let charset = definition.charset, charset != "default" {
      return definition.hasBinaryCollation ? Self.binaryCollation(charset) : defaultCollation(ofCharset: charset)
    }
    guard let fallback = tableCollation ?? defaultCollation ?? Self.commonCollation(schema) else {
      throw .unsupported(
        "column \(definition.name) is given no character set, and the table's default is not known",
        remedy: "name the CHARACTER SET in the statement, or take a new snapshot of the table")
    }
    return definition.hasBinaryCollation ? Self.binaryCollation(MySQLCharset(collation: fallback).name) : fallback
  }

  private static func binaryCollation(_ charset: String) -> String {
    charset == "binary" ? charset : MySQLCharset(name: charset).name + "_bin"
  }

  /// The one collation that all character columns have; nil when there are several or none.
  private static func commonCollation(_ schema: TableSchema) -> String? {
    let collations = Set(schema.columns.map(\.nativeCollation).filter { !$0.isEmpty })
    return collations.count == 1 ? collations.first : nil
  }

  /// What a server takes when only the character set is named. Only the character set matters to values.
  func defaultCollation(ofCharset charset: String) -> String {
    let name = MySQLCharset(name: charset).name
    switch name {
    case "binary": return "binary"
    case "latin1": return "latin1_swedish_ci"
    case "utf8mb4" where dialect.flavor == .mysql && !dialect.showsIntegerWidths: return "utf8mb4_0900_ai_ci"
    default: return name + "_general_ci"
    }
  }
}
