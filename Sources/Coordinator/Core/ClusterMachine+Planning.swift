import Connector
import Model

/// Discovery, lazy planning, and the passage from one phase to the next.
extension ClusterMachine {
  /// Starts whatever a pipeline needs next and is not under way.
  mutating func advance(_ name: String) {
    enforceGrace(name)
    resolveCommittables(name)
    dropIfAsked(name)
    guard let state = pipelines[name], state.isActive, state.jobsNotBefore <= now else { return }
    switch state.record.phase {
    case .planning: advancePlanning(name, state)
    case .snapshot: advanceSnapshot(name)
    case .tail: advanceTail(name)
    case .finished: break
    }
  }

  /// A committable whose writer is gone: the sink knows what became of it.
  private mutating func resolveCommittables(_ name: String) {
    guard let state = pipelines[name], state.profile != nil, state.jobsNotBefore <= now else { return }
    for split in state.openSplits where split.state == .resolving {
      guard let committable = split.committable else {
        pipelines[name]?.change(split: split.number, now: now) { $0.state = .pending }
        continue
      }
      if !state.hasJob(where: { $0 == .resolve(committable) }) { startJob(name, .resolve(committable)) }
    }
  }

  private mutating func advancePlanning(_ name: String, _ state: PipelineState) {
    guard state.jobs.isEmpty else { return }
    if state.tables.isEmpty { return startJob(name, .discover) }
    let waiting = state.schemas.values.flatMap { $0 }.filter { !$0.isApplied }
    if !waiting.isEmpty { return applySchemas(name, waiting.sorted { $0.table < $1.table }) }
    switch state.profile?.startup {
    case .initial, .snapshotOnly:
      for id in state.tables.keys { pipelines[name]?.change(table: id) { $0.state = .reading } }
      pipelines[name]?.change { $0.phase = .snapshot }
      note(.info, "snapshot begins", ["pipeline": name, "tables": String(state.tables.count)])
      advanceSnapshot(name)
    case .latestOffset, .specificOffset, .earliestOffset, .timestamp:
      for id in state.tables.keys { pipelines[name]?.change(table: id) { $0.state = .done } }
      beginTail(name)
    case nil: break
    }
  }

  private mutating func advanceSnapshot(_ name: String) {
    guard let ids = pipelines[name]?.tables.keys.sorted() else { return }
    for id in ids { advanceTable(name, id) }
    planMore(name)
    guard let state = pipelines[name] else { return }
    if state.tables.values.allSatisfy({ $0.state == .done || $0.state == .dropped }) { beginTail(name) }
  }

  private mutating func advanceTable(_ name: String, _ id: TableID) {
    guard let state = pipelines[name], let table = state.tables[id],
      table.state == .restarting || (table.state == .reading && table.isPlanned)
    else { return }
    let own = state.openSplits.filter { $0.table == id }
    if table.state == .reading, own.allSatisfy({ $0.state == .committed }) {
      pipelines[name]?.change(table: id) { $0.state = .done }
      note(.info, "table complete", ["pipeline": name, "table": id.description])
    }
    if table.state == .restarting, !own.contains(where: { $0.isHeld || $0.state == .resolving }) {
      advanceRestart(name, id)
    }
  }

  /// Keeps a few chunks ahead of the readers, and no more: the journal stays small and splits stay adjustable.
  private mutating func planMore(_ name: String) {
    guard let state = pipelines[name], state.jobs.isEmpty else { return }
    let pending = state.openSplits.count { $0.state == .pending }
    let ahead = max(4, 2 * min(snapshotParallelism(state), max(1, totalSlots)))
    guard pending < ahead else { return }
    guard
      let table = state.tables.values.filter({ $0.state == .reading && !$0.isPlanned }).min(by: { $0.id < $1.id }),
      let schema = state.schema(table.id, version: table.firstVersion)
    else { return }
    let discovered = DiscoveredTable(
      id: table.id, schema: schema.schema, chunkKey: table.chunkKey, estimatedRows: table.estimatedRows)
    startJob(name, .plan(discovered, cursor: table.cursor, limit: ahead))
  }

  /// All chunks are committed (or none were wanted): the pipeline ends, or its tail begins.
  mutating func beginTail(_ name: String) {
    guard let state = pipelines[name], let profile = state.profile else { return }
    if profile.startup == .snapshotOnly {
      pipelines[name]?.change { $0.phase = .finished }
      note(.info, "pipeline finished", ["pipeline": name])
      return
    }
    if state.record.untilCaughtUp, state.record.endOffset == nil {
      if state.jobs.isEmpty { startJob(name, .currentOffset) }
      return
    }
    pipelines[name]?.change { $0.phase = .tail }
    for share in 0..<profile.tailCount { pipelines[name]?.addSplit(.tail(share: share), now: now) }
    note(.info, "tail begins", ["pipeline": name, "offset": state.record.startOffset?.text ?? ""])
  }

  private mutating func advanceTail(_ name: String) {
    openBarriers(name)
    guard let state = pipelines[name] else { return }
    if state.record.untilCaughtUp, state.record.endOffset == nil, state.jobs.isEmpty { startJob(name, .currentOffset) }
    let tails = state.openSplits.filter { $0.table == nil }
    if !tails.isEmpty, tails.allSatisfy({ state.pastWatermarks.contains($0.number) }) { foldChunks(name) }
    if state.record.untilCaughtUp, state.record.endOffset != nil, !tails.isEmpty,
      tails.allSatisfy({ state.caughtUp.contains($0.number) })
    {
      pipelines[name]?.change { $0.phase = .finished }
      note(.info, "pipeline caught up", ["pipeline": name, "offset": state.record.endOffset?.text ?? ""])
      // A tail that waits at a schema change beyond the end comes to no commit: it is not waited for longer than that.
      pipelines[name]?.graceEnds = now + settings.grace
      cancelAll(name, afterCommit: true)
    }
  }

  /// The tail has passed every watermark: finished chunks become two numbers of their table.
  private mutating func foldChunks(_ name: String) {
    guard let state = pipelines[name], state.splits.count > state.openSplits.count else { return }
    let splits = state.splits.values.sorted { $0.number < $1.number }
    for split in splits where split.state == .committed {
      guard let table = split.table else { continue }
      pipelines[name]?.change(table: table) {
        $0.foldedChunks += 1
        $0.foldedRows += split.progress?.rows ?? 0
      }
      pipelines[name]?.removeSplit(split.number)
    }
  }
}
