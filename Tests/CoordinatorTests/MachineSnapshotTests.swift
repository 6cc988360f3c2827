import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: snapshot")
struct MachineSnapshotTests {
  @Test("A pipeline goes from submission over discovery and chunks to its tail")
  func wholeLife() throws {
    var cluster = MachineHarness()
    cluster.submit()
    #expect(cluster.answer == "")
    #expect(cluster.jobs.map(\.kind) == [.discover])
    let table = DiscoveredTable(
      id: MachineHarness.orders, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 9)
    try cluster.end(.discovered([table], before: Offset("10"), after: Offset("11")))
    let create = SinkStep(
      table: MachineHarness.sinkOrders, change: .createTable(MachineHarness.schema), resulting: MachineHarness.schema)
    #expect(cluster.jobs.map(\.kind) == [.applySchema([create])])
    #expect(cluster.state?.record.startOffset == Offset("10"))
    try cluster.end(.schemaApplied)
    #expect(cluster.state?.record.phase == .snapshot)
    #expect(cluster.jobs.map(\.kind) == [.plan([Job.PlanRequest(table: table, cursor: nil)], limit: 16)])
    try cluster.plan(chunks: 2)
    cluster.join(1, "w", slots: 1)
    let first = try #require(cluster.assignments(to: 1).first)
    #expect(cluster.assignments(to: 1).count == 1)
    #expect(first.attempt == AttemptID(pipeline: "p.1", split: 1, attempt: 1))
    cluster.report(1, first.attempt, .started(low: Offset("20")))
    #expect(cluster.orders(to: 1) == [Order(attempt: first.attempt, action: .proceed)])
    #expect(cluster.journal.splits[1]?.firstLow == Offset("20"))
    let committable = MachineHarness.committable(first.attempt, 1, at: "20", rows: 3, isFinal: true)
    cluster.report(1, first.attempt, .prepared(committable))
    #expect(cluster.orders(to: 1) == [Order(attempt: first.attempt, action: .commit(sequence: 1))])
    #expect(cluster.journal.splits[1]?.committable == committable)
    cluster.report(1, first.attempt, .committed(sequence: 1, progress: committable.progress, recovered: false))
    let second = try #require(cluster.assignments(to: 1).first)
    #expect(second.attempt.split == 2)
    cluster.report(1, second.attempt, .started(low: Offset("21")))
    cluster.commit(1, second.attempt, 1, at: "21", rows: 4, isFinal: true)
    #expect(cluster.state?.record.phase == .tail)
    #expect(cluster.state?.tables[MachineHarness.orders]?.state == .done)
    let tail = try #require(cluster.assignments(to: 1).first)
    guard case .tail(let work) = tail.work else {
      Issue.record("no tail")
      return
    }
    #expect(work.start == Offset("10"))
    #expect(work.tables.map(\.ignoredThrough) == [Offset("11")])
    #expect(work.tables.first?.chunks.map(\.watermark) == [Offset("20"), Offset("21")])
    #expect(cluster.state?.rows(of: MachineHarness.orders) == 7)
  }

  @Test("A sink whose attempts are not atomic has the first attempt's low watermark replayed")
  func firstLowWatermark() throws {
    var cluster = MachineHarness(visibility: .idempotent)
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let first = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.report(1, first, .started(low: Offset("15")))
    cluster.report(1, first, .failed(Failure(kind: "transient", message: "a fault")))
    cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])), after: 600)
    let second = try #require(cluster.assignments(to: 1).first?.attempt)
    #expect(second.attempt == 2)
    cluster.report(1, second, .started(low: Offset("25")))
    cluster.commit(1, second, 1, at: "25", isFinal: true)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail")
      return
    }
    #expect(work.tables.first?.chunks.map(\.watermark) == [Offset("15")])
  }

  @Test("A failed split waits longer each time, and stops the pipeline at the limit")
  func retries() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    var attempt = try #require(cluster.assignments(to: 1).first?.attempt)
    for pause in [500, 1_000] as [Int64] {
      cluster.report(1, attempt, .failed(Failure(kind: "connection", message: "refused")))
      #expect(cluster.assignments(to: 1).isEmpty)
      let due = cluster.now + pause
      #expect(cluster.machine.nextDeadline == due)
      cluster.tell(.tick, after: pause - 1)
      #expect(cluster.assignments(to: 1).isEmpty)
      cluster.tell(.tick)
      attempt = try #require(cluster.assignments(to: 1).first?.attempt)
    }
    cluster.report(1, attempt, .failed(Failure(kind: "connection", message: "refused")))
    #expect(cluster.state?.stateName == "failed")
    #expect(cluster.state?.record.error?.contains("failed 3 times in a row") == true)
    cluster.tell(.command(token: 2, .resume(pipeline: "p", cluster.profile)))
    #expect(cluster.assignments(to: 1).map(\.attempt.attempt) == [4])
  }

  @Test("What waiting cannot mend stops the pipeline at once and cancels the rest")
  func stopping() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 2)
    cluster.join(1, "w", slots: 2)
    let attempts = cluster.assignments(to: 1).map(\.attempt)
    cluster.report(1, attempts[0], .failed(Failure(kind: "permission", message: "denied", remedy: "grant it")))
    #expect(cluster.orders(to: 1) == [Order(attempt: attempts[1], action: .cancel(afterCommit: false))])
    #expect(cluster.state?.record.error == "denied — grant it")
    // Neither a new committable nor a new job of a failed pipeline goes ahead.
    cluster.report(1, attempts[1], .prepared(MachineHarness.committable(attempts[1], 1, at: "20", isFinal: true)))
    #expect(cluster.orders(to: 1).isEmpty)
    cluster.report(1, attempts[1], .cancelled)
    #expect(cluster.state?.unsettled.isEmpty == true)
  }

  @Test("Scaling takes effect at once, the youngest attempts go first")
  func scaling() throws {
    var cluster = MachineHarness(parallelism: 3)
    try cluster.discover()
    try cluster.plan(chunks: 6)
    cluster.join(1, "w", slots: 8)
    let attempts = cluster.assignments(to: 1).map(\.attempt)
    #expect(attempts.map(\.split) == [1, 2, 3])
    cluster.tell(.command(token: 2, .scale(pipeline: "p", snapshotParallelism: 5)))
    #expect(cluster.assignments(to: 1).map(\.attempt.split) == [4, 5])
    cluster.tell(.command(token: 3, .scale(pipeline: "p", snapshotParallelism: 1)))
    #expect(cluster.orders(to: 1).map(\.attempt.split) == [2, 3, 4, 5])
    #expect(cluster.orders(to: 1).allSatisfy { $0.action == .cancel(afterCommit: false) })
    cluster.report(1, AttemptID(pipeline: "p.1", split: 5, attempt: 1), .cancelled)
    #expect(cluster.assignments(to: 1).isEmpty)
    cluster.tell(.command(token: 4, .scale(pipeline: "p", snapshotParallelism: 0)))
    #expect(cluster.answer?.contains("at least 1") == true)
  }

  @Test("A table whose schema changes under its readers is read again from its beginning")
  func tableRestart() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 2)
    cluster.join(1, "w", slots: 2)
    let attempts = cluster.assignments(to: 1).map(\.attempt)
    cluster.report(1, attempts[0], .failed(Failure(kind: "schemaMismatch", message: "otherwise")))
    #expect(cluster.orders(to: 1) == [Order(attempt: attempts[1], action: .cancel(afterCommit: false))])
    #expect(cluster.journal.tables[MachineHarness.orders]?.state == .restarting)
    cluster.report(1, attempts[1], .cancelled)
    #expect(cluster.jobs.map(\.kind) == [.describe(MachineHarness.orders)])
    var wider = MachineHarness.schema
    wider.columns.append(Column(name: "more", type: DataType(.int)))
    let found = DiscoveredTable(id: MachineHarness.orders, schema: wider, chunkKey: ["id"], estimatedRows: 9)
    try cluster.end(.described(found, after: Offset("40")))
    #expect(cluster.journal.splits.isEmpty)
    let target = MachineHarness.sinkOrders
    #expect(
      cluster.jobs.map(\.kind) == [
        .applySchema([
          SinkStep(table: target, change: .dropTable, resulting: wider),
          SinkStep(table: target, change: .createTable(wider), resulting: wider),
        ])
      ])
    try cluster.end(.schemaApplied)
    #expect(cluster.state?.tables[MachineHarness.orders]?.firstVersion == 2)
    #expect(cluster.state?.tables[MachineHarness.orders]?.registeredAt == Offset("40"))
    try cluster.plan(chunks: 1)
    #expect(cluster.assignments(to: 1).map(\.attempt.split) == [3])
  }

  @Test("A mismatch that nobody can find is tried with pauses, and not for ever")
  func endlessMismatch() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let found = DiscoveredTable(
      id: MachineHarness.orders, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 9)
    for _ in 1...3 {
      let attempt = try #require(cluster.assignments(to: 1).first?.attempt)
      cluster.report(1, attempt, .failed(Failure(kind: "schemaMismatch", message: "otherwise")))
      guard cluster.state?.record.error == nil else { break }
      try cluster.end(.described(found, after: Offset("40")))
      #expect(cluster.assignments(to: 1).isEmpty)
      cluster.tell(.tick, after: 2_000)
    }
    #expect(cluster.state?.stateName == "failed")
  }
}
