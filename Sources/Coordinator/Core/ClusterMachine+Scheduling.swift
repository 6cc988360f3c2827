import Connector
import Model
import Wire

/// Giving splits to workers.
extension ClusterMachine {
  /// Fills free slots: the tails of all pipelines first, then chunks in the order of planning. A tail split that waits
  /// for a moment has its slot kept free.
  mutating func assignSplits() {
    let active = pipelines.keys.sorted().filter { pipelines[$0]?.isActive == true }
    if active.isEmpty { return }
    fillSlots(active)
    for name in active {
      for (number, worker) in chunksAhead(name, active) { assign(name, number, to: worker) }
    }
  }

  private mutating func fillSlots(_ active: [String]) {
    var free = freeSlots()
    guard free.values.contains(where: { $0 > 0 }) else { return }
    for name in active {
      for number in assignableTails(name) {
        guard let worker = freest(free) else { return }
        free[worker, default: 0] -= 1
        assign(name, number, to: worker)
      }
    }
    var left = free.values.reduce(0) { $0 + max(0, $1) } - keptSlots(active)
    for name in active {
      for number in assignableChunks(name) {
        guard left > 0, let worker = freest(free) else { return }
        free[worker, default: 0] -= 1
        left -= 1
        assign(name, number, to: worker)
      }
    }
  }

  /// Slots that are kept free for tail splits which wait for a moment.
  private func keptSlots(_ active: [String]) -> Int {
    active.reduce(0) { sum, name in
      guard let state = pipelines[name], !isYielding(state) else { return sum }
      return sum + state.tails.count { !$0.isHeld }
    }
  }

  /// Gives workers whose slots are taken small chunks to go on with. Not where slots are to be left to somebody else: a
  /// tail that waits, or whatever the pipeline's parallelism leaves them for.
  private func chunksAhead(_ name: String, _ active: [String]) -> [(number: Int, worker: String)] {
    guard let state = pipelines[name], state.waitingChunkCount > 0, state.holdsChunks,
      state.record.phase == .snapshot || state.record.phase == .tail, snapshotParallelism(state) >= totalSlots,
      keptSlots(active) == 0
    else { return [] }
    var room = roomAhead()
    var result: [(number: Int, worker: String)] = []
    for split in state.waitingChunks {
      guard let worker = freest(room) else { break }
      guard isReady(split, in: state), state.isReading(split.table), isSmall(split, in: state) else { continue }
      room[worker, default: 0] -= 1
      result.append((split.number, worker))
    }
    return result
  }

  /// How many more chunks may wait at each worker. A slot that a tail has does not come free.
  private func roomAhead() -> [String: Int] {
    var chunks: [String: Int] = [:]
    var slots: [String: Int] = [:]
    for (id, worker) in workers where worker.connection != nil && worker.restsUntil <= now { slots[id] = worker.slots }
    for state in pipelines.values {
      for split in state.heldSplits {
        guard let worker = split.worker else { continue }
        if split.table == nil { slots[worker, default: 0] -= 1 } else { chunks[worker, default: 0] += 1 }
      }
    }
    return slots.filter { $0.value > 0 }.mapValues { $0 * (1 + settings.chunksAhead) }
      .merging(chunks) { room, held in room - held }.filter { slots[$0.key, default: 0] > 0 }
  }

  /// A table that is one chunk, as far as the server's estimate goes.
  private func isSmall(_ split: SplitRecord, in state: PipelineState) -> Bool {
    guard case .snapshot(let table, let range) = split.kind, range.lower == nil, range.upper == nil else {
      return false
    }
    return state.tables[table].map { $0.estimatedRows <= settings.smallTable } ?? false
  }

  private func freeSlots() -> [String: Int] {
    var free: [String: Int] = [:]
    for (id, worker) in workers where worker.connection != nil && worker.restsUntil <= now { free[id] = worker.slots }
    for state in pipelines.values {
      for split in state.heldSplits {
        if let worker = split.worker, free[worker] != nil { free[worker, default: 0] -= 1 }
      }
    }
    return free
  }

  /// Slots that no attempt has.
  var freeSlotCount: Int { freeSlots().values.reduce(0) { $0 + max(0, $1) } }

  private func freest(_ free: [String: Int]) -> String? {
    free.filter { $0.value > 0 }.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key
  }

  private func isReady(_ split: SplitRecord, in state: PipelineState) -> Bool {
    split.state == .pending && state.notBefore[split.number, default: 0] <= now
  }

  /// Tail splits of a pipeline that may start now, in order: none while the set is about to be changed, nor before it is
  /// known where the tail ends, which is part of what a tail is told.
  private func assignableTails(_ name: String) -> [Int] {
    guard let state = pipelines[name], state.record.phase == .tail,
      !state.record.untilCaughtUp || state.record.endOffset != nil, !isYielding(state)
    else { return [] }
    let ready = state.tails.filter { isReady($0, in: state) }
    if ready.isEmpty || mayChangeGeneration(state) { return [] }
    let adrift = ready.filter { $0.isAdrift == true }
    return (adrift + ready.filter { $0.isAdrift != true }).map(\.number)
  }

  /// Whether the tail leaves its slot to chunks at this moment.
  private func isYielding(_ state: PipelineState) -> Bool {
    state.yieldsUntil > now
      && (state.holdsChunks || state.waitingChunks.contains { isReady($0, in: state) && state.isReading($0.table) })
  }

  /// Tables that come while the tail goes on need slots too. Where tails have them all, one of them is given up for
  /// good if there are several, and for a while if there is but one.
  mutating func yieldToChunks(_ name: String) {
    guard let state = pipelines[name], state.isActive, state.record.phase == .tail, state.hasTables(in: .reading),
      state.yieldsUntil == 0 || state.yieldsUntil + settings.starvation <= now, totalSlots > 0, freeSlotCount == 0
    else { return }
    let isStarving = state.waitingChunks.contains { split in
      isReady(split, in: state) && state.isReading(split.table)
        && now - (state.since[split.number] ?? now) >= settings.starvation
    }
    let tails = state.tails.filter(\.isHeld)
    guard isStarving, let last = tails.last, !pipelines.values.contains(where: \.holdsChunks),
      !tails.contains(where: { state.cancelled[$0.number] != nil })
    else { return }
    if state.tailCount > 1 {
      pipelines[name]?.tailLimit = state.tailCount - 1
    } else {
      pipelines[name]?.yieldsUntil = now + settings.yield
      cancel(name, last, afterCommit: !state.waitingTails.contains(last.number))
    }
    note(.warning, "the tail makes room for chunks: there are too few slots", ["pipeline": name])
  }

  /// Chunks of a pipeline that may start now, in order.
  private func assignableChunks(_ name: String) -> [Int] {
    guard let state = pipelines[name], state.record.phase == .snapshot || state.record.phase == .tail,
      state.waitingChunkCount > 0
    else { return [] }
    let room = max(0, snapshotParallelism(state) - state.heldChunkCount)
    var numbers: [Int] = []
    for split in state.waitingChunks where numbers.count < room {
      if isReady(split, in: state), state.isReading(split.table) { numbers.append(split.number) }
    }
    return numbers
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
    guard let chunks = pipelines[name]?.heldSplits.filter({ $0.table != nil }), let state = pipelines[name]
    else { return }
    let running = chunks.filter { $0.state != .prepared }
      .sorted { (state.since[$0.number] ?? 0, $0.number) < (state.since[$1.number] ?? 0, $1.number) }
    for split in running.suffix(max(0, min(running.count, chunks.count - parallelism))) {
      cancel(name, split, afterCommit: false)
    }
  }
}

extension PipelineState {
  /// Whether a worker has a chunk of it.
  var holdsChunks: Bool { heldChunkCount > 0 }

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
      let followed = tailTables(split, atomic: profile.guarantees.visibility == .atomic)
      return .tail(
        TailWork(
          start: start, tables: followed, shareIndex: share, shareCount: tailCount, notifyAt: record.endOffset,
          commitIntervalMilliseconds: profile.commitIntervalMilliseconds,
          formerTables: formerTables(besides: followed), changedVersions: changedVersions(followed)))
    }
  }

  /// Tables that were captured and are gone, or are read anew: the tail is to tell of them when they come again.
  private func formerTables(besides followed: [TailTableWork]) -> [TableID] {
    let names = Set(followed.map(\.binding.table))
    return tables.values.filter { $0.state != .pruned && !names.contains($0.id) }.map(\.id).sorted()
  }

  /// Where the tables that a tail is given differ from those that the present set of tail splits began with.
  private func changedVersions(_ followed: [TailTableWork]) -> [String: Int] {
    var given: [TableID: Int] = [:]
    for item in followed { given[item.binding.table] = item.binding.version }
    var changed: [String: Int] = [:]
    for (id, table) in tables where given[id] != table.tailVersion { changed[id.description] = given[id] ?? 0 }
    return changed
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
      // One that is read anew, or not at all, is not this split's any more, though it has yet to come to that place.
      let isFollowed = split.progress == nil || table.state == .done || table.state == .dropped
      let version = isFollowed ? self.version(of: table, in: split) : nil
      guard let version, let binding = binding(id, version: version) else { continue }
      let chunks = needsChunks ? finishedChunks(of: id, atomic: atomic) : FinishedChunks()
      result.append(
        TailTableWork(
          binding: binding, ignoredThrough: table.registeredAt, chunks: chunks,
          delivered: needsChunks ? delivered(of: table) : []))
    }
    return result
  }
}
