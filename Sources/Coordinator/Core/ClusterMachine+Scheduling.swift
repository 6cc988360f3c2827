import Connector
import Model
import Wire

/// Giving splits to workers.
extension ClusterMachine {
  /// Fills free slots: tails first, then chunks in the order of planning.
  mutating func assignSplits() {
    var free = freeSlots()
    guard free.values.contains(where: { $0 > 0 }) else { return }
    for name in pipelines.keys.sorted() where pipelines[name]?.isActive == true {
      for number in assignable(name) {
        guard let worker = freest(free) else { return }
        free[worker, default: 0] -= 1
        assign(name, number, to: worker)
      }
    }
  }

  private func freeSlots() -> [String: Int] {
    var free: [String: Int] = [:]
    for (id, worker) in workers where worker.connection != nil && worker.restsUntil <= now { free[id] = worker.slots }
    for state in pipelines.values {
      for split in state.openSplits where split.isHeld {
        if let worker = split.worker, free[worker] != nil { free[worker, default: 0] -= 1 }
      }
    }
    return free
  }

  private func freest(_ free: [String: Int]) -> String? {
    free.filter { $0.value > 0 }.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  /// Splits of a pipeline that may start now, in order.
  private func assignable(_ name: String) -> [Int] {
    guard let state = pipelines[name] else { return [] }
    let ready = state.openSplits
      .filter { $0.state == .pending && state.notBefore[$0.number, default: 0] <= now }
      .sorted { $0.number < $1.number }
    switch state.record.phase {
    case .snapshot:
      let running = state.openSplits.count { $0.isHeld }
      let room = max(0, snapshotParallelism(state) - running)
      return ready.filter { state.isReading($0.table) }.prefix(room).map(\.number)
    case .tail:
      // Where it ends is part of what a tail is told.
      if state.record.untilCaughtUp, state.record.endOffset == nil { return [] }
      return ready.filter { $0.table == nil }.map(\.number)
    case .planning, .finished: return []
    }
  }

  /// Snapshot splits of a pipeline that may run at once.
  func snapshotParallelism(_ state: PipelineState) -> Int {
    state.record.snapshotParallelism ?? state.profile?.parallelism ?? max(1, totalSlots)
  }

  /// Slots of all connected workers.
  var totalSlots: Int { workers.values.reduce(0) { $0 + ($1.connection == nil ? 0 : $1.slots) } }

  private mutating func assign(_ name: String, _ number: Int, to worker: String) {
    guard let connection = workers[worker]?.connection else { return }
    pipelines[name]?.change(split: number, now: now) {
      $0.attempt += 1
      $0.state = .assigned
      $0.worker = worker
      $0.committable = nil
    }
    pipelines[name]?.notBefore[number] = nil
    guard let state = pipelines[name], let profile = state.profile, let split = state.splits[number],
      let work = state.work(for: split, profile: profile)
    else { return fail(name, "split \(number) cannot be described: its table or schema is missing from the journal") }
    let attempt = AttemptID(pipeline: state.record.uid, split: number, attempt: split.attempt)
    let assignment = Assignment(attempt: attempt, connectors: profile.connectors, work: work)
    step.actions.append(.send(connection, .assign(assignment)))
  }

  /// A new limit takes effect at once: what runs beyond it is given back, the youngest first.
  mutating func scale(_ name: String, to parallelism: Int) {
    pipelines[name]?.change { $0.snapshotParallelism = parallelism }
    guard let state = pipelines[name], state.record.phase == .snapshot else { return }
    let running = state.openSplits.filter { $0.isHeld && $0.state != .prepared }
      .sorted { (state.since[$0.number] ?? 0, $0.number) < (state.since[$1.number] ?? 0, $1.number) }
    let held = state.openSplits.count { $0.isHeld }
    for split in running.suffix(max(0, min(running.count, held - parallelism))) {
      cancel(name, split, afterCommit: false)
    }
  }
}

extension PipelineState {
  /// Whether chunks of the table may be given away.
  func isReading(_ table: TableID?) -> Bool {
    guard let table else { return false }
    return tables[table]?.state == .reading
  }

  /// What a worker needs to know of a split; nil when the journal lacks a part of it.
  func work(for split: SplitRecord, profile: PipelineProfile) -> SplitWork? {
    switch split.kind {
    case .snapshot(let table, let range):
      guard let record = tables[table], let binding = binding(table, version: record.firstVersion) else { return nil }
      return .snapshot(SnapshotWork(binding: binding, range: range))
    case .tail(let share):
      guard let start = split.progress?.offset ?? record.startOffset else { return nil }
      return .tail(
        TailWork(
          start: start, tables: tailTables(split, atomic: profile.guarantees.visibility == .atomic), shareIndex: share,
          shareCount: profile.tailCount, notifyAt: record.endOffset,
          commitIntervalMilliseconds: profile.commitIntervalMilliseconds))
    }
  }

  /// A table under a version, with the sink tables as they are now.
  func binding(_ table: TableID, version: Int) -> TableBinding? {
    guard let record = tables[table], let schema = schema(table, version: version) else { return nil }
    let targets = record.targets.compactMap { id in
      sinkTables[id].map { TableBinding.Target(id: id, schema: $0.schema) }
    }
    return TableBinding(table: table, version: version, schema: schema.schema, targets: targets)
  }

  /// The tables of a tail under the versions that its last commit knew; at the first start, under their first ones.
  private func tailTables(_ split: SplitRecord, atomic: Bool) -> [TailTableWork] {
    let needsChunks = !pastWatermarks.contains(split.number)
    var result: [TailTableWork] = []
    for (id, table) in tables.sorted(by: { $0.key < $1.key }) {
      let version: Int?
      if let progress = split.progress {
        version = progress.schemaVersions[id.description]
      } else {
        version = table.state == .dropped ? nil : table.firstVersion
      }
      guard let version, let binding = binding(id, version: version) else { continue }
      let chunks = needsChunks ? finishedChunks(of: id, atomic: atomic) : []
      result.append(TailTableWork(binding: binding, ignoredThrough: table.registeredAt, chunks: chunks))
    }
    return result
  }

  /// For a sink whose attempts are atomic, the committed attempt's high watermark counts. For any other, rows of an
  /// earlier attempt may be visible that the committed one did not see again: what happened since the first attempt's
  /// low watermark is replayed.
  private func finishedChunks(of table: TableID, atomic: Bool) -> [FinishedChunk] {
    var chunks: [FinishedChunk] = []
    for number in splits.keys.sorted() {
      guard let split = splits[number], split.state == .committed, case .snapshot(table, let range) = split.kind,
        let high = split.progress?.offset
      else { continue }
      chunks.append(FinishedChunk(range: range, watermark: atomic ? high : split.firstLow ?? high))
    }
    return chunks
  }
}
