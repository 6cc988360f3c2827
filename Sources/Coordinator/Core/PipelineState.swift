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
  private var stages: [TableRecord.State: Set<TableID>] = [:]
  /// Tables whose chunks are not planned to the end, those to be planned first last; made again when it has run out.
  private var planQueue: [TableID] = []
  /// The captured tables whose rows go to a sink table.
  private(set) var sharers: [TableID: Set<TableID>] = [:]
  private(set) var splits: [Int: SplitRecord] = [:]
  /// Numbers of the splits that are not committed: few, however many chunks there have been.
  private var openNumbers: Set<Int> = []
  /// Those of them that are tail splits.
  private var tailNumbers: Set<Int> = []
  /// Those of them that a worker has.
  private var heldNumbers: Set<Int> = []
  /// Those of them whose committable is being looked into.
  private var resolvingNumbers: Set<Int> = []
  /// Those of them that are chunks to be given to a worker, the lowest number last.
  private var pendingChunks: [Int] = []
  /// Rows that chunks of all tables have committed.
  private(set) var committedSnapshotRows = 0
  /// Sums over a table's splits, kept up to date with them.
  private(set) var totals: [TableID: ChunkTotals] = [:]
  /// Versions in order, by source table.
  private(set) var schemas: [TableID: [SchemaRecord]] = [:]
  /// Versions that the sink has not followed yet.
  private(set) var unapplied: Set<SchemaKey> = []
  var sinkTables: [TableID: SinkTableRecord] = [:]

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
    var schemas: Set<SchemaKey> = []
    var sinkTables: Set<TableID> = []
  }

  /// Identity of a schema record.
  struct SchemaKey: Hashable, Sendable {
    var table: TableID
    var version: Int
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
  /// Splits that are not committed, by number.
  var openSplits: [SplitRecord] { openNumbers.sorted().compactMap { splits[$0] } }

  /// Splits that a worker has, by number.
  var heldSplits: [SplitRecord] { heldNumbers.sorted().compactMap { splits[$0] } }

  /// Number of snapshot splits that a worker has.
  var heldChunkCount: Int { heldNumbers.count { !tailNumbers.contains($0) } }

  /// Splits whose committable is being looked into, by number.
  var resolvingSplits: [SplitRecord] { resolvingNumbers.sorted().compactMap { splits[$0] } }

  /// Snapshot splits that no worker has and that are not committed, in order.
  var waitingChunks: some Sequence<SplitRecord> { pendingChunks.lazy.reversed().compactMap { splits[$0] } }

  /// Number of those.
  var waitingChunkCount: Int { pendingChunks.count }

  /// The tail splits, by share.
  var tails: [SplitRecord] { tailNumbers.sorted().compactMap { splits[$0] } }

  /// Number of tail splits.
  var tailCount: Int { tailNumbers.count }

  /// Splits that are not committed.
  var openCount: Int { openNumbers.count }

  /// The tables of a stage, sorted.
  func tables(in state: TableRecord.State) -> [TableID] { stages[state]?.sorted() ?? [] }

  /// The first tables of a stage in the order of their names.
  func tables(in state: TableRecord.State, upTo limit: Int, except: Set<TableID>) -> [TableID] {
    guard let stage = stages[state], limit > 0 else { return [] }
    return Array((except.isEmpty ? stage : stage.subtracting(except)).sorted().prefix(limit))
  }

  /// Whether there are tables of a stage.
  func hasTables(in state: TableRecord.State) -> Bool { stages[state]?.isEmpty == false }

  /// Number of tables of a stage.
  func tableCount(in state: TableRecord.State) -> Int { stages[state]?.count ?? 0 }

  /// The tables whose chunks are to be planned next, at most so many.
  mutating func nextToPlan(_ count: Int) -> [TableID] {
    func isWaiting(_ id: TableID) -> Bool {
      tables[id].map { $0.state == .reading && !$0.isPlanned } ?? false
    }
    while let last = planQueue.last, !isWaiting(last) { planQueue.removeLast() }
    if planQueue.isEmpty, let reading = stages[.reading] { planQueue = reading.filter(isWaiting).sorted(by: >) }
    return planQueue.suffix(count).reversed().filter(isWaiting)
  }

  /// Whether tables are read by chunks, or wait to join the tail.
  var isReadingTables: Bool {
    hasTables(in: .creating) || hasTables(in: .reading) || hasTables(in: .restarting) || hasTables(in: .joining)
  }

  /// Takes a split's record in, as it is now.
  mutating func put(_ split: SplitRecord) {
    if let old = splits.updateValue(split, forKey: split.number) { uncount(old) }
    count(split, 1)
    if split.table == nil { tailNumbers.insert(split.number) }
    switch split.state {
    case .committed: return
    case .assigned, .running, .prepared: heldNumbers.insert(split.number)
    case .resolving: resolvingNumbers.insert(split.number)
    case .pending where split.table != nil:
      let place = pendingChunks.partitioningIndex { $0 < split.number }
      pendingChunks.insert(split.number, at: place)
    case .pending: break
    }
    openNumbers.insert(split.number)
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
    sinkTables[sinkTable.id] = sinkTable
    dirty.sinkTables.insert(sinkTable.id)
  }

  /// A version of a table's schema.
  func schema(_ table: TableID, version: Int) -> SchemaRecord? {
    schemas[table]?.first { $0.version == version }
  }

  /// Whether the pipeline should be working: wanted, not failed, not done, and its definition is known.
  var isActive: Bool {
    record.intent == .run && record.error == nil && record.phase != .finished && profile != nil
  }

  /// Splits that a worker has, or whose committable is being looked into.
  var unsettled: [SplitRecord] { heldSplits + resolvingSplits }

  /// Whether a job of that sort is under way.
  func hasJob(where matches: (Job.Kind) -> Bool) -> Bool { jobs.values.contains(where: matches) }

  /// The pipeline's state as operators see it.
  var stateName: String {
    if record.error != nil { return "failed" }
    if profile == nil { return "failed" }
    if record.phase == .finished { return unsettled.isEmpty ? "finished" : "stopping" }
    switch record.intent {
    case .run:
      switch record.phase {
      case .planning: return "planning"
      case .snapshot: return "snapshot"
      case .tail: return "tail"
      case .finished: return "finished"
      }
    case .pause: return unsettled.isEmpty && jobs.isEmpty ? "paused" : "pausing"
    case .stop, .drop: return unsettled.isEmpty && jobs.isEmpty ? "stopped" : "stopping"
    }
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
