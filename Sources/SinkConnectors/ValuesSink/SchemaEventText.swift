import Model

/// Schema changes as Flink CDC prints its events.
enum SchemaEventText {
  /// One line without its end.
  static func line(_ change: SchemaChange, _ table: TableID) -> String {
    switch change {
    case .createTable(let schema): "CreateTableEvent{tableId=\(table), schema=\(describe(schema))}"
    case .addColumns(let added):
      "AddColumnEvent{tableId=\(table), addedColumns=[\(added.map(describe).joined(separator: ", "))]}"
    case .alterColumnType(let altered):
      "AlterColumnTypeEvent{tableId=\(table), typeMapping={\(pairs(altered.map { ($0.column.name, $0.column.type) }))}"
        + ", oldTypeMapping={\(pairs(altered.map { ($0.column.name, $0.oldType) }))}}"
    case .renameColumns(let renamed):
      "RenameColumnEvent{tableId=\(table), nameMapping={\(pairs(renamed.map { ($0.from, $0.to) }))}}"
    case .dropColumns(let names):
      "DropColumnEvent{tableId=\(table), droppedColumnNames=[\(names.joined(separator: ", "))]}"
    case .truncateTable: "TruncateTableEvent{tableId=\(table)}"
    case .dropTable: "DropTableEvent{tableId=\(table)}"
    case .alterPrimaryKey(let names):
      "AlterPrimaryKeyEvent{tableId=\(table), primaryKeys=\(names.joined(separator: ";"))}"
    case .renameTable(let name): "RenameTableEvent{tableId=\(table), newTableId=\(name)}"
    case .replaceTable(let schema): "ReplaceTableEvent{tableId=\(table), schema=\(describe(schema))}"
    }
  }

  private static func pairs(_ list: [(String, some CustomStringConvertible)]) -> String {
    list.map { "\($0)=\($1)" }.joined(separator: ", ")
  }

  private static func describe(_ schema: TableSchema) -> String {
    let columns = schema.columns.map(describe).joined(separator: ",")
    let comment = schema.comment.map { ", comment=\($0)" } ?? ""
    return "columns={\(columns)}, primaryKeys=\(schema.primaryKey.joined(separator: ";"))\(comment), options=()"
  }

  /// `` `id` BIGINT NOT NULL 'comment' 'default' ``.
  private static func describe(_ column: Column) -> String {
    let comment = column.comment.map { " '\($0)'" } ?? ""
    let initial = column.defaultValue.map { " '\($0)'" } ?? ""
    return "`\(column.name)` \(column.type)\(comment)\(initial)"
  }

  private static func describe(_ added: SchemaChange.AddedColumn) -> String {
    let (position, other): (String, String?) =
      switch added.position {
      case .first: ("FIRST", nil)
      case .last: ("LAST", nil)
      case .after(let name): ("AFTER", name)
      case .before(let name): ("BEFORE", name)
      }
    return "ColumnWithPosition{column=\(describe(added.column)), position=\(position), "
      + "existedColumnName=\(other ?? "null")}"
  }
}
