import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: small chunks given ahead")
struct MachineAheadTests {
  /// A pipeline with so many tables of one chunk, all planned; nobody has joined.
  private static func planned(
    tables count: Int, rows: Int = 1, parallelism: Int? = nil, newTables: NewTables = .ignored
  ) throws -> MachineHarness {
    var cluster = MachineHarness(parallelism: parallelism, newTables: newTables)
    cluster.submit()
    let tables = (0..<count).map {
      DiscoveredTable(
        id: TableID(schema: "shop", table: "t\($0)"), schema: MachineHarness.schema, chunkKey: ["id"],
        estimatedRows: rows)
    }
    try cluster.end(.discovered(tables, before: Offset("10"), after: Offset("11")))
    try cluster.end(.schemaApplied)
    let plan = ChunkPlan(chunks: [ChunkRange(columns: ["id"], lower: nil, upper: nil)], cursor: nil)
    try cluster.end(.planned(tables.map { _ in plan }))
    return cluster
  }

  @Test("A worker is given small chunks to go on with, all in one step")
  func ahead() throws {
    var cluster = try Self.planned(tables: 40)
    cluster.join(1, "w", slots: 2)
    let first = cluster.assignments(to: 1)
    #expect(first.count == 2 * (1 + MachineHarness.settings().chunksAhead))
    #expect(Set(first.map(\.attempt.split)).count == first.count)
    // Each one that ends makes room for one.
    let attempt = first[0].attempt
    let committable = MachineHarness.committable(attempt, 1, at: "20", rows: 1, isFinal: true)
    cluster.report(1, attempt, .committed(sequence: 1, progress: committable.progress, recovered: false))
    #expect(cluster.assignments(to: 1).count == 1)
    #expect(cluster.state?.splits[attempt.split]?.state == .committed)
  }

  @Test("Every worker gets its share")
  func workers() throws {
    var cluster = try Self.planned(tables: 40)
    cluster.join(1, "a", slots: 1)
    cluster.join(2, "b", slots: 2)
    let held = cluster.state?.heldSplits ?? []
    #expect(held.count { $0.worker == "a" } == 5)
    #expect(held.count { $0.worker == "b" } == 10)
  }

  @Test("Large tables are given to free slots alone")
  func largeTables() throws {
    var cluster = try Self.planned(tables: 10, rows: 1_000_000)
    cluster.join(1, "w", slots: 2)
    #expect(cluster.assignments(to: 1).count == 2)
  }

  @Test("Slots that the pipeline's parallelism leaves free are left free")
  func parallelism() throws {
    var cluster = try Self.planned(tables: 10, parallelism: 1)
    cluster.join(1, "w", slots: 2)
    #expect(cluster.assignments(to: 1).count == 1)
  }

  @Test("After a restart of the coordinator what a worker still has is left to it, and what it has not is given again")
  func restart() throws {
    var cluster = try Self.planned(tables: 40)
    cluster.join(1, "w", slots: 2)
    let given = cluster.assignments(to: 1).map(\.attempt)
    // The journal had all of them before the first was sent.
    #expect(given.allSatisfy { cluster.journal.splits[$0.split]?.worker == "w" })
    cluster.restart()
    cluster.join(2, "w", slots: 2, running: Array(given.prefix(4)))
    let again = cluster.assignments(to: 2).map(\.attempt)
    #expect(Set(again.map(\.split)).isDisjoint(with: Set(given.prefix(4).map(\.split))))
    #expect(again.filter { $0.attempt == 2 }.map(\.split).sorted() == given.dropFirst(4).map(\.split).sorted())
    #expect(cluster.state?.splits == cluster.journal.splits)
  }

  @Test("A table that is about to get a name is not registered under it by the search for tables")
  func successors() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    _ = try cluster.reachTail()
    let target = TableID(schema: "shop", table: "archive")
    var record = SchemaRecord(
      table: MachineHarness.orders, version: 2, offset: Offset("50"), changes: [.renameTable(to: target)],
      schema: MachineHarness.schema, sinkSteps: [], isApplied: false)
    record.successor = target
    var state = try #require(cluster.state)
    #expect(state.mayRegister(target))
    state.put(schema: record)
    #expect(!state.mayRegister(target))
    record.isApplied = true
    state.put(schema: record)
    #expect(state.mayRegister(target))
  }
}
