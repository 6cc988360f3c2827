import Connector
import Model
import Pipeline
import Platform
import Wire

/// How a worker is started.
public struct WorkerOptions: Sendable {
  /// The coordinator.
  public var join: Endpoint
  /// Splits it runs at once, at least 1.
  public var slots: Int
  /// The shared secret, nil where the coordinator has none.
  public var token: Token?
  /// The connectors that this binary has.
  public var registry: ConnectorRegistry

  /// Makes options.
  public init(join: Endpoint, slots: Int, token: Token?, registry: ConnectorRegistry) {
    self.join = join
    self.slots = slots
    self.token = token
    self.registry = registry
  }
}

/// Why a worker could not be started, or had to end.
public struct WorkerError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened and what to do.
  public let description: String
}

/// A running worker: one control thread that owns the machine, one thread for the connection, one for each attempt.
public final class WorkerService: Sendable {
  private enum Input: Sendable {
    case connected(LinkNumber, FrameConnection)
    case disconnected(LinkNumber)
    case received(LinkNumber, Message)
    case reported(Report)
    case ended(AttemptID)
    case stop
    case refused(String)
  }

  private typealias LinkNumber = Int

  private let options: WorkerOptions
  private let inbox = Inbox<Input>()
  private let outcome = Monitor<Result<Void, WorkerError>?>(nil)
  private let lease = LeaseClock()
  private let log = Log("worker")

  /// Starts the worker; it joins, and joins again after every lost connection, until it is stopped.
  /// - Throws: when the options make no sense.
  public init(_ options: WorkerOptions) throws(WorkerError) {
    guard options.slots > 0, options.slots <= 1024 else {
      throw WorkerError(description: "--slots must be between 1 and 1024")
    }
    self.options = options
    _ = DedicatedThread(name: "worker") { [self] in control() }
  }

  /// Asks it to leave in order: attempts commit what they can and end, then the worker goes. Returns at once.
  public func stop() { inbox.put(.stop) }

  /// Waits until it has gone.
  /// - Throws: when it had to end without being asked (the coordinator refuses it).
  public func wait() throws(WorkerError) {
    let result = outcome.wait { $0 }
    try (result ?? .success(())).get()
  }

  // MARK: - The control thread

  private struct Control {
    var machine: WorkerMachine
    var contexts: [AttemptID: AttemptContext] = [:]
    var connection: FrameConnection?
    var link = 0
    var isFinished = false
  }

  private func control() {
    let id = ProcessIdentity.randomHex(bytes: 16)
    var control = Control(
      machine: WorkerMachine(id: id, name: ProcessIdentity.hostAndPID(), slots: options.slots))
    startLink(&control)
    while !control.isFinished {
      let now = Clock.monotonicMilliseconds()
      let pause = control.machine.nextDeadline.map { max(0, $0 - now) } ?? 1_000
      let inputs = inbox.takeAll(milliseconds: pause)
      if inputs.isEmpty { fold(.tick, &control) }
      for input in inputs { handle(input, &control) }
    }
    control.connection?.close()
    inbox.close()
    outcome.update { if $0 == nil { $0 = .success(()) } }
  }

  private func handle(_ input: Input, _ control: inout Control) {
    switch input {
    case .connected(let link, let connection):
      guard link == control.link else { return connection.close() }
      control.connection = connection
      fold(.connected, &control)
    case .disconnected(let link):
      guard link == control.link else { return }
      control.connection?.close()
      control.connection = nil
      fold(.disconnected, &control)
    case .received(let link, let message):
      if link == control.link { fold(.received(message), &control) }
    case .reported(let report): fold(.reported(report), &control)
    case .ended(let attempt):
      control.contexts[attempt] = nil
      fold(.ended(attempt), &control)
    case .stop: fold(.stop, &control)
    case .refused(let reason):
      outcome.update { $0 = .failure(WorkerError(description: reason)) }
      for context in control.contexts.values { context.abandon() }
      control.isFinished = true
    }
  }

  private func fold(_ event: WorkerMachine.Event, _ control: inout Control) {
    let contexts = control.contexts
    let actions = control.machine.handle(event, now: Clock.monotonicMilliseconds()) { attempts in
      attempts.compactMap { contexts[$0]?.progress() }
    }
    for action in actions { perform(action, &control) }
  }

  private func perform(_ action: WorkerMachine.Action, _ control: inout Control) {
    switch action {
    case .send(let message): send(message, &control)
    case .connect: startLink(&control)
    case .start(let assignment): start(assignment, &control)
    case .deliver(let attempt, let order): control.contexts[attempt]?.deliver(order)
    case .abandon(let attempt):
      log.warning("lease is over, attempt abandoned", ["attempt": attempt.description])
      control.contexts[attempt]?.abandon()
    case .lease(let until): lease.extend(until: until)
    case .finish: control.isFinished = true
    }
  }

  /// A failed send breaks the link; its reader notices and reports it. A report that no link can carry ends its attempt,
  /// which waits for the answer.
  private func send(_ message: Message, _ control: inout Control) {
    guard let connection = control.connection else { return }
    do {
      try connection.send(message)
    } catch  where error.concernsMessage {
      log.error("a message cannot be sent", ["message": "\(message.name)", "error": error.description])
      if case .report(let report) = message { fail(report, connection, error, &control) }
    } catch {
      log.warning("cannot send to the coordinator", ["error": error.description])
      connection.close()
    }
  }

  private func fail(
    _ report: Report, _ connection: FrameConnection, _ error: WireError, _ control: inout Control
  ) {
    guard case .failed = report.event else {
      control.contexts[report.attempt]?.fail(
        ConnectorError(
          .configuration, "what the attempt has to report does not fit a message: \(error)",
          remedy: "divide the tables among several pipelines"))
      return
    }
    // The error itself does not fit.
    let failure = Failure(kind: ConnectorError.Kind.bug.rawValue, message: "an error that cannot be sent: \(error)")
    do {
      try connection.send(.report(Report(attempt: report.attempt, event: .failed(failure))))
    } catch {
      connection.close()
    }
  }

  // MARK: - The connection

  private func startLink(_ control: inout Control) {
    control.link += 1
    let link = control.link
    _ = DedicatedThread(name: "worker-link") { [self] in runLink(link) }
  }

  /// Connects, with pauses that grow, then reads until the connection breaks.
  private func runLink(_ link: LinkNumber) {
    var pause: Int64 = 100
    while outcome.withLock({ $0 == nil }) {
      do {
        let connection = try FrameConnection.connect(to: options.join, role: .worker, token: options.token)
        inbox.put(.connected(link, connection))
        return readMessages(link, connection)
      } catch {
        if error.isRefusal {
          return inbox.put(.refused(error.description))
        }
        log.warning("cannot reach the coordinator", ["error": error.description])
        _ = outcome.wait(milliseconds: pause) { $0 == nil ? nil : true }
        pause = min(pause * 2, 5_000)
      }
    }
  }

  private func readMessages(_ link: LinkNumber, _ connection: FrameConnection) {
    do {
      while true {
        let (_, message) = try connection.receive()
        inbox.put(.received(link, message))
      }
    } catch {
      log.info("connection to the coordinator ended", ["reason": error.description])
      inbox.put(.disconnected(link))
    }
  }

  // MARK: - Attempts

  private func start(_ assignment: Assignment, _ control: inout Control) {
    let attempt = assignment.attempt
    let context = AttemptContext(attempt: attempt, lease: lease) { [inbox] report in
      inbox.put(.reported(report))
    }
    control.contexts[attempt] = context
    let runner = AttemptRunner(registry: options.registry, assignment: assignment, context: context)
    _ = DedicatedThread(name: "slot-\(attempt.split)") { [inbox] in
      runner.run()
      inbox.put(.ended(attempt))
    }
  }
}

extension WireError {
  /// Whether trying again cannot help: the two sides do not belong together.
  var isRefusal: Bool {
    switch self {
    case .versionMismatch, .tokenRefused, .tokenMissing, .tokenUnexpected: true
    default: false
    }
  }
}
