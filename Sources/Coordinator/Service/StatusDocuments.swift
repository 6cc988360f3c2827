import Model
import Platform
import Wire

/// Makes the documents that operators see from the machine's state.
struct StatusDocuments {
  let machine: ClusterMachine
  let rates: [RateKey: RateMeter]
  let now: Int64
  let wallMilliseconds: Int64

  /// What a rate is of.
  struct RateKey: Hashable, Sendable {
    enum Subject: Hashable, Sendable {
      case table(TableID)
      /// All chunks.
      case snapshot
      case tail
    }

    var pipeline: String
    var subject: Subject

    init(_ pipeline: String, _ subject: Subject) {
      self.pipeline = pipeline
      self.subject = subject
    }
  }

  /// What users named, in the form that may be shown: a name may hold what `${env:…}` resolved to. The documents' own
  /// words stay as they are, whatever a secret happens to be.
  private func shown(_ text: String) -> String { Secrets.redact(text) }

  func list() -> [PipelineSummary] { machine.pipelines.keys.sorted().compactMap { summary($0) } }

  func summary(_ name: String) -> PipelineSummary? {
    guard let state = machine.pipelines[name] else { return nil }
    let done = state.tableCount(in: .done) + state.tableCount(in: .dropped)
    return PipelineSummary(
      name: name, state: state.stateName, source: state.profile?.connectors.sourceType ?? "",
      sink: state.profile?.connectors.sinkType ?? "", tables: state.tables.count, tablesDone: done,
      snapshotRows: state.snapshotRows, tailRows: state.tailRows,
      snapshotParallelism: machine.snapshotParallelism(state),
      error: state.record.error.map(shown)
        ?? (state.profile == nil ? "the definition could not be read again: see the log" : nil))
  }

  /// - Parameter tables: how many tables to tell of at most, those being read first; nil: all.
  func status(_ name: String, tables limit: Int? = nil) -> PipelineStatus? {
    guard let summary = summary(name), let state = machine.pipelines[name] else { return nil }
    let chosen = limit.map { state.tables(upTo: $0) } ?? state.tables.keys.sorted()
    return PipelineStatus(
      pipeline: summary, snapshot: snapshot(state), tables: tables(chosen, of: state), tail: tail(name))
  }

  /// The part of `status` that costs the same however many tables there are: for whoever waits for a state.
  func head(_ name: String) -> PipelineStatus? {
    summary(name).map { PipelineStatus(pipeline: $0, tables: [], tail: tail(name)) }
  }

  func tables(_ name: String) -> [TableStatus] {
    machine.pipelines[name].map { tables($0.tables.keys.sorted(), of: $0) } ?? []
  }

  private func tables(_ ids: [TableID], of state: PipelineState) -> [TableStatus] {
    ids.compactMap { id in
      state.tables[id].map { status(of: $0, in: state, counts: state.totals[id] ?? ChunkTotals()) }
    }
  }

  private func snapshot(_ state: PipelineState) -> SnapshotStatus {
    var (total, done, isComplete) = (0.0, 0.0, !state.tables.isEmpty)
    for (id, table) in state.tables {
      let share = share(of: table, state.totals[id] ?? ChunkTotals(), rows: state.committedRows(of: id))
      let weight = Double(max(1, share.estimate))
      total += weight
      done += weight * share.percent / 100
      if share.percent < 100 { isComplete = false }
    }
    let rate = rates[RateKey(state.record.name, .snapshot)]?.perSecond ?? 0
    let percent = total > 0 ? done * 100 / total : 0
    let left = total - done
    return SnapshotStatus(
      percent: isComplete ? 100 : min(99.9, percent), rowsPerSecond: rate,
      etaSeconds: !isComplete && left > 0 && rate > 0 ? left / rate : nil)
  }

  /// How much of a table is done, in percent, and how many rows it is taken to have.
  private func share(of table: TableRecord, _ counts: ChunkTotals, rows: Int) -> (percent: Double, estimate: Int) {
    let planned = table.foldedChunks + counts.planned
    let done = table.foldedChunks + counts.committed
    let estimate = max(table.estimatedRows, rows)
    if table.state == .done || table.state == .dropped { return (100, estimate) }
    let byRows = estimate > 0 ? Double(rows) * 100 / Double(estimate) : 0
    let byChunks = planned > 0 ? Double(done) * 100 / Double(planned) : 0
    return (min(99.9, table.isPlanned && counts.planned > 1 ? max(byChunks, byRows * 0.99) : byRows), estimate)
  }

  private func status(of table: TableRecord, in state: PipelineState, counts: ChunkTotals) -> TableStatus {
    let rows = state.rows(of: table.id)
    let planned = table.foldedChunks + counts.planned
    let done = table.foldedChunks + counts.committed
    let isDone = table.state == .done || table.state == .dropped
    let (percent, estimate) = share(of: table, counts, rows: rows)
    let rate = rates[RateKey(state.record.name, .table(table.id))]?.perSecond ?? 0
    let eta: Double? = isDone ? 0 : rate > 0 ? Double(max(0, estimate - rows)) / rate : nil
    return TableStatus(
      table: shown(table.id.description), target: shown(table.targets.map(\.description).joined(separator: ",")),
      state: stateName(table, state), chunksDone: done, chunksPlanned: planned, planned: table.isPlanned || isDone,
      rows: rows, estimatedRows: table.estimatedRows, rowsPerSecond: isDone ? 0 : rate, percent: percent,
      etaSeconds: eta, schemaVersion: table.version)
  }

  private func stateName(_ table: TableRecord, _ state: PipelineState) -> String {
    switch table.state {
    case .creating: "creating"
    case .restarting: "restarting"
    case .dropped: "dropped"
    case .pruned: "pruned"
    case .joining: "joining"
    case .done: state.record.phase == .tail ? "tail" : "done"
    case .reading: state.totals[table.id]?.planned ?? 0 > 0 ? "reading" : "waiting"
    }
  }

  func tail(_ name: String) -> TailStatus? {
    guard let state = machine.pipelines[name] else { return nil }
    let tails = state.tails
    guard let first = tails.first else { return nil }
    let offsets = tails.compactMap { $0.progress?.offset ?? state.record.startOffset }
    let lowest = state.profile.flatMap { ClusterMachine.lowest(offsets, $0.hasPassed) } ?? first.progress?.offset
    let lives = tails.compactMap { state.live[$0.number] }
    let idle = lives.count == tails.count && lives.allSatisfy(\.isIdle)
    let last = lives.compactMap(\.lastEventMilliseconds).min()
    let lag: Int64? = idle ? 0 : last.map { max(0, wallMilliseconds - $0) }
    return TailStatus(
      offset: (lowest ?? state.record.startOffset)?.text ?? "", lagMilliseconds: lag, idle: idle,
      rows: state.tailRows, rowsPerSecond: rates[RateKey(name, .tail)]?.perSecond ?? 0,
      splits: tails.count, splitsWanted: machine.askedTails(state) > tails.count ? machine.askedTails(state) : nil,
      generation: state.generation)
  }

  func splits(_ name: String, table: String?, state wanted: String?) -> [SplitStatus] {
    guard let state = machine.pipelines[name] else { return [] }
    return state.splits.values.sorted { $0.number < $1.number }
      .filter { table == nil || $0.table?.description == table }
      .map { status(of: $0, in: state) }
      .filter { wanted == nil || $0.state == wanted }
  }

  private func status(of split: SplitRecord, in pipeline: PipelineState) -> SplitStatus {
    let live = pipeline.live[split.number]
    let isWaiting = split.state == .pending && pipeline.notBefore[split.number, default: 0] > now
    // A tail says nothing between its start and its first commit; its heartbeats show that it runs.
    let isAlive = split.state == .assigned && live != nil
    let state = split.state == .resolving ? .prepared : isAlive ? .running : split.state
    let range: String
    switch split.kind {
    case .snapshot(_, let chunk): range = shown(chunk.description)
    case .tail(let share): range = "share \(share) of \(pipeline.tailCount), set \(pipeline.generation)"
    }
    return SplitStatus(
      split: split.number, kind: split.table == nil ? "tail" : "snapshot",
      table: split.table.map { shown($0.description) },
      range: range, state: isWaiting ? "waiting" : state.rawValue,
      attempt: split.attempt, worker: split.worker.map { machine.workers[$0]?.name ?? $0 },
      rows: live?.rows ?? split.progress?.rows ?? 0, bytes: live?.bytes ?? split.progress?.bytes ?? 0,
      lowWatermark: (split.table == nil ? pipeline.record.startOffset : split.firstLow)?.text,
      highWatermark: split.progress?.offset.text,
      ageMilliseconds: max(0, now - (pipeline.since[split.number] ?? now)), error: split.lastError.map(shown))
  }

  func workers() -> [WorkerStatus] {
    machine.workers.sorted { $0.value.name < $1.value.name }.map { id, worker in
      var running: [String] = []
      for (name, state) in machine.pipelines {
        for split in state.heldSplits where split.worker == id {
          running.append("\(name)/\(split.number)#\(split.attempt)")
        }
      }
      return WorkerStatus(
        name: worker.name, id: id, state: worker.connection == nil ? "lost" : "connected", slots: worker.slots,
        running: running.sorted(), heartbeatAgeMilliseconds: max(0, now - worker.lastHeard))
    }
  }

  func schemas(_ name: String, table: String?) -> [SchemaStatus] {
    guard let state = machine.pipelines[name] else { return [] }
    return state.schemas.values.flatMap { $0 }
      .filter { table == nil || $0.table.description == table }
      .sorted { ($0.table, $0.version) < ($1.table, $1.version) }
      .map { record in
        SchemaStatus(
          table: shown(record.table.description), version: record.version, offset: record.offset?.text,
          changes: record.changes.map(\.tag),
          columns: record.schema.columns.map {
            .init(name: $0.name, type: $0.type.description, nativeType: $0.nativeType)
          }, primaryKey: record.schema.primaryKey)
      }
  }
}

extension PipelineState {
  /// Rows of a table that chunks have committed, and that running attempts have written.
  func rows(of table: TableID) -> Int {
    var rows = committedRows(of: table)
    // Of the open splits only those that run have live figures: few, however many there are.
    for (number, progress) in live {
      if let split = splits[number], split.state != .committed, split.table == table { rows += progress.rows }
    }
    return rows
  }

  /// Rows of a table that chunks have committed.
  func committedRows(of table: TableID) -> Int { (tables[table]?.foldedRows ?? 0) + (totals[table]?.rows ?? 0) }

  /// Rows that chunks of all tables have committed, and that running attempts have written.
  var snapshotRows: Int {
    committedSnapshotRows
      + live.reduce(0) { sum, item in
        guard let split = splits[item.key], split.state != .committed, split.table != nil else { return sum }
        return sum + item.value.rows
      }
  }

  /// So many tables, sorted by name: those being read, then those that are about to be, then the others.
  func tables(upTo limit: Int) -> [TableID] {
    var chosen: [TableID] = []
    let held = Set(heldSplits.compactMap(\.table))
    chosen += held.sorted().prefix(limit)
    for stage in [TableRecord.State.restarting, .joining, .creating, .reading, .done, .dropped, .pruned]
    where chosen.count < limit {
      chosen += tables(in: stage, upTo: limit - chosen.count, except: held)
    }
    return chosen
  }

  /// Rows that the tail has committed.
  var tailRows: Int { record.tailRows }
}
