import Connector
import Model

/// Cuts one table into chunks.
///
/// A single integer key whose values lie evenly enough is cut by arithmetic, without another query. Every other key is
/// cut by looking up the key some thousand rows further on, again and again; that reads the key's index once in all.
struct ChunkPlanner {
  let client: MySQLClient
  let table: TableID
  let columns: [KeyColumn]
  let settings: MySQLSourceSettings

  /// Bytes of a chunk where the user does not give its rows.
  private static let chunkBytes = 32 << 20
  private static let largestChunkRows = 250_000
  private static let smallestChunkRows = 1000

  /// Rows of a chunk.
  func chunkRows(averageRowLength: Int) -> Int {
    if let rows = settings.chunkRows { return rows }
    guard averageRowLength > 0 else { return Self.largestChunkRows }
    return min(max(Self.chunkBytes / averageRowLength, Self.smallestChunkRows), Self.largestChunkRows)
  }

  /// How to cut the table; nil when it is one chunk.
  mutating func start(_ description: TableDescription) throws(ConnectorError) -> PlanCursor? {
    let rows = chunkRows(averageRowLength: description.averageRowLength)
    guard columns.count == 1, columns[0].order == .signed || columns[0].order == .unsigned else {
      return .keyset(lower: nil, rows: rows)
    }
    let name = SQLText.name(columns[0].column.name)
    let ends = try client.query("SELECT MIN(\(name)), MAX(\(name)) FROM \(SQLText.table(table))", table: table).first
    guard let ends, let low = ends[0], let high = ends[1] else { return nil }
    guard let minimum = KeyOrdinal.ordinal(try columns[0].part(low)),
      let maximum = KeyOrdinal.ordinal(try columns[0].part(high)), maximum >= minimum
    else { return nil }
    let isUnique = description.schema.primaryKey == [columns[0].column.name]
    if isUnique, maximum - minimum < UInt64(rows) { return nil }
    // The estimate may be far off, above all for a table that was filled a moment ago: it decides only how to cut.
    guard description.estimatedRows > rows else { return .keyset(lower: nil, rows: rows) }
    let factor = (Double(maximum - minimum) + 1) / Double(description.estimatedRows)
    guard settings.evenFactor.contains(factor) else { return .keyset(lower: nil, rows: rows) }
    let step = UInt64(max(1, min(factor * Double(rows), Double(UInt64.max / 2))))
    return .even(next: nil, minimum: minimum, step: step, maximum: maximum)
  }

  /// At most `limit` chunks from the cursor on.
  func plan(from cursor: PlanCursor, limit: Int) throws(ConnectorError) -> ChunkPlan {
    switch cursor {
    case .even(let next, let minimum, let step, let maximum):
      return even(next: next, minimum: minimum, step: step, maximum: maximum, limit: limit)
    case .keyset(let lower, let rows):
      return try keyset(from: lower, rows: rows, limit: limit)
    }
  }

  private func range(_ lower: [KeyPart]?, _ upper: [KeyPart]?) -> ChunkRange {
    ChunkRange(columns: columns.map(\.column.name), lower: lower, upper: upper)
  }

  private func even(next: UInt64?, minimum: UInt64, step: UInt64, maximum: UInt64, limit: Int) -> ChunkPlan {
    let order = columns[0].order
    var chunks: [ChunkRange] = []
    var lower = next
    while chunks.count < limit {
      let (upper, overflow) = (lower ?? minimum).addingReportingOverflow(step)
      let from = lower.map { [KeyOrdinal.part($0, order: order)] }
      guard !overflow, upper <= maximum else {
        chunks.append(range(from, nil))
        return ChunkPlan(chunks: chunks, cursor: nil)
      }
      chunks.append(range(from, [KeyOrdinal.part(upper, order: order)]))
      lower = upper
    }
    let cursor = PlanCursor.even(next: lower, minimum: minimum, step: step, maximum: maximum)
    return ChunkPlan(chunks: chunks, cursor: cursor.text)
  }

  private func keyset(from start: [KeyPart]?, rows: Int, limit: Int) throws(ConnectorError) -> ChunkPlan {
    var chunks: [ChunkRange] = []
    var lower = start
    while chunks.count < limit {
      guard let upper = try boundary(after: lower, rows: rows) else {
        chunks.append(range(lower, nil))
        return ChunkPlan(chunks: chunks, cursor: nil)
      }
      chunks.append(range(lower, upper))
      lower = upper
    }
    return ChunkPlan(chunks: chunks, cursor: PlanCursor.keyset(lower: lower, rows: rows).text)
  }

  /// The key that lies `rows` rows above `lower`; strictly above it, so that a chunk key that is not unique goes on too.
  private func boundary(after lower: [KeyPart]?, rows: Int) throws(ConnectorError) -> [KeyPart]? {
    let list = columns.map(\.selectExpression).joined(separator: ", ")
    let order = columns.map { SQLText.name($0.column.name) }.joined(separator: ", ")
    var sql = "SELECT \(list) FROM \(SQLText.table(table))"
    var skipped = rows
    if let lower {
      sql += " WHERE \(try KeySQL.above(columns, lower, strict: true))"
      skipped = rows - 1
    }
    sql += " ORDER BY \(order) LIMIT 1 OFFSET \(skipped)"
    guard let row = try client.query(sql, table: table).first else { return nil }
    var parts: [KeyPart] = []
    for (column, value) in zip(columns, row) {
      guard let value else { return nil }
      parts.append(try column.part(value))
    }
    return parts
  }
}
