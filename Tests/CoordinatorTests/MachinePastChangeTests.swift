import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: changes that the tail meets again, or before they are expected")
struct MachinePastChangeTests {
  private static let items = TableID(schema: "shop", table: "items")
  private static let late = TableID(schema: "shop", table: "late")

  private func event(_ table: TableID, _ change: SchemaChange, at offset: String) -> Report.Event {
    .schemaChange(table: table, offset: Offset(offset), changes: [change], schema: MachineHarness.schema)
  }

  private func adopt(_ table: TableID, at offset: String) -> [Order.Action] {
    [.adopt(table: table, offset: Offset(offset), binding: nil)]
  }

  private func endSchemaChange(_ cluster: inout MachineHarness) throws {
    let job = cluster.state?.jobs.first { if case .applySchema = $0.value { true } else { false } }
    cluster.tell(.jobEnded(try #require(job).key, .schemaApplied))
  }

  @Test("A table that was made and dropped before the tail went back is not made again")
  func madeAndDropped() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    let tail = try cluster.reachTail()[0]
    // Another table is registered, and joins when the tail has gone further.
    cluster.tell(.tick)
    try cluster.end(.found([Self.late, MachineHarness.orders]))
    let found = DiscoveredTable(id: Self.late, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 5)
    try cluster.end(.registered([found], after: Offset("35")))
    try cluster.end(.schemaApplied)
    cluster.report(1, tail, event(Self.items, .createTable(MachineHarness.schema), at: "40"))
    try endSchemaChange(&cluster)
    cluster.report(1, tail, event(Self.items, .dropTable, at: "50"))
    try endSchemaChange(&cluster)
    #expect(cluster.state?.tables[Self.items]?.state == .dropped)
    cluster.commit(1, tail, 1, at: "55")
    try cluster.plan(chunks: 1)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    cluster.report(1, chunk, .started(low: Offset("56")))
    cluster.commit(1, chunk, 1, at: "57", isFinal: true)
    cluster.commit(1, tail, 2, at: "60")
    cluster.report(1, tail, .cancelled)
    let next = try #require(cluster.assignments(to: 1).first)
    guard case .tail(let work) = next.work else {
      Issue.record("no tail")
      return
    }
    #expect(work.start == Offset("35"))
    cluster.report(1, next.attempt, event(Self.items, .createTable(MachineHarness.schema), at: "40"))
    #expect(cluster.orders(to: 1).map(\.action) == adopt(Self.items, at: "40"))
    // The table that has joined takes the name, at a place that the tail had passed, and goes.
    cluster.report(1, next.attempt, event(Self.late, .renameTable(to: Self.items), at: "52"))
    try endSchemaChange(&cluster)
    #expect(cluster.state?.tables[Self.items]?.state == .done)
    cluster.report(1, next.attempt, event(Self.items, .dropTable, at: "54"))
    try endSchemaChange(&cluster)
    #expect(cluster.state?.tables[Self.items]?.state == .dropped)
    cluster.report(1, next.attempt, event(Self.items, .createTable(MachineHarness.schema), at: "70"))
    #expect(cluster.jobs.count == 1)
    #expect(cluster.state?.tables[Self.items]?.state == .creating)
  }

  /// The tail passed over both statements, since the table was being read by chunks, as it was in front of them.
  @Test("A table that is dropped and made again behind the place where it joins is made again")
  func madeAgainWhileRead() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    let orders = MachineHarness.orders
    cluster.report(1, tail, event(orders, .replaceTable(MachineHarness.schema), at: "30"))
    cluster.commit(1, tail, 1, at: "31")
    let found = DiscoveredTable(id: orders, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 5)
    try cluster.end(.described(found, after: Offset("35")))
    try endSchemaChange(&cluster)
    try cluster.plan(chunks: 1)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    cluster.report(1, chunk, .started(low: Offset("36")))
    cluster.report(1, tail, event(orders, .createTable(MachineHarness.schema), at: "50"))
    #expect(cluster.orders(to: 1).map(\.action) == adopt(orders, at: "50"))
    cluster.commit(1, chunk, 1, at: "37", isFinal: true)
    cluster.commit(1, tail, 2, at: "60")
    cluster.report(1, tail, .cancelled)
    let next = try #require(cluster.assignments(to: 1).first)
    guard case .tail(let work) = next.work else {
      Issue.record("no tail")
      return
    }
    #expect(work.start == Offset("35"))
    cluster.report(1, next.attempt, event(orders, .dropTable, at: "40"))
    try endSchemaChange(&cluster)
    #expect(cluster.state?.tables[orders]?.state == .dropped)
    cluster.report(1, next.attempt, event(orders, .createTable(MachineHarness.schema), at: "50"))
    #expect(cluster.orders(to: 1).isEmpty)
    try endSchemaChange(&cluster)
    #expect(cluster.state?.tables[orders]?.state == .done)
  }

  @Test("A table that comes while the source is asked for it is asked for once more")
  func reappeared() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, event(Self.items, .replaceTable(MachineHarness.schema), at: "40"))
    #expect(cluster.jobs.map(\.kind) == [.describe(Self.items)])
    cluster.report(1, tail, event(Self.items, .createTable(MachineHarness.schema), at: "45"))
    #expect(cluster.orders(to: 1).map(\.action) == adopt(Self.items, at: "45"))
    try cluster.end(.described(nil, after: Offset("44")))
    #expect(cluster.jobs.map(\.kind) == [.describe(Self.items)])
    try cluster.end(.described(nil, after: Offset("60")))
    #expect(cluster.state?.tables[Self.items]?.state == .dropped)
    #expect(cluster.state?.schemas[Self.items]?.last?.changes == [.dropTable])
  }
}
