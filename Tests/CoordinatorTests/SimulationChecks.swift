import Model
import Wire

@testable import Coordinator

/// What must hold at every moment, and at the end.
extension SimulationWorld {
  /// No two attempts at one split may believe at the same moment that they may write.
  func checkOwnership() {
    var owners: [Int: AttemptID] = [:]
    for worker in workers.values {
      for attempt in worker.attempts.values where attempt.believesInItself {
        if let other = owners.updateValue(attempt.id, forKey: attempt.id.split), other != attempt.id {
          violate("\(other) and \(attempt.id) may both write at the same moment")
        }
      }
    }
  }

  /// A split that nobody can take must not be handed around as fast as messages fly.
  func checkAssignment(_ message: Message) {
    guard case .assign(let assignment) = message else { return }
    let split = assignment.attempt.split
    let recent = coordinator.assigned[split, default: []].filter { $0 > now - 1_000 } + [now]
    coordinator.assigned[split] = recent
    if recent.count > 12 { violate("split \(split) was given away \(recent.count) times within a second") }
  }

  /// What is written down must be true of the sink.
  func check(_ record: JournalRecord) {
    switch record {
    case .putSplit(_, let split):
      guard let progress = split.progress, let offset = Int(progress.offset.text) else { return }
      guard let durable = sink.durableOffset(of: split.number) else {
        return violate("split \(split.number) is journaled at \(offset), but the sink has no commit of it")
      }
      if offset > durable {
        violate("split \(split.number) is journaled at \(offset), but the sink is at \(durable)")
      }
    case .putPipeline(let pipeline):
      if pipeline.tailRows < coordinator.tailRows {
        violate("tail rows fell from \(coordinator.tailRows) to \(pipeline.tailRows)")
      }
      coordinator.tailRows = pipeline.tailRows
    default: break
    }
  }

  /// The journal holds everything that the machine would need after a restart.
  func checkJournal() {
    guard let state = coordinator.machine?.pipelines["p"] else { return }
    let journal = coordinator.journal
    if journal.pipelines["p"] != state.record { violate("the journal's pipeline is not the machine's") }
    if journal.tables != state.tables { violate("the journal's tables are not the machine's") }
    if journal.splits != state.splits { violate("the journal's splits are not the machine's") }
    let folded = state.finished.values.flatMap(\.folded)
    if Set(journal.folded.values) != Set(folded) { violate("the journal's folded chunks are not the machine's") }
    if journal.sinkTables != state.sinkTables { violate("the journal's sink tables are not the machine's") }
    let schemas = Set(state.schemas.values.flatMap { $0 })
    if Set(journal.schemas.values) != schemas { violate("the journal's schemas are not the machine's") }
  }

  /// What is still missing for the end; nil when the pipeline has reached it.
  func unsettledReason() -> String? {
    guard let state = coordinator.machine?.pipelines["p"] else { return "there is no pipeline" }
    if let error = state.record.error { return "the pipeline failed: \(error)" }
    if plan.untilCaughtUp {
      return state.record.phase == .finished && state.unsettled.isEmpty
        ? nil : "the pipeline is in \(state.stateName), \(state.unsettled.count) splits are unsettled"
    }
    guard state.record.phase == .tail else { return "the pipeline is in \(state.stateName): \(describe(state))" }
    if state.isReadingTables || !state.unapplied.isEmpty { return "tables are on their way: \(describe(state))" }
    for id in source.tables.keys where state.tables[id]?.isCaptured != true { return "\(id) is not captured" }
    if state.tailCount != machineTails { return "the tail has \(state.tailCount) splits, not \(machineTails)" }
    for split in state.splits.values where split.table == nil {
      if split.progress?.offset != source.offset(source.end),
        source.end > Int(state.record.startOffset?.text ?? "") ?? 0
      {
        return "the tail is at \(split.progress?.offset.text ?? "its start") of \(source.end): \(describe(state))"
      }
    }
    return nil
  }

  private var machineTails: Int {
    guard let machine = coordinator.machine, let state = machine.pipelines["p"] else { return 0 }
    return machine.wantedTails(state)
  }

  private func describe(_ state: PipelineState) -> String {
    let splits = state.splits.values.sorted { $0.number < $1.number }.filter { $0.state != .committed }
    return splits.map { "\($0.number)#\($0.attempt) \($0.state) \($0.worker ?? "")" }.joined(separator: ", ")
      + "; jobs \(state.jobs.values.map { String(describing: $0).prefix(40) }); tables \(state.tables.values.map(\.state))"
  }

  func checkEnd() {
    guard let state = coordinator.machine?.pipelines["p"] else { return violate("there is no pipeline") }
    if plan.untilCaughtUp { return checkFinished(state) }
    for (id, table) in source.tables.sorted(by: { $0.key < $1.key }) {
      let target = TableID(schema: "sink", table: id.table)
      guard let copy = sink.tables[target] else {
        violate("sink table \(target) is missing")
        continue
      }
      if copy.schema != table.schema { violate("sink table \(target) is \(copy.schema), not \(table.schema)") }
      if state.tables[id].flatMap({ state.schema(id, version: $0.version)?.schema }) != table.schema {
        violate("the registry's newest schema of \(id) is not the source's")
      }
      checkRows(id, table, copy)
    }
    for (id, table) in state.tables where source.tables[id] == nil && table.state != .pruned {
      if sink.tables[TableID(schema: "sink", table: id.table)] != nil {
        violate("\(id) is gone, its sink table is not")
      }
    }
    checkCounters(state)
  }

  private func checkRows(_ id: TableID, _ table: SimulationSource.Table, _ copy: SimulationSink.Table) {
    for key in Set(table.rows.keys).union(copy.rows.keys).sorted() where table.rows[key] != copy.rows[key] {
      let source = table.rows[key].map { "\($0)" } ?? "no row"
      return violate(
        "\(id), key \(key): the source has \(source), the sink \(copy.rows[key].map { "\($0)" } ?? "no row")")
    }
  }

  private func checkFinished(_ state: PipelineState) {
    guard let end = state.record.endOffset.flatMap({ Int($0.text) }) else { return violate("no end offset") }
    for split in state.splits.values where split.table == nil {
      let offset = split.progress.flatMap { Int($0.offset.text) } ?? Int(state.record.startOffset?.text ?? "") ?? 0
      if offset < end { violate("tail split \(split.number) ended at \(offset), before \(end)") }
    }
    checkCounters(state)
  }

  private func checkCounters(_ state: PipelineState) {
    var snapshotRows = 0
    var tailRows = 0
    let tails = Set(state.tails.map(\.number)).union(coordinator.journal.formerTails)
    for (split, commits) in sink.commits {
      if tails.contains(split) {
        for attempt in Set(commits.map(\.attempt)) {
          tailRows += commits.filter { $0.attempt == attempt }.map(\.progress.rows).max() ?? 0
        }
      } else if !coordinator.journal.thrownAway.contains(split) {
        snapshotRows += commits.last?.progress.rows ?? 0
      }
    }
    let counted = state.tables.keys.reduce(0) { $0 + state.rows(of: $1) }
    if counted != snapshotRows { violate("\(counted) snapshot rows are counted, \(snapshotRows) were committed") }
    if state.record.tailRows != tailRows {
      violate("\(state.record.tailRows) tail rows are counted, \(tailRows) were committed")
    }
  }

  func short(_ record: JournalRecord) -> String {
    switch record {
    case .putSplit(_, let split):
      "split \(split.number)#\(split.attempt) \(split.state) \(split.worker ?? "-") "
        + "progress \(split.progress?.offset.text ?? "-") prepared \(split.committable?.sequence ?? 0)"
    case .putTable(_, let table): "table \(table.id) \(table.state) version \(table.version)"
    case .putSchema(_, let schema): "schema \(schema.table) version \(schema.version) applied \(schema.isApplied)"
    case .putPipeline(let pipeline): "pipeline \(pipeline.phase) \(pipeline.intent) error \(pipeline.error ?? "-")"
    default: String(describing: record).prefix(100).description
    }
  }
}
