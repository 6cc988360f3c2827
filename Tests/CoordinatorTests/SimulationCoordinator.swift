import Connector
import Model
import Wire

@testable import Coordinator

/// The coordinator's process: the real machine, its journal, and its jobs.
struct SimulationCoordinator {
  /// Nil while it is down.
  var machine: ClusterMachine?
  var epoch: Int64 = 0
  var journal = SimulationJournal()
  var inbox: [ClusterEvent] = []
  var frozenUntil: Int64 = 0
  var nextTurn: Int64?
  /// Jobs in the order in which they were started; the first is under way.
  var jobs: [Job] = []
  var stepsDone = 0
  var tailRows = 0
  /// When each split was last given away.
  var assigned: [Int: [Int64]] = [:]
  /// Connections that are open on this side.
  var open: Set<Int> = []
}

extension SimulationWorld {
  private var settings: ClusterMachine.Settings {
    var settings = ClusterMachine.Settings()
    settings.lease = 4_000
    settings.leaseMargin = 400
    settings.heartbeat = 1_000
    settings.retryLimit = 500
    settings.retryPause = 200
    settings.longestRetryPause = 1_000
    settings.grace = 2_000
    settings.discovery = 3_000
    settings.starvation = 2_000
    settings.yield = 3_000
    settings.joinDelay = 1_500
    settings.keptChunks = plan.keptChunks
    settings.chunksPerFold = 2
    return settings
  }

  private var profile: PipelineProfile {
    let unselected = unselected
    return PipelineProfile(
      startup: .initial, guarantees: sink.guarantees, behavior: .evolve, allows: { _ in true },
      targets: { [TableID(schema: "sink", table: $0.table)] }, tailCount: plan.tailCount,
      commitIntervalMilliseconds: 600, parallelism: plan.parallelism,
      connectors: ConnectorSpec(
        sourceType: "model", sourceOptions: [:], sinkType: "model", sinkOptions: [:], secrets: [], localTimeZone: nil,
        parallelism: 1), newTables: announcesNewTables ? .snapshotted : .ignored,
      selects: { !unselected.contains($0) },
      hasPassed: { Int($0.text) ?? 0 >= Int($1.text) ?? 0 })
  }

  func submit() {
    let record = PipelineRecord(
      name: "p", uid: "p.1", definition: "", file: "p.yaml", untilCaughtUp: plan.untilCaughtUp)
    command(.submit(record, profile))
  }

  /// As the service does it: the jobs of before are given up, though one may go on for a while.
  func resume() {
    if let job = coordinator.jobs.first, random.chance(500) { _ = carryOut(job) }
    coordinator.jobs = []
    command(.resume(pipeline: "p", profile, untilCaughtUp: nil))
  }

  func command(_ command: Command) {
    note("operator: \(String(describing: command).prefix(60))")
    tell(.command(token: 0, command))
  }

  // MARK: - Life

  func restartCoordinator() {
    coordinator.epoch += 1
    var machine = ClusterMachine(settings: settings, epoch: coordinator.epoch)
    machine.restore(coordinator.journal.load(), profiles: ["p": profile], now: now)
    coordinator.machine = machine
    coordinator.inbox = []
    coordinator.jobs = []
    coordinator.stepsDone = 0
    coordinator.open = []
    coordinator.nextTurn = nil
    note("coordinator starts, epoch \(coordinator.epoch)")
    scheduleTurn(at: now + 1)
  }

  func crashCoordinator() {
    guard coordinator.machine != nil else { return }
    note("coordinator dies")
    coordinator.machine = nil
    for connection in connections.values.sorted(by: { $0.number < $1.number })
    where connection.epoch == coordinator.epoch {
      cut(connection, coordinatorWithin: 0, workerWithin: 500)
    }
    coordinator.open = []
    queue.add(.restartCoordinator, at: now + random.between(10, 6_000))
  }

  /// Something arrives at the coordinator's inbox.
  func tell(_ event: ClusterEvent) {
    guard coordinator.machine != nil else { return }
    coordinator.inbox.append(event)
    scheduleTurn(at: now + random.between(0, 3))
  }

  private func scheduleTurn(at time: Int64) {
    if let next = coordinator.nextTurn, next <= time { return }
    coordinator.nextTurn = time
    queue.add(.coordinatorTurn, at: time)
  }

  func arrive(atCoordinator number: Int, _ message: Message) {
    guard let connection = connections[number], connection.epoch == coordinator.epoch else { return }
    if let dead = connection.deadAtCoordinator, now > dead { return }
    coordinator.open.insert(number)
    switch message {
    case .join(let join): tell(.joined(number, join))
    case .heartbeat(let heartbeat): tell(.heartbeat(number, heartbeat))
    case .report(let report): tell(.report(number, report))
    case .leave: tell(.left(number))
    default: violate("a worker sent \(message)")
    }
  }

  func closedAtCoordinator(_ number: Int) {
    guard connections[number]?.epoch == coordinator.epoch, coordinator.open.remove(number) != nil else { return }
    tell(.disconnected(number))
  }

  // MARK: - Turns

  /// Takes everything that has arrived, journals what follows from it, then acts; may die anywhere.
  func coordinatorTurn(_ order: Int) {
    guard coordinator.nextTurn.map({ $0 <= now }) ?? false else { return }
    if coordinator.frozenUntil > now {
      coordinator.nextTurn = coordinator.frozenUntil
      queue.add(.coordinatorTurn, at: coordinator.frozenUntil, order: order)
      return
    }
    coordinator.nextTurn = nil
    guard var machine = coordinator.machine else { return }
    let events = coordinator.inbox
    coordinator.inbox = []
    var pending = Step()
    for event in events.isEmpty ? [.tick] : events {
      let step = machine.handle(mutated(event), now: now)
      pending.records += step.records
      pending.actions += step.actions
    }
    coordinator.machine = machine
    flush(pending)
    if let machine = coordinator.machine, let deadline = machine.nextDeadline {
      scheduleTurn(at: max(now + 1, deadline))
    }
  }

  private func mutated(_ event: ClusterEvent) -> ClusterEvent {
    if mutation == .takesLostForCommitted, case .jobEnded(let id, .resolved(.lost)) = event {
      return .jobEnded(id, .resolved(.committed))
    }
    return event
  }

  private func flush(_ step: Step) {
    // Whoever acts first must die between the deed and the journal to be found out.
    let dies = isTroubled && plan.faultEvery != nil && random.chance(mutation == .actsBeforeJournaling ? 80 : 8)
    let survives = dies ? random.below(step.actions.count + 2) : Int.max
    if mutation == .actsBeforeJournaling { for action in step.actions { perform(action) } }
    if survives == 0 {
      note("(before journaling)")
      return crashCoordinator()
    }
    write(step.records)
    if mutation == .actsBeforeJournaling { return }
    for (index, action) in step.actions.enumerated() {
      if index + 1 == survives {
        note("(after \(index) of \(step.actions.count) actions)")
        return crashCoordinator()
      }
      perform(action)
    }
  }

  private func write(_ records: [JournalRecord]) {
    for record in records { note("journal: \(short(record))") }
    coordinator.journal.write(records)
    for record in records { check(record) }
    if steps % 40 == 0 { checkJournal() }
  }

  private func perform(_ action: Action) {
    switch action {
    case .send(let number, let message):
      if coordinator.open.contains(number), let connection = connections[number] {
        checkAssignment(message)
        if !isDull(message) { note("coordinator to \(connection.worker): \(short(message))") }
        send(message, toWorkerOn: connection)
      }
    case .close(let number, let reason):
      note("coordinator closes \(number): \(reason)")
      coordinator.open.remove(number)
      if let connection = connections[number] { cut(connection, coordinatorWithin: 0, workerWithin: 300) }
    case .start(let job):
      note("job \(job.id): \(String(describing: job.kind).prefix(90))")
      coordinator.jobs.append(job)
      if coordinator.jobs.count == 1 { beginJob() }
    case .forget, .answer: break
    case .note(let text): note("coordinator: \(text.message) \(text.fields.sorted { $0.key < $1.key })")
    }
  }

  // MARK: - Jobs

  private func beginJob() {
    coordinator.stepsDone = 0
    queue.add(.jobStep(epoch: coordinator.epoch), at: now + random.between(1, isTroubled ? 400 : 30))
  }

  func stepJob() {
    guard let job = coordinator.jobs.first, coordinator.machine != nil else { return }
    guard let result = fails() ? .failed(ConnectorError(.transient, "a passing fault")) : carryOut(job) else {
      queue.add(.jobStep(epoch: coordinator.epoch), at: now + random.between(1, 200))
      return
    }
    coordinator.jobs.removeFirst()
    tell(.jobEnded(job.id, result))
    if !coordinator.jobs.isEmpty { beginJob() }
  }

  /// One step of a job; nil when it needs another one.
  private func carryOut(_ job: Job) -> JobResult? {
    switch job.kind {
    case .discover:
      let end = source.offset(source.end)
      return .discovered(source.tables.keys.sorted().compactMap { source.discovered($0) }, before: end, after: end)
    case .applySchema(let steps):
      if coordinator.stepsDone < steps.count {
        sink.apply(steps[coordinator.stepsDone])
        note("sink: \(steps[coordinator.stepsDone].change.tag) of \(steps[coordinator.stepsDone].table)")
        coordinator.stepsDone += 1
        return nil
      }
      return .schemaApplied
    case .plan(let requests, _): return plan(Array(requests.prefix(1 + random.below(3))))
    case .describe(let id): return .described(source.discovered(id), after: source.offset(source.end))
    case .findTables: return .found(source.tables.keys.sorted().filter { !unselected.contains($0) })
    case .register(let ids):
      return .registered(ids.compactMap { source.discovered($0) }, after: source.offset(source.end))
    case .currentOffset: return .offset(source.offset(source.end))
    case .resolve(let committable): return .resolved(sink.resolve(committable))
    }
  }

  /// Chunks of the first tables, as far as they are what they were registered as.
  private func plan(_ requests: [Job.PlanRequest]) -> JobResult {
    let known = requests.prefix { source.tables[$0.table.id]?.schema == $0.table.schema }
    if known.isEmpty, let first = requests.first {
      return .failed(ConnectorError(.schemaMismatch, "the table is otherwise", table: first.table.id))
    }
    return .planned(
      known.map { source.planChunks($0.table.id, cursor: $0.cursor, limit: 3, rowsPerChunk: plan.rowsPerChunk) })
  }
}
