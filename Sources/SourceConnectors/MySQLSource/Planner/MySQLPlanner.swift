import Connector
import Model
import Platform

/// Discovery and planning over one connection.
final class MySQLPlanner: SourcePlanner {
  let settings: MySQLSourceSettings
  let client: MySQLClient
  let facts: ServerFacts
  private let interrupter: Interrupter
  /// What is known of tables beside what the coordinator hands back.
  private var storage: [TableID: TableStorage] = [:]
  private static let log = Log("mysql")

  init(settings: MySQLSourceSettings, client: MySQLClient, interrupter: Interrupter, facts: ServerFacts) {
    self.settings = settings
    self.client = client
    self.interrupter = interrupter
    self.facts = facts
  }

  private var catalog: TableCatalog { TableCatalog(client: client, facts: facts, settings: settings) }

  func currentOffset() throws(ConnectorError) -> Offset { try client.currentOffset(facts).offset }

  func startOffset(for startup: SourceStartup) throws(ConnectorError) -> Offset {
    let resolver = StartResolver(settings: settings, client: client, facts: facts, interrupter: interrupter)
    let offset = try resolver.resolve(startup).offset
    Self.log.info("start resolved", ["mode": "\(startup)", "offset": offset.text])
    return offset
  }

  /// Those of the tables with a history that have a primary key now.
  private func tablesWithPrimaryKey(_ history: SchemaHistory) throws(ConnectorError) -> Set<TableID> {
    let schemas = Set(history.entries.keys.compactMap(\.schema)).map { SQLText.string($0) }
    guard !schemas.isEmpty else { return [] }
    let rows = try client.query(
      "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS "
        + "WHERE CONSTRAINT_TYPE = 'PRIMARY KEY' AND TABLE_SCHEMA IN (\(schemas.joined(separator: ", ")))")
    return Set(rows.map { TableID(schema: $0[0], table: $0[1] ?? "") })
  }

  /// Today's schemas, and from them back through the statements that the log has since the offset.
  func discoverTables(at offset: Offset) throws(ConnectorError) -> [DiscoveredTable] {
    let start = try MySQLOffset(offset)
    for _ in 0..<5 {
      let tables = try discoverTables()
      let history = try SchemaHistory(
        of: tables.map(\.id), from: start, to: client.currentOffset(facts), settings: settings, interrupter: interrupter
      )
      // A statement that came while the log was read is in it or in the schemas, but not certainly in both.
      guard try discoverTables().map(\.schema) == tables.map(\.schema) else { continue }
      let keyed = try tablesWithPrimaryKey(history)
      let known = try SchemaHistoryFacts(client, isMariaDB: facts.isMariaDB, settings)
      var result: [DiscoveredTable] = []
      for var table in tables {
        table.schema = try history.original(
          table.id, today: table.schema, hasPrimaryKey: keyed.contains(table.id), known)
        result.append(table)
      }
      return result
    }
    throw ConnectorError(.transient, "the source's tables change faster than they can be read")
  }

  func discoverTables() throws(ConnectorError) -> [DiscoveredTable] {
    let (tables, warnings) = try discover()
    for warning in warnings { Self.log.warning("discovery", ["warning": warning]) }
    return tables
  }

  func listTables() throws(ConnectorError) -> [TableID] {
    try catalog.names().filter { $0.type == "BASE TABLE" && settings.selects($0.id) }.map(\.id).sorted()
  }

  /// The selected tables and what the user should know about them.
  func discover() throws(ConnectorError) -> (tables: [DiscoveredTable], warnings: [String]) {
    var selected: [String: [TableID]] = [:]
    for (id, type) in try catalog.names() where settings.selects(id) {
      guard type == "BASE TABLE" else {
        throw ConnectorError(
          .unsupported, "system-versioned tables are not supported", table: id,
          remedy: "leave the table out with tables.exclude")
      }
      selected[id.schema ?? "", default: []].append(id)
    }
    // Only GTIDs tell what is visible: without them, the log's end may be ahead of the catalog.
    if !facts.isMariaDB, !facts.hasGTIDs { try catalog.settle(selected.values.flatMap { $0 }) }
    var tables: [DiscoveredTable] = []
    var warnings: [String] = []
    for (schema, ids) in selected {
      for description in try catalog.describe(schema: schema, tables: ids) {
        tables.append(try discovered(description, warnings: &warnings))
      }
    }
    // What the catalog shows is in the log when this returns.
    try catalog.settle(tables.map(\.id))
    guard !tables.isEmpty else {
      throw ConnectorError(
        .configuration, "no table matches the option tables",
        remedy: "check the pattern, and that the account may SELECT from the tables")
    }
    return (tables.sorted { $0.id < $1.id }, warnings)
  }

  func describe(_ table: TableID) throws(ConnectorError) -> DiscoveredTable? {
    try catalog.settle([table])
    guard let description = try catalog.describe(table) else { return nil }
    try catalog.settle([table])
    var warnings: [String] = []
    return try discovered(description, warnings: &warnings)
  }

  private static let transactionalEngines: Set<String> = ["innodb", "rocksdb", "tokudb", "ndbcluster"]

  private func discovered(
    _ description: TableDescription, warnings: inout [String]
  ) throws(ConnectorError) -> DiscoveredTable {
    guard Self.transactionalEngines.contains(description.engine.lowercased()) else {
      throw ConnectorError(
        .unsupported, "the storage engine \(description.engine) has no transactions, so chunks cannot be read exactly",
        table: description.id, remedy: "ALTER TABLE … ENGINE=InnoDB, or leave the table out with tables.exclude")
    }
    let key = try chunkKey(description, warnings: &warnings)
    if description.schema.primaryKey.isEmpty {
      warnings.append(
        "table \(description.id) has neither a primary key nor a NOT NULL unique key: updates are matched by full rows"
          + (key.isEmpty ? ", and it is read as a whole" : ""))
    } else if key.isEmpty {
      warnings.append("table \(description.id) cannot be split by its key: it is read as one chunk")
    }
    storage[description.id] = TableStorage(description, key: key)
    return DiscoveredTable(
      id: description.id, schema: description.schema, chunkKey: key, estimatedRows: description.estimatedRows)
  }

  /// The user's column, else as many of the key's first columns as can be compared and are in the order of an index.
  private func chunkKey(_ description: TableDescription, warnings: inout [String]) throws(ConnectorError) -> [String] {
    let schema = description.schema
    if let rule = settings.chunkKeys.first(where: { $0.selector.matches(description.id) }) {
      let wanted = rule.column.lowercased()
      guard let column = schema.columns.first(where: { $0.name.lowercased() == wanted }), KeyColumn(column) != nil
      else {
        throw ConnectorError(
          .configuration, "chunk.key-column \(rule.column) does not exist, or has a type without a usable order",
          table: description.id)
      }
      if schema.primaryKey.isEmpty, column.type.isDate || column.type.kind == .boolean {
        // Some dates are carried as others or as NULL, and all numbers of a BOOLEAN as 1: the log's rows could not be
        // told by them.
        warnings.append(
          "table \(description.id) has no key, and dates and booleans cannot take its place as chunk.key-column: "
            + "it is read as one chunk")
        return []
      }
      if TableIndex.best(description.indexes, for: [column.name]) != nil { return [column.name] }
      // Each chunk would be a scan of the whole table.
      warnings.append(
        "no index of table \(description.id) begins with its chunk.key-column \(column.name): it is read as one chunk")
      return []
    }
    let usable = schema.keyIndexes.prefix { KeyColumn(schema.columns[$0]) != nil }.map { schema.columns[$0].name }
    return Array(usable.prefix(TableIndex.best(description.indexes, for: usable)?.count ?? 0))
  }

  func planChunks(_ table: DiscoveredTable, cursor: String?, limit: Int) throws(ConnectorError) -> ChunkPlan {
    let columns = try Self.keyColumns(table.chunkKey, of: table.schema, table: table.id)
    guard !columns.isEmpty else { return ChunkPlan(chunks: [.everything], cursor: nil) }
    let planner = ChunkPlanner(
      client: client, table: table, columns: columns, storage: try storage(of: table), settings: settings)
    do {
      let start = if let cursor { try PlanCursor(cursor) } else { try planner.start() }
      return try planner.plan(from: start, limit: max(1, limit))
    } catch  where error.kind == .corrupt {
      // Values of other types than the key's: another table may have taken the name.
      guard try catalog.describe(table.id)?.schema == table.schema else {
        throw ConnectorError(.schemaMismatch, "the table is not what it was: \(error.message)", table: table.id)
      }
      throw ConnectorError(.transient, error.message, table: table.id)
    }
  }

  func planWholeTables(_ tables: [DiscoveredTable]) throws(ConnectorError) -> [TableID: ChunkPlan] {
    var plans: [TableID: ChunkPlan] = [:]
    var small: [ChunkPlanner] = []
    for table in tables {
      if table.chunkKey.isEmpty {
        plans[table.id] = ChunkPlan(chunks: [.everything], cursor: nil)
      } else if let storage = storage[table.id] {
        let columns = try Self.keyColumns(table.chunkKey, of: table.schema, table: table.id)
        let planner = ChunkPlanner(client: client, table: table, columns: columns, storage: storage, settings: settings)
        if planner.seemsSmall { small.append(planner) }
      }
    }
    while !small.isEmpty {
      let part = small.prefix(Self.probesPerStatement)
      small.removeFirst(part.count)
      let list = part.map(\.probe).joined(separator: ", ")
      do {
        guard let answers = try client.query("SELECT \(list)").first, answers.count == part.count else { continue }
        for (planner, answer) in zip(part, answers) where answer == nil { plans[planner.table.id] = planner.whole }
      } catch  where error.kind == .schemaMismatch || error.kind == .permission {
        // One of them was dropped or altered meanwhile. Planned one by one, it is that one which fails.
        continue
      }
    }
    return plans
  }

  private static let probesPerStatement = 128

  private func storage(of table: DiscoveredTable) throws(ConnectorError) -> TableStorage {
    if let known = storage[table.id] { return known }
    guard let description = try catalog.describe(table.id) else {
      throw ConnectorError(.schemaMismatch, "the table no longer exists", table: table.id)
    }
    let storage = TableStorage(description, key: table.chunkKey)
    self.storage[table.id] = storage
    return storage
  }

  /// The chunk key's columns with their orders.
  /// - Throws: `schemaMismatch` when one is missing or has another type now.
  static func keyColumns(
    _ names: [String], of schema: TableSchema, table: TableID
  ) throws(ConnectorError) -> [KeyColumn] {
    var columns: [KeyColumn] = []
    for name in names {
      guard let index = schema.index(of: name), let column = KeyColumn(schema.columns[index]) else {
        throw ConnectorError(.schemaMismatch, "the chunk key's column \(name) is not as it was", table: table)
      }
      columns.append(column)
    }
    return columns
  }

  func hasPassed(_ offset: Offset, end: Offset) throws(ConnectorError) -> Bool {
    try MySQLOffset(offset).covers(MySQLOffset(end))
  }

  func interrupt() { interrupter.interrupt() }

  func close() { client.close() }
}

extension DataType {
  /// Whether values name a day.
  fileprivate var isDate: Bool {
    switch kind {
    case .date, .timestamp, .timestampLTZ: true
    default: false
    }
  }
}
