import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: steps of a schema change")
struct MachineStepTests {
  private static let renamed = TableSchema(
    columns: [MachineHarness.schema.columns[0], Column(name: "title", type: DataType(.string))], primaryKey: ["id"])

  /// CHANGE COLUMN: another type, then another name.
  private static let changes: [SchemaChange] = [
    .alterColumnType([
      .init(Column(name: "name", type: DataType(.string)), oldType: MachineHarness.schema.columns[1].type)
    ]), .renameColumns([.init(from: "name", to: "title")]),
  ]

  private func kinds(_ cluster: MachineHarness) -> [[String]] {
    cluster.jobs.map { job in if case .applySchema(let steps) = job.kind { steps.map(\.change.tag) } else { [] } }
  }

  @Test("What a step has made is not looked for in its former form by a coordinator that comes after")
  func steps() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    let event = Report.Event.schemaChange(
      table: MachineHarness.orders, offset: Offset("40"), changes: Self.changes, schema: Self.renamed)
    cluster.report(1, tail, event)
    #expect(kinds(cluster) == [["alter.column.type"]])
    try cluster.end(.schemaApplied)
    #expect(kinds(cluster) == [["rename.column"]])
    // The sink renames the column, and the coordinator does not live to hear of it.
    cluster.restart()
    cluster.join(2, "w", slots: 4, running: [tail])
    #expect(kinds(cluster) == [["rename.column"]])
    cluster.report(2, tail, event)
    try cluster.end(.schemaApplied)
    #expect(cluster.state?.schema(MachineHarness.orders, version: 2)?.isApplied == true)
    #expect(cluster.state?.sinkTables[MachineHarness.sinkOrders]?.schema == Self.renamed)
  }
}
