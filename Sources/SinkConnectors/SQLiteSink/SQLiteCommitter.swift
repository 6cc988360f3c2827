import Connector
import Model

/// Says what became of a committable whose writer is gone, from what its transaction would have left behind.
final class SQLiteCommitter: SinkCommitter {
  private let database: SQLiteDatabase

  init(_ database: SQLiteDatabase) { self.database = database }

  /// Committed, or lost. In the second case the attempt is fenced in the same transaction, so that a writer that
  /// still lives somewhere cannot make the answer untrue.
  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome {
    try settle(committable) ? .committed : .lost
  }

  func abort(_ committable: Committable) throws(ConnectorError) { _ = try settle(committable) }

  private func settle(_ committable: Committable) throws(ConnectorError) -> Bool {
    try database.transaction { () throws(ConnectorError) -> Bool in
      let progress = ProgressTable(database)
      try progress.create()
      if try progress.committedSequence(committable.attempt) >= committable.sequence { return true }
      var next = committable.attempt
      next.attempt += 1
      do throws(ConnectorError) {
        try progress.claim(next)
      } catch {
        // A still later attempt has the split: the one in question is fenced already.
        if error.kind != .fenced { throw error }
      }
      return false
    }
  }

  /// A transaction does not outlive its process, so nothing lingers.
  func lingeringLabels(pipeline: String) throws(ConnectorError) -> [String] { [] }

  func close() { database.close() }
}
