import Connector
import Model
import Wire

@testable import Coordinator
@testable import Worker

/// A whole cluster in one value: a coordinator with its journal, workers, a source, a sink, and the network between
/// them. Everything that can happen waits in one queue; one seed decides what happens, when, and what goes wrong.
final class SimulationWorld: SimulationSurroundings {
  enum Event {
    case toCoordinator(Int, Message)
    case toWorker(Int, Message)
    case closedAtCoordinator(Int)
    case closedAtWorker(Int)
    case connect(String)
    case workerInput(String, SimulationWorker.Input)
    case workerTick(String)
    case attemptStep(String, AttemptID)
    case coordinatorTurn
    case jobStep(epoch: Int64)
    case restartCoordinator
    case sourceActivity
    case fault
    case operatorCommand
  }

  /// What kind of history a seed makes.
  struct Plan {
    var tables: Int
    var rows: Int
    var rowsPerChunk: Int
    var tailCount: Int
    var workers: Int
    var slots: Int
    var sink: SimulationSink.Kind
    /// Milliseconds during which things go wrong.
    var troubledFor: Int64
    /// In a thousand: of source activities that are schema changes, and of calls that fail for a moment.
    var schemaChanges: Int
    /// In a thousand: of schema changes that bring, replace or rename tables.
    var comingTables: Int
    /// Whether names that were never captured are taken in; else only those that come back.
    var takesNewTables: Bool
    var failures: Int
    /// Mean milliseconds between faults; nil: none.
    var faultEvery: Int64?
    var untilCaughtUp: Bool
    var parallelism: Int?
    /// Finished splits whose records the coordinator keeps.
    var keptChunks: Int
  }

  let seed: Int
  let mutation: SimulationMutation?
  let plan: Plan
  let source: SimulationSource
  let sink: SimulationSink
  var random: SimulationRandom
  var now: Int64 = 1_000
  var steps = 0
  var queue = SimulationQueue<Event>()
  var coordinator: SimulationCoordinator
  /// Tables that an operator has taken out of the definition.
  var unselected: Set<TableID> = []
  var workers: [String: SimulationWorker] = [:]
  var connections: [Int: SimulationConnection] = [:]
  var nextConnection = 1
  var nextWorker = 1
  /// What must not have happened, and did.
  private(set) var violation: String?
  private(set) var trace: [String] = []
  let tracesEverything: Bool

  init(seed: Int, mutation: SimulationMutation? = nil, traces: Bool = false) {
    self.seed = seed
    self.mutation = mutation
    tracesEverything = traces
    var random = SimulationRandom(seed: seed)
    let plan = Plan(
      tables: 1 + random.below(3), rows: 5 + random.below(22), rowsPerChunk: 2 + random.below(5),
      tailCount: 1 + random.below(2), workers: 1 + random.below(3), slots: 1 + random.below(3),
      sink: random.pick(SimulationSink.Kind.allCases) ?? .ledger, troubledFor: random.between(4_000, 30_000),
      schemaChanges: random.pick([0, 50, 200]) ?? 0, comingTables: random.pick([0, 0, 300, 600]) ?? 0,
      takesNewTables: random.chance(600),
      failures: random.pick([0, 0, 10, 40]) ?? 0,
      faultEvery: random.pick([nil, 500, 1_500, 4_000]) ?? nil, untilCaughtUp: random.chance(80),
      parallelism: random.pick([nil, 1, 3]) ?? nil, keptChunks: random.pick([0, 1, 4, 1_000]) ?? 0)
    self.plan = plan
    source = SimulationSource(tableCount: plan.tables, rows: plan.rows, random: &random)
    sink = SimulationSink(kind: plan.sink)
    // Without a draw, so that the histories of the other sinks stay what they are.
    sink.commitsAlone = plan.sink == .ledger && seed % 2 == 0
    coordinator = SimulationCoordinator()
    self.random = random
    sink.fences = mutation != .skipsFencing
    sink.violated = { [unowned self] in violate($0) }
    sink.isJournaled = { [unowned self] in coordinator.journal.committables.contains(SimulationJournal.key($0)) }
  }

  // MARK: - Surroundings of attempts

  func clock(of attempt: SimulationAttempt) -> Int64 { workers[attempt.worker]?.clock(now) ?? now }

  func leaseIsOver(for attempt: SimulationAttempt) -> Bool {
    guard let worker = workers[attempt.worker] else { return true }
    return worker.clock(now) >= worker.leaseEnds
  }

  func report(_ attempt: SimulationAttempt, _ event: Report.Event) {
    post(.reported(Report(attempt: attempt.id, event: event)), to: attempt.worker)
  }

  func fails() -> Bool { isTroubled && random.chance(plan.failures) }

  func draw(_ count: Int) -> Int { random.below(count) }

  var announcesNewTables: Bool { plan.comingTables > 0 && plan.takesNewTables }

  // MARK: - Running

  /// Whether things may still go wrong.
  var isTroubled: Bool { now < 1_000 + plan.troubledFor }

  func violate(_ text: String) {
    if violation == nil {
      violation = text
      note("VIOLATION: \(text)")
    }
  }

  func note(_ text: @autoclosure () -> String) {
    guard tracesEverything else { return }
    trace.append("\(now) \(text())")
  }

  /// Lets the history unfold; nil, or what was violated.
  func run() -> String? {
    begin()
    // Enough for everything to settle after the last fault: leases, pauses before retries, commit intervals.
    let end = 1_000 + plan.troubledFor + 120_000
    var isSettling = false
    while violation == nil, let next = queue.popFirst() {
      now = max(now, next.time)
      steps += 1
      if now > end || steps > 60_000 {
        violate("not settled: \(unsettledReason() ?? "nothing is missing")")
        break
      }
      handle(next.element, order: next.order)
      checkOwnership()
      if !isTroubled {
        if !isSettling {
          isSettling = true
          settle()
        }
        if steps % 16 == 0, unsettledReason() == nil { break }
      }
    }
    if violation == nil, let reason = unsettledReason() { violate("nothing more will happen: \(reason)") }
    if violation == nil { checkEnd() }
    return violation
  }

  private func begin() {
    restartCoordinator()
    submit()
    for _ in 0..<plan.workers { addWorker() }
    queue.add(.sourceActivity, at: now + 50)
    if let every = plan.faultEvery {
      queue.add(.fault, at: now + random.between(100, every * 2))
      queue.add(.operatorCommand, at: now + random.between(1_000, 15_000))
    }
  }

  /// The trouble is over: everybody who is needed is there.
  private func settle() {
    note("faults end")
    let lasting = workers.values.count { !$0.isStopping }
    for _ in 0..<max(0, (4 + plan.slots - 1) / plan.slots - lasting) { addWorker() }
    if coordinator.machine == nil { restartCoordinator() }
    if coordinator.journal.pipelines.isEmpty { submit() }
    unselected = []
    resume()
    command(.scale(pipeline: "p", snapshotParallelism: 4))
  }

  private func handle(_ event: Event, order: Int) {
    switch event {
    case .toCoordinator(let number, let message): arrive(atCoordinator: number, message)
    case .toWorker(let number, let message):
      guard let connection = connections[number], let worker = workers[connection.worker] else { return }
      if deferred(worker, event, order) { return }
      arrive(atWorker: connection, message)
    case .closedAtCoordinator(let number): closedAtCoordinator(number)
    case .closedAtWorker(let number):
      guard let connection = connections[number], let worker = workers[connection.worker] else { return }
      if deferred(worker, event, order) { return }
      closedAtWorker(connection)
    case .connect(let id): with(id, event, order) { connect($0) }
    case .workerInput(let id, let input): with(id, event, order) { take(input, $0) }
    case .workerTick(let id): with(id, event, order) { tick($0) }
    case .attemptStep(let id, let attempt): with(id, event, order) { step($0, attempt) }
    case .coordinatorTurn: coordinatorTurn(order)
    case .jobStep(let epoch): if epoch == coordinator.epoch { stepJob() }
    case .restartCoordinator: if coordinator.machine == nil { restartCoordinator() }
    case .sourceActivity: actAtSource()
    case .fault: injectFault()
    case .operatorCommand: operate()
    }
  }

  private func with(_ id: String, _ event: Event, _ order: Int, _ body: (SimulationWorker) -> Void) {
    guard let worker = workers[id] else { return }
    if !deferred(worker, event, order) { body(worker) }
  }

  /// A paused worker takes everything later, in the same order.
  private func deferred(_ worker: SimulationWorker, _ event: Event, _ order: Int) -> Bool {
    guard worker.pausedUntil > now else { return false }
    queue.add(event, at: worker.pausedUntil, order: order)
    return true
  }

  private func actAtSource() {
    guard isTroubled else { return }
    let phase = coordinator.journal.pipelines["p"]?.phase
    if random.chance(plan.schemaChanges) {
      if phase == .tail, random.chance(plan.comingTables) {
        source.commitComingTable(formerOnly: !plan.takesNewTables, &random)
      } else {
        source.commitSchemaChange(allowsRemoval: phase == .tail, &random)
      }
      note("source: \(source.describe(source.end))")
    } else {
      source.commitRows(&random)
      note("source: \(source.describe(source.end))")
    }
    queue.add(.sourceActivity, at: now + random.between(20, 900))
  }
}
