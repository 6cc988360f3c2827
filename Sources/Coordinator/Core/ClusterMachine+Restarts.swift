import Connector
import Model

/// Tables that are read again from their beginning: their schema changed while chunks were read, or another table has
/// taken their name. New tables go the same way.
extension ClusterMachine {
  /// A reader found the table otherwise than registered. Chunks that are read already are of the old shape, and what
  /// was renamed cannot be told from what was dropped and added: the table is read again from its beginning.
  mutating func schemaMismatched(_ name: String, _ id: TableID, _ error: ConnectorError) {
    guard let state = pipelines[name], state.tables[id]?.state == .reading else { return }
    pipelines[name]?.change(table: id) { $0.state = .restarting }
    note(.warning, "table restarts: its schema has changed", ["pipeline": name, "table": id.description])
    for split in state.heldSplits where split.table == id {
      cancel(name, split, afterCommit: false)
    }
  }

  /// No attempt is left at the table: its schema is read again.
  mutating func advanceRestart(_ name: String, _ id: TableID) {
    guard let state = pipelines[name], state.jobs.isEmpty, state.applying.isEmpty,
      state.tables[id]?.state == .restarting,
      !state.unsettled.contains(where: { $0.table == id })
    else { return }
    if let record = state.tables[id].flatMap({ state.schema(id, version: $0.version) }), !record.isApplied {
      return applySchemas(name, [record])
    }
    pipelines[name]?.reappeared.remove(id)
    startJob(name, .describe(id))
  }

  mutating func described(
    _ name: String, _ id: TableID, _ found: DiscoveredTable?, _ after: Offset, isNew: Bool = false
  ) {
    guard let state = pipelines[name], let table = state.tables[id], table.state == .restarting else { return }
    guard let found else {
      // It was not there when the source was asked, and may be by now.
      return state.reappeared.contains(id) ? () : droppedWhileRead(name, table)
    }
    if table.needsNewSinkTable != true, state.schema(id, version: table.firstVersion)?.schema == found.schema {
      pipelines[name]?.change(table: id) { $0.state = .reading }
      return
    }
    if !isNew, state.hasBeenCaptured(id), table.targets.contains(where: { state.isShared($0, by: id) }) {
      return fail(
        name,
        "\(id) must be read again from its beginning, and other tables share its sink table — submit again")
    }
    // What was read is of a table that is not what it was.
    _ = pipelines[name]?.removeChunks(of: id)
    guard let steps = stepsToCreate(name, table, found.schema, dropsFirst: !isNew) else { return }
    pipelines[name]?.put(
      schema: SchemaRecord(
        table: id, version: table.version + 1, offset: nil, changes: [], schema: found.schema, sinkSteps: steps,
        isApplied: false))
    pipelines[name]?.change(table: id) {
      $0.version += 1
      $0.chunkKey = found.chunkKey
      $0.estimatedRows = found.estimatedRows
      $0.registeredAt = after
      $0.cursor = nil
      $0.isPlanned = false
    }
  }

  mutating func finishRestart(_ name: String, _ record: SchemaRecord) {
    guard let table = pipelines[name]?.tables[record.table], table.state == .restarting,
      record.version == table.version, record.offset == nil
    else { return }
    pipelines[name]?.change(table: record.table) {
      $0.state = .reading
      $0.firstVersion = record.version
      $0.needsNewSinkTable = nil
    }
  }

  /// A table is to be read from its beginning, as it is now, into a sink table of its own.
  mutating func readAnew(_ name: String, _ table: TableRecord) {
    guard let state = pipelines[name] else { return }
    var table = table
    table.state = .restarting
    table.tailedSince = nil
    table.registeredAt = nil
    table.needsNewSinkTable = true
    pipelines[name]?.add(table: table)
    for split in state.heldSplits where split.table == table.id {
      cancel(name, split, afterCommit: false)
    }
  }

  /// What the sink must do so that the table's rows can be written: its sink tables are created, those that there are
  /// already are dropped first or widened. Nil when the pipeline has failed.
  mutating func stepsToCreate(
    _ name: String, _ table: TableRecord, _ schema: TableSchema, dropsFirst: Bool
  ) -> [SinkStep]? {
    guard let state = pipelines[name], let profile = state.profile else { return nil }
    let derivation = SinkDerivation(behavior: profile.behavior, allows: profile.allows)
    var steps: [SinkStep] = []
    for target in table.targets {
      guard let current = state.sinkTables[target], current.isGone != true else {
        steps.append(SinkStep(table: target, change: .createTable(schema), resulting: schema))
        continue
      }
      let isShared = state.isShared(target, by: table.id)
      if dropsFirst, !isShared, profile.behavior != .ignore {
        steps.append(SinkStep(table: target, change: .dropTable, resulting: schema))
        steps.append(SinkStep(table: target, change: .createTable(schema), resulting: schema))
        continue
      }
      do {
        let derived = try derivation.steps(toFit: schema, target, current: current.schema)
        guard state.permits(derived, on: target, from: table.id) else {
          fail(name, "\(table.id) does not fit sink table \(target), which it shares with other source tables")
          return nil
        }
        steps += derived
      } catch {
        fail(name, "\(error.reason) [table \(table.id)]")
        return nil
      }
    }
    return steps
  }

  /// A table is gone before the tail has had it: the sink's goes as the pipeline's behavior wants.
  private mutating func droppedWhileRead(_ name: String, _ table: TableRecord) {
    guard let state = pipelines[name], let profile = state.profile else { return }
    _ = pipelines[name]?.removeChunks(of: table.id)
    note(.warning, "table was dropped while it was read", ["pipeline": name, "table": table.id.description])
    let derivation = SinkDerivation(behavior: profile.behavior, allows: profile.allows)
    var steps: [SinkStep] = []
    for target in table.targets where state.isAlive(target) && !state.isShared(target, by: table.id) {
      guard let current = state.sinkTables[target] else { continue }
      do {
        steps += try derivation.steps(for: [.dropTable], of: target, current: current.schema)
      } catch {
        return fail(name, "\(error.reason) [table \(table.id)]")
      }
    }
    let last = state.schemas[table.id]?.last?.schema ?? TableSchema(columns: [], primaryKey: [])
    pipelines[name]?.put(
      schema: SchemaRecord(
        table: table.id, version: table.version + 1, offset: nil, changes: [.dropTable], schema: last,
        sinkSteps: steps, isApplied: false))
    pipelines[name]?.change(table: table.id) { $0.version += 1 }
  }

  /// A step has been carried out.
  mutating func noteApplied(_ name: String, _ step: SinkStep) {
    var record = SinkTableRecord(id: step.table, schema: step.resulting)
    switch step.change {
    case .dropTable: record.isGone = true
    case .renameTable(let new):
      record.isGone = true
      pipelines[name]?.put(sinkTable: SinkTableRecord(id: new, schema: step.resulting))
    default: break
    }
    pipelines[name]?.put(sinkTable: record)
  }
}

extension PipelineState {
  /// Whether rows of the table may be in the sink.
  func hasBeenCaptured(_ id: TableID) -> Bool {
    schemas[id]?.contains { $0.isApplied && $0.leavesTail != true && $0.changes.last != .dropTable } ?? false
  }
}
