import Connector
import Model

/// A source in memory: keyed tables and the log of all transactions. Offsets are counts of log entries.
final class SimulationSource {
  typealias Row = [String: Int]

  /// A change of one row.
  struct RowChange {
    var table: TableID
    var before: Row?
    var after: Row?
  }

  enum Entry {
    case rows([RowChange])
    case schema(TableID, [SchemaChange], TableSchema)
  }

  struct Table {
    var schema: TableSchema
    var rows: [Int: Row] = [:]
  }

  private(set) var log: [Entry] = []
  private(set) var tables: [TableID: Table] = [:]
  /// Schemas by the log position from which they hold.
  private(set) var history: [TableID: [(from: Int, schema: TableSchema)]] = [:]
  private var nextColumn = 1
  private var nextValue = 1

  init(tableCount: Int, rows: Int, random: inout SimulationRandom) {
    for number in 0..<tableCount {
      let id = TableID(schema: "shop", table: "t\(number)")
      let schema = TableSchema(
        columns: [
          Column(name: "id", type: DataType(.bigint, nullable: false)), Column(name: "a", type: DataType(.bigint)),
        ], primaryKey: ["id"])
      var table = Table(schema: schema)
      for _ in 0..<random.below(rows + 1) {
        let key = random.below(60)
        table.rows[key] = row(key, schema, &random)
      }
      tables[id] = table
      history[id] = [(0, schema)]
    }
  }

  var end: Int { log.count }

  func offset(_ position: Int) -> Offset { Offset(String(position)) }

  /// The schema in force at a position of the log.
  func schema(of table: TableID, at position: Int) -> TableSchema? {
    history[table]?.last { $0.from <= position }?.schema
  }

  /// An entry of the log in one line, the same in every process.
  func describe(_ position: Int) -> String {
    guard position > 0 else { return "nothing" }
    func text(_ row: Row?) -> String {
      row.map { row in
        "(" + row.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") + ")"
      }
        ?? "none"
    }
    switch log[position - 1] {
    case .rows(let changes):
      return "\(position): "
        + changes.map { "\($0.table) \(text($0.before)) -> \(text($0.after))" }.joined(separator: "; ")
    case .schema(let table, let changes, let schema):
      return "\(position): \(table) \(changes.map(\.tag)), columns \(schema.columns.map(\.name))"
    }
  }

  private func row(_ key: Int, _ schema: TableSchema, _ random: inout SimulationRandom) -> Row {
    var row: Row = ["id": key]
    for column in schema.columns where column.name != "id" && !random.chance(100) {
      nextValue += 1
      row[column.name] = nextValue
    }
    return row
  }

  // MARK: - Activity

  /// Commits a transaction of a few changes.
  func commitRows(_ random: inout SimulationRandom) {
    var changes: [RowChange] = []
    for _ in 0...random.below(3) {
      guard let id = random.pick(tables.keys.sorted()), var table = tables[id] else { continue }
      let keys = table.rows.keys.sorted()
      var change = RowChange(table: id, before: nil, after: nil)
      switch random.below(10) {
      case 0..<4:
        let key = random.below(60)
        change.before = table.rows[key]
        change.after = row(key, table.schema, &random)
      case 4..<7:
        guard let key = random.pick(keys) else { continue }
        change.before = table.rows[key]
        change.after = row(key, table.schema, &random)
      case 7..<9:
        guard let key = random.pick(keys) else { continue }
        change.before = table.rows[key]
      default:
        // The key changes.
        let free = (0..<60).filter { table.rows[$0] == nil }
        guard let key = random.pick(keys), let other = random.pick(free) else { continue }
        change.before = table.rows[key]
        change.after = row(other, table.schema, &random)
      }
      if let key = change.before?["id"] { table.rows[key] = nil }
      if let after = change.after, let key = after["id"] { table.rows[key] = after }
      tables[id] = table
      changes.append(change)
    }
    log.append(.rows(changes))
  }

  /// Changes a table's structure. Truncating and dropping only where `allowsRemoval`.
  func commitSchemaChange(allowsRemoval: Bool, _ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), var table = tables[id] else { return }
    let plain = table.schema.columns.map(\.name).filter { $0 != "id" }
    var changes: [SchemaChange] = []
    switch random.below(allowsRemoval ? 10 : 8) {
    case 0..<4: changes = [added(table.schema, &random)]
    case 4..<6:
      guard let name = random.pick(plain) else { return }
      changes = random.chance(300) ? [added(table.schema, &random), .dropColumns([name])] : [.dropColumns([name])]
    case 6..<8:
      guard let name = random.pick(plain) else { return }
      nextColumn += 1
      changes = [.renameColumns([.init(from: name, to: "c\(nextColumn)")])]
    case 8: changes = [.truncateTable]
    default:
      guard tables.count > 1 else { return }
      changes = [.dropTable]
    }
    for change in changes { Self.apply(change, to: &table) }
    tables[id] = changes == [.dropTable] ? nil : table
    log.append(.schema(id, changes, table.schema))
    history[id, default: []].append((log.count, table.schema))
  }

  /// A table is created, comes with rows, takes another one's name, or gets another name.
  func commitComingTable(_ random: inout SimulationRandom) {
    let all = (0..<6).map { TableID(schema: "shop", table: "t\($0)") }
    let free = all.filter { tables[$0] == nil }
    nextColumn += 1
    let schema = TableSchema(
      columns: [
        Column(name: "id", type: DataType(.bigint, nullable: false)),
        Column(name: random.chance(500) ? "a" : "c\(nextColumn)", type: DataType(.bigint)),
      ], primaryKey: ["id"])
    switch random.below(10) {
    case 0..<3:
      if let id = random.pick(free) { bring(id, Table(schema: schema), .createTable(schema)) }
    case 3..<7:
      guard let id = random.pick(random.chance(500) ? free : all) else { return }
      var table = Table(schema: schema)
      for _ in 0..<random.below(20) {
        let key = random.below(60)
        table.rows[key] = row(key, schema, &random)
      }
      bring(id, table, .replaceTable(schema))
    default:
      guard let id = random.pick(tables.keys.sorted()), let new = random.pick(free), let table = tables[id] else {
        return
      }
      tables[id] = nil
      tables[new] = table
      log.append(.schema(id, [.renameTable(to: new)], table.schema))
      history[new, default: []].append((log.count, table.schema))
    }
  }

  private func bring(_ id: TableID, _ table: Table, _ change: SchemaChange) {
    tables[id] = table
    log.append(.schema(id, [change], table.schema))
    history[id, default: []].append((log.count, table.schema))
  }

  private func added(_ schema: TableSchema, _ random: inout SimulationRandom) -> SchemaChange {
    nextColumn += 1
    let position: SchemaChange.ColumnPosition =
      switch random.below(3) {
      case 0: .first
      case 1: .after(schema.columns[random.below(schema.columns.count)].name)
      default: .last
      }
    return .addColumns([.init(Column(name: "c\(nextColumn)", type: DataType(.bigint)), position: position)])
  }

  private static func apply(_ change: SchemaChange, to table: inout Table) {
    if let schema = try? table.schema.applying(change) { table.schema = schema }
    table.rows = SimulationRows.changed(table.rows, by: change)
  }

  // MARK: - Planning and reading

  func discovered(_ id: TableID) -> DiscoveredTable? {
    tables[id].map { DiscoveredTable(id: id, schema: $0.schema, chunkKey: ["id"], estimatedRows: $0.rows.count) }
  }

  func planChunks(_ id: TableID, cursor: String?, limit: Int, rowsPerChunk: Int) -> ChunkPlan {
    var lower = cursor.flatMap { Int64($0) }
    var chunks: [ChunkRange] = []
    let keys = tables[id]?.rows.keys.sorted() ?? []
    while chunks.count < limit {
      let rest = keys.filter { key in lower.map { Int64(key) >= $0 } ?? true }
      guard rest.count > rowsPerChunk else {
        chunks.append(ChunkRange(columns: ["id"], lower: lower.map { [.integer($0)] }, upper: nil))
        return ChunkPlan(chunks: chunks, cursor: nil)
      }
      let upper = Int64(rest[rowsPerChunk])
      chunks.append(ChunkRange(columns: ["id"], lower: lower.map { [.integer($0)] }, upper: [.integer(upper)]))
      lower = upper
    }
    return ChunkPlan(chunks: chunks, cursor: lower.map(String.init))
  }

  /// A consistent read of a chunk at this moment.
  func read(_ id: TableID, schema: TableSchema, range: ChunkRange) throws(ConnectorError) -> [Row] {
    guard let table = tables[id], table.schema == schema else {
      throw ConnectorError(.schemaMismatch, "the table is otherwise", table: id)
    }
    return table.rows.filter { range.holds($0.key) }.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension ChunkRange {
  /// Now and then a chunk holds more than it should: what lies above a key is left unread.
  func cut(_ rows: inout [SimulationSource.Row], _ world: any SimulationSurroundings) -> ChunkRange? {
    guard rows.count > 1, world.draw(4) == 0 else { return nil }
    let count = 1 + world.draw(rows.count - 1)
    guard let key = rows[count]["id"] else { return nil }
    rows.removeLast(rows.count - count)
    return ChunkRange(columns: columns, lower: [.integer(Int64(key))], upper: upper)
  }

  /// Whether a key of the simulation lies in the range.
  func holds(_ key: Int) -> Bool {
    if case .integer(let bound)? = lower?.first, Int64(key) < bound { return false }
    if case .integer(let bound)? = upper?.first, Int64(key) >= bound { return false }
    return true
  }
}

/// What schema changes do to rows.
enum SimulationRows {
  static func changed(_ rows: [Int: SimulationSource.Row], by change: SchemaChange) -> [Int: SimulationSource.Row] {
    switch change {
    case .truncateTable, .dropTable: return [:]
    case .dropColumns(let names):
      return rows.mapValues { row in row.filter { !names.contains($0.key) } }
    case .renameColumns(let renamed):
      return rows.mapValues { row in
        var row = row
        for item in renamed { if let value = row.removeValue(forKey: item.from) { row[item.to] = value } }
        return row
      }
    case .addColumns, .alterColumnType, .alterPrimaryKey, .createTable, .renameTable: return rows
    // What the rows of the other table are is not told by the change.
    case .replaceTable: return [:]
    }
  }
}
