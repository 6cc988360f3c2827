import Connector
import Model

/// What others want to know of a pipeline.
extension PipelineState {
  /// Splits that are not committed, by number.
  var openSplits: [SplitRecord] { openNumbers.sorted().compactMap { splits[$0] } }

  /// Splits that a worker has, by number.
  var heldSplits: [SplitRecord] { heldNumbers.sorted().compactMap { splits[$0] } }

  /// Number of snapshot splits that a worker has.
  var heldChunkCount: Int { heldNumbers.count { !tailNumbers.contains($0) } }

  /// Splits whose committable is being looked into, by number.
  var resolvingSplits: [SplitRecord] { resolvingNumbers.sorted().compactMap { splits[$0] } }

  /// Snapshot splits that no worker has and that are not committed, in order.
  var waitingChunks: some Sequence<SplitRecord> { pendingChunks.lazy.reversed().compactMap { splits[$0] } }

  /// Number of those.
  var waitingChunkCount: Int { pendingChunks.count }

  /// The tail splits, by share.
  var tails: [SplitRecord] { tailNumbers.sorted().compactMap { splits[$0] } }

  /// Number of tail splits.
  var tailCount: Int { tailNumbers.count }

  /// Splits that are not committed.
  var openCount: Int { openNumbers.count }

  /// The tables of a stage, sorted.
  func tables(in state: TableRecord.State) -> [TableID] { stages[state]?.sorted() ?? [] }

  /// The first tables of a stage in the order of their names.
  func tables(in state: TableRecord.State, upTo limit: Int, except: Set<TableID>) -> [TableID] {
    guard let stage = stages[state], limit > 0 else { return [] }
    return Array((except.isEmpty ? stage : stage.subtracting(except)).sorted().prefix(limit))
  }

  /// Whether there are tables of a stage.
  func hasTables(in state: TableRecord.State) -> Bool { stages[state]?.isEmpty == false }

  /// Number of tables of a stage.
  func tableCount(in state: TableRecord.State) -> Int { stages[state]?.count ?? 0 }

  /// Whether tables are read by chunks, or wait to join the tail.
  var isReadingTables: Bool {
    hasTables(in: .creating) || hasTables(in: .reading) || hasTables(in: .restarting) || hasTables(in: .joining)
  }

  /// A version of a table's schema.
  func schema(_ table: TableID, version: Int) -> SchemaRecord? {
    schemas[table]?.first { $0.version == version }
  }

  /// Whether the pipeline should be working: wanted, not failed, not done, and its definition is known.
  var isActive: Bool {
    record.intent == .run && record.error == nil && record.phase != .finished && profile != nil
  }

  /// Splits that a worker has, or whose committable is being looked into.
  var unsettled: [SplitRecord] { heldSplits + resolvingSplits }

  /// Whether a job of that sort is under way.
  func hasJob(where matches: (Job.Kind) -> Bool) -> Bool { jobs.values.contains(where: matches) }

  /// The pipeline's state as operators see it.
  var stateName: String {
    if record.error != nil { return "failed" }
    if profile == nil { return "failed" }
    if record.phase == .finished { return unsettled.isEmpty ? "finished" : "stopping" }
    switch record.intent {
    case .run:
      switch record.phase {
      case .planning: return "planning"
      case .snapshot: return "snapshot"
      case .tail: return "tail"
      case .finished: return "finished"
      }
    case .pause: return unsettled.isEmpty && jobs.isEmpty ? "paused" : "pausing"
    case .stop, .drop: return unsettled.isEmpty && jobs.isEmpty ? "stopped" : "stopping"
    }
  }
}
