import Connector
import Model

/// Results of jobs.
extension ClusterMachine {
  mutating func jobEnded(_ id: JobID, _ result: JobResult) {
    guard let name = pipelines.first(where: { $0.value.jobs[id] != nil })?.key,
      let kind = pipelines[name]?.jobs.removeValue(forKey: id)
    else { return }
    if case .failed(let error) = result { return jobFailed(name, kind, error) }
    pipelines[name]?.jobFailures = 0
    switch (kind, result) {
    case (.discover, .discovered(let tables, let before, let after)): discovered(name, tables, before, after)
    case (.applySchema(let steps), .schemaApplied): stepsApplied(name, count: steps.count)
    case (.plan(let requests, _), .planned(let plans)):
      for (request, plan) in zip(requests, plans) { planned(name, request.table, request.cursor, plan) }
    case (.describe(let table), .described(let found, let after)): described(name, table, found, after)
    case (.findTables, .found(let tables)): foundTables(name, tables)
    case (.register, .registered(let tables, let after)): registered(name, tables, after)
    case (.currentOffset, .offset(let offset)): endKnown(name, offset)
    case (.resolve(let committable), .resolved(let outcome)): resolved(name, committable, outcome)
    default: fail(name, "a job ended with a result of another kind: this is a defect of Tidegate")
    }
  }

  private mutating func jobFailed(_ name: String, _ kind: Job.Kind, _ error: ConnectorError) {
    if kind.isDiscovery {
      // What is captured already goes on, whatever keeps new tables from being found.
      if error.kind != .cancelled {
        note(.warning, "no search for new tables", ["pipeline": name, "error": error.description])
      }
      return
    }
    if case .plan(let requests, _) = kind, error.kind == .schemaMismatch, let table = error.table,
      requests.contains(where: { $0.table.id == table })
    {
      // It was dropped, or altered, before it was planned: the others' chunks do not wait for what becomes of it.
      schemaMismatched(name, table, error)
      pipelines[name]?.jobsNotBefore = now + settings.retryPause
      return
    }
    if case .applySchema = kind {
      if error.kind == .unsupported, renameRefused(name, error) { return }
      if error.kind == .unsupported, pipelines[name]?.maySkipSteps == true { return skipStep(name, error) }
      pipelines[name]?.applying = []
    }
    // A committable is looked into even while the pipeline has failed or stands still: every failure needs its pause.
    pipelines[name]?.jobFailures += 1
    let failures = pipelines[name]?.jobFailures ?? 1
    let due = now + pause(afterFailures: failures)
    pipelines[name]?.jobsNotBefore = due
    guard error.policy == .retry else {
      if error.kind != .cancelled { fail(name, error.description) }
      return
    }
    note(.warning, "job failed", ["pipeline": name, "error": error.description, "failures": String(failures)])
    if failures >= settings.retryLimit { fail(name, "failed \(failures) times in a row; the last time: \(error)") }
  }

  private mutating func discovered(_ name: String, _ tables: [DiscoveredTable], _ before: Offset, _ after: Offset) {
    guard let profile = pipelines[name]?.profile, pipelines[name]?.tables.isEmpty == true else { return }
    var planned: [TableID: TableSchema] = [:]
    for table in tables {
      if let problem = profile.routeProblem(table.id) { return fail(name, problem) }
      let targets = profile.targets(table.id)
      var record = TableRecord(
        id: table.id, targets: targets, chunkKey: table.chunkKey, estimatedRows: table.estimatedRows, version: 1)
      record.registeredAt = profile.startup.readsChunks ? after : nil
      pipelines[name]?.add(table: record)
      var steps: [SinkStep] = []
      for target in targets {
        if let other = planned[target] {
          guard other.isMergeable(with: table.schema) else {
            return fail(
              name, "tables with different columns are routed to sink table \(target); \(table.id) is one of them")
          }
        } else {
          planned[target] = table.schema
          steps.append(SinkStep(table: target, change: .createTable(table.schema), resulting: table.schema))
        }
      }
      pipelines[name]?.put(
        schema: SchemaRecord(
          table: table.id, version: 1, offset: nil, changes: [], schema: table.schema, sinkSteps: steps,
          isApplied: false))
    }
    pipelines[name]?.change { $0.startOffset = before }
    note(.info, "tables discovered", ["pipeline": name, "tables": String(tables.count), "offset": before.text])
  }

  /// Where a pipeline ends that runs until it has caught up; tails that run already are told.
  private mutating func endKnown(_ name: String, _ offset: Offset) {
    pipelines[name]?.change { $0.endOffset = offset }
    for split in pipelines[name]?.tails.filter(\.isHeld) ?? [] { order(name, split, .notifyAt(offset)) }
  }

  private mutating func planned(_ name: String, _ table: DiscoveredTable, _ cursor: String?, _ plan: ChunkPlan) {
    // The table may have been restarted meanwhile: then this plan is of its former self.
    guard let record = pipelines[name]?.tables[table.id], record.state == .reading, record.cursor == cursor,
      !record.isPlanned
    else { return }
    for range in plan.chunks { pipelines[name]?.addSplit(.snapshot(table: table.id, range: range), now: now) }
    pipelines[name]?.change(table: table.id) {
      $0.cursor = plan.cursor
      $0.isPlanned = plan.cursor == nil
    }
  }

  private mutating func resolved(_ name: String, _ committable: Committable, _ outcome: CommitOutcome) {
    let number = committable.attempt.split
    guard let split = pipelines[name]?.splits[number], split.state == .resolving, split.committable == committable
    else { return }
    note(
      .info, "committable resolved",
      ["attempt": committable.attempt.description, "outcome": outcome == .committed ? "committed" : "lost"])
    if outcome == .committed {
      committed(name, number, sequence: committable.sequence, committable.progress)
      if split.table != nil { return }
    }
    pipelines[name]?.change(split: number, now: now) {
      $0.state = .pending
      $0.committable = nil
    }
  }
}

extension Job.Kind {
  /// Whether it looks for tables that began to match.
  fileprivate var isDiscovery: Bool {
    switch self {
    case .findTables, .register: true
    case .discover, .applySchema, .plan, .describe, .currentOffset, .resolve: false
    }
  }
}

extension SourceStartup {
  /// Whether the pipeline reads chunks.
  var readsChunks: Bool { self == .initial || self == .snapshotOnly }
}

extension TableSchema {
  /// Whether rows of both fit one sink table: the same columns by name and type, and the same key.
  func isMergeable(with other: TableSchema) -> Bool {
    columns.map(\.name) == other.columns.map(\.name) && columns.map(\.type) == other.columns.map(\.type)
      && primaryKey == other.primaryKey
  }
}
