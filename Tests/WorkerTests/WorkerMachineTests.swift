import Model
import Testing
import Wire

@testable import Worker

/// A worker's machine, told things and asked what it wants.
private struct Harness {
  var machine = WorkerMachine(id: "w", name: "host:1", slots: 2)
  var now: Int64 = 0

  static func attempt(_ split: Int) -> AttemptID { AttemptID(pipeline: "p", split: split, attempt: 1) }

  static func assignment(_ split: Int) -> Assignment {
    let schema = TableSchema(columns: [Column(name: "id", type: DataType(.int))], primaryKey: ["id"])
    let binding = TableBinding(table: TableID(table: "t"), version: 1, schema: schema, targets: [])
    return Assignment(
      attempt: attempt(split),
      connectors: ConnectorSpec(
        sourceType: "s", sourceOptions: [:], sinkType: "k", sinkOptions: [:], secrets: [], localTimeZone: nil,
        parallelism: 1), work: .snapshot(SnapshotWork(binding: binding, range: .everything)))
  }

  static func committable(_ split: Int, _ sequence: Int, isFinal: Bool = false) -> Committable {
    Committable(
      attempt: attempt(split), sequence: sequence, label: "",
      progress: SplitProgress(offset: Offset("\(sequence)"), rows: sequence, bytes: 0, isFinal: isFinal))
  }

  @discardableResult
  mutating func tell(_ event: WorkerMachine.Event, at time: Int64? = nil) -> [WorkerMachine.Action] {
    now = time ?? now
    return machine.handle(event, now: now) { $0.map { AttemptProgress(attempt: $0, rows: 1, bytes: 2) } }
  }

  @discardableResult
  mutating func join(at time: Int64, lease: Int64 = 10_000, heartbeat: Int64 = 2_000) -> [WorkerMachine.Action] {
    tell(.connected, at: time)
    return tell(
      .received(.joined(Joined(epoch: 1, leaseMilliseconds: lease, heartbeatMilliseconds: heartbeat))), at: time + 10)
  }

  @discardableResult
  mutating func assign(_ split: Int) -> [WorkerMachine.Action] { tell(.received(.assign(Self.assignment(split)))) }

  @discardableResult
  mutating func report(_ split: Int, _ event: Report.Event) -> [WorkerMachine.Action] {
    tell(.reported(Report(attempt: Self.attempt(split), event: event)))
  }

  @discardableResult
  mutating func order(_ split: Int, _ action: Order.Action) -> [WorkerMachine.Action] {
    tell(.received(.order(Order(attempt: Self.attempt(split), action: action))))
  }

  static func sent(_ split: Int, _ event: Report.Event) -> WorkerMachine.Action {
    .send(.report(Report(attempt: attempt(split), event: event)))
  }

  static func join(running: [Int]) -> WorkerMachine.Action {
    .send(.join(Join(workerID: "w", name: "host:1", slots: 2, running: running.map(attempt))))
  }
}

@Suite("Worker machine")
struct WorkerMachineTests {
  @Test("The lease counts from the moment a heartbeat was sent, once it is answered")
  func lease() {
    var worker = Harness()
    #expect(worker.tell(.connected, at: 100) == [Harness.join(running: [])])
    let joined = worker.tell(
      .received(.joined(Joined(epoch: 1, leaseMilliseconds: 10_000, heartbeatMilliseconds: 2_000))), at: 400)
    #expect(joined.first == .lease(until: 10_100))
    #expect(joined.last == .send(.heartbeat(Heartbeat(sequence: 1, attempts: []))))
    #expect(worker.tell(.received(.heartbeatAck(HeartbeatAck(sequence: 1))), at: 900) == [.lease(until: 10_400)])
    // Another answer to the same one, and one to none, mean nothing.
    #expect(worker.tell(.received(.heartbeatAck(HeartbeatAck(sequence: 1))), at: 950).isEmpty)
    #expect(worker.tell(.received(.heartbeatAck(HeartbeatAck(sequence: 7))), at: 960).isEmpty)
    #expect(worker.machine.nextDeadline == 2_400)
    worker.assign(1)
    let beat = worker.tell(.tick, at: 2_400)
    let progress = AttemptProgress(attempt: Harness.attempt(1), rows: 1, bytes: 2)
    #expect(beat == [.send(.heartbeat(Heartbeat(sequence: 2, attempts: [progress])))])
  }

  @Test("When the lease is over, attempts are abandoned before anything else")
  func expiry() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    worker.tell(.disconnected, at: 9_000)
    let actions = worker.tell(.connected, at: 10_000)
    #expect(actions == [.abandon(Harness.attempt(1)), Harness.join(running: [])])
    #expect(worker.machine.running.isEmpty)
    #expect(worker.report(1, .caughtUp(end: Offset("9"))).isEmpty)
    #expect(worker.order(1, .proceed).isEmpty)
  }

  @Test("An answer that comes after the end of the lease does not revive attempts")
  func lateAnswer() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    worker.tell(.tick, at: 9_999)
    let late = worker.tell(.received(.heartbeatAck(HeartbeatAck(sequence: 2))), at: 10_001)
    #expect(late.first == .abandon(Harness.attempt(1)))
    // The coordinator does not know of it: it hears so once the thread has ended.
    #expect(worker.tell(.ended(Harness.attempt(1)), at: 10_100) == [Harness.sent(1, .cancelled)])
  }

  @Test("After a reconnect the last commit, the facts and the open question are said again, right after the join")
  func resend() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    let first = Harness.committable(1, 1)
    let second = Harness.committable(1, 2)
    worker.report(1, .prepared(first))
    #expect(worker.order(1, .commit(sequence: 1)) == [.deliver(Harness.attempt(1), .commit(sequence: 1))])
    let committed = Report.Event.committed(sequence: 1, progress: first.progress, recovered: false)
    worker.report(1, committed)
    worker.report(1, .pastWatermarks)
    worker.tell(.disconnected, at: 1_000)
    #expect(worker.report(1, .prepared(second)).isEmpty)
    #expect(
      worker.tell(.connected, at: 1_200) == [
        Harness.join(running: [1]), Harness.sent(1, committed), Harness.sent(1, .pastWatermarks),
        Harness.sent(1, .prepared(second)),
      ])
    // What happens between the join and its answer follows the join.
    #expect(worker.report(1, .caughtUp(end: Offset("9"))) == [Harness.sent(1, .caughtUp(end: Offset("9")))])
  }

  @Test("An attempt that has said its last word is not promised to a coordinator any more")
  func lastWord() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    worker.assign(2)
    worker.report(1, .failed(Failure(kind: "transient", message: "a fault")))
    let committable = Harness.committable(2, 1, isFinal: true)
    worker.report(2, .committed(sequence: 1, progress: committable.progress, recovered: false))
    worker.tell(.disconnected, at: 100)
    #expect(worker.tell(.connected, at: 200) == [Harness.join(running: [])])
    #expect(worker.tell(.ended(Harness.attempt(1))).isEmpty)
    #expect(worker.tell(.ended(Harness.attempt(2))).isEmpty)
  }

  @Test("Only the order that answers the open question is delivered, and only once")
  func orders() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    #expect(worker.order(1, .proceed).isEmpty)
    worker.report(1, .started(low: Offset("1")))
    #expect(worker.order(1, .commit(sequence: 1)).isEmpty)
    #expect(worker.order(1, .proceed) == [.deliver(Harness.attempt(1), .proceed)])
    #expect(worker.order(1, .proceed).isEmpty)
    worker.report(1, .prepared(Harness.committable(1, 2)))
    #expect(worker.order(1, .commit(sequence: 1)).isEmpty)
    #expect(worker.order(1, .commit(sequence: 2)).count == 1)
    let table = TableID(table: "t")
    let schema = TableSchema(columns: [], primaryKey: [])
    worker.report(1, .schemaChange(table: table, offset: Offset("5"), changes: [.truncateTable], schema: schema))
    #expect(worker.order(1, .adopt(table: table, offset: Offset("4"), binding: nil)).isEmpty)
    #expect(worker.order(1, .adopt(table: table, offset: Offset("5"), binding: nil)).count == 1)
    #expect(worker.order(1, .cancel(afterCommit: true)).count == 1)
    #expect(worker.order(1, .notifyAt(Offset("9"))).count == 1)
  }

  @Test("A cancelled attempt that does not run here is reported as ended; other orders to it mean nothing")
  func unknownAttempts() {
    var worker = Harness()
    worker.join(at: 0)
    #expect(worker.order(3, .proceed).isEmpty)
    #expect(worker.order(3, .cancel(afterCommit: false)) == [Harness.sent(3, .cancelled)])
    #expect(worker.assign(1) == [.start(Harness.assignment(1))])
    #expect(worker.assign(1).isEmpty)
  }

  @Test("A stopped worker lets attempts commit, takes nothing new, says goodbye and does not come back")
  func stop() {
    var worker = Harness()
    worker.join(at: 0)
    worker.assign(1)
    #expect(worker.tell(.stop, at: 100) == [.deliver(Harness.attempt(1), .cancel(afterCommit: true))])
    #expect(worker.tell(.stop).isEmpty)
    #expect(worker.assign(2) == [Harness.sent(2, .cancelled)])
    #expect(worker.report(1, .cancelled) == [Harness.sent(1, .cancelled)])
    #expect(worker.tell(.ended(Harness.attempt(1))) == [.send(.leave), .finish])
    #expect(worker.tell(.disconnected).isEmpty)
  }

  @Test("A lost connection is taken up again")
  func reconnect() {
    var worker = Harness()
    worker.join(at: 0)
    #expect(worker.tell(.disconnected, at: 50) == [.connect])
    // Nothing is sent while there is no connection.
    #expect(worker.tell(.tick, at: 5_000).isEmpty)
    #expect(worker.tell(.stop) == [.finish])
  }
}
