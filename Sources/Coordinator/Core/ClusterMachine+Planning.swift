import Connector
import Model

/// Discovery, lazy planning, and the passage from one phase to the next.
extension ClusterMachine {
  /// Starts whatever a pipeline needs next and is not under way.
  mutating func advance(_ name: String) {
    enforceGrace(name)
    resolveCommittables(name)
    dropIfAsked(name)
    switch activePhase(name) {
    case .planning: if let state = pipelines[name] { advancePlanning(name, state) }
    case .snapshot: advanceSnapshot(name)
    case .tail: advanceTail(name)
    case .finished, nil: break
    }
  }

  /// The phase of a pipeline that should be working at this moment.
  private func activePhase(_ name: String) -> PipelineRecord.Phase? {
    guard let state = pipelines[name], state.isActive, state.jobsNotBefore <= now else { return nil }
    return state.record.phase
  }

  /// A committable whose writer is gone: the sink knows what became of it.
  private mutating func resolveCommittables(_ name: String) {
    guard let state = pipelines[name], state.profile != nil, state.jobsNotBefore <= now else { return }
    for split in state.resolvingSplits {
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
    if !state.unapplied.isEmpty {
      let waiting = state.unapplied.compactMap { state.schema($0.table, version: $0.version) }
      return applySchemas(name, waiting.sorted { $0.table < $1.table })
    }
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
    advanceTables(name)
    planMore(name)
    guard let state = pipelines[name] else { return }
    let ended = state.tableCount(in: .done) + state.tableCount(in: .dropped) + state.tableCount(in: .pruned)
    if ended == state.tables.count { beginTail(name) }
  }

  /// Looks at the tables of which something has changed, and at those that wait for a job.
  private mutating func advanceTables(_ name: String) {
    guard let changed = pipelines[name]?.attention, let waiting = pipelines[name]?.tables(in: .restarting) else {
      return
    }
    pipelines[name]?.attention = []
    for id in changed.sorted() { completeTable(name, id) }
    for id in waiting { advanceRestart(name, id) }
  }

  /// A table whose last chunk is committed is complete.
  private mutating func completeTable(_ name: String, _ id: TableID) {
    guard let table = pipelines[name]?.tables[id], table.state == .reading, table.isPlanned,
      let totals = pipelines[name]?.totals[id], totals.planned == totals.committed
    else { return }
    let joins = pipelines[name]?.record.phase == .tail
    pipelines[name]?.change(table: id) { $0.state = joins ? .joining : .done }
    if joins, pipelines[name]?.joiningSince == nil { pipelines[name]?.joiningSince = now }
    foldChunks(name, of: id, atLeast: 1)
    note(.info, "table complete", ["pipeline": name, "table": id.description])
  }

  /// Keeps a few chunks ahead of the readers, and no more: the journal stays small and splits stay adjustable.
  /// Small tables have a chunk each: one job plans as many of them as it takes.
  private mutating func planMore(_ name: String) {
    guard let isIdle = pipelines[name]?.jobs.isEmpty, isIdle, let ahead = missingChunks(name) else { return }
    guard let ids = pipelines[name]?.nextToPlan(Self.tablesPerPlan), let state = pipelines[name], !ids.isEmpty else {
      return
    }
    var requests: [Job.PlanRequest] = []
    for id in ids {
      guard let table = state.tables[id], let schema = state.schema(id, version: table.firstVersion) else { continue }
      let discovered = DiscoveredTable(
        id: id, schema: schema.schema, chunkKey: table.chunkKey, estimatedRows: table.estimatedRows)
      requests.append(Job.PlanRequest(table: discovered, cursor: table.cursor))
    }
    startJob(name, .plan(requests, limit: ahead))
  }

  /// Tables that one job is asked to plan: those that are one chunk each cost it little.
  private static let tablesPerPlan = 200

  /// How many chunks are to be planned now; nil: none.
  private func missingChunks(_ name: String) -> Int? {
    guard let state = pipelines[name], state.hasTables(in: .reading) else { return nil }
    let ahead = max(16, 4 * min(snapshotParallelism(state), max(1, totalSlots)))
    return state.waitingChunkCount * 2 < ahead ? ahead : nil
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
    pipelines[name]?.change {
      $0.phase = .tail
      $0.generation = 0
      $0.listsChangedVersions = true
    }
    for id in state.tables(in: .done) {
      pipelines[name]?.change(table: id) {
        $0.tailedSince = 0
        $0.tailVersion = $0.firstVersion
      }
    }
    let count = max(1, min(askedTails(state), max(1, totalSlots)))
    for share in 0..<count { pipelines[name]?.addSplit(.tail(share: share), now: now) }
    note(.info, "tail begins", ["pipeline": name, "offset": state.record.startOffset?.text ?? ""])
  }

  private mutating func advanceTail(_ name: String) {
    openBarriers(name)
    advanceTables(name)
    planMore(name)
    findTables(name)
    advanceGeneration(name)
    guard let state = pipelines[name] else { return }
    if state.record.untilCaughtUp, state.record.endOffset == nil, state.jobs.isEmpty { startJob(name, .currentOffset) }
    let tails = state.tails
    if state.record.untilCaughtUp, state.record.endOffset != nil, !tails.isEmpty, !state.isReadingTables,
      tails.allSatisfy({ state.caughtUp.contains($0.number) })
    {
      pipelines[name]?.change { $0.phase = .finished }
      note(.info, "pipeline caught up", ["pipeline": name, "offset": state.record.endOffset?.text ?? ""])
      // A tail that waits at a schema change beyond the end comes to no commit: it is not waited for longer than that.
      pipelines[name]?.graceEnds = now + settings.grace
      cancelAll(name, afterCommit: true)
    }
  }
}
