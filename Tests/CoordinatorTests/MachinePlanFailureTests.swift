import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: tables that change before they are planned")
struct MachinePlanFailureTests {
  private static let items = TableID(schema: "shop", table: "items")

  /// Two tables to be planned, of which the first one is not there any more.
  private func refused() throws -> MachineHarness {
    var cluster = MachineHarness()
    try cluster.discover(["items", "orders"])
    for _ in 0..<MachineHarness.settings().retryLimit {
      guard case .plan(let requests, _)? = cluster.state?.jobs.values.first,
        requests.contains(where: { $0.table.id == Self.items })
      else { break }
      try cluster.end(.failed(ConnectorError(.schemaMismatch, "the table no longer exists", table: Self.items)))
      cluster.tell(.tick, after: MachineHarness.settings().retryPause)
    }
    return cluster
  }

  @Test("One that has gone is dropped, and holds no other table up")
  func gone() throws {
    var cluster = try refused()
    #expect(cluster.state?.stateName == "snapshot")
    #expect(cluster.jobs.map(\.kind) == [.describe(Self.items)])
    try cluster.end(.described(nil, after: Offset("12")))
    let target = TableID(schema: "sink", table: "items")
    #expect(
      cluster.jobs.map(\.kind) == [
        .applySchema([SinkStep(table: target, change: .dropTable, resulting: MachineHarness.schema)])
      ])
    try cluster.end(.schemaApplied)
    #expect(cluster.state?.tables[Self.items]?.state == .dropped)
    guard case .plan(let requests, _)? = cluster.state?.jobs.values.first else {
      Issue.record("no plan")
      return
    }
    #expect(requests.map(\.table.id) == [MachineHarness.orders])
  }

  @Test("One that is another table now is read as that")
  func another() throws {
    var cluster = try refused()
    var schema = MachineHarness.schema
    schema.primaryKey = ["id", "name"]
    let found = DiscoveredTable(id: Self.items, schema: schema, chunkKey: ["id", "name"], estimatedRows: 1)
    try cluster.end(.described(found, after: Offset("12")))
    try cluster.end(.schemaApplied)
    guard case .plan(let requests, _)? = cluster.state?.jobs.values.first else {
      Issue.record("no plan")
      return
    }
    #expect(requests.first { $0.table.id == Self.items }?.table.schema == schema)
    #expect(requests.contains { $0.table.id == MachineHarness.orders })
  }
}
