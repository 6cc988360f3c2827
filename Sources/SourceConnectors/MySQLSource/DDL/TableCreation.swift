import Model

extension DDLApplier {
  /// The table that the statement makes; `defaultCollation` is the database's. Not for LIKE and SELECT, whose columns are
  /// another table's.
  /// - Throws: `unsupported` for what is not understood and for types that are not carried.
  func table(creating create: CreateTable) throws(BinlogError) -> TableSchema {
    if let text = create.unsupported { throw Self.notUnderstood("CREATE TABLE … \(text)") }
    if let special = create.special { throw .unsupported("\(special) tables are not carried") }
    guard create.like == nil, !create.hasSelect, !create.columns.isEmpty else {
      throw Self.notUnderstood("CREATE TABLE \(create.table) without columns of its own")
    }
    let tableCollation = collation(charset: create.charset, collation: create.collation) ?? defaultCollation
    var keys = TableKeys()
    for key in create.keys { keys.add(key) }
    let primary = create.keys.filter { $0.kind == .primary }.flatMap { $0.parts.compactMap(\.column) }
    let required = Set((primary + create.periodColumns).map { $0.lowercased() })
    var schema = TableSchema(columns: [], primaryKey: [])
    for definition in create.columns {
      // Other columns' character sets say nothing about the table's default.
      let nothing = TableSchema(columns: [], primaryKey: [])
      var column = try self.column(definition, schema: nothing, tableCollation: tableCollation)
      if required.contains(column.name.lowercased()) { column.type.isNullable = false }
      schema.columns.append(column)
    }
    schema.primaryKey = keys.identity(in: schema)
    if includesComments { schema.comment = create.comment.flatMap { $0.isEmpty ? nil : $0 } }
    schema.nativeDefinition = TableDefinition(collation: tableCollation, keys: keys).text
    return schema
  }
}
