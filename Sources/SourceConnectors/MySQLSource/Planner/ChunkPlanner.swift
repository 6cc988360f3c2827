import Connector
import Model

/// What the planner needs to know of how a table is stored.
struct TableStorage: Hashable, Sendable {
  /// The index in whose order chunks lie.
  var index: TableIndex?
  /// Bytes, as the server estimates; 0 when it does not know.
  var averageRowLength: Int

  init(_ description: TableDescription, key: [String]) {
    index = TableIndex.best(description.indexes, for: key)?.index
    averageRowLength = description.averageRowLength
  }
}

/// Cuts one table into chunks.
///
/// A single integer key whose values lie evenly enough is cut by arithmetic, without another query. Every other key is
/// cut by looking up the key some thousand rows further on, again and again; that walks the key's index once in all.
/// The server's estimates decide only how to cut. Where they were wrong, the reader ends a chunk that has grown too big.
struct ChunkPlanner {
  let client: MySQLClient
  let table: DiscoveredTable
  let columns: [KeyColumn]
  let storage: TableStorage
  let settings: MySQLSourceSettings

  /// Bytes of a chunk where the user does not give its rows.
  private static let chunkBytes = 32 << 20
  private static let largestChunkRows = 250_000
  private static let smallestChunkRows = 1000
  /// Rows that are looked at for their width, and bytes of each that are.
  private static let sampledRows = 64

  // MARK: Sizes

  /// Rows of a chunk whose rows have so many bytes; 0: not known.
  static func chunkRows(averageRowLength: Int, _ settings: MySQLSourceSettings) -> Int {
    if let rows = settings.chunkRows { return rows }
    guard averageRowLength > 0 else { return largestChunkRows }
    return min(max(chunkBytes / averageRowLength, smallestChunkRows), largestChunkRows)
  }

  /// Rows at which a chunk is ended while it is read.
  static func largestRows(_ settings: MySQLSourceSettings) -> Int {
    (settings.chunkRows ?? largestChunkRows) * 4
  }

  private var estimatedChunkRows: Int { Self.chunkRows(averageRowLength: storage.averageRowLength, settings) }

  /// Whether the estimates say that the table is one chunk.
  var seemsSmall: Bool { table.estimatedRows <= estimatedChunkRows }

  /// NULL when the table has no more rows than a chunk, as an expression in a SELECT list. It reads at most one chunk's
  /// entries of the smallest index.
  var probe: String { "(SELECT 1 FROM \(SQLText.table(table.id)) LIMIT 1 OFFSET \(estimatedChunkRows))" }

  /// Rows of a chunk, from the rows at the table's beginning where the server's estimate is far from them. The server
  /// divides the table's pages by a guessed number of rows; both may be of another time.
  private func measuredChunkRows() throws(ConnectorError) -> Int {
    guard settings.chunkRows == nil else { return estimatedChunkRows }
    let lengths = table.schema.columns.map { "IFNULL(OCTET_LENGTH(\(SQLText.name($0.name))), 0)" }
    let sample = try client.scalar(
      "SELECT CAST(AVG(bytes) AS SIGNED) FROM (SELECT \(lengths.joined(separator: " + ")) AS bytes "
        + "FROM \(SQLText.table(table.id)) LIMIT \(Self.sampledRows)) AS sample")
    guard let measured = sample.flatMap({ Int($0) }), measured > 0 else { return estimatedChunkRows }
    let estimate = storage.averageRowLength
    let isFar = estimate == 0 || estimate / 16 > measured || measured / 16 > estimate
    return Self.chunkRows(averageRowLength: isFar ? measured : estimate, settings)
  }

  // MARK: Start

  /// How to cut the table.
  func start() throws(ConnectorError) -> PlanCursor {
    let rows = seemsSmall ? estimatedChunkRows : try measuredChunkRows()
    guard columns.count == 1, columns[0].isArithmetic, table.estimatedRows > rows else {
      return .keyset(lower: nil, rows: rows)
    }
    let name = columns[0].name
    let ends = try client.query("SELECT MIN(\(name)), MAX(\(name)) FROM \(SQLText.table(table.id))", table: table.id)
    guard let low = ends.first?[0], let high = ends.first?[1],
      let minimum = KeyOrdinal.ordinal(try columns[0].part(low)),
      let maximum = KeyOrdinal.ordinal(try columns[0].part(high)), maximum >= minimum
    else { return .keyset(lower: nil, rows: rows) }
    let factor = (Double(maximum - minimum) + 1) / Double(table.estimatedRows)
    guard settings.evenFactor.contains(factor) else { return .keyset(lower: nil, rows: rows) }
    let step = UInt64(max(1, min(factor * Double(rows), Double(UInt64.max / 2))))
    guard try isEven(minimum: minimum, maximum: maximum, step: step, rows: rows) else {
      return .keyset(lower: nil, rows: rows)
    }
    return .even(next: nil, minimum: minimum, step: step, maximum: maximum)
  }

  /// Whether a chunk's rows take about a chunk's keys at the table's beginning and in its middle: the number of rows by
  /// which the step was made may be far off, and the keys may lie in heaps.
  private func isEven(minimum: UInt64, maximum: UInt64, step: UInt64, rows: Int) throws(ConnectorError) -> Bool {
    let order = columns[0].order
    var list: [String] = []
    let starts = [minimum, minimum + (maximum - minimum) / 2]
    for start in starts {
      let condition = try columns[0].comparison(.atOrAbove, KeyOrdinal.part(start, order: order))
      list.append("(\(walk(condition)) LIMIT 1 OFFSET \(rows))")
    }
    let found = try client.query("SELECT \(list.joined(separator: ", "))", table: table.id).first ?? []
    for (start, text) in zip(starts, found) {
      guard let text else {
        // Fewer rows than a chunk: in the whole table, or from its middle on.
        if start == minimum { return false }
        continue
      }
      guard let end = KeyOrdinal.ordinal(try columns[0].part(text)), end >= start else { return false }
      let width = end - start
      // Too narrow: chunks would hold too many rows. Too wide: they would hold next to none.
      if width < step / 4 || width / 4 > step { return false }
    }
    return true
  }

  // MARK: Chunks

  /// At most `limit` chunks from the cursor on.
  func plan(from cursor: PlanCursor, limit: Int) throws(ConnectorError) -> ChunkPlan {
    switch cursor {
    case .even(let next, let minimum, let step, let maximum):
      return even(next: next, minimum: minimum, step: step, maximum: maximum, limit: limit)
    case .keyset(let lower, let rows):
      return try keyset(from: lower, rows: rows, limit: limit)
    }
  }

  /// The table as one chunk.
  var whole: ChunkPlan { ChunkPlan(chunks: [range(nil, nil)], cursor: nil) }

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

  /// The key's values in order, those that are NULL left out.
  private func walk(_ condition: String?) -> String {
    let list = columns.map(\.selectExpression).joined(separator: ", ")
    var terms = columns.filter(\.isNullable).map { "\($0.name) IS NOT NULL" }
    if let condition { terms.append("(\(condition))") }
    let filter = terms.isEmpty ? "" : " WHERE " + terms.joined(separator: " AND ")
    return "SELECT \(list) FROM \(SQLText.table(table.id))\(KeySQL.forcing(storage.index))\(filter)"
      + KeySQL.order(columns)
  }

  /// The key that lies `rows` rows above `lower`; strictly above it, so that a chunk key that is not unique goes on too.
  private func boundary(after lower: [KeyPart]?, rows: Int) throws(ConnectorError) -> [KeyPart]? {
    let condition = try lower.map { bound throws(ConnectorError) in try KeySQL.above(columns, bound, strict: true) }
    let sql = walk(condition) + " LIMIT 1 OFFSET \(lower == nil ? rows : rows - 1)"
    guard let row = try client.query(sql, table: table.id).first else { return nil }
    var parts: [KeyPart] = []
    for (column, value) in zip(columns, row) {
      guard let value else { throw ConnectorError(.bug, "a boundary without a value", table: table.id) }
      parts.append(try column.part(value))
    }
    return parts
  }
}
