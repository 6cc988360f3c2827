import Connector
import Model
import Platform
import Synchronization
import Wire

/// What an attempt's thread and the worker's control thread share.
final class AttemptContext: Sendable {
  /// Orders for the attempt, and whether it must end.
  struct Mailbox: Sendable {
    var orders: [Order.Action] = []
    /// Nil: go on. True: commit what is written, then end. False: end at once.
    var cancelAfterCommit: Bool?
    /// The lease is over, or the process ends: nothing may be written any more.
    var isAbandoned = false
    /// What the attempt has to say cannot be said: no order will answer it.
    var failure: ConnectorError?
    /// Make blocking calls of the source and the sink return.
    var interruptSource: (@Sendable () -> Void)?
    var interruptSink: (@Sendable () -> Void)?
    var notifyAt: Offset?
    // For heartbeats.
    var offset: Offset?
    var lastEventMilliseconds: Int64?
    var isIdle = false

    /// Whether the attempt must end without a commit.
    var mustEnd: Bool { isAbandoned || cancelAfterCommit == false }
    /// What there is to interrupt.
    var interrupts: [@Sendable () -> Void] { [interruptSource, interruptSink].compactMap { $0 } }
  }

  let attempt: AttemptID
  let mailbox = Monitor(Mailbox())
  private let lease: LeaseClock
  private let reportBody: @Sendable (Report) -> Void
  private let rows = Atomic<Int>(0)
  private let bytes = Atomic<Int>(0)

  init(attempt: AttemptID, lease: LeaseClock, report: @escaping @Sendable (Report) -> Void) {
    self.attempt = attempt
    self.lease = lease
    self.reportBody = report
  }

  /// Tells the coordinator.
  func report(_ event: Report.Event) { reportBody(Report(attempt: attempt, event: event)) }

  /// Counts what was written.
  func count(rows: Int, bytes: Int) {
    self.rows.wrappingAdd(rows, ordering: .relaxed)
    self.bytes.wrappingAdd(bytes, ordering: .relaxed)
  }

  /// Rows and bytes written so far.
  var written: (rows: Int, bytes: Int) { (rows.load(ordering: .relaxed), bytes.load(ordering: .relaxed)) }

  /// For the next heartbeat.
  func progress() -> AttemptProgress {
    let written = written
    return mailbox.withLock {
      AttemptProgress(
        attempt: attempt, rows: written.rows, bytes: written.bytes, offset: $0.offset,
        lastEventMilliseconds: $0.lastEventMilliseconds, isIdle: $0.isIdle)
    }
  }

  /// To be called before anything that the sink can see: stops an attempt whose lease is over or that was told to end
  /// at once.
  /// - Throws: `fenced` or `cancelled`.
  func checkMayWrite() throws(ConnectorError) {
    if lease.isOver { throw ConnectorError(.fenced, "the lease of attempt \(attempt) is over") }
    let (abandoned, cancel) = mailbox.withLock { ($0.isAbandoned, $0.cancelAfterCommit) }
    if abandoned { throw ConnectorError(.fenced, "attempt \(attempt) was abandoned") }
    if cancel == false { throw ConnectorError(.cancelled, "attempt \(attempt) was cancelled") }
  }

  /// Whether the attempt should end at its next commit.
  var shouldEnd: Bool { mailbox.withLock { $0.cancelAfterCommit != nil } }

  /// Waits for the order that answers the last report.
  /// - Throws: `fenced` or `cancelled` when none will come.
  func awaitOrder<R>(_ matches: (Order.Action) -> R?) throws(ConnectorError) -> R where R: Sendable {
    let result: Result<R, ConnectorError>? = mailbox.wait { mailbox in
      while !mailbox.orders.isEmpty {
        if let match = matches(mailbox.orders.removeFirst()) { return .success(match) }
      }
      if mailbox.isAbandoned { return .failure(ConnectorError(.fenced, "the attempt was abandoned")) }
      if let failure = mailbox.failure { return .failure(failure) }
      if mailbox.cancelAfterCommit == false { return .failure(ConnectorError(.cancelled, "the attempt was cancelled")) }
      return nil
    }
    switch result {
    case .success(let match): return match
    case .failure(let error): throw error
    case nil: throw ConnectorError(.bug, "an endless wait has ended")
    }
  }

  /// Registers how to interrupt a source call that blocks; runs it at once if the attempt must end already.
  func onInterrupt(source reader: InterruptHandle) {
    let now = mailbox.withLock { mailbox in
      mailbox.interruptSource = { reader.interrupt() }
      return mailbox.mustEnd
    }
    if now { reader.interrupt() }
  }

  /// Registers how to interrupt a sink call that blocks; runs it at once if the attempt must end already.
  func onInterrupt(sink writer: InterruptHandle) {
    let now = mailbox.withLock { mailbox in
      mailbox.interruptSink = { writer.interrupt() }
      return mailbox.mustEnd
    }
    if now { writer.interrupt() }
  }

  /// The attempt's source is closed: nothing of it is left to interrupt.
  func clearSourceInterrupt() { mailbox.withLock { $0.interruptSource = nil } }

  /// The attempt's writer is closed: nothing of it is left to interrupt.
  func clearSinkInterrupt() { mailbox.withLock { $0.interruptSink = nil } }

  /// An order from the coordinator.
  func deliver(_ action: Order.Action) {
    switch action {
    case .cancel(let afterCommit): cancel(afterCommit: afterCommit)
    case .notifyAt(let offset): mailbox.update { $0.notifyAt = offset }
    case .proceed, .commit, .adopt: mailbox.update { $0.orders.append(action) }
    }
  }

  private func cancel(afterCommit: Bool) {
    let interrupts = mailbox.update { mailbox in
      if mailbox.cancelAfterCommit != false { mailbox.cancelAfterCommit = afterCommit }
      return afterCommit ? [] : mailbox.interrupts
    }
    for interrupt in interrupts { interrupt() }
  }

  /// A report of the attempt cannot be sent.
  func fail(_ error: ConnectorError) { mailbox.update { $0.failure = error } }

  /// The lease is over.
  func abandon() {
    let interrupts = mailbox.update { mailbox in
      mailbox.isAbandoned = true
      return mailbox.interrupts
    }
    for interrupt in interrupts { interrupt() }
  }
}

/// Until when the worker may write; set by the control thread, read by every slot before each write.
final class LeaseClock: Sendable {
  private let ends = Atomic<Int64>(0)

  /// The lease lasts until then (monotonic milliseconds).
  func extend(until: Int64) { ends.store(until, ordering: .releasing) }

  /// Whether it is over.
  var isOver: Bool { Clock.monotonicMilliseconds() >= ends.load(ordering: .acquiring) }
}
