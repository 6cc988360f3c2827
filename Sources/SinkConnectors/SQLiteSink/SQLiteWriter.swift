import Connector
import Model

/// Writes one attempt's rows: a transaction from the first row after a commit to the next commit, in which the attempt's
/// progress is written last.
final class SQLiteWriter: SinkWriter {
  private enum State {
    /// No transaction is open.
    case idle
    /// Rows have been written.
    case open
    /// Progress has been written, too.
    case prepared(Int)
    /// The transaction is gone because something failed; only `abort` leads out of here.
    case failed
    case closed
  }

  private static let largestPlanCount = 256

  private let database: SQLiteDatabase
  private let attempt: AttemptID
  private let progress: ProgressTable
  /// The connection's wait as long as this writer has it.
  private let wait: SQLiteWait
  private var state = State.idle
  private var committedSequence: Int
  private var lastSequence: Int
  private var plans: [ObjectIdentifier: TableStatements] = [:]

  let recovered: SplitProgress?

  init(_ database: SQLiteDatabase, _ attempt: AttemptID) throws(ConnectorError) {
    self.database = database
    self.attempt = attempt
    wait = database.wait
    let table = ProgressTable(database)
    progress = table
    do throws(ConnectorError) {
      (recovered, committedSequence) = try Self.enter(attempt, table, database)
    } catch {
      database.close()
      throw error
    }
    lastSequence = committedSequence
  }

  /// Claims the split, and looks up what it has committed.
  private static func enter(
    _ attempt: AttemptID, _ table: ProgressTable, _ database: SQLiteDatabase
  ) throws(ConnectorError) -> (SplitProgress?, Int) {
    if attempt.attempt == 1, try table.exists() {
      // Nobody is to be shut out; whoever shuts this attempt out is met by the check that each transaction begins with.
      try table.check(attempt)
      return (try table.recovered(attempt), try table.committedSequence(attempt))
    }
    return try database.transaction { () throws(ConnectorError) -> (SplitProgress?, Int) in
      try table.create()
      try table.claim(attempt)
      return (try table.recovered(attempt), try table.committedSequence(attempt))
    }
  }

  func write(_ batch: borrowing RowBatch, to table: SinkTable) throws(ConnectorError) {
    guard let source = batch.schema, !batch.isEmpty else { return }
    try begin()
    do {
      try Self.write(batch, with: try plan(table, source))
    } catch {
      fail()
      throw error
    }
  }

  private static func write(_ batch: borrowing RowBatch, with plan: TableStatements) throws(ConnectorError) {
    var offset = 0
    while offset < batch.byteCount {
      let row = batch.row(at: offset)
      offset &+= row.size
      switch row.operation {
      case .insert: try plan.write(row)
      case .delete: try plan.delete(row)
      case .updateBefore where offset < batch.byteCount:
        let after = batch.row(at: offset)
        guard after.operation == .updateAfter else { throw torn(plan) }
        offset &+= after.size
        try plan.update(row, after)
      case .updateBefore, .updateAfter: throw torn(plan)
      }
    }
  }

  private static func torn(_ plan: TableStatements) -> ConnectorError {
    ConnectorError(.bug, "an update without its row before or after", table: plan.table.id)
  }

  func prepare(_ progress: SplitProgress) throws(ConnectorError) -> Committable {
    try begin()
    do {
      lastSequence += 1
      try self.progress.store(attempt, sequence: lastSequence, progress)
    } catch {
      fail()
      throw error
    }
    state = .prepared(lastSequence)
    return Committable(attempt: attempt, sequence: lastSequence, label: "", progress: progress)
  }

  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome {
    guard committable.attempt == attempt else {
      throw ConnectorError(.bug, "the writer of \(attempt) was asked to commit for \(committable.attempt)")
    }
    if case .closed = state { throw misused("commit") }
    if case .prepared(let sequence) = state, sequence == committable.sequence {
      do {
        try database.commit()
      } catch {
        fail()
        throw error
      }
      state = .idle
      committedSequence = sequence
      return .committed
    }
    return committable.sequence <= committedSequence ? .committed : .lost
  }

  func abort() {
    if case .closed = state { return }
    database.rollback()
    state = .idle
  }

  func close() {
    if case .closed = state { return }
    database.rollback()
    for plan in plans.values { plan.finalize() }
    plans = [:]
    state = .closed
    IdleDatabases.put(database)
  }

  func interrupt() { wait.interrupt() }

  /// Makes sure that a transaction is open and that this attempt is still the one that may write.
  private func begin() throws(ConnectorError) {
    switch state {
    case .open: return
    case .prepared: throw misused("write or prepare again before commit or abort")
    case .failed: throw misused("go on after a failure without abort")
    case .closed: throw misused("write after close")
    case .idle: break
    }
    try database.beginImmediate()
    do {
      try progress.check(attempt)
    } catch {
      fail()
      throw error
    }
    state = .open
  }

  private func fail() {
    database.rollback()
    state = .failed
  }

  private func misused(_ what: String) -> ConnectorError {
    ConnectorError(.bug, "the writer of \(attempt) was asked to \(what)")
  }

  private func plan(_ table: SinkTable, _ source: RowSchema) throws(ConnectorError) -> TableStatements {
    let id = ObjectIdentifier(table)
    if let plan = plans[id], plan.source === source { return plan }
    if plans.count >= Self.largestPlanCount {
      for plan in plans.values { plan.finalize() }
      plans = [:]
    }
    plans[id]?.finalize()
    let plan = try TableStatements(database, table, source)
    plans[id] = plan
    return plan
  }
}
