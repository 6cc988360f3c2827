import Connector
import Model
import Wire

/// Tables that begin to match the pipeline while it runs: found by asking the source now and then, or met in the log.
/// Both may meet the same table. One that was found is registered with the log's end at that time and read by chunks; what
/// the log tells of it before the tail has taken it in is passed over, since the tail then starts where it was registered.
extension ClusterMachine {
  /// Asks the source for new tables when it is time.
  mutating func findTables(_ name: String) {
    guard let state = pipelines[name], state.looksForTables, state.nextDiscovery <= now, state.jobs.isEmpty else {
      return
    }
    pipelines[name]?.nextDiscovery = now + settings.discovery
    startJob(name, .findTables)
  }

  mutating func foundTables(_ name: String, _ ids: [TableID]) {
    guard let state = pipelines[name], state.looksForTables else { return }
    let unknown = ids.filter { state.mayRegister($0) }
    guard !unknown.isEmpty else { return }
    if unknown.count > 100 { pipelines[name]?.nextDiscovery = now }
    startJob(name, .register(Array(unknown.prefix(100))))
  }

  /// New tables with their schemas as they were at `after`.
  mutating func registered(_ name: String, _ tables: [DiscoveredTable], _ after: Offset) {
    for found in tables {
      guard let state = pipelines[name], let profile = state.profile, state.looksForTables, state.mayRegister(found.id)
      else { continue }
      if let problem = profile.routeProblem(found.id) { return fail(name, problem) }
      var table = TableRecord(
        id: found.id, targets: profile.targets(found.id), chunkKey: found.chunkKey,
        estimatedRows: found.estimatedRows, version: 0)
      table.keepHistory(of: state.tables[found.id])
      table.state = .restarting
      // What was deleted while it was not captured is in the sink table yet.
      let hasStaleRows = state.tables[found.id]?.state == .pruned
      table.needsNewSinkTable = hasStaleRows ? true : table.needsNewSinkTable
      pipelines[name]?.add(table: table)
      note(.info, "table found", ["pipeline": name, "table": found.id.description])
      described(name, found.id, found, after, isNew: !hasStaleRows)
    }
  }

  /// Tables that the definition, which has changed, does not select any more.
  mutating func pruneTables(_ name: String) {
    guard let state = pipelines[name], let profile = state.profile, state.record.phase == .tail else { return }
    let pruned = state.tables.values.filter { $0.isCaptured && !profile.selects($0.id) }
    for table in pruned.sorted(by: { $0.id < $1.id }) {
      pipelines[name]?.change(table: table.id) {
        $0.state = .pruned
        $0.tailedSince = nil
      }
      for split in state.heldSplits where split.table == table.id {
        cancel(name, split, afterCommit: false)
      }
      note(.warning, "table is not captured any more", ["pipeline": name, "table": table.id.description])
    }
    // Tail splits that run have the tables yet.
    if !pruned.isEmpty { for split in state.tails where split.isHeld { cancel(name, split, afterCommit: true) } }
  }

  // MARK: - Tables that the log tells of

  /// A table that is created in the log, with all its rows to come from there.
  mutating func tableCreated(
    _ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival, _ schema: TableSchema
  ) {
    guard let state = pipelines[name], let profile = state.profile else { return }
    if let problem = profile.routeProblem(place.table) { return fail(name, problem) }
    var table = TableRecord(
      id: place.table, targets: profile.targets(place.table), chunkKey: schema.primaryKey, estimatedRows: 0, version: 0)
    table.keepHistory(of: state.tables[place.table])
    let dropsFirst = arrival.changes.contains { $0 == .dropTable || $0.tag == "replace.table" }
    guard let steps = stepsToCreate(name, table, schema, dropsFirst: dropsFirst) else { return }
    table.version += 1
    table.firstVersion = table.version
    foldChunks(name, of: place.table, into: &table)
    pipelines[name]?.add(table: table)
    pipelines[name]?.put(
      schema: SchemaRecord(
        table: place.table, version: table.version, offset: place.offset, changes: arrival.changes, schema: schema,
        sinkSteps: steps, isApplied: false))
    note(.info, "table created", ["pipeline": name, "table": place.table.description, "offset": place.offset.text])
  }

  /// Chunks of the table that had the name before count, and are no longer needed: the tail is past them.
  private mutating func foldChunks(_ name: String, of id: TableID, into table: inout TableRecord) {
    guard let sums = pipelines[name]?.removeChunks(of: id) else { return }
    table.foldedChunks += sums.chunks
    table.foldedRows += sums.rows
  }

  /// Another table has taken the name, with rows that the log does not tell: it is read by chunks while the tail goes
  /// on, and joins it later. Where the pipeline reads no chunks, or none of tables that it did not have before, it is
  /// captured from here on.
  mutating func tableReplaced(
    _ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival, _ schema: TableSchema
  ) {
    guard let state = pipelines[name], let profile = state.profile else { return }
    let isCaptured = state.tables[place.table]?.isCaptured ?? false
    // Without columns: no split has found the table, and the source is asked once more.
    if !schema.columns.isEmpty, !state.readsAnew(place.table) { return tableCreated(name, place, arrival, schema) }
    if profile.behavior == .exception, isCaptured {
      return fail(
        name,
        "schema.change.behavior is exception and another table has taken the name \(place.table) at \(place.offset)")
    }
    var table = TableRecord(
      id: place.table, targets: profile.targets(place.table), chunkKey: schema.primaryKey, estimatedRows: 0, version: 0)
    table.keepHistory(of: state.tables[place.table])
    table.version += 1
    readAnew(name, table)
    var record = SchemaRecord(
      table: place.table, version: table.version, offset: place.offset, changes: arrival.changes, schema: schema,
      sinkSteps: [], isApplied: true)
    record.leavesTail = true
    pipelines[name]?.put(schema: record)
    note(
      .warning, isCaptured ? "table is read again: another one has taken its name" : "table has come",
      ["pipeline": name, "table": place.table.description, "offset": place.offset.text])
    answerWaiting(name, record)
  }

  /// The table goes on under another name. The sink follows where it can; else the table under its new name is read by
  /// chunks, and the old one is treated as dropped.
  mutating func tableRenamed(
    _ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival, to successor: TableID
  ) {
    guard let state = pipelines[name], let profile = state.profile, let table = state.tables[place.table] else {
      return
    }
    let others = arrival.changes.filter { $0.tag != "rename.table" }
    if profile.behavior == .exception {
      return fail(name, "schema.change.behavior is exception and \(place.table) was renamed at \(place.offset)")
    }
    guard state.mayFollow(table, to: successor, profile) else {
      return renameAsDrop(name, place, arrival, successor)
    }
    var steps: [SinkStep] = []
    let target = table.targets[0]
    let derivation = SinkDerivation(behavior: profile.behavior, allows: profile.allows)
    if let sinkTable = state.sinkTables[target] {
      do {
        steps = try derivation.steps(for: others, of: target, current: sinkTable.schema)
      } catch {
        return fail(name, "\(error.reason) [table \(place.table)] [at \(place.offset)]")
      }
      let new = profile.targets(successor)[0]
      let resulting = steps.last?.resulting ?? sinkTable.schema
      if new != target { steps.append(SinkStep(table: target, change: .renameTable(to: new), resulting: resulting)) }
    }
    var record = SchemaRecord(
      table: place.table, version: table.version + 1, offset: place.offset, changes: arrival.changes,
      schema: arrival.schema, sinkSteps: steps, isApplied: false)
    record.successor = successor
    pipelines[name]?.put(schema: record)
    pipelines[name]?.change(table: place.table) { $0.version = record.version }
    note(
      .info, "table renamed",
      ["pipeline": name, "table": place.table.description, "to": successor.description, "offset": place.offset.text])
  }

  /// The old name leaves the tail; what stands under the new one is read by chunks, unless it is being read already.
  private mutating func renameAsDrop(
    _ name: String, _ place: PipelineState.ChangePlace, _ arrival: PipelineState.Arrival, _ successor: TableID
  ) {
    registerSuccessor(name, successor)
    var dropped = arrival
    dropped.changes = [.dropTable]
    pipelines[name]?.arrivals[place]?.changes = [.dropTable]
    tableChanged(name, place, dropped)
  }

  private mutating func registerSuccessor(_ name: String, _ successor: TableID) {
    guard let state = pipelines[name], let profile = state.profile, profile.startup.readsChunks,
      state.tables[successor]?.isCaptured != true
    else { return }
    var table = TableRecord(
      id: successor, targets: profile.targets(successor), chunkKey: [], estimatedRows: 0, version: 0)
    table.keepHistory(of: state.tables[successor])
    readAnew(name, table)
    note(.warning, "renamed table is read by chunks", ["pipeline": name, "table": successor.description])
  }

  /// The sink cannot rename the table: it is read anew under its new name.
  mutating func renameRefused(_ name: String, _ error: ConnectorError) -> Bool {
    guard let state = pipelines[name], let key = state.applying.first, state.applying.count == 1,
      var record = state.schema(key.table, version: key.version), let successor = record.successor
    else { return false }
    note(.warning, "the sink cannot rename a table", ["pipeline": name, "error": error.description])
    registerSuccessor(name, successor)
    record.successor = nil
    record.appliedSteps = nil
    record.changes = [.dropTable]
    record.sinkSteps = record.sinkSteps.prefix(1).map {
      SinkStep(table: $0.table, change: .dropTable, resulting: $0.resulting)
    }
    pipelines[name]?.put(schema: record)
    applySchemas(name, [record])
    return true
  }

  /// A change of the log is in force that brought a table, or gave it another name.
  mutating func finishArrivalOfTable(_ name: String, _ record: SchemaRecord) {
    guard let offset = record.offset, let state = pipelines[name], let table = state.tables[record.table] else {
      return
    }
    if table.state == .creating, table.version == record.version {
      pipelines[name]?.change(table: table.id) { $0.state = .done }
    }
    guard let successor = record.successor, let profile = state.profile else { return }
    var moved = TableRecord(
      id: successor, targets: profile.targets(successor), chunkKey: table.chunkKey, estimatedRows: table.estimatedRows,
      version: 0)
    moved.keepHistory(of: state.tables[successor])
    moved.version += 1
    moved.firstVersion = moved.version
    moved.state = .done
    pipelines[name]?.add(table: moved)
    pipelines[name]?.put(
      schema: SchemaRecord(
        table: successor, version: moved.version, offset: offset, changes: record.changes, schema: record.schema,
        sinkSteps: [], isApplied: true))
    pipelines[name]?.change(table: table.id) { $0.state = .dropped }
  }
}

extension PipelineState {
  /// Whether the source is asked for new tables.
  var looksForTables: Bool { profile?.newTables == .snapshotted && record.phase == .tail && isActive }

  /// Whether a table that exists is to be taken in: not while another one is on its way to that name, sink table and all.
  func mayRegister(_ id: TableID) -> Bool {
    if unapplied.contains(where: { schema($0.table, version: $0.version)?.successor == id }) { return false }
    return tables[id].map { !$0.isCaptured } ?? true
  }

  /// Whether the tail must do something about a change that one of its splits has come to. A table that is not captured
  /// concerns it when it comes; one that is read by chunks does not: the tail starts before its first chunk once it has
  /// been taken in.
  func concernsTail(_ place: ChangePlace, _ changes: [SchemaChange]) -> Bool {
    guard let table = tables[place.table] else {
      // Where new tables are not wanted, only a captured one that has moved to this name is told of in that way.
      if case .replaceTable? = changes.last { return true }
      return profile?.newTables != .ignored && changes.last?.brings == true
    }
    switch table.state {
    case .done: return true
    case .creating: return schemas[place.table]?.contains { $0.offset == place.offset } ?? false
    case .restarting, .reading, .joining: return false
    case .dropped: return changes.last?.brings == true
    case .pruned: return false
    }
  }

  /// Whether a table that comes with rows of its own is read by chunks; else it is captured from there on.
  func readsAnew(_ id: TableID) -> Bool {
    guard let profile, profile.startup.readsChunks else { return false }
    return tables[id] != nil || profile.newTables != .streamed
  }

  /// Whether such a table is read by chunks as soon as one tail split tells of it: none of them has rows of it, and the
  /// others need not meet it, since it may be gone when they ask the source.
  func isReadAnewAtOnce(_ id: TableID) -> Bool { readsAnew(id) && tables[id]?.isCaptured != true }

  /// Whether the sink can follow a table to another name: one sink table, for this table alone, and none there yet.
  func mayFollow(_ table: TableRecord, to successor: TableID, _ profile: PipelineProfile) -> Bool {
    let targets = profile.targets(successor)
    guard profile.routeProblem(successor) == nil, tables[successor]?.isCaptured != true,
      profile.behavior == .evolve || profile.behavior == .tryEvolve, profile.allows("rename.table"),
      table.targets.count == 1, targets.count == 1
    else { return false }
    if targets == table.targets { return true }
    return !isShared(table.targets[0], by: table.id) && !isAlive(targets[0])
  }

  /// Whether the sink table exists.
  func isAlive(_ target: TableID) -> Bool { sinkTables[target].map { $0.isGone != true } ?? false }

  /// What a tail split goes on with after a change; nil: the table is passed over from there.
  func adoptedBinding(_ record: SchemaRecord) -> TableBinding? {
    if record.leavesTail == true || record.changes.last == .dropTable { return nil }
    guard let successor = record.successor else { return binding(record.table, version: record.version) }
    guard let moved = schemas[successor]?.last(where: { $0.offset == record.offset }) else { return nil }
    return binding(successor, version: moved.version)
  }
}

extension TableRecord {
  /// Whether the pipeline has it, in the tail or on the way there.
  var isCaptured: Bool { state != .dropped && state != .pruned }

  /// Takes over what goes on counting when a name gets another table: versions are never used twice.
  mutating func keepHistory(of old: TableRecord?) {
    guard let old else { return }
    version = old.version
    foldedChunks = old.foldedChunks
    foldedRows = old.foldedRows
    needsNewSinkTable = old.needsNewSinkTable
    tailVersion = old.tailVersion
  }
}

extension SchemaChange {
  /// Whether there is a table afterwards that may not have been there before.
  var brings: Bool {
    switch self {
    case .createTable, .replaceTable: true
    default: false
    }
  }
}
