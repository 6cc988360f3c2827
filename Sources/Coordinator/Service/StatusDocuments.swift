import Model
import Platform
import Wire

/// Makes the documents that operators see from the machine's state.
struct StatusDocuments {
  let machine: ClusterMachine
  let rates: [RateKey: RateMeter]
  let now: Int64
  let wallMilliseconds: Int64

  /// What a rate is of: a table, or (nil) the tail.
  struct RateKey: Hashable, Sendable {
    var pipeline: String
    var table: TableID?
  }

  /// What users named, in the form that may be shown: a name may hold what `${env:…}` resolved to. The documents' own
  /// words stay as they are, whatever a secret happens to be.
  private func shown(_ text: String) -> String { Secrets.redact(text) }

  func list() -> [PipelineSummary] { machine.pipelines.keys.sorted().compactMap { summary($0) } }

  func summary(_ name: String) -> PipelineSummary? {
    guard let state = machine.pipelines[name] else { return nil }
    let done = state.tables.values.count { $0.state == .done || $0.state == .dropped }
    return PipelineSummary(
      name: name, state: state.stateName, source: state.profile?.connectors.sourceType ?? "",
      sink: state.profile?.connectors.sinkType ?? "", tables: state.tables.count, tablesDone: done,
      snapshotRows: state.tables.keys.reduce(0) { $0 + state.rows(of: $1) }, tailRows: state.tailRows,
      snapshotParallelism: machine.snapshotParallelism(state),
      error: state.record.error.map(shown)
        ?? (state.profile == nil ? "the definition could not be read again: see the log" : nil))
  }

  func status(_ name: String) -> PipelineStatus? {
    guard let summary = summary(name) else { return nil }
    return PipelineStatus(pipeline: summary, tables: tables(name), tail: tail(name))
  }

  func tables(_ name: String) -> [TableStatus] {
    guard let state = machine.pipelines[name] else { return [] }
    return state.tables.values.sorted { $0.id < $1.id }.map { table in
      status(of: table, in: state, counts: state.totals[table.id] ?? ChunkTotals())
    }
  }

  private func status(of table: TableRecord, in state: PipelineState, counts: ChunkTotals) -> TableStatus {
    let rows = state.rows(of: table.id)
    let planned = table.foldedChunks + counts.planned
    let done = table.foldedChunks + counts.committed
    let isDone = table.state == .done || table.state == .dropped
    let estimate = max(table.estimatedRows, rows)
    let byRows = estimate > 0 ? Double(rows) * 100 / Double(estimate) : 0
    let byChunks = planned > 0 ? Double(done) * 100 / Double(planned) : 0
    let percent =
      isDone ? 100 : min(99.9, table.isPlanned && counts.planned > 1 ? max(byChunks, byRows * 0.99) : byRows)
    let rate = rates[RateKey(pipeline: state.record.name, table: table.id)]?.perSecond ?? 0
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
      rows: state.tailRows, rowsPerSecond: rates[RateKey(pipeline: name, table: nil)]?.perSecond ?? 0,
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
        for split in state.openSplits where split.isHeld && split.worker == id {
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
    var rows = (tables[table]?.foldedRows ?? 0) + (totals[table]?.rows ?? 0)
    // Of the open splits only those that run have live figures: few, however many there are.
    for (number, progress) in live {
      if let split = splits[number], split.state != .committed, split.table == table { rows += progress.rows }
    }
    return rows
  }

  /// Rows that the tail has committed.
  var tailRows: Int { record.tailRows }
}
