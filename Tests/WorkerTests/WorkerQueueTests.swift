import Model
import Testing
import Wire

@testable import Worker

@Suite("Worker machine: attempts that wait for a slot")
struct WorkerQueueTests {
  private static func attempt(_ split: Int) -> AttemptID { AttemptID(pipeline: "p", split: split, attempt: 1) }

  private static func assignment(_ split: Int, tail: Bool = false) -> Assignment {
    let schema = TableSchema(columns: [Column(name: "id", type: DataType(.int))], primaryKey: ["id"])
    let binding = TableBinding(table: TableID(table: "t"), version: 1, schema: schema, targets: [])
    let tailWork = TailWork(
      start: Offset("1"), tables: [], shareIndex: 0, shareCount: 1, notifyAt: nil, commitIntervalMilliseconds: 1_000)
    return Assignment(
      attempt: attempt(split),
      connectors: ConnectorSpec(
        sourceType: "s", sourceOptions: [:], sinkType: "k", sinkOptions: [:], secrets: [], localTimeZone: nil,
        parallelism: 1),
      work: tail ? .tail(tailWork) : .snapshot(SnapshotWork(binding: binding, range: .everything)))
  }

  /// A worker of two slots that has joined, with so many attempts.
  private static func worker(assigned count: Int) -> (WorkerMachine, [WorkerMachine.Action]) {
    var machine = WorkerMachine(id: "w", name: "host:1", slots: 2)
    var actions: [WorkerMachine.Action] = []
    let joined = Joined(epoch: 1, leaseMilliseconds: 10_000, heartbeatMilliseconds: 20_000)
    for event in [WorkerMachine.Event.connected, .received(.joined(joined))] { _ = tell(&machine, event) }
    for split in 0..<count { actions += tell(&machine, .received(.assign(assignment(split)))) }
    return (machine, actions)
  }

  private static func tell(
    _ machine: inout WorkerMachine, _ event: WorkerMachine.Event, at now: Int64 = 0
  ) -> [WorkerMachine.Action] {
    machine.handle(event, now: now) { $0.map { AttemptProgress(attempt: $0, rows: 0, bytes: 0) } }
  }

  private static func started(_ actions: [WorkerMachine.Action]) -> [Int] {
    actions.compactMap { if case .start(let assignment) = $0 { assignment.attempt.split } else { nil } }
  }

  private static func handedBack(_ actions: [WorkerMachine.Action]) -> [Int] {
    actions.compactMap { action in
      if case .send(.report(let report)) = action, report.event == .cancelled { report.attempt.split } else { nil }
    }
  }

  @Test("As many attempts run as there are slots, the others begin in order")
  func queueing() {
    var (machine, actions) = Self.worker(assigned: 5)
    #expect(Self.started(actions) == [0, 1])
    #expect(machine.running.count == 5)
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(1)))) == [2])
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(0)))) == [3])
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(2)))) == [4])
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(3)))).isEmpty)
  }

  @Test("A tail never waits behind chunks")
  func tails() {
    var (machine, _) = Self.worker(assigned: 4)
    #expect(Self.started(Self.tell(&machine, .received(.assign(Self.assignment(9, tail: true))))) == [9])
  }

  @Test("A waiting attempt that is cancelled is handed back at once, and never begins")
  func cancelling() {
    var (machine, _) = Self.worker(assigned: 4)
    for afterCommit in [true, false] {
      let order = Order(attempt: Self.attempt(afterCommit ? 2 : 3), action: .cancel(afterCommit: afterCommit))
      let actions = Self.tell(&machine, .received(.order(order)))
      #expect(Self.handedBack(actions) == [afterCommit ? 2 : 3])
      #expect(actions.count == 1)
    }
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(0)))).isEmpty)
    #expect(machine.running == [Self.attempt(1)])
  }

  @Test("At the end of the lease and of the process waiting attempts are handed back")
  func ends() {
    var (machine, _) = Self.worker(assigned: 4)
    let stopping = Self.tell(&machine, .stop)
    #expect(Self.handedBack(stopping) == [2, 3])
    #expect(Self.started(Self.tell(&machine, .ended(Self.attempt(0)))).isEmpty)
    #expect(Self.tell(&machine, .ended(Self.attempt(1))).contains(.finish))

    var (other, _) = Self.worker(assigned: 4)
    let over = Self.tell(&other, .tick, at: 10_000)
    #expect(Self.handedBack(over) == [2, 3])
    #expect(over.filter { if case .abandon = $0 { true } else { false } }.count == 2)
    #expect(other.running.isEmpty)
  }

  @Test("Waiting attempts are among those that a worker brings along to another connection")
  func reconnecting() {
    var (machine, _) = Self.worker(assigned: 3)
    _ = Self.tell(&machine, .disconnected, at: 100)
    let actions = Self.tell(&machine, .connected, at: 200)
    let join = Join(workerID: "w", name: "host:1", slots: 2, running: (0..<3).map(Self.attempt))
    #expect(actions.first == .send(.join(join)))
  }
}
