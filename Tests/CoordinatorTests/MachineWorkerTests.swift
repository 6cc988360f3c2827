import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: workers, leases, restarts")
struct MachineWorkerTests {
  @Test("A split is given away only when the lease of a silent worker is over")
  func leases() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let joined = cluster.now
    cluster.join(2, "v", slots: 1)
    cluster.tell(.disconnected(1))
    while cluster.now < joined + 10_998 {
      cluster.tell(
        .heartbeat(2, Heartbeat(sequence: 1, attempts: [])), after: min(2_000, joined + 10_999 - cluster.now))
      #expect(cluster.assignments(to: 2).isEmpty)
    }
    cluster.tell(.tick, after: joined + 11_000 - cluster.now)
    #expect(cluster.assignments(to: 2).map(\.attempt.attempt) == [2])
  }

  @Test("A worker that comes back keeps what it runs, and loses what it does not")
  func reconcile() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 2)
    cluster.join(1, "w", slots: 2)
    let attempts = cluster.assignments(to: 1).map(\.attempt)
    cluster.tell(.disconnected(1))
    let stranger = AttemptID(pipeline: "p.1", split: 9, attempt: 1)
    cluster.join(2, "w", slots: 2, running: [attempts[0], stranger])
    #expect(cluster.orders(to: 2) == [Order(attempt: stranger, action: .cancel(afterCommit: false))])
    #expect(cluster.assignments(to: 2).map(\.attempt) == [AttemptID(pipeline: "p.1", split: 2, attempt: 2)])
    #expect(cluster.journal.splits[1]?.state == .assigned)
  }

  @Test("A second connection of a worker replaces the first; senseless speech is cut off")
  func connections() throws {
    var cluster = MachineHarness()
    cluster.join(1, "w", slots: 1)
    cluster.join(2, "w", slots: 1)
    #expect(cluster.closed == [1])
    cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])))
    #expect(cluster.closed == [1])
    cluster.report(7, AttemptID(pipeline: "p.1", split: 1, attempt: 1), .cancelled)
    #expect(cluster.closed == [7])
    cluster.join(3, "", slots: 1)
    #expect(cluster.closed == [3])
  }

  @Test("A committable whose worker is gone is looked into before the split is given away")
  func resolving() throws {
    for outcome in [CommitOutcome.committed, .lost] {
      var cluster = MachineHarness()
      try cluster.discover()
      try cluster.plan(chunks: 1)
      cluster.join(1, "w", slots: 1)
      let attempt = try #require(cluster.assignments(to: 1).first?.attempt)
      let committable = MachineHarness.committable(attempt, 1, at: "20", rows: 5, isFinal: true)
      cluster.report(1, attempt, .started(low: Offset("20")))
      cluster.report(1, attempt, .prepared(committable))
      cluster.tell(.left(1))
      #expect(cluster.jobs.map(\.kind) == [.resolve(committable)])
      cluster.join(2, "v", slots: 1)
      #expect(cluster.assignments(to: 2).isEmpty)
      try cluster.end(.resolved(outcome))
      if outcome == .committed {
        #expect(cluster.state?.record.phase == .tail)
        #expect(cluster.state?.rows(of: MachineHarness.orders) == 5)
      } else {
        #expect(cluster.assignments(to: 2).map(\.attempt.attempt) == [2])
        #expect(cluster.journal.splits[1]?.committable == nil)
      }
    }
  }

  @Test("A restarted coordinator goes on where its journal ends, once the worker has come back")
  func restart() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    let committable = MachineHarness.committable(tail, 1, at: "30", rows: 2, isFinal: false)
    cluster.report(1, tail, .prepared(committable))
    cluster.restart()
    cluster.tell(.tick)
    #expect(cluster.jobs.isEmpty)
    cluster.join(1, "w", slots: 4, running: [tail])
    #expect(cluster.orders(to: 1).isEmpty)
    cluster.report(1, tail, .prepared(committable))
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .commit(sequence: 1))])
    cluster.restart()
    cluster.tell(.tick, after: 11_001)
    #expect(cluster.jobs.map(\.kind) == [.resolve(committable)])
  }

  @Test("The report of a commit that a connection has lost follows from the next committable")
  func lostCommitReport() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, .prepared(MachineHarness.committable(tail, 1, at: "30", rows: 2, isFinal: false)))
    cluster.report(1, tail, .prepared(MachineHarness.committable(tail, 2, at: "40", rows: 5, isFinal: false)))
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .commit(sequence: 2))])
    #expect(cluster.journal.splits[2]?.progress?.offset == Offset("30"))
    #expect(cluster.state?.record.tailRows == 2)
  }

  @Test("A commit that is reported again does not make a later committable forgotten")
  func repeatedCommitReport() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.commit(1, tail, 1, at: "30", rows: 2)
    let first = MachineHarness.committable(tail, 1, at: "30", rows: 2, isFinal: false)
    let second = MachineHarness.committable(tail, 2, at: "40", rows: 5, isFinal: false)
    cluster.report(1, tail, .prepared(second))
    cluster.tell(.disconnected(1))
    cluster.join(2, "w", slots: 4, running: [tail])
    cluster.report(2, tail, .committed(sequence: 1, progress: first.progress, recovered: false))
    #expect(cluster.journal.splits[2]?.committable == second)
    cluster.report(2, tail, .prepared(first))
    #expect(cluster.journal.splits[2]?.committable == second)
    cluster.tell(.left(2))
    #expect(cluster.jobs.map(\.kind) == [.resolve(second)])
    try cluster.end(.resolved(.committed))
    #expect(cluster.journal.splits[2]?.progress == second.progress)
    #expect(cluster.state?.record.tailRows == 5)
  }

  @Test("A worker that hands splits back unasked gets nothing for a moment")
  func leavingWorker() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let attempt = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.report(1, attempt, .cancelled)
    #expect(cluster.assignments(to: 1).isEmpty)
    cluster.join(2, "v", slots: 1)
    #expect(cluster.assignments(to: 2).map(\.attempt.attempt) == [2])
    cluster.report(2, AttemptID(pipeline: "p.1", split: 1, attempt: 2), .cancelled)
    cluster.tell(.tick, after: 500)
    #expect(cluster.assignments(to: 1).count + cluster.assignments(to: 2).count == 1)
  }

  @Test("Reports of attempts that are over are answered with their end")
  func staleReports() throws {
    var cluster = MachineHarness()
    cluster.join(1, "w", slots: 1)
    let stranger = AttemptID(pipeline: "gone", split: 1, attempt: 1)
    cluster.report(1, stranger, .started(low: Offset("1")))
    #expect(cluster.orders(to: 1) == [Order(attempt: stranger, action: .cancel(afterCommit: false))])
    cluster.report(1, stranger, .cancelled)
    #expect(cluster.orders(to: 1).isEmpty)
  }
}
