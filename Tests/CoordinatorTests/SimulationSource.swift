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
    /// The values of the key that the table had then.
    var keyBefore: Int?
    var keyAfter: Int?
  }

  /// What a statement does to one table.
  struct Effect {
    var table: TableID
    var changes: [SchemaChange]
    var schema: TableSchema
  }

  enum Entry {
    case rows([RowChange])
    /// One statement, with what it does to each table.
    case statement([Effect])
  }

  struct Table {
    var schema: TableSchema
    var rows: [Int: Row] = [:]
  }

  private(set) var log: [Entry] = []
  var tables: [TableID: Table] = [:]
  /// Schemas by the log position from which they hold.
  private(set) var history: [TableID: [(from: Int, schema: TableSchema)]] = [:]
  var nextColumn = 1
  private var nextValue = 1
  /// Columns that tell the rows apart, each for itself; one of them is the key.
  static let identities = ["id", "k"]

  init(tableCount: Int, rows: Int, random: inout SimulationRandom) {
    for number in 0..<tableCount {
      let id = TableID(schema: "shop", table: "t\(number)")
      let table = filled(Self.schema(plain: "a"), rows: random.below(rows + 1), &random)
      tables[id] = table
      history[id] = [(0, table.schema)]
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
    case .statement(let effects):
      return "\(position): "
        + effects.map {
          "\($0.table) \($0.changes.map(\.tag)), columns \($0.schema.columns.map(\.name)), key \($0.schema.primaryKey)"
        }.joined(separator: "; ")
    }
  }

  /// A table's columns: two that tell rows apart, and another one.
  static func schema(plain: String) -> TableSchema {
    let identities = Self.identities.map { Column(name: $0, type: DataType(.bigint, nullable: false)) }
    return TableSchema(columns: identities + [Column(name: plain, type: DataType(.bigint))], primaryKey: ["id"])
  }

  func filled(_ schema: TableSchema, rows: Int, _ random: inout SimulationRandom) -> Table {
    var table = Table(schema: schema)
    for _ in 0..<rows {
      let key = random.below(60)
      table.rows[key] = row(key, table, &random)
    }
    return table
  }

  /// A row with that key. The other column that tells rows apart stays, where the row has been there, or is a number that
  /// no other row has.
  private func row(_ key: Int, _ table: Table, former: Row? = nil, _ random: inout SimulationRandom) -> Row {
    var row: Row = [table.schema.key: key]
    for name in Self.identities where name != table.schema.key {
      let taken = Set(table.rows.values.compactMap { $0[name] })
      if let former = former?[name], random.chance(700) {
        row[name] = former
      } else {
        row[name] = random.pick((0..<120).filter { !taken.contains($0) })
      }
    }
    for column in table.schema.columns where !Self.identities.contains(column.name) && !random.chance(100) {
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
        change.after = row(key, table, former: change.before, &random)
      case 4..<7:
        guard let key = random.pick(keys) else { continue }
        change.before = table.rows[key]
        change.after = row(key, table, former: change.before, &random)
      case 7..<9:
        guard let key = random.pick(keys) else { continue }
        change.before = table.rows[key]
      default:
        // The key changes.
        let free = (0..<60).filter { table.rows[$0] == nil }
        guard let key = random.pick(keys), let other = random.pick(free) else { continue }
        change.before = table.rows[key]
        change.after = row(other, table, former: change.before, &random)
      }
      change.keyBefore = change.before?[table.schema.key]
      change.keyAfter = change.after?[table.schema.key]
      if let key = change.keyBefore { table.rows[key] = nil }
      if let after = change.after, let key = change.keyAfter { table.rows[key] = after }
      tables[id] = table
      changes.append(change)
    }
    log.append(.rows(changes))
  }

  /// Changes a table's structure. Truncating and dropping only where `allowsRemoval`.
  func commitSchemaChange(allowsRemoval: Bool, _ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), var table = tables[id] else { return }
    let plain = table.schema.columns.map(\.name).filter { !Self.identities.contains($0) }
    var changes: [SchemaChange] = []
    switch random.below(allowsRemoval ? 12 : 10) {
    case 0..<4: changes = [added(table.schema, &random)]
    case 8..<10:
      guard let other = Self.identities.first(where: { $0 != table.schema.key }) else { return }
      changes = [.alterPrimaryKey([other])]
      if random.chance(300) { changes.insert(added(table.schema, &random), at: 0) }
    case 4..<6:
      guard let name = random.pick(plain) else { return }
      changes = random.chance(300) ? [added(table.schema, &random), .dropColumns([name])] : [.dropColumns([name])]
    case 6..<8:
      guard let name = random.pick(plain) else { return }
      nextColumn += 1
      changes = [.renameColumns([.init(from: name, to: "c\(nextColumn)")])]
    case 10: changes = [.truncateTable]
    default:
      if random.chance(500) { return dropSome(&random) }
      guard tables.count > 1 else { return }
      changes = [.dropTable]
    }
    for change in changes { Self.apply(change, to: &table) }
    tables[id] = changes == [.dropTable] ? nil : table
    commit([Effect(table: id, changes: changes, schema: table.schema)])
  }

  /// DROP TABLE of several tables, or of all tables but one; the last one stays.
  private func dropSome(_ random: inout SimulationRandom) {
    let count = min(1 + random.below(3), tables.count - 1)
    var effects: [Effect] = []
    for _ in 0..<max(0, count) {
      guard let id = random.pick(tables.keys.sorted()), let table = tables.removeValue(forKey: id) else { continue }
      effects.append(Effect(table: id, changes: [.dropTable], schema: table.schema))
    }
    if !effects.isEmpty { commit(effects) }
  }

  /// A name has a table of that schema from here on.
  func note(_ id: TableID, _ schema: TableSchema) { history[id, default: []].append((log.count, schema)) }

  /// Puts a statement into the log.
  func commit(_ effects: [Effect]) {
    log.append(.statement(effects))
    for effect in effects { note(effect.table, effect.schema) }
  }

  func added(_ schema: TableSchema, _ random: inout SimulationRandom) -> SchemaChange {
    nextColumn += 1
    let position: SchemaChange.ColumnPosition =
      switch random.below(3) {
      case 0: .first
      case 1: .after(schema.columns[random.below(schema.columns.count)].name)
      default: .last
      }
    return .addColumns([.init(Column(name: "c\(nextColumn)", type: DataType(.bigint)), position: position)])
  }

  static func apply(_ change: SchemaChange, to table: inout Table) {
    if let schema = try? table.schema.applying(change) { table.schema = schema }
    table.rows = SimulationRows.changed(table.rows, by: change)
  }

  // MARK: - Planning and reading

  func discovered(_ id: TableID) -> DiscoveredTable? {
    tables[id].map {
      DiscoveredTable(id: id, schema: $0.schema, chunkKey: [$0.schema.key], estimatedRows: $0.rows.count)
    }
  }

  func planChunks(_ id: TableID, cursor: String?, limit: Int, rowsPerChunk: Int) -> ChunkPlan {
    var lower = cursor.flatMap { Int64($0) }
    var chunks: [ChunkRange] = []
    let keys = tables[id]?.rows.keys.sorted() ?? []
    let columns = [tables[id]?.schema.key ?? "id"]
    while chunks.count < limit {
      let rest = keys.filter { key in lower.map { Int64(key) >= $0 } ?? true }
      guard rest.count > rowsPerChunk else {
        chunks.append(ChunkRange(columns: columns, lower: lower.map { [.integer($0)] }, upper: nil))
        return ChunkPlan(chunks: chunks, cursor: nil)
      }
      let upper = Int64(rest[rowsPerChunk])
      chunks.append(ChunkRange(columns: columns, lower: lower.map { [.integer($0)] }, upper: [.integer(upper)]))
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

extension TableSchema {
  /// The one column of the key.
  var key: String { primaryKey.first ?? "id" }
}

extension ChunkRange {
  /// Now and then a chunk holds more than it should: what lies above a key is left unread.
  func cut(_ rows: inout [SimulationSource.Row], _ world: any SimulationSurroundings) -> ChunkRange? {
    guard rows.count > 1, world.draw(4) == 0 else { return nil }
    let count = 1 + world.draw(rows.count - 1)
    guard let key = rows[count][columns[0]] else { return nil }
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
    case .alterPrimaryKey(let names):
      let pairs = rows.values.compactMap { row in names.first.flatMap { row[$0] }.map { ($0, row) } }
      return Dictionary(pairs) { first, _ in first }
    case .addColumns, .alterColumnType, .createTable, .renameTable: return rows
    // What the rows of the other table are is not told by the change.
    case .replaceTable: return [:]
    }
  }
}
