import Model

@testable import Coordinator

/// A journal in memory: what a restarted coordinator finds.
struct SimulationJournal {
  private(set) var pipelines: [String: PipelineRecord] = [:]
  private(set) var tables: [TableID: TableRecord] = [:]
  private(set) var splits: [Int: SplitRecord] = [:]
  private(set) var folded: [PipelineState.FoldKey: FoldedChunks] = [:]
  /// Numbers of the splits that were folded, by table.
  private var foldedSplits: [TableID: Set<Int>] = [:]
  private(set) var schemas: [PipelineState.SchemaKey: SchemaRecord] = [:]
  private(set) var sinkTables: [TableID: SinkTableRecord] = [:]
  /// Everything that ever was prepared and written down.
  private(set) var committables: Set<String> = []
  /// Rows of committed chunks that a restart of their table threw away are not counted.
  private(set) var thrownAway: Set<Int> = []
  /// Tail splits of earlier sets.
  private(set) var formerTails: Set<Int> = []

  static func key(_ committable: Committable) -> String { "\(committable.attempt)-\(committable.sequence)" }

  mutating func write(_ records: [JournalRecord]) {
    for record in records {
      switch record {
      case .putPipeline(let pipeline): pipelines[pipeline.name] = pipeline
      case .putTable(_, let table): tables[table.id] = table
      case .putSplit(_, let split):
        splits[split.number] = split
        if let committable = split.committable { committables.insert(Self.key(committable)) }
      case .removeSplit(_, let number):
        if let table = splits[number]?.table, tables[table]?.state == .restarting { thrownAway.insert(number) }
        if let split = splits[number], split.table == nil { formerTails.insert(number) }
        if let table = splits[number]?.table, !thrownAway.contains(number) {
          foldedSplits[table, default: []].insert(number)
        }
        splits[number] = nil
      case .putFolded(_, let record):
        folded[.init(table: record.table, number: record.number)] = record
      case .removeFolded(_, let table):
        folded = folded.filter { $0.key.table != table }
        // Of a table that is read again, what was folded does not count any more.
        let numbers = foldedSplits.removeValue(forKey: table) ?? []
        if tables[table]?.state == .restarting { thrownAway.formUnion(numbers) }
      case .putSchema(_, let schema): schemas[.init(table: schema.table, version: schema.version)] = schema
      case .putSinkTable(_, let table): sinkTables[table.id] = table
      case .removePipeline: self = SimulationJournal()
      }
    }
  }

  /// In the order of the real journal.
  func load() -> [JournalRecord] {
    guard let name = pipelines.keys.first else { return [] }
    return pipelines.values.map { .putPipeline($0) } + tables.values.map { .putTable(pipeline: name, $0) }
      + schemas.values.map { .putSchema(pipeline: name, $0) }
      + sinkTables.values.map { .putSinkTable(pipeline: name, $0) }
      + folded.values.sorted { ($0.table, $0.number) < ($1.table, $1.number) }
      .map { .putFolded(pipeline: name, $0) }
      + splits.values.map { .putSplit(pipeline: name, $0) }
  }
}
