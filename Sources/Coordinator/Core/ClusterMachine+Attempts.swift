import Connector
import Model
import Wire

/// Attempts: what workers report of them, and how they end.
extension ClusterMachine {
  mutating func reported(_ connection: ConnectionID, _ report: Report) {
    guard let worker = connections[connection] else {
      step.actions.append(.close(connection, reason: "a report before the join"))
      return
    }
    let attempt = report.attempt
    guard let name = names[attempt.pipeline], let split = pipelines[name]?.splits[attempt.split],
      split.attempt == attempt.attempt, split.worker == worker, split.isHeld
    else { return answerStale(connection, report) }
    if report.event.showsOpenWriter { showedOpenWriter(name, split) }
    switch report.event {
    case .started(let low): started(name, split, low)
    case .prepared(let committable): prepared(name, split, committable)
    case .committed(let sequence, let progress, _): committed(name, split.number, sequence: sequence, progress)
    case .schemaChange(let table, let offset, let changes, let schema):
      arrived(name, split, at: .init(table: table, offset: offset), changes, schema)
    case .caughtUp(let end):
      // After a resume, a reconnect may bring up an end of before, which is no longer the one that is wanted.
      if pipelines[name]?.record.endOffset == end { pipelines[name]?.caughtUp.insert(split.number) }
    case .pastWatermarks: passedWatermarks(name, split.number)
    case .failed(let failure): attemptFailed(name, split, failure)
    case .cancelled:
      // Handed back without being asked: the worker is leaving, or has lost time. Others come first for a moment.
      if pipelines[name]?.cancelled[split.number] == nil { workers[worker]?.restsUntil = now + settings.retryPause }
      attemptEnded(name, split.number)
    }
  }

  /// A report of an attempt that this machine no longer has: whoever runs it must end it.
  private mutating func answerStale(_ connection: ConnectionID, _ report: Report) {
    switch report.event {
    case .failed, .cancelled: break
    case .started, .prepared, .committed, .schemaChange, .caughtUp, .pastWatermarks:
      let order = Order(attempt: report.attempt, action: .cancel(afterCommit: false))
      step.actions.append(.send(connection, .order(order)))
    }
  }

  /// What an attempt is to be told cannot be sent, to this worker or another one: to give the split away again would not
  /// help.
  mutating func undeliverable(_ attempt: AttemptID, _ isAssignment: Bool, _ problem: String) {
    guard let name = names[attempt.pipeline], let state = pipelines[name], let split = state.splits[attempt.split],
      split.attempt == attempt.attempt, split.isHeld
    else { return }
    if isAssignment { attemptEnded(name, split.number) }
    let subject = split.table.map(\.description) ?? "one of its tables"
    fail(
      name,
      "split \(split.number) cannot go on: what its worker must be told of \(subject) does not fit a message: "
        + "\(problem) — leave out tables of that many columns or finished chunks, or have them read in larger chunks, "
        + "then submit again")
  }

  /// The attempt has opened its writer, which has shut every earlier one out of the sink.
  mutating func showedOpenWriter(_ name: String, _ split: SplitRecord) {
    guard split.isAdrift == true else { return }
    pipelines[name]?.change(split: split.number, now: now) { $0.isAdrift = nil }
  }

  private mutating func started(_ name: String, _ split: SplitRecord, _ low: Offset) {
    guard pipelines[name]?.cancelled[split.number] != false else { return }
    pipelines[name]?.change(split: split.number, now: now) {
      if $0.state == .assigned { $0.state = .running }
      if $0.firstLow == nil { $0.firstLow = low }
    }
    order(name, split, .proceed)
  }

  private mutating func prepared(_ name: String, _ split: SplitRecord, _ committable: Committable) {
    guard committable.attempt.split == split.number, committable.attempt.attempt == split.attempt else { return }
    if let before = split.committable, split.state == .prepared {
      if before.sequence > committable.sequence { return }
      if before.sequence == committable.sequence { return order(name, split, .commit(sequence: before.sequence)) }
      // The worker goes on only after its commit: the report of it was lost with a connection.
      committed(name, split.number, sequence: before.sequence, before.progress)
    }
    // Told to stop without a commit: the worker drops what it has prepared, so nothing may order the commit.
    guard pipelines[name]?.cancelled[split.number] != false else { return }
    pipelines[name]?.change(split: split.number, now: now) {
      $0.state = .prepared
      $0.committable = committable
    }
    order(name, split, .commit(sequence: committable.sequence))
  }

  /// A commit has happened: the end of a snapshot split, one of many of a tail split.
  mutating func committed(_ name: String, _ number: Int, sequence: Int, _ progress: SplitProgress) {
    guard let split = pipelines[name]?.splits[number] else { return }
    switch split.kind {
    case .snapshot(let table, var range):
      if let remainder = progress.remainder { range = narrow(name, split, table, range, to: remainder) }
      pipelines[name]?.change(split: number, now: now) {
        $0.kind = .snapshot(table: table, range: range)
        $0.state = .committed
        $0.progress = progress
        $0.committable = nil
        $0.failures = 0
        $0.lastError = nil
      }
      forgetAttempt(name, number)
      foldChunks(name, of: table, atLeast: settings.chunksPerFold)
    case .tail:
      // Said again after a reconnect, while a later commit is under way: what is journaled of that one must stay.
      if let later = split.committable, later.sequence > sequence { return }
      let counted = split.progressAttempt == split.attempt ? split.progress?.rows ?? 0 : 0
      if progress.rows > counted { pipelines[name]?.change { $0.tailRows += progress.rows - counted } }
      pipelines[name]?.change(split: number, now: now) {
        if $0.state == .prepared || $0.state == .assigned { $0.state = .running }
        $0.progress = progress
        $0.progressAttempt = $0.attempt
        $0.committable = nil
        $0.failures = 0
        $0.lastError = nil
      }
      checkPassing(name, number, progress.offset)
    }
  }

  /// Finished chunks beyond those that are kept become a record of their table.
  mutating func foldChunks(_ name: String, of table: TableID, atLeast count: Int) {
    guard let kept = pipelines[name]?.keptChunkCount, kept > settings.keptChunks else { return }
    pipelines[name]?.foldChunks(of: table, atLeast: count)
  }

  /// The attempt has left a part of its chunk unread: that is a chunk of its own now. A sink whose attempts are not
  /// atomic may hold rows of it from an earlier attempt at the whole, so it has that one's first low watermark.
  private mutating func narrow(
    _ name: String, _ split: SplitRecord, _ table: TableID, _ range: ChunkRange, to remainder: ChunkRange
  ) -> ChunkRange {
    guard remainder.lower != nil, remainder.columns == range.columns, remainder.upper == range.upper else {
      fail(name, "a chunk of \(table) was left with a remainder that is no part of it: this is a defect of Tidegate")
      return range
    }
    pipelines[name]?.addSplit(.snapshot(table: table, range: remainder), firstLow: split.firstLow, now: now)
    var range = range
    range.upper = remainder.lower
    return range
  }

  /// The worker has ended the attempt, or certainly cannot write any more. What it had prepared is looked into before
  /// the split is given away again.
  mutating func attemptEnded(_ name: String, _ number: Int, isLost: Bool = false) {
    pipelines[name]?.change(split: number, now: now) {
      $0.state = $0.state == .prepared ? .resolving : .pending
      $0.worker = nil
      if isLost, $0.table == nil { $0.isAdrift = true }
    }
    forgetAttempt(name, number)
  }

  private mutating func forgetAttempt(_ name: String, _ number: Int) {
    pipelines[name]?.live[number] = nil
    pipelines[name]?.cancelled[number] = nil
    for place in pipelines[name]?.arrivals.keys ?? [:].keys { pipelines[name]?.arrivals[place]?.waiting[number] = nil }
  }

  /// The worker is gone, and the attempt with it.
  mutating func attemptLost(_ name: String, _ number: Int, reason: String, isAdrift: Bool = true) {
    guard let split = pipelines[name]?.splits[number] else { return }
    note(.warning, "attempt lost", ["attempt": "\(name)/\(number)#\(split.attempt)", "reason": reason])
    pipelines[name]?.change(split: number, now: now) { $0.lastError = reason }
    attemptEnded(name, number, isLost: isAdrift)
  }

  private mutating func attemptFailed(_ name: String, _ split: SplitRecord, _ failure: Failure) {
    let error = ConnectorError(failure)
    note(
      .warning, "attempt failed",
      ["attempt": "\(name)/\(split.number)#\(split.attempt)", "kind": failure.kind, "error": error.description])
    attemptEnded(name, split.number)
    if error.kind == .schemaMismatch, let table = split.table { schemaMismatched(name, table, error) }
    switch error.policy {
    case .release where error.kind == .cancelled: break
    case .stop:
      pipelines[name]?.change(split: split.number, now: now) { $0.lastError = error.description }
      fail(name, error.description)
    case .retry, .release: retry(name, split.number, error)
    }
  }

  private mutating func retry(_ name: String, _ number: Int, _ error: ConnectorError) {
    pipelines[name]?.change(split: number, now: now) {
      $0.failures += 1
      $0.lastError = error.description
    }
    guard let failures = pipelines[name]?.splits[number]?.failures else { return }
    if failures >= settings.retryLimit {
      fail(name, "split \(number) failed \(failures) times in a row; the last time: \(error)")
    } else {
      let due = now + pause(afterFailures: failures)
      pipelines[name]?.notBefore[number] = due
    }
  }
}

extension Report.Event {
  /// Whether only an attempt whose writer is open says this.
  fileprivate var showsOpenWriter: Bool {
    switch self {
    case .started, .prepared, .committed, .schemaChange, .caughtUp, .pastWatermarks: true
    case .failed, .cancelled: false
    }
  }
}

extension ConnectorError {
  /// The error as a worker reported it; an unknown kind is taken for one that may pass.
  init(_ failure: Failure) {
    self.init(
      Kind(rawValue: failure.kind) ?? .transient, failure.message, table: failure.table, offset: failure.offset,
      remedy: failure.remedy)
  }
}
