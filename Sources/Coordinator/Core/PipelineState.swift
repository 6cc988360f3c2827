import Connector
import Model
import Wire

/// One pipeline as the machine holds it: its records, and what is made anew after a restart.
struct PipelineState: Sendable {
  var record: PipelineRecord
  /// Nil when the definition could not be read again after a restart: the pipeline stands still until `resume`.
  var profile: PipelineProfile?
  private(set) var tables: [TableID: TableRecord] = [:]
  /// The tables of each stage.
  private(set) var stages: [TableRecord.State: Set<TableID>] = [:]
  /// Tables whose chunks are not planned to the end, those to be planned first last; made again when it has run out.
  private var planQueue: [TableID] = []
  /// The captured tables whose rows go to a sink table.
  private(set) var sharers: [TableID: Set<TableID>] = [:]
  private(set) var splits: [Int: SplitRecord] = [:]
  /// Numbers of the splits that are not committed: few, however many chunks there have been.
  private(set) var openNumbers: Set<Int> = []
  /// Those of them that are tail splits.
  private(set) var tailNumbers: Set<Int> = []
  /// Those of them that a worker has.
  private(set) var heldNumbers: Set<Int> = []
  /// Those of them whose committable is being looked into.
  private(set) var resolvingNumbers: Set<Int> = []
  /// Those of them that are chunks to be given to a worker, the lowest number last.
  private(set) var pendingChunks: [Int] = []
  /// The finished chunks of each table that has some.
  private(set) var finished: [TableID: FinishedTable] = [:]
  /// Rows that chunks of all tables have committed.
  private(set) var committedSnapshotRows = 0
  /// Sums over a table's splits, kept up to date with them.
  private(set) var totals: [TableID: ChunkTotals] = [:]
  /// Versions in order, by source table.
  private(set) var schemas: [TableID: [SchemaRecord]] = [:]
  /// Tables of one kind have one schema: of thousands of tables there are few different ones, mostly.
  private var sharedSchemas: Set<TableSchema> = []
  /// Versions that the sink has not followed yet.
  private(set) var unapplied: Set<SchemaKey> = []
  private(set) var sinkTables: [TableID: SinkTableRecord] = [:]

  // Not journaled.

  /// Tables of which something has changed since they were last looked at.
  var attention: Set<TableID> = []
  /// Jobs under way.
  var jobs: [JobID: Job.Kind] = [:]
  /// Tail shares that have arrived at a schema change, by the change's place.
  var arrivals: [ChangePlace: Arrival] = [:]
  /// Tail shares that have caught up, and that have passed every watermark.
  var caughtUp: Set<Int> = []
  var pastWatermarks: Set<Int> = []
  /// Last heartbeat's progress of running attempts.
  var live: [Int: AttemptProgress] = [:]
  /// When a split may be given away again, and since when it is in its state.
  var notBefore: [Int: Int64] = [:]
  var since: [Int: Int64] = [:]
  /// When running attempts are cancelled although they have not come to an end (pause, stop).
  var graceEnds: Int64?
  /// Attempts that were told to end, and whether after a commit.
  var cancelled: [Int: Bool] = [:]
  /// Versions that the sink is being made to follow.
  var applying: [SchemaKey] = []
  /// How many of their steps the sink has done.
  var appliedSteps = 0
  /// Tables that have come, as the log tells, since the source was last asked for them.
  var reappeared: Set<TableID> = []
  /// When the source is next asked for new tables.
  var nextDiscovery: Int64 = 0
  /// Tail splits that the slots suffice for, where they were found too few.
  var tailLimit: Int?
  /// Until when the tail leaves its only slot to chunks.
  var yieldsUntil: Int64 = 0
  /// Since when a table waits to join the tail.
  var joiningSince: Int64?
  /// When a change of the tail's splits that was impossible is next tried.
  var generationNotBefore: Int64 = 0
  /// Failures of jobs in a row, and when the next try is due.
  var jobFailures = 0
  var jobsNotBefore: Int64 = 0

  /// Records that have changed since the last step.
  var dirty = DirtyRecords()

  init(record: PipelineRecord, profile: PipelineProfile?) {
    self.record = record
    self.profile = profile
  }

  /// Where a schema change stands in the log.
  struct ChangePlace: Hashable, Sendable {
    var table: TableID
    var offset: Offset
  }

  /// Tail splits that have arrived at a schema change.
  struct Arrival: Sendable {
    /// Splits that have committed everything before it, in this or an earlier attempt.
    var splits: Set<Int>
    /// Attempts that wait for the answer, by split.
    var waiting: [Int: Int]
    var changes: [SchemaChange]
    var schema: TableSchema
  }

  /// Which records have changed.
  struct DirtyRecords: Sendable {
    var pipeline = false
    var tables: Set<TableID> = []
    var splits: Set<Int> = []
    var removedSplits: Set<Int> = []
    var folded: Set<FoldKey> = []
    /// Tables that have no folded chunks any more.
    var unfolded: Set<TableID> = []
    var schemas: Set<SchemaKey> = []
    var sinkTables: Set<TableID> = []
  }

  /// Identity of a schema record.
  struct SchemaKey: Hashable, Sendable {
    var table: TableID
    var version: Int
  }

  /// Identity of a record of folded chunks.
  struct FoldKey: Hashable, Sendable {
    var table: TableID
    var number: Int
  }

  /// Takes the changed records out, in a fixed order.
  mutating func drainRecords() -> [JournalRecord] {
    let name = record.name
    var records: [JournalRecord] = []
    if dirty.pipeline { records.append(.putPipeline(record)) }
    for id in dirty.tables.sorted() { if let table = tables[id] { records.append(.putTable(pipeline: name, table)) } }
    for key in dirty.schemas.sorted(by: { ($0.table, $0.version) < ($1.table, $1.version) }) {
      if let schema = schemas[key.table]?.first(where: { $0.version == key.version }) {
        records.append(.putSchema(pipeline: name, schema))
      }
    }
    for id in dirty.sinkTables.sorted() {
      if let table = sinkTables[id] { records.append(.putSinkTable(pipeline: name, table)) }
    }
    for id in dirty.unfolded.sorted() { records.append(.removeFolded(pipeline: name, table: id)) }
    for key in dirty.folded.sorted(by: { ($0.table, $0.number) < ($1.table, $1.number) }) {
      if let record = finished[key.table]?.folded[key.number] { records.append(.putFolded(pipeline: name, record)) }
    }
    for number in dirty.removedSplits.sorted() { records.append(.removeSplit(pipeline: name, number: number)) }
    for number in dirty.splits.sorted() {
      if let split = splits[number] { records.append(.putSplit(pipeline: name, split)) }
    }
    dirty = DirtyRecords()
    return records
  }
}

/// Sums over the snapshot splits of a table.
struct ChunkTotals: Sendable, Hashable {
  /// Splits there are.
  var planned = 0
  /// Those that are committed.
  var committed = 0
  /// Rows of those.
  var rows = 0
}

extension PipelineState {
  /// The tables whose chunks are to be planned next, at most so many.
  mutating func nextToPlan(_ count: Int) -> [TableID] {
    func isWaiting(_ id: TableID) -> Bool {
      tables[id].map { $0.state == .reading && !$0.isPlanned } ?? false
    }
    while let last = planQueue.last, !isWaiting(last) { planQueue.removeLast() }
    if planQueue.isEmpty, let reading = stages[.reading] { planQueue = reading.filter(isWaiting).sorted(by: >) }
    return planQueue.suffix(count).reversed().filter(isWaiting)
  }

  /// Takes a split's record in, as it is now.
  mutating func put(_ split: SplitRecord) {
    let old = splits.updateValue(split, forKey: split.number)
    if let old { uncount(old) }
    count(split, 1)
    if split.table == nil { tailNumbers.insert(split.number) }
    switch split.state {
    case .committed:
      if old?.state != .committed { noteFinished(split) }
      return
    case .assigned, .running, .prepared: heldNumbers.insert(split.number)
    case .resolving: resolvingNumbers.insert(split.number)
    case .pending where split.table != nil:
      let place = pendingChunks.partitioningIndex { $0 < split.number }
      pendingChunks.insert(split.number, at: place)
    case .pending: break
    }
    openNumbers.insert(split.number)
  }

  private mutating func noteFinished(_ split: SplitRecord) {
    guard case .snapshot(let table, let range) = split.kind else { return }
    let splits = splits
    finished[table, default: FinishedTable()].add(split.number, range) { number in
      if case .snapshot(_, let range)? = splits[number]?.kind { range.upper } else { nil }
    }
  }

  /// Takes a record of folded chunks in: those that follow the ones that are folded already.
  mutating func put(folded record: FoldedChunks) {
    finished[record.table, default: FinishedTable()].append(record)
    count(record, 1)
  }

  /// The splits of a table's chain have become a record.
  mutating func clearChain(of table: TableID) { finished[table]?.clearChain() }

  /// Forgets the folded chunks of a table.
  mutating func removeFinished(of table: TableID) {
    guard let records = finished.removeValue(forKey: table)?.folded, !records.isEmpty else { return }
    for record in records {
      count(record, -1)
      dirty.folded.remove(FoldKey(table: table, number: record.number))
    }
    dirty.unfolded.insert(table)
  }

  private mutating func count(_ record: FoldedChunks, _ sign: Int) {
    attention.insert(record.table)
    var sums = totals[record.table] ?? ChunkTotals()
    sums.planned += sign * record.splits
    sums.committed += sign * record.splits
    sums.rows += sign * record.rows
    committedSnapshotRows += sign * record.rows
    totals[record.table] = sums
  }

  /// Takes a split's record out of all sums and lists.
  private mutating func uncount(_ split: SplitRecord) {
    count(split, -1)
    openNumbers.remove(split.number)
    heldNumbers.remove(split.number)
    resolvingNumbers.remove(split.number)
    if split.state == .pending, split.table != nil {
      let place = pendingChunks.partitioningIndex { $0 <= split.number }
      if place < pendingChunks.count, pendingChunks[place] == split.number { pendingChunks.remove(at: place) }
    }
  }

  /// Takes a table's record in, as it is now.
  mutating func put(table: TableRecord) {
    if let old = tables.updateValue(table, forKey: table.id) {
      committedSnapshotRows -= old.foldedRows
      stages[old.state]?.remove(table.id)
      for target in old.targets { sharers[target]?.remove(table.id) }
    }
    if table.state != .dropped, table.state != .pruned {
      for target in table.targets { sharers[target, default: []].insert(table.id) }
    }
    committedSnapshotRows += table.foldedRows
    stages[table.state, default: []].insert(table.id)
    attention.insert(table.id)
  }

  /// Adds a table.
  mutating func add(table: TableRecord) {
    put(table: table)
    dirty.tables.insert(table.id)
  }

  private mutating func count(_ split: SplitRecord, _ sign: Int) {
    guard let table = split.table else { return }
    attention.insert(table)
    var sums = totals[table] ?? ChunkTotals()
    sums.planned += sign
    if split.state == .committed {
      sums.committed += sign
      sums.rows += sign * (split.progress?.rows ?? 0)
      committedSnapshotRows += sign * (split.progress?.rows ?? 0)
    }
    totals[table] = sums
  }

  /// Changes the pipeline's own record.
  mutating func change(_ body: (inout PipelineRecord) -> Void) {
    body(&record)
    dirty.pipeline = true
  }

  /// Changes a table's record.
  mutating func change(table id: TableID, _ body: (inout TableRecord) -> Void) {
    guard var table = tables[id] else { return }
    body(&table)
    put(table: table)
    dirty.tables.insert(id)
  }

  /// Changes a split's record, and notes the time when its state changes.
  mutating func change(split number: Int, now: Int64, _ body: (inout SplitRecord) -> Void) {
    guard var split = splits[number] else { return }
    let before = split.state
    body(&split)
    put(split)
    dirty.splits.insert(number)
    if split.state == .committed {
      since[number] = nil
    } else if split.state != before || since[number] == nil {
      since[number] = now
    }
  }

  /// Adds a split and returns its number.
  @discardableResult
  mutating func addSplit(_ kind: SplitRecord.Kind, firstLow: Offset? = nil, now: Int64) -> Int {
    let number = record.nextSplit
    change { $0.nextSplit += 1 }
    var split = SplitRecord(number: number, kind: kind)
    split.firstLow = firstLow
    put(split)
    dirty.splits.insert(number)
    since[number] = now
    return number
  }

  /// Removes a split and everything that is known of it.
  mutating func removeSplit(_ number: Int) {
    if let split = splits.removeValue(forKey: number) { uncount(split) }
    tailNumbers.remove(number)
    caughtUp.remove(number)
    pastWatermarks.remove(number)
    live[number] = nil
    notBefore[number] = nil
    since[number] = nil
    cancelled[number] = nil
    dirty.splits.remove(number)
    dirty.removedSplits.insert(number)
  }

  /// Adds a schema version.
  mutating func put(schema: SchemaRecord) {
    var schema = schema
    schema.schema = sharedSchemas.insert(schema.schema).memberAfterInsert
    var versions = schemas[schema.table] ?? []
    versions.removeAll { $0.version == schema.version }
    versions.append(schema)
    versions.sort { $0.version < $1.version }
    schemas[schema.table] = versions
    let key = SchemaKey(table: schema.table, version: schema.version)
    if schema.isApplied { unapplied.remove(key) } else { unapplied.insert(key) }
    dirty.schemas.insert(SchemaKey(table: schema.table, version: schema.version))
  }

  /// Sets a sink table's schema.
  mutating func put(sinkTable: SinkTableRecord) {
    var sinkTable = sinkTable
    sinkTable.schema = sharedSchemas.insert(sinkTable.schema).memberAfterInsert
    sinkTables[sinkTable.id] = sinkTable
    dirty.sinkTables.insert(sinkTable.id)
  }
}

extension Array where Element == Int {
  /// The first place whose element satisfies the condition, in an array whose elements that do so come last.
  fileprivate func partitioningIndex(where isInSecondPart: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
