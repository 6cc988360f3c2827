import Connector
import Model
import Wire

@testable import Coordinator
@testable import Worker

/// A connection between a worker and the coordinator.
final class SimulationConnection {
  let number: Int
  let worker: String
  let epoch: Int64
  /// When the last message of each direction arrives: the next one arrives no earlier.
  var lastAtCoordinator: Int64 = 0
  var lastAtWorker: Int64 = 0
  /// From when on a side has nothing more of the other.
  var deadAtCoordinator: Int64?
  var deadAtWorker: Int64?

  init(number: Int, worker: String, epoch: Int64) {
    self.number = number
    self.worker = worker
    self.epoch = epoch
  }
}

/// A worker: the real machine, and slots with simulated attempts.
final class SimulationWorker {
  enum Input {
    case reported(Report)
    case ended(AttemptID)
    case stop
  }

  let id: String
  var machine: WorkerMachine
  var attempts: [AttemptID: SimulationAttempt] = [:]
  var connection: Int?
  /// On the worker's own clock.
  var leaseEnds: Int64 = 0
  var pausedUntil: Int64 = 0
  var isStopping = false
  var lastInput: Int64 = 0
  var nextTick: Int64?
  /// Thousandths by which the worker's clock is too fast.
  private let drift: Int64

  init(id: String, slots: Int, drift: Int64) {
    self.id = id
    self.drift = drift
    machine = WorkerMachine(id: id, name: id, slots: slots)
  }

  /// The worker's clock at a true time.
  func clock(_ now: Int64) -> Int64 { now + now * drift / 1000 }

  /// When the worker's clock will show a time.
  func trueTime(_ clock: Int64) -> Int64 { clock * 1000 / (1000 + drift) + 1 }
}

extension SimulationWorld {
  func addWorker() {
    let worker = SimulationWorker(
      id: "w\(nextWorker)", slots: plan.slots, drift: random.between(-20, 20))
    nextWorker += 1
    workers[worker.id] = worker
    note("\(worker.id) starts")
    queue.add(.connect(worker.id), at: now + random.between(1, 200))
  }

  /// The process is gone at once.
  func kill(_ worker: SimulationWorker, noticedWithin notice: Int64) {
    note("\(worker.id) dies")
    for attempt in worker.attempts.values { attempt.vanish() }
    workers[worker.id] = nil
    for connection in connections.values.sorted(by: { $0.number < $1.number }) where connection.worker == worker.id {
      cut(connection, coordinatorWithin: notice, workerWithin: 0)
    }
  }

  func connect(_ worker: SimulationWorker) {
    guard coordinator.machine != nil else {
      queue.add(.connect(worker.id), at: now + random.between(100, 1_000))
      return
    }
    let connection = SimulationConnection(number: nextConnection, worker: worker.id, epoch: coordinator.epoch)
    nextConnection += 1
    connections[connection.number] = connection
    worker.connection = connection.number
    note("\(worker.id) connects (\(connection.number))")
    fold(.connected, worker)
  }

  /// The connection breaks: each side still gets what arrives before it notices.
  func cut(_ connection: SimulationConnection, coordinatorWithin: Int64, workerWithin: Int64) {
    guard connection.deadAtCoordinator == nil else { return }
    let coordinatorTime = now + random.between(0, coordinatorWithin)
    let workerTime = now + random.between(0, workerWithin)
    connection.deadAtCoordinator = now + random.between(0, min(200, coordinatorWithin))
    connection.deadAtWorker = now + random.between(0, min(200, workerWithin))
    queue.add(.closedAtCoordinator(connection.number), at: max(coordinatorTime, connection.deadAtCoordinator ?? 0))
    queue.add(.closedAtWorker(connection.number), at: max(workerTime, connection.deadAtWorker ?? 0))
  }

  private func latency() -> Int64 {
    isTroubled && random.chance(20) ? random.between(100, 4_000) : random.between(1, 20)
  }

  func send(_ message: Message, toWorkerOn connection: SimulationConnection) {
    connection.lastAtWorker = max(connection.lastAtWorker, now + latency())
    queue.add(.toWorker(connection.number, message), at: connection.lastAtWorker)
  }

  func send(_ message: Message, from worker: SimulationWorker) {
    guard let number = worker.connection, let connection = connections[number] else { return }
    if !isDull(message) { note("\(worker.id) says \(short(message))") }
    connection.lastAtCoordinator = max(connection.lastAtCoordinator, now + latency())
    queue.add(.toCoordinator(connection.number, message), at: connection.lastAtCoordinator)
  }

  func arrive(atWorker connection: SimulationConnection, _ message: Message) {
    guard let worker = workers[connection.worker], worker.connection == connection.number else { return }
    if let dead = connection.deadAtWorker, now > dead { return }
    if !isDull(message) { note("\(worker.id) hears \(short(message))") }
    fold(.received(message), worker)
  }

  func closedAtWorker(_ connection: SimulationConnection) {
    guard let worker = workers[connection.worker], worker.connection == connection.number else { return }
    note("\(worker.id) sees connection \(connection.number) end")
    worker.connection = nil
    fold(.disconnected, worker)
  }

  func post(_ input: SimulationWorker.Input, to id: String) {
    guard let worker = workers[id] else { return }
    worker.lastInput = max(worker.lastInput, now + random.between(0, 3))
    queue.add(.workerInput(id, input), at: worker.lastInput)
  }

  func take(_ input: SimulationWorker.Input, _ worker: SimulationWorker) {
    switch input {
    case .reported(let report): fold(.reported(report), worker)
    case .ended(let attempt):
      worker.attempts[attempt] = nil
      fold(.ended(attempt), worker)
    case .stop: fold(.stop, worker)
    }
  }

  func tick(_ worker: SimulationWorker) {
    worker.nextTick = nil
    fold(.tick, worker)
  }

  private func fold(_ event: WorkerMachine.Event, _ worker: SimulationWorker) {
    let actions = worker.machine.handle(event, now: worker.clock(now)) { attempts in
      attempts.map { attempt in
        let isOpen = worker.attempts[attempt]?.writer != nil
        return AttemptProgress(attempt: attempt, rows: 0, bytes: 0, offset: isOpen ? Offset("0") : nil)
      }
    }
    for action in actions { perform(action, worker) }
    guard workers[worker.id] != nil, let deadline = worker.machine.nextDeadline else { return }
    let time = max(now + 1, worker.trueTime(deadline))
    if worker.nextTick.map({ time < $0 }) ?? true {
      worker.nextTick = time
      queue.add(.workerTick(worker.id), at: time)
    }
  }

  private func perform(_ action: WorkerMachine.Action, _ worker: SimulationWorker) {
    switch action {
    case .send(let message): send(message, from: worker)
    case .connect: queue.add(.connect(worker.id), at: now + random.between(5, 600))
    case .start(let assignment): start(assignment, worker)
    case .deliver(let attempt, let order):
      worker.attempts[attempt]?.deliver(order)
      wake(worker, attempt)
    case .abandon(let attempt):
      note("\(worker.id) abandons \(attempt)")
      worker.attempts[attempt]?.abandon()
      wake(worker, attempt)
    case .lease(let until): worker.leaseEnds = until
    case .finish:
      note("\(worker.id) has left")
      workers[worker.id] = nil
      if let number = worker.connection, let connection = connections[number] {
        // What it has said last still arrives.
        queue.add(.closedAtCoordinator(connection.number), at: connection.lastAtCoordinator + 1)
      }
    }
  }

  private func start(_ assignment: Assignment, _ worker: SimulationWorker) {
    let attempt: SimulationAttempt
    switch assignment.work {
    case .snapshot(let work):
      attempt = SimulationSnapshotAttempt(assignment.attempt, work: work, worker: worker.id, world: self)
    case .tail(let work):
      attempt = SimulationTailAttempt(assignment.attempt, work: work, worker: worker.id, world: self)
    }
    worker.attempts[assignment.attempt] = attempt
    queue.add(.attemptStep(worker.id, assignment.attempt), at: now + 1)
  }

  private func wake(_ worker: SimulationWorker, _ id: AttemptID) {
    guard let attempt = worker.attempts[id], attempt.isWaiting else { return }
    attempt.isWaiting = false
    queue.add(.attemptStep(worker.id, id), at: now + random.between(0, 10))
  }

  func step(_ worker: SimulationWorker, _ id: AttemptID) {
    guard let attempt = worker.attempts[id] else { return }
    let hasEnded = attempt.step()
    if isTroubled, plan.faultEvery != nil {
      if random.chance(3) {
        kill(worker, noticedWithin: random.chance(500) ? 10 : 20_000)
        return addWorker()
      }
      // A write that is under way arrives although its worker stands still and its lease runs out.
      if attempt.isWriteUnderWay, random.chance(12) { pause(worker) }
    }
    if hasEnded { return post(.ended(id), to: worker.id) }
    if attempt.isWaiting { return }
    // A sink takes its time now and then, while the worker's control side goes on.
    let isSlow = isTroubled && attempt.isWriteUnderWay && random.chance(30)
    queue.add(.attemptStep(worker.id, id), at: now + (isSlow ? random.between(200, 6_000) : attempt.pause))
    if isSlow, random.chance(500), let connection = worker.connection.flatMap({ connections[$0] }) {
      note("connection \(connection.number) is cut")
      cut(connection, coordinatorWithin: 50, workerWithin: 50)
    }
  }

  /// Whether a message says nothing but that both sides live.
  func isDull(_ message: Message) -> Bool {
    switch message {
    case .heartbeat, .heartbeatAck: true
    default: false
    }
  }

  /// A message in one line.
  func short(_ message: Message) -> String {
    switch message {
    case .assign(let assignment): "assign \(assignment.attempt)"
    case .order(let order): "order \(order.attempt) \(short(order.action))"
    case .report(let report): "report \(report.attempt) \(short(report.event))"
    case .join(let join): "join, running \(join.running.map(\.description).sorted())"
    case .heartbeat(let heartbeat): "heartbeat \(heartbeat.sequence)"
    case .heartbeatAck(let ack): "heartbeat ack \(ack.sequence)"
    default: "\(message)"
    }
  }

  private func short(_ action: Order.Action) -> String {
    if case .adopt(let table, let offset, let binding) = action {
      return "adopt \(table) at \(offset): version \(binding?.version ?? 0)"
    }
    return "\(action)"
  }

  private func short(_ event: Report.Event) -> String {
    switch event {
    case .prepared(let committable): "prepared \(committable.sequence) at \(committable.progress.offset)"
    case .committed(let sequence, let progress, let recovered):
      "committed \(sequence) at \(progress.offset) rows \(progress.rows)\(recovered ? " recovered" : "")"
    case .schemaChange(let table, let offset, _, _): "schema change of \(table) at \(offset)"
    case .failed(let failure): "failed \(failure.kind): \(failure.message)"
    default: "\(event)"
    }
  }
}
