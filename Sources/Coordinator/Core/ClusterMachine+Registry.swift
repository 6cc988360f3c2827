import Connector
import Model
import Wire

/// The schema registry: versions, the barrier, and tables whose schema changes while chunks are read.
extension ClusterMachine {
  /// A tail split has come to a schema change with everything before it committed, and waits.
  mutating func arrived(
    _ name: String, _ split: SplitRecord, at place: PipelineState.ChangePlace, _ changes: [SchemaChange],
    _ schema: TableSchema
  ) {
    guard let state = pipelines[name] else { return }
    if state.isBehind(place) {
      return order(name, split, .adopt(table: place.table, offset: place.offset, binding: nil))
    }
    if let known = state.schemas[place.table]?.first(where: { $0.offset == place.offset }), known.isApplied {
      return adopt(name, split, known)
    }
    guard state.concernsTail(place, changes) else {
      if changes.last?.brings == true { pipelines[name]?.reappeared.insert(place.table) }
      return order(name, split, .adopt(table: place.table, offset: place.offset, binding: nil))
    }
    var arrival =
      state.arrivals[place] ?? PipelineState.Arrival(splits: [], waiting: [:], changes: changes, schema: schema)
    // One split has found no such table any more, another one has.
    if arrival.schema.columns.isEmpty { (arrival.changes, arrival.schema) = (changes, schema) }
    arrival.splits.insert(split.number)
    arrival.waiting[split.number] = split.attempt
    pipelines[name]?.arrivals[place] = arrival
    if case .replaceTable(let schema)? = arrival.changes.last, state.isReadAnewAtOnce(place.table) {
      tableReplaced(name, place, arrival, schema)
    }
  }

  /// A tail split that has gone beyond a place where others wait has taken the statement for nothing: it will never come
  /// there, and the rows that it has written since are of another schema than the others'.
  mutating func checkPassing(_ name: String, _ number: Int, _ offset: Offset) {
    guard let state = pipelines[name], let profile = state.profile, !state.arrivals.isEmpty else { return }
    for (place, arrival) in state.arrivals where !arrival.splits.contains(number) && !arrival.waiting.isEmpty {
      // A table that was unselected meanwhile concerns nobody any more.
      guard state.concernsTail(place, arrival.changes) else { continue }
      guard profile.hasPassed(offset, place.offset) == true, profile.hasPassed(place.offset, offset) == false else {
        continue
      }
      return fail(
        name,
        "tail split \(number) has gone beyond a schema change of \(place.table) at \(place.offset) that another tail "
          + "split has stopped at: they have judged one statement differently, which is a defect of Tidegate — submit "
          + "the pipeline anew, with tail.parallelism: 1, so that the table is read again")
    }
  }

  /// Where every tail split has arrived, the new version is journaled; then the sink follows it. One at a time.
  mutating func openBarriers(_ name: String) {
    guard let state = pipelines[name] else { return }
    let tails = Set(state.tails.map(\.number))
    for (place, arrival) in state.arrivals.sorted(by: {
      ($0.key.table, $0.key.offset.text) < ($1.key.table, $1.key.offset.text)
    })
    where tails.isSubset(of: arrival.splits) {
      guard state.schemas[place.table]?.contains(where: { $0.offset == place.offset }) != true else { continue }
      addVersion(name, place, arrival)
    }
    guard let updated = pipelines[name], updated.isActive, updated.applying.isEmpty else { return }
    let waiting = updated.unapplied.min { ($0.table, $0.version) < ($1.table, $1.version) }
    if let waiting = waiting.flatMap({ updated.schema($0.table, version: $0.version) }) {
      applySchemas(name, [waiting])
    }
  }

  private mutating func addVersion(_ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival)
  {
    if case .replaceTable(let schema)? = arrival.changes.last { return tableReplaced(name, place, arrival, schema) }
    if case .createTable(let schema)? = arrival.changes.last { return tableCreated(name, place, arrival, schema) }
    for case .renameTable(let successor) in arrival.changes {
      return tableRenamed(name, place, arrival, to: successor)
    }
    tableChanged(name, place, arrival)
  }

  mutating func tableChanged(
    _ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival
  ) {
    guard let state = pipelines[name], let table = state.tables[place.table], let profile = state.profile else {
      return
    }
    let derivation = SinkDerivation(behavior: profile.behavior, allows: profile.allows)
    var steps: [SinkStep] = []
    for target in table.targets {
      guard let sinkTable = state.sinkTables[target] else { continue }
      do {
        let derived = try derivation.steps(for: arrival.changes, of: target, current: sinkTable.schema)
        if !state.permits(derived, on: target, from: place.table) {
          return fail(
            name,
            "\(place.table) changed at \(place.offset), and sink table \(target), which it shares with other source "
              + "tables, cannot follow: only added columns can — change all source tables, then submit again")
        }
        steps += derived
      } catch {
        return fail(name, "\(error.reason) [table \(place.table)] [at \(place.offset)]")
      }
    }
    let record = SchemaRecord(
      table: place.table, version: table.version + 1, offset: place.offset, changes: arrival.changes,
      schema: arrival.schema, sinkSteps: steps, isApplied: false)
    pipelines[name]?.put(schema: record)
    pipelines[name]?.change(table: place.table) { $0.version = record.version }
    let tags = arrival.changes.map(\.tag).joined(separator: ",")
    note(.info, "schema change", ["pipeline": name, "table": place.table.description, "changes": tags])
  }

  /// Starts the job that makes the sink follow; at once done where the sink has nothing to do.
  mutating func applySchemas(_ name: String, _ records: [SchemaRecord]) {
    pipelines[name]?.applying = records.map { .init(table: $0.table, version: $0.version) }
    pipelines[name]?.appliedSteps = records.count == 1 ? records[0].appliedSteps ?? 0 : 0
    applyNextSteps(name)
  }

  /// A job may be done again, in part or as a whole, by a coordinator that has not lived to journal its end. So it has no
  /// two steps of which the second takes away what the first one finds. Where a step may be skipped, each is a job of its
  /// own: only so is it known which one the sink cannot do.
  private mutating func applyNextSteps(_ name: String) {
    guard let state = pipelines[name] else { return }
    let left = state.stepsToApply.dropFirst(state.appliedSteps)
    if left.isEmpty { return schemasApplied(name) }
    startJob(name, .applySchema(state.maySkipSteps ? Array(left.prefix(1)) : Self.repeatable(left)))
  }

  /// The first steps, up to one that builds on another of them. To drop a table and make it can be done again.
  private static func repeatable(_ steps: ArraySlice<SinkStep>) -> [SinkStep] {
    var changed: Set<TableID> = []
    let end = steps.firstIndex { step in
      if changed.contains(step.table) { return true }
      if step.change != .dropTable { changed.insert(step.table) }
      return false
    }
    return Array(steps[..<(end ?? steps.endIndex)])
  }

  mutating func stepsApplied(_ name: String, count: Int) {
    guard let state = pipelines[name] else { return }
    let done = state.appliedSteps + count
    pipelines[name]?.appliedSteps = done
    if state.applying.count == 1, done < state.stepsToApply.count, let key = state.applying.first,
      var record = state.schema(key.table, version: key.version)
    {
      record.appliedSteps = done
      pipelines[name]?.put(schema: record)
    }
    applyNextSteps(name)
  }

  /// The sink has followed: the version is in force and whoever waits goes on under it.
  private mutating func schemasApplied(_ name: String) {
    let keys = pipelines[name]?.applying ?? []
    pipelines[name]?.applying = []
    for key in keys {
      guard var record = pipelines[name]?.schema(key.table, version: key.version) else { continue }
      for step in record.sinkSteps { noteApplied(name, step) }
      record.isApplied = true
      // Done, and nobody's business any more: of thousands of tables they would be most of the journal.
      record.sinkSteps = []
      pipelines[name]?.put(schema: record)
      if record.changes.last == .dropTable { pipelines[name]?.change(table: key.table) { $0.state = .dropped } }
      finishArrivalOfTable(name, record)
      finishRestart(name, record)
      answerWaiting(name, record)
    }
  }

  /// `try_evolve`: the sink cannot do this step; its table stays as it is, and rows are fitted to it. Steps that build
  /// on the skipped one go with it.
  mutating func skipStep(_ name: String, _ error: ConnectorError) {
    guard let state = pipelines[name], let key = state.applying.first,
      var record = state.schema(key.table, version: key.version), state.appliedSteps < record.sinkSteps.count
    else { return }
    note(.warning, "schema change skipped: the sink cannot do it", ["pipeline": name, "error": error.description])
    let skipped = record.sinkSteps[state.appliedSteps]
    let done = record.sinkSteps.prefix(state.appliedSteps)
    var schema = done.last { $0.table == skipped.table }?.resulting ?? state.sinkTables[skipped.table]?.schema
    var left: [SinkStep] = []
    for var step in record.sinkSteps.dropFirst(state.appliedSteps + 1) {
      if step.table == skipped.table {
        guard let resulting = try? schema?.applying(step.change) else { continue }
        schema = resulting
        step.resulting = resulting
      }
      left.append(step)
    }
    record.sinkSteps = done + left
    pipelines[name]?.put(schema: record)
    applyNextSteps(name)
  }

  mutating func answerWaiting(_ name: String, _ record: SchemaRecord) {
    guard let offset = record.offset,
      let arrival = pipelines[name]?.arrivals.removeValue(forKey: .init(table: record.table, offset: offset))
    else { return }
    for (number, attempt) in arrival.waiting.sorted(by: { $0.key < $1.key }) {
      guard let split = pipelines[name]?.splits[number], split.attempt == attempt, split.isHeld else { continue }
      adopt(name, split, record)
    }
  }

  private mutating func adopt(_ name: String, _ split: SplitRecord, _ record: SchemaRecord) {
    guard let offset = record.offset else { return }
    let binding = pipelines[name]?.adoptedBinding(record)
    order(name, split, .adopt(table: record.table, offset: offset, binding: binding))
  }
}

extension PipelineState {
  /// The steps of the versions that the sink is being made to follow, in order.
  var stepsToApply: [SinkStep] { applying.flatMap { schema($0.table, version: $0.version)?.sinkSteps ?? [] } }

  /// Whether the pipeline goes on without a step that the sink cannot do: a change of the log, under `try_evolve`.
  /// Without a table that must be created it cannot.
  var maySkipSteps: Bool {
    guard profile?.behavior == .tryEvolve, applying.count == 1, let key = applying.first else { return false }
    return schema(key.table, version: key.version)?.offset != nil
  }

  /// Whether rows of other source tables go to the sink table too.
  func isShared(_ target: TableID, by table: TableID) -> Bool {
    sharers[target].map { $0.contains { $0 != table } } ?? false
  }

  /// A sink table that several source tables share can only grow: the others' rows must go on fitting it.
  func permits(_ steps: [SinkStep], on target: TableID, from table: TableID) -> Bool {
    guard isShared(target, by: table) else { return true }
    return steps.allSatisfy { step in
      if case .addColumns = step.change { return true }
      return false
    }
  }
}
