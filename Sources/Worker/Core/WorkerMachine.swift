import Model
import Wire

/// Every decision of a worker's control side: joining, the lease, what is said again after a reconnect, and leaving. A
/// value without I/O or clock, like the coordinator's machine.
///
/// The lease counts from the moment at which a heartbeat was *sent*, and only once that heartbeat has been answered.
/// When it is over, every attempt is abandoned before anything else: the coordinator may give its split away from then
/// on.
public struct WorkerMachine: Sendable {
  /// Something that happened.
  public enum Event: Sendable {
    /// A connection stands, handshake included.
    case connected
    /// The connection is gone.
    case disconnected
    /// The coordinator said something.
    case received(Message)
    /// A running attempt reports.
    case reported(Report)
    /// A running attempt's thread has ended.
    case ended(AttemptID)
    /// Time has passed.
    case tick
    /// The process should leave in order: attempts commit and end, then the worker goes.
    case stop
  }

  /// Something the shell must do, in order.
  public enum Action: Sendable, Equatable {
    case send(Message)
    /// Take a new connection; the old one, if any, is dead.
    case connect
    case start(Assignment)
    case deliver(AttemptID, Order.Action)
    /// The attempt must not write any more; nothing it does from now on counts.
    case abandon(AttemptID)
    /// The lease lasts until then (monotonic milliseconds).
    case lease(until: Int64)
    /// Nothing is left to do: end the process's work.
    case finish
  }

  /// An attempt as the control side knows it.
  struct Running: Sendable {
    /// The report that waits for an order; said again after a reconnect.
    var unanswered: Report?
    /// The last commit (tail), said again after a reconnect: the coordinator may not have heard of it.
    var lastCommit: Report?
    /// Facts that hold for the rest of the attempt.
    var facts: [Report] = []
    var isAbandoned = false
    /// Whether it has reported its end: only its thread is left.
    var isOver = false
  }

  private enum Link: Sendable, Equatable {
    case down
    case joining(sentAt: Int64)
    case up
  }

  private let id: String
  private let name: String
  private let slots: Int
  private var link = Link.down
  private var lease: Int64 = 10_000
  private var heartbeatEvery: Int64 = 2_000
  private var leaseEnds: Int64?
  private var nextHeartbeat: Int64 = 0
  private var sequence: Int64 = 0
  private var heartbeats: [Int64: Int64] = [:]
  private var attempts: [AttemptID: Running] = [:]
  /// Attempts that wait for a slot, in the order in which they were given: the coordinator gives small chunks ahead, so
  /// that no slot waits for its journal. They are among `attempts`.
  private var queue: [Assignment] = []
  private var isStopping = false
  private var hasLeft = false
  private var actions: [Action] = []

  /// A worker that has not joined yet.
  public init(id: String, name: String, slots: Int) {
    self.id = id
    self.name = name
    self.slots = slots
  }

  /// Attempts that are running: neither abandoned nor at their end.
  public var running: [AttemptID] {
    attempts.filter { !$0.value.isAbandoned && !$0.value.isOver }.keys.sorted { $0.description < $1.description }
  }

  /// The moment at which `tick` is next needed.
  public var nextDeadline: Int64? {
    [leaseEnds, link == .up ? nextHeartbeat : nil].compactMap { $0 }.min()
  }

  /// Folds one event in. `progress` is asked for when a heartbeat is due.
  public mutating func handle(_ event: Event, now: Int64, progress: ([AttemptID]) -> [AttemptProgress]) -> [Action] {
    // First: a join must not list, nor a late answer revive, what the end of the lease has ended.
    expire(now)
    switch event {
    case .connected: connected(now)
    case .disconnected:
      link = .down
      heartbeats = [:]
      if !hasLeft { actions.append(.connect) }
    case .received(let message): received(message, now)
    case .reported(let report): reported(report)
    case .ended(let attempt): ended(attempt)
    case .tick: break
    case .stop: stop()
    }
    expire(now)
    beat(now, progress)
    leaveIfDone()
    defer { actions = [] }
    return actions
  }

  private mutating func connected(_ now: Int64) {
    link = .joining(sentAt: now)
    let running = running
    actions.append(.send(.join(Join(workerID: id, name: name, slots: slots, running: running))))
    // The join promises these attempts, so whatever becomes of them from here on follows it on the same connection.
    for attempt in running { repeatReports(attempt) }
  }

  private mutating func received(_ message: Message, _ now: Int64) {
    switch message {
    case .joined(let joined): welcomed(joined, now)
    case .heartbeatAck(let ack):
      guard let sentAt = heartbeats.removeValue(forKey: ack.sequence) else { return }
      heartbeats = heartbeats.filter { $0.key > ack.sequence }
      extendLease(sentAt + lease)
    case .assign(let assignment): assigned(assignment)
    case .order(let order): ordered(order)
    case .join, .heartbeat, .report, .leave, .moreTables, .adminRequest, .adminReply: break
    }
  }

  private mutating func welcomed(_ joined: Joined, _ now: Int64) {
    guard case .joining(let sentAt) = link else { return }
    link = .up
    lease = joined.leaseMilliseconds
    heartbeatEvery = joined.heartbeatMilliseconds
    nextHeartbeat = now
    extendLease(sentAt + lease)
  }

  /// A lease only ever grows: an old answer does not shorten it.
  private mutating func extendLease(_ until: Int64) {
    if let leaseEnds, until <= leaseEnds { return }
    leaseEnds = until
    actions.append(.lease(until: until))
  }

  private mutating func repeatReports(_ attempt: AttemptID) {
    guard let running = attempts[attempt] else { return }
    if let commit = running.lastCommit { actions.append(.send(.report(commit))) }
    for fact in running.facts { actions.append(.send(.report(fact))) }
    if let report = running.unanswered { actions.append(.send(.report(report))) }
  }

  private mutating func assigned(_ assignment: Assignment) {
    let attempt = assignment.attempt
    guard attempts[attempt] == nil else { return }
    if isStopping {
      actions.append(.send(.report(Report(attempt: attempt, event: .cancelled))))
      return
    }
    attempts[attempt] = Running()
    // A tail is given only where a slot is free for it.
    if case .tail = assignment.work { return actions.append(.start(assignment)) }
    queue.append(assignment)
    startQueued()
  }

  /// Starts attempts that wait, as far as there are slots.
  private mutating func startQueued() {
    while !queue.isEmpty, attempts.count - queue.count < slots { actions.append(.start(queue.removeFirst())) }
  }

  /// Hands an attempt back that has not been started; false when it has.
  private mutating func handBack(_ attempt: AttemptID) -> Bool {
    guard let index = queue.firstIndex(where: { $0.attempt == attempt }) else { return false }
    queue.remove(at: index)
    attempts[attempt] = nil
    if link != .down { actions.append(.send(.report(Report(attempt: attempt, event: .cancelled)))) }
    return true
  }

  private mutating func ordered(_ order: Order) {
    guard let running = attempts[order.attempt], !running.isAbandoned else {
      // The coordinator believes in an attempt that is over here: it must hear so.
      if case .cancel = order.action, attempts[order.attempt] == nil {
        actions.append(.send(.report(Report(attempt: order.attempt, event: .cancelled))))
      }
      return
    }
    if case .cancel = order.action, handBack(order.attempt) { return }
    switch order.action {
    case .proceed, .commit, .adopt:
      guard let report = running.unanswered, order.answers(report) else { return }
      attempts[order.attempt]?.unanswered = nil
    case .cancel, .notifyAt: break
    }
    actions.append(.deliver(order.attempt, order.action))
  }

  private mutating func reported(_ report: Report) {
    guard var running = attempts[report.attempt], !running.isAbandoned else { return }
    switch report.event {
    case .started, .prepared, .schemaChange: running.unanswered = report
    case .committed: running.lastCommit = report
    case .caughtUp, .pastWatermarks: running.facts.append(report)
    case .failed, .cancelled: break
    }
    if report.event.isLast {
      running.unanswered = nil
      running.isOver = true
    }
    attempts[report.attempt] = running
    if link != .down { actions.append(.send(.report(report))) }
  }

  /// The coordinator may still count on an attempt that was abandoned (the answer to a heartbeat came too late): it must
  /// hear that nothing runs any more.
  private mutating func ended(_ attempt: AttemptID) {
    defer { startQueued() }
    guard let running = attempts.removeValue(forKey: attempt), !running.isOver, link != .down else { return }
    actions.append(.send(.report(Report(attempt: attempt, event: .cancelled))))
  }

  private mutating func expire(_ now: Int64) {
    guard let ends = leaseEnds, ends <= now else { return }
    leaseEnds = nil
    for attempt in running where !handBack(attempt) {
      attempts[attempt]?.isAbandoned = true
      actions.append(.abandon(attempt))
    }
  }

  private mutating func beat(_ now: Int64, _ progress: ([AttemptID]) -> [AttemptProgress]) {
    guard link == .up, nextHeartbeat <= now else { return }
    nextHeartbeat = now + heartbeatEvery
    sequence += 1
    heartbeats[sequence] = now
    actions.append(.send(.heartbeat(Heartbeat(sequence: sequence, attempts: progress(running)))))
  }

  private mutating func stop() {
    guard !isStopping else { return }
    isStopping = true
    for attempt in running where !handBack(attempt) {
      actions.append(.deliver(attempt, .cancel(afterCommit: true)))
    }
  }

  private mutating func leaveIfDone() {
    guard isStopping, attempts.isEmpty, !hasLeft else { return }
    hasLeft = true
    if link == .up { actions.append(.send(.leave)) }
    actions.append(.finish)
  }
}

extension Report.Event {
  /// Whether the attempt says nothing more after this.
  var isLast: Bool {
    switch self {
    case .failed, .cancelled: true
    case .committed(_, let progress, _): progress.isFinal
    case .started, .prepared, .schemaChange, .caughtUp, .pastWatermarks: false
    }
  }
}

extension Order {
  /// Whether the order is the answer to that report.
  func answers(_ report: Report) -> Bool {
    switch (action, report.event) {
    case (.proceed, .started): true
    case (.commit(let sequence), .prepared(let committable)): sequence == committable.sequence
    case (.adopt(let table, let offset, _), .schemaChange(let changed, let at, _, _)): table == changed && offset == at
    default: false
    }
  }
}
