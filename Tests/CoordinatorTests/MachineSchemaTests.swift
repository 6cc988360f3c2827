import Connector
import Model
import Pipeline
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: schema changes")
struct MachineSchemaTests {
  private static let added = SchemaChange.addColumns([.init(Column(name: "more", type: DataType(.int)))])

  private static func schema(_ changes: [SchemaChange]) throws -> TableSchema {
    var schema = MachineHarness.schema
    for change in changes { schema = try schema.applying(change) }
    return schema
  }

  private static func arrival(_ changes: [SchemaChange], at offset: String = "50") throws -> Report.Event {
    .schemaChange(
      table: MachineHarness.orders, offset: Offset(offset), changes: changes, schema: try schema(changes))
  }

  @Test("The sink changes when every tail has come to the change, and all go on under the new version")
  func barrier() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    cluster.report(1, tails[0], try Self.arrival([Self.added]))
    #expect(cluster.jobs.isEmpty)
    cluster.report(1, tails[1], try Self.arrival([Self.added]))
    let wider = try Self.schema([Self.added])
    #expect(
      cluster.jobs.map(\.kind) == [
        .applySchema([SinkStep(table: MachineHarness.sinkOrders, change: Self.added, resulting: wider)])
      ])
    #expect(cluster.orders(to: 1).isEmpty)
    #expect(cluster.journal.schemas[.init(table: MachineHarness.orders, version: 2)]?.isApplied == false)
    try cluster.end(.schemaApplied)
    let binding = TableBinding(
      table: MachineHarness.orders, version: 2, schema: wider,
      targets: [.init(id: MachineHarness.sinkOrders, schema: wider)])
    let adopt = Order.Action.adopt(table: MachineHarness.orders, offset: Offset("50"), binding: binding)
    #expect(cluster.orders(to: 1) == tails.map { Order(attempt: $0, action: adopt) })
    #expect(cluster.journal.sinkTables[MachineHarness.sinkOrders]?.schema == wider)
    // Whoever comes to it later is answered at once.
    cluster.report(1, tails[0], try Self.arrival([Self.added]))
    #expect(cluster.orders(to: 1) == [Order(attempt: tails[0], action: adopt)])
  }

  @Test("A barrier that was reached is passed after a restart; an answer is for the attempt that waits")
  func barrierOverRestart() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    for tail in tails { cluster.report(1, tail, try Self.arrival([Self.added])) }
    cluster.restart()
    cluster.tell(.tick)
    #expect(cluster.jobs.count == 1)
    cluster.join(1, "w", slots: 4, running: [tails[0]])
    cluster.report(1, tails[0], try Self.arrival([Self.added]))
    try cluster.end(.schemaApplied)
    #expect(cluster.orders(to: 1).map(\.attempt) == [tails[0]])
    #expect(cluster.journal.splits[3]?.attempt == 2)
  }

  @Test("A dropped table leaves the tail")
  func droppedTable() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, try Self.arrival([.dropTable]))
    try cluster.end(.schemaApplied)
    #expect(
      cluster.orders(to: 1) == [
        Order(
          attempt: tail, action: .adopt(table: MachineHarness.orders, offset: Offset("50"), binding: nil))
      ])
    #expect(cluster.journal.tables[MachineHarness.orders]?.state == .dropped)
  }

  @Test("Under exception a change stops the pipeline; under ignore the sink stays as it is")
  func exceptionAndIgnore() throws {
    var strict = MachineHarness(behavior: .exception)
    let tail = try strict.reachTail()[0]
    strict.report(1, tail, try Self.arrival([Self.added]))
    #expect(strict.state?.record.error?.contains("schema.change.behavior is exception") == true)
    var deaf = MachineHarness(behavior: .ignore)
    let other = try deaf.reachTail()[0]
    deaf.report(1, other, try Self.arrival([Self.added]))
    #expect(deaf.jobs.isEmpty)
    #expect(deaf.orders(to: 1).count == 1)
    #expect(deaf.journal.sinkTables[MachineHarness.sinkOrders]?.schema == MachineHarness.schema)
    #expect(deaf.journal.schemas[.init(table: MachineHarness.orders, version: 2)]?.isApplied == true)
  }

  @Test("Under try_evolve only the step that the sink cannot do is passed over")
  func tryEvolve() throws {
    var cluster = MachineHarness(behavior: .tryEvolve)
    let tail = try cluster.reachTail()[0]
    let last = SchemaChange.addColumns([.init(Column(name: "last", type: DataType(.int)))])
    let changes: [SchemaChange] = [Self.added, .dropColumns(["name"]), last]
    cluster.report(1, tail, try Self.arrival(changes))
    var applied: [SchemaChange] = []
    while case .applySchema(let steps)? = cluster.jobs.first?.kind {
      #expect(steps.count == 1)
      let change = try #require(steps.first?.change)
      if change == .dropColumns(["name"]) {
        try cluster.end(.failed(ConnectorError(.unsupported, "columns cannot be dropped")))
      } else {
        applied.append(change)
        try cluster.end(.schemaApplied)
      }
    }
    #expect(applied == [Self.added, last])
    #expect(
      cluster.journal.sinkTables[MachineHarness.sinkOrders]?.schema.columns.map(\.name) == [
        "id", "name", "more", "last",
      ])
    #expect(cluster.orders(to: 1).count == 1)
    #expect(cluster.state?.record.error == nil)
  }

  @Test("A table that cannot be created stops the pipeline under try_evolve too")
  func tryEvolveCreation() throws {
    var cluster = MachineHarness(behavior: .tryEvolve)
    cluster.submit()
    let table = DiscoveredTable(
      id: MachineHarness.orders, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 9)
    try cluster.end(.discovered([table], before: Offset("10"), after: Offset("11")))
    try cluster.end(.failed(ConnectorError(.unsupported, "no such type")))
    #expect(cluster.state?.stateName == "failed")
  }

  @Test("A sink table that several source tables share can only grow")
  func sharedTable() throws {
    var cluster = MachineHarness(merges: true)
    try cluster.discover(["orders", "orders2"])
    for _ in 0..<2 { try cluster.plan(chunks: 1) }
    cluster.join(1, "w", slots: 2)
    for attempt in cluster.assignments(to: 1).map(\.attempt) {
      cluster.report(1, attempt, .started(low: Offset("20")))
      cluster.commit(1, attempt, 1, at: "20", isFinal: true)
    }
    let tail = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.report(1, tail, try Self.arrival([Self.added]))
    try cluster.end(.schemaApplied)
    #expect(cluster.orders(to: 1).count == 1)
    cluster.report(1, tail, try Self.arrival([.dropColumns(["name"])], at: "60"))
    #expect(cluster.state?.record.error?.contains("cannot follow") == true)
  }
}
