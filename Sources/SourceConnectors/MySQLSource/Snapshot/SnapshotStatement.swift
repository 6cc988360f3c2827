import Connector
import Model

/// The statement that reads a chunk's rows.
struct SnapshotStatement {
  /// SQL.
  let text: String
  /// Whether rows come in the order of the chunk key: an index gives it, so that nothing is sorted.
  let isOrdered: Bool

  init(
    _ request: SnapshotRequest, _ columns: [KeyColumn], types: [MySQLColumnType], _ indexes: [TableIndex]
  ) throws(ConnectorError) {
    let list = zip(types, request.schema.columns).map { type, column in
      type.selectExpression(quotedName: SQLText.name(column.name))
    }
    // Without the index, which may have been dropped since the chunk was planned, every chunk would be sorted.
    let best = TableIndex.best(indexes, for: columns.map(\.column.name))
    let index = best?.count == columns.count ? best?.index : nil
    var sql =
      "SELECT \(list.joined(separator: ", ")) FROM \(SQLText.table(request.schema.table))\(KeySQL.forcing(index))"
    if let condition = try KeySQL.condition(request.range, columns) { sql += " WHERE \(condition)" }
    if index != nil { sql += KeySQL.order(columns) }
    text = sql
    isOrdered = index != nil
  }
}
