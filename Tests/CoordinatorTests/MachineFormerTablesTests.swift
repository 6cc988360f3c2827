import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: tables that were captured before")
struct MachineFormerTablesTests {
  private static let archive = TableID(schema: "shop", table: "archive")
  private static let orders = MachineHarness.orders

  private static func found(_ id: TableID) -> DiscoveredTable {
    DiscoveredTable(id: id, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 5)
  }

  private static func event(_ table: TableID, _ change: SchemaChange, at offset: String) -> Report.Event {
    .schemaChange(table: table, offset: Offset(offset), changes: [change], schema: MachineHarness.schema)
  }

  private static func adopt(_ table: TableID, at offset: String) -> Order.Action {
    .adopt(table: table, offset: Offset(offset), binding: nil)
  }

  /// What was deleted while the table was not captured must not stay in the sink.
  @Test("A table that is taken in again begins with an empty sink table")
  func takenInAgain() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    let tail = try cluster.reachTail()[0]
    var profile = cluster.profile
    profile.selects = { _ in false }
    cluster.tell(.command(token: 4, .resume(pipeline: "p", profile)))
    #expect(cluster.journal.tables[Self.orders]?.state == .pruned)
    cluster.report(1, tail, .cancelled)
    cluster.tell(.command(token: 5, .resume(pipeline: "p", cluster.profile)))
    cluster.tell(.tick, after: 100_000)
    try cluster.end(.found([Self.orders]))
    try cluster.end(.registered([Self.found(Self.orders)], after: Offset("90")))
    let drop = SinkStep(table: MachineHarness.sinkOrders, change: .dropTable, resulting: MachineHarness.schema)
    let create = SinkStep(
      table: MachineHarness.sinkOrders, change: .createTable(MachineHarness.schema), resulting: MachineHarness.schema)
    #expect(cluster.jobs.map(\.kind) == [.applySchema([drop, create])])
    try cluster.end(.schemaApplied)
    #expect(cluster.journal.tables[Self.orders]?.state == .reading)
  }

  /// `RENAME TABLE orders TO archive, other TO orders`.
  @Test("A captured table whose name another one has taken is read under its new name, wanted or not")
  func movedOn() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, Self.event(Self.orders, .replaceTable(MachineHarness.schema), at: "50"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.orders, at: "50")])
    cluster.report(1, tail, Self.event(Self.archive, .replaceTable(MachineHarness.schema), at: "50"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.archive, at: "50")])
    #expect(cluster.journal.tables[Self.archive]?.state == .restarting)
  }

  /// A tail that starts again has to know them: the log tells of them later.
  @Test("A tail is told of tables that are gone or are read anew")
  func told() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, Self.event(Self.orders, .dropTable, at: "50"))
    try cluster.end(.schemaApplied)
    let progress = SplitProgress(
      offset: Offset("60"), rows: 0, bytes: 0, schemaVersions: [Self.orders.description: 0], isFinal: false)
    let committable = Committable(attempt: tail, sequence: 1, label: "l1", progress: progress)
    cluster.report(1, tail, .prepared(committable))
    cluster.report(1, tail, .committed(sequence: 1, progress: progress, recovered: false))
    cluster.report(1, tail, .cancelled)
    cluster.tell(.tick, after: 2_000)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.formerTables == [Self.orders])
    // It is made again, and comes with rows of its own another time: both are taken in.
    let next = cluster.assignments(to: 1)[0].attempt
    cluster.report(1, next, Self.event(Self.orders, .replaceTable(MachineHarness.schema), at: "70"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.orders, at: "70")])
    #expect(cluster.journal.tables[Self.orders]?.state == .restarting)
  }
}
