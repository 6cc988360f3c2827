import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: many tables and splits")
struct MachineScaleTests {
  /// Reads so many tables of one chunk each; returns the number of events, and of plan jobs.
  private static func read(tables count: Int) throws -> (events: Int, plans: Int, harness: MachineHarness) {
    var cluster = MachineHarness(parallelism: 4)
    cluster.submit()
    let tables = (0..<count).map {
      DiscoveredTable(
        id: TableID(schema: "shop", table: "t\($0)"), schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 1)
    }
    try cluster.end(.discovered(tables, before: Offset("10"), after: Offset("11")))
    #expect(cluster.jobs.count == 1)
    try cluster.end(.schemaApplied)
    cluster.join(1, "w", slots: 4)
    var work: [AttemptID] = []
    var events = 0
    var plans = 0
    while cluster.state?.record.phase == .snapshot {
      if case .plan(let requests, _)? = cluster.state?.jobs.values.first {
        plans += 1
        let plan = ChunkPlan(chunks: [ChunkRange(columns: ["id"], lower: nil, upper: nil)], cursor: nil)
        try cluster.end(.planned(requests.map { _ in plan }))
        work += cluster.assignments(to: 1).map(\.attempt)
      }
      guard let attempt = work.popLast() else { break }
      cluster.report(1, attempt, .started(low: Offset("20")))
      let committable = MachineHarness.committable(attempt, 1, at: "20", rows: 1, isFinal: true)
      cluster.report(1, attempt, .prepared(committable))
      cluster.report(1, attempt, .committed(sequence: 1, progress: committable.progress, recovered: false))
      work += cluster.assignments(to: 1).map(\.attempt)
      events += 3
    }
    return (events, plans, cluster)
  }

  @Test("Small tables are planned many at a time, and every table is read once")
  func manyTables() throws {
    let (events, plans, cluster) = try Self.read(tables: 1_000)
    #expect(events == 3_000)
    #expect(plans <= 12)
    #expect(cluster.state?.record.phase == .tail)
    let kept = MachineHarness.settings().keptChunks
    #expect(cluster.journal.splits.count == kept + 1)
    #expect(cluster.journal.folded.count == 1_000 - kept)
    #expect(cluster.state?.snapshotRows == 1_000)
    #expect(cluster.state?.tableCount(in: .done) == 1_000)
  }

  @Test("What an event costs does not depend on the number of splits that are done")
  func journalRecordsOfAnEvent() throws {
    var (_, _, cluster) = try Self.read(tables: 1_000)
    // A heartbeat and an idle moment write nothing, whatever there is.
    cluster.tell(.heartbeat(1, Heartbeat(sequence: 9, attempts: [])))
    #expect(cluster.step.records.isEmpty)
    let tail = try #require(cluster.state?.tails.first)
    let attempt = AttemptID(pipeline: "p.1", split: tail.number, attempt: tail.attempt)
    cluster.report(1, attempt, .prepared(MachineHarness.committable(attempt, 1, at: "30", isFinal: false)))
    #expect(cluster.step.records.count == 1)
  }
}
