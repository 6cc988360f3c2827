import Connector
import Model

@testable import Coordinator

/// A sink in memory, of one of three kinds, which watches over what reaches it.
final class SimulationSink {
  enum Kind: CaseIterable {
    /// Rows and progress in one transaction; what is prepared dies with its writer.
    case ledger
    /// Two-phase commit by label; keeps no progress.
    case twoPhase
    /// Rows are visible as they are written; keeps no progress.
    case idempotent
  }

  /// One row on its way, with its place in the source's order.
  struct Write {
    var table: TableID
    var columns: [String]
    var key: Int
    var row: SimulationSource.Row?
    /// Log position and place in the transaction.
    var order: Int
    /// The sink table's schema changes when the row was written.
    var generation: Int
  }

  struct Table {
    var schema: TableSchema
    var rows: [Int: SimulationSource.Row] = [:]
    /// The order of the last write of each key, and the attempt that wrote it.
    var last: [Int: (order: Int, attempt: AttemptID)] = [:]
    var generation = 0

    /// The last writes of the rows that are there, under their new keys.
    fileprivate mutating func changeKey(to name: String) {
      let pairs = rows.compactMap { key, row in row[name].flatMap { new in last[key].map { (new, $0) } } }
      last = Dictionary(pairs) { first, _ in first }
    }
  }

  private enum Label {
    case prepared([Write])
    case committed
    case aborted
  }

  let kind: Kind
  /// Whether chunks are committed without a word from the coordinator (ledger).
  var commitsAlone = false
  /// Whether later attempts shut out earlier ones; a mutation turns it off.
  var fences = true
  private(set) var tables: [TableID: Table] = [:]
  /// Removals of each sink table: a writer that was opened before one cannot write to its successor.
  private(set) var removals: [TableID: Int] = [:]
  /// The last attempt opened at each split, and the last one that can do nothing any more.
  private var opened: [Int: Int] = [:]
  private var shutOut: [Int: Int] = [:]
  private var labels: [String: Label] = [:]
  private var ledger: [Int: (attempt: Int, sequence: Int, progress: SplitProgress)] = [:]
  /// Commits that happened, by split: attempt, sequence, progress.
  private(set) var commits: [Int: [(attempt: Int, sequence: Int, progress: SplitProgress)]] = [:]
  /// Told about everything that must not happen.
  var violated: (String) -> Void = { _ in }
  /// Whether a committable is in the journal.
  var isJournaled: (Committable) -> Bool = { _ in true }

  init(kind: Kind) { self.kind = kind }

  var guarantees: SinkGuarantees {
    switch kind {
    case .ledger: SinkGuarantees(visibility: .atomic, preparedSurvivesWriter: false, commitsAlone: commitsAlone)
    case .twoPhase: SinkGuarantees(visibility: .atomic, preparedSurvivesWriter: true)
    case .idempotent: SinkGuarantees(visibility: .idempotent, preparedSurvivesWriter: false)
    }
  }

  /// The highest offset that a split has committed.
  func durableOffset(of split: Int) -> Int? { commits[split]?.compactMap { Int($0.progress.offset.text) }.max() }

  // MARK: - Schema

  /// Carries out a change; doing it again changes nothing.
  func apply(_ step: SinkStep) {
    switch step.change {
    case .createTable:
      if tables[step.table] == nil { tables[step.table] = Table(schema: step.resulting) }
    case .dropTable:
      tables[step.table] = nil
      removals[step.table, default: 0] += 1
    case .renameTable(let new):
      if let table = tables.removeValue(forKey: step.table) {
        tables[new] = table
        removals[step.table, default: 0] += 1
        removals[new, default: 0] += 1
      }
    default:
      guard var table = tables[step.table] else {
        return violated("\(step.change.tag) of sink table \(step.table), which does not exist")
      }
      if table.schema != step.resulting || step.change == .truncateTable {
        table.schema = step.resulting
        if case .alterPrimaryKey(let names) = step.change { table.changeKey(to: names.first ?? "id") }
        table.rows = SimulationRows.changed(table.rows, by: step.change)
        table.generation += 1
      }
      if step.change == .truncateTable { table.last = [:] }
      tables[step.table] = table
    }
  }

  // MARK: - Writers

  /// One attempt's session.
  final class Writer {
    let attempt: AttemptID
    let recovered: SplitProgress?
    fileprivate let removals: [TableID: Int]
    fileprivate var staged: [Write] = []
    fileprivate var sequence = 0
    fileprivate var prepared: Committable?

    fileprivate init(_ attempt: AttemptID, recovered: SplitProgress?, removals: [TableID: Int]) {
      self.attempt = attempt
      self.recovered = recovered
      self.removals = removals
    }
  }

  func open(_ attempt: AttemptID) throws(ConnectorError) -> Writer {
    try checkFence(attempt)
    opened[attempt.split] = max(opened[attempt.split] ?? 0, attempt.attempt)
    for (label, state) in labels {
      guard case .prepared = state, label.hasPrefix("\(attempt.split)#") else { continue }
      labels[label] = .aborted
    }
    return Writer(
      attempt, recovered: kind == .ledger ? ledger[attempt.split]?.progress : nil, removals: removals)
  }

  private func checkFence(_ attempt: AttemptID) throws(ConnectorError) {
    guard fences else { return }
    if opened[attempt.split, default: 0] > attempt.attempt || shutOut[attempt.split, default: 0] >= attempt.attempt {
      throw ConnectorError(.fenced, "a later attempt at split \(attempt.split) has been here")
    }
  }

  func write(_ writes: [Write], _ writer: Writer) throws(ConnectorError) {
    try checkFence(writer.attempt)
    for write in writes {
      if writer.removals[write.table] != removals[write.table] {
        throw ConnectorError(.transient, "sink table \(write.table) was removed under the writer")
      }
      var write = write
      write.generation = tables[write.table]?.generation ?? 0
      if kind == .idempotent { land(write, writer.attempt) } else { writer.staged.append(write) }
    }
  }

  func prepare(_ writer: Writer, _ progress: SplitProgress) throws(ConnectorError) -> Committable {
    try checkFence(writer.attempt)
    writer.sequence += 1
    let label = "\(writer.attempt.split)#\(writer.attempt.attempt)-\(writer.sequence)"
    let committable = Committable(
      attempt: writer.attempt, sequence: writer.sequence, label: label, progress: progress)
    if kind == .twoPhase {
      labels[label] = .prepared(writer.staged)
      writer.staged = []
    }
    writer.prepared = committable
    return committable
  }

  func commit(_ writer: Writer, _ committable: Committable) throws(ConnectorError) -> CommitOutcome {
    switch kind {
    case .idempotent: note(committable)
    case .twoPhase: return commit(label: committable)
    case .ledger:
      try checkFence(writer.attempt)
      if writer.staged.contains(where: { writer.removals[$0.table] != removals[$0.table] }) {
        throw ConnectorError(.transient, "a sink table was removed under the writer")
      }
      note(committable)
      for write in writer.staged { land(write, writer.attempt) }
      ledger[committable.attempt.split] = (committable.attempt.attempt, committable.sequence, committable.progress)
    }
    writer.staged = []
    writer.prepared = nil
    return .committed
  }

  /// The writer is given up: what it has not committed is dropped.
  func close(_ writer: Writer) {
    writer.staged = []
    if let label = writer.prepared?.label, case .prepared? = labels[label] { labels[label] = .aborted }
    writer.prepared = nil
  }

  // MARK: - Commits

  /// What the coordinator's committer finds.
  func resolve(_ committable: Committable) -> CommitOutcome {
    let attempt = committable.attempt
    switch kind {
    case .idempotent:
      note(committable)
      return .committed
    case .twoPhase: return commit(label: committable)
    case .ledger:
      if let last = ledger[attempt.split], last.attempt == attempt.attempt, last.sequence >= committable.sequence {
        return .committed
      }
      // Lost means that it never will be visible: the attempt is shut out.
      shutOut[attempt.split] = max(shutOut[attempt.split] ?? 0, attempt.attempt)
      return .lost
    }
  }

  private func commit(label committable: Committable) -> CommitOutcome {
    switch labels[committable.label] {
    case .committed: return .committed
    case .prepared(let writes):
      note(committable)
      for write in writes { land(write, committable.attempt) }
      labels[committable.label] = .committed
      return .committed
    case .aborted, nil:
      labels[committable.label] = .aborted
      return .lost
    }
  }

  /// A commit happens: checks that it may.
  private func note(_ committable: Committable) {
    let attempt = committable.attempt
    if !isJournaled(committable), !(guarantees.commitsAlone && committable.progress.isFinal) {
      violated("commit of \(attempt)-\(committable.sequence) before it was journaled")
    }
    let former = commits[attempt.split] ?? []
    if former.contains(where: { $0.attempt == attempt.attempt && $0.sequence == committable.sequence }) { return }
    if committable.progress.isFinal, let other = former.first(where: { $0.attempt != attempt.attempt }) {
      violated("\(attempt) committed after attempt \(other.attempt) at the same split had")
    }
    if opened[attempt.split, default: 0] > attempt.attempt {
      violated("\(attempt) committed after attempt \(opened[attempt.split] ?? 0) was opened")
    }
    commits[attempt.split, default: []].append((attempt.attempt, committable.sequence, committable.progress))
  }

  /// A row becomes visible: checks that it may.
  private func land(_ write: Write, _ attempt: AttemptID) {
    guard var table = tables[write.table] else {
      return violated("\(attempt) wrote to sink table \(write.table), which does not exist")
    }
    let names = Set(table.schema.columns.map(\.name))
    if let column = write.columns.first(where: { !names.contains($0) }) {
      return violated("\(attempt) wrote column \(column), which sink table \(write.table) does not have")
    }
    if write.generation != table.generation {
      violated("\(attempt) committed a row of \(write.table) that was written before the table's last schema change")
    }
    if let last = table.last[write.key], last.order >= write.order, kind != .idempotent || last.attempt == attempt {
      violated("\(attempt) wrote key \(write.key) of \(write.table) at \(write.order), after \(last.order)")
    }
    table.last[write.key] = (write.order, attempt)
    table.rows[write.key] = write.row
    tables[write.table] = table
  }
}
