import Connector
import Model
import Pipeline
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: tables that come, go and change their names")
struct MachineNewTablesTests {
  private static let items = TableID(schema: "shop", table: "items")
  private static let sinkItems = TableID(schema: "sink", table: "items")
  private static let found = DiscoveredTable(
    id: items, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 5)

  private static func event(_ table: TableID, _ changes: SchemaChange..., at offset: String) -> Report.Event {
    .schemaChange(table: table, offset: Offset(offset), changes: changes, schema: MachineHarness.schema)
  }

  private static func adopt(_ table: TableID, at offset: String, _ binding: TableBinding?) -> Order.Action {
    .adopt(table: table, offset: Offset(offset), binding: binding)
  }

  private static func binding(_ table: TableID, version: Int) -> TableBinding {
    TableBinding(
      table: table, version: version, schema: MachineHarness.schema,
      targets: [.init(id: TableID(schema: "sink", table: table.table), schema: MachineHarness.schema)])
  }

  private static func steps(_ table: TableID, replaces: Bool = false) -> Job.Kind {
    let drop = SinkStep(table: table, change: .dropTable, resulting: MachineHarness.schema)
    let create = SinkStep(
      table: table, change: .createTable(MachineHarness.schema), resulting: MachineHarness.schema)
    return .applySchema(replaces ? [drop, create] : [create])
  }

  @Test("A table that the source has now is read by chunks while the tail goes on, and joins it")
  func discovery() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    let tail = try cluster.reachTail()[0]
    cluster.tell(.tick)
    #expect(cluster.jobs.map(\.kind) == [.findTables])
    try cluster.end(.found([Self.items, MachineHarness.orders]))
    #expect(cluster.jobs.map(\.kind) == [.register([Self.items])])
    cluster.commit(1, tail, 1, at: "45", rows: 1)
    try cluster.end(.registered([Self.found], after: Offset("40")))
    #expect(cluster.jobs.map(\.kind) == [Self.steps(Self.sinkItems)])
    try cluster.end(.schemaApplied)
    // What the log tells of it meanwhile is passed over.
    cluster.report(1, tail, Self.event(Self.items, .createTable(MachineHarness.schema), at: "39"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.items, at: "39", nil)])
    try cluster.plan(chunks: 1)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    #expect(cluster.orders(to: 1).isEmpty)
    cluster.report(1, chunk, .started(low: Offset("50")))
    cluster.commit(1, chunk, 1, at: "51", rows: 5, isFinal: true)
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .cancel(afterCommit: true))])
    cluster.commit(1, tail, 2, at: "60", rows: 2)
    cluster.report(1, tail, .cancelled)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.start == Offset("40"))
    #expect(work.tables.map(\.binding.table) == [Self.items, MachineHarness.orders])
    #expect(work.tables[0].ignoredThrough == Offset("40"))
    #expect(work.tables[0].chunks.map(\.watermark) == [Offset("51")])
    #expect(work.tables[0].delivered.isEmpty)
    #expect(work.tables[1].delivered == [DeliveredShares([Offset("60")])])
    #expect(cluster.journal.tables[Self.items]?.state == .done)
  }

  @Test("A search that fails is tried again later and stops nothing")
  func failedSearch() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    _ = try cluster.reachTail()
    cluster.tell(.tick)
    for _ in 0..<5 {
      try cluster.end(.failed(ConnectorError(.connection, "away")))
      #expect(cluster.state?.record.error == nil)
      cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])), after: 1_000)
      #expect(cluster.jobs.isEmpty)
      for _ in 0..<10 { cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])), after: 3_000) }
    }
  }

  @Test("A table that is created in the log is captured from there by every share; again after it was dropped")
  func created() throws {
    var cluster = MachineHarness(tails: 2, newTables: .streamed)
    let tails = try cluster.reachTail()
    let creation = Self.event(Self.items, .createTable(MachineHarness.schema), at: "50")
    cluster.report(1, tails[0], creation)
    #expect(cluster.jobs.isEmpty && cluster.orders(to: 1).isEmpty)
    cluster.report(1, tails[1], creation)
    #expect(cluster.jobs.map(\.kind) == [Self.steps(Self.sinkItems)])
    cluster.restart()
    cluster.join(1, "w", slots: 4, running: tails)
    for tail in tails { cluster.report(1, tail, creation) }
    try cluster.end(.schemaApplied)
    let adopt = Self.adopt(Self.items, at: "50", Self.binding(Self.items, version: 1))
    #expect(cluster.orders(to: 1).map(\.action) == [adopt, adopt])
    #expect(cluster.journal.tables[Self.items]?.state == .done)
    for tail in tails { cluster.report(1, tail, Self.event(Self.items, .dropTable, at: "60")) }
    try cluster.end(.schemaApplied)
    #expect(cluster.journal.sinkTables[Self.sinkItems]?.isGone == true)
    for tail in tails {
      cluster.report(1, tail, Self.event(Self.items, .createTable(MachineHarness.schema), at: "70"))
    }
    try cluster.end(.schemaApplied)
    let again = Self.adopt(Self.items, at: "70", Self.binding(Self.items, version: 3))
    #expect(cluster.orders(to: 1).map(\.action) == [again, again])
    // A share that is behind is answered as it was then.
    cluster.report(1, tails[0], Self.event(Self.items, .dropTable, at: "60"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.items, at: "60", nil)])
  }

  /// The source is asked when a split comes to the place, and the table may have gone between two such moments.
  @Test("A table that comes with rows is read by chunks when the first share tells of it; the others need not find it")
  func cameAndWent() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    for tail in tails { cluster.report(1, tail, Self.event(MachineHarness.orders, .dropTable, at: "50")) }
    try cluster.end(.schemaApplied)
    cluster.report(1, tails[0], Self.event(MachineHarness.orders, .replaceTable(MachineHarness.schema), at: "60"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(MachineHarness.orders, at: "60", nil)])
    #expect(cluster.jobs.map(\.kind) == [.describe(MachineHarness.orders)])
    cluster.commit(1, tails[1], 1, at: "70", rows: 1)
    #expect(cluster.state?.record.error == nil)
    // The other one comes there after all.
    cluster.report(1, tails[1], Self.event(MachineHarness.orders, .replaceTable(MachineHarness.schema), at: "60"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(MachineHarness.orders, at: "60", nil)])
    try cluster.end(.described(nil, after: Offset("80")))
    #expect(cluster.journal.tables[MachineHarness.orders]?.state == .dropped)
  }

  @Test("A table that is captured when it comes is so if one share has found it", arguments: [false, true])
  func foundByOne(isFound: Bool) throws {
    var cluster = MachineHarness(tails: 2, newTables: .streamed)
    let tails = try cluster.reachTail()
    let gone = TableSchema(columns: [], primaryKey: [])
    let missing = Report.Event.schemaChange(
      table: Self.items, offset: Offset("50"), changes: [.replaceTable(gone)], schema: gone)
    cluster.report(1, tails[0], missing)
    #expect(cluster.jobs.isEmpty && cluster.orders(to: 1).isEmpty)
    if isFound {
      cluster.report(1, tails[1], Self.event(Self.items, .replaceTable(MachineHarness.schema), at: "50"))
      #expect(cluster.jobs.map(\.kind) == [Self.steps(Self.sinkItems)])
      try cluster.end(.schemaApplied)
      let adopt = Self.adopt(Self.items, at: "50", Self.binding(Self.items, version: 1))
      #expect(cluster.orders(to: 1).map(\.action) == [adopt, adopt])
    } else {
      cluster.report(1, tails[1], missing)
      let adopt = Self.adopt(Self.items, at: "50", nil)
      #expect(cluster.orders(to: 1).map(\.action) == [adopt, adopt])
      #expect(cluster.jobs.map(\.kind) == [.describe(Self.items)])
    }
  }

  @Test("A share that passes a change at which another one waits stops the pipeline")
  func judgedDifferently() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    cluster.commit(1, tails[1], 1, at: "50", rows: 1)
    cluster.report(1, tails[0], Self.event(MachineHarness.orders, .dropTable, at: "50"))
    cluster.commit(1, tails[1], 2, at: "50", rows: 1)
    #expect(cluster.state?.record.error == nil)
    cluster.commit(1, tails[1], 3, at: "51", rows: 1)
    let error = try #require(cluster.state?.record.error)
    #expect(error.contains("has gone beyond a schema change of shop.orders at 50"))
  }

  @Test("Tables that come are passed over where the pipeline does not want them")
  func ignored() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    #expect(cluster.jobs.isEmpty)
    cluster.report(1, tail, Self.event(Self.items, .createTable(MachineHarness.schema), at: "50"))
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(Self.items, at: "50", nil)])
  }

  @Test("A table whose name another one has taken is read again into a new sink table")
  func replaced() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    let event = Self.event(MachineHarness.orders, .replaceTable(MachineHarness.schema), at: "50")
    cluster.report(1, tail, event)
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(MachineHarness.orders, at: "50", nil)])
    #expect(cluster.jobs.map(\.kind) == [.describe(MachineHarness.orders)])
    // The attempt dies before its commit: its successor does not have the table any more.
    cluster.report(1, tail, .cancelled)
    cluster.tell(.tick, after: 2_000)
    guard case .tail(let before)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(before.tables.isEmpty)
    let second = cluster.assignments(to: 1)[0].attempt
    cluster.report(1, second, event)
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(MachineHarness.orders, at: "50", nil)])
    var found = Self.found
    found.id = MachineHarness.orders
    try cluster.end(.described(found, after: Offset("55")))
    #expect(cluster.jobs.map(\.kind) == [Self.steps(MachineHarness.sinkOrders, replaces: true)])
    #expect(cluster.journal.splits.values.allSatisfy { $0.table == nil })
    try cluster.end(.schemaApplied)
    try cluster.plan(chunks: 1)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    cluster.report(1, chunk, .started(low: Offset("60")))
    cluster.commit(1, chunk, 1, at: "60", isFinal: true)
    cluster.report(1, second, .cancelled)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.tables.map(\.binding.version) == [3])
    #expect(work.tables.map(\.ignoredThrough) == [Offset("55")])
  }

  @Test("A renamed table takes its sink table along")
  func renamed() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    for tail in tails {
      cluster.report(1, tail, Self.event(MachineHarness.orders, .renameTable(to: Self.items), at: "50"))
    }
    #expect(
      cluster.jobs.map(\.kind) == [
        .applySchema([
          SinkStep(
            table: MachineHarness.sinkOrders, change: .renameTable(to: Self.sinkItems),
            resulting: MachineHarness.schema)
        ])
      ])
    try cluster.end(.schemaApplied)
    let adopt = Self.adopt(MachineHarness.orders, at: "50", Self.binding(Self.items, version: 1))
    #expect(cluster.orders(to: 1).map(\.action) == [adopt, adopt])
    #expect(cluster.journal.tables[Self.items]?.state == .done)
    #expect(cluster.journal.tables[MachineHarness.orders]?.state == .dropped)
    cluster.restart()
    cluster.join(1, "w", slots: 4, running: tails)
    cluster.report(1, tails[0], Self.event(MachineHarness.orders, .renameTable(to: Self.items), at: "50"))
    #expect(cluster.orders(to: 1).map(\.action) == [adopt])
  }

  @Test("Where the sink cannot rename a table, it is read anew under its new name", arguments: [true, false])
  func renameRefused(isLenient: Bool) throws {
    var cluster = MachineHarness(behavior: isLenient ? .lenient : .evolve)
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, Self.event(MachineHarness.orders, .renameTable(to: Self.items), at: "50"))
    if !isLenient {
      try cluster.end(.failed(ConnectorError(.unsupported, "no")))
      #expect(
        cluster.jobs.map(\.kind) == [
          .applySchema([
            SinkStep(table: MachineHarness.sinkOrders, change: .dropTable, resulting: MachineHarness.schema)
          ])
        ])
      try cluster.end(.schemaApplied)
    }
    #expect(cluster.orders(to: 1).map(\.action) == [Self.adopt(MachineHarness.orders, at: "50", nil)])
    #expect((cluster.journal.sinkTables[MachineHarness.sinkOrders]?.isGone == true) != isLenient)
    #expect(cluster.state?.record.error == nil)
    #expect(cluster.journal.tables[Self.items]?.state == .restarting)
    #expect(cluster.state?.jobs.values.contains(.describe(Self.items)) == true)
  }

  @Test("A table that is dropped while its chunks are read ends nothing but itself")
  func droppedWhileRead() throws {
    var cluster = MachineHarness()
    try cluster.discover(["items", "orders"])
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    let failure = Failure(kind: "schemaMismatch", message: "gone", table: Self.items)
    cluster.report(1, chunk, .failed(failure))
    while let job = cluster.state?.jobs.min(by: { $0.key < $1.key })?.value, case .plan = job {
      try cluster.plan(chunks: 1)
    }
    try cluster.end(.described(nil, after: Offset("30")))
    #expect(
      cluster.jobs.map(\.kind) == [
        .applySchema([SinkStep(table: Self.sinkItems, change: .dropTable, resulting: MachineHarness.schema)])
      ])
    try cluster.end(.schemaApplied)
    #expect(cluster.journal.tables[Self.items]?.state == .dropped)
    #expect(cluster.state?.record.error == nil)
    #expect(cluster.state?.isReading(MachineHarness.orders) == true)
  }

  @Test("A table that another definition does not select leaves the tail, and its sink table stays")
  func pruned() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.commit(1, tail, 1, at: "40")
    cluster.tell(.command(token: 3, .pause(pipeline: "p")))
    cluster.report(1, tail, .cancelled)
    var profile = cluster.profile
    profile.selects = { _ in false }
    profile.tailCount = 2
    let changed = ChangedDefinition(text: "other", file: "other.yaml")
    cluster.tell(.command(token: 4, .resume(pipeline: "p", profile, changed)))
    #expect(cluster.answer?.isEmpty == true)
    #expect(cluster.journal.tables[MachineHarness.orders]?.state == .pruned)
    #expect(cluster.journal.pipelines["p"]?.definition == "other")
    #expect(cluster.journal.sinkTables[MachineHarness.sinkOrders]?.isGone != true)
    let works = cluster.assignments(to: 1).compactMap { item in
      if case .tail(let work) = item.work { work } else { nil }
    }
    #expect(works.map(\.shareCount) == [2, 2])
    #expect(works.allSatisfy { $0.tables.isEmpty && $0.start == Offset("40") })
  }

  @Test("With one slot, tail and chunks take turns")
  func oneSlot() throws {
    var cluster = MachineHarness(newTables: .snapshotted)
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let first = try #require(cluster.assignments(to: 1).first).attempt
    cluster.report(1, first, .started(low: Offset("20")))
    cluster.commit(1, first, 1, at: "20", isFinal: true)
    let tail = try #require(cluster.assignments(to: 1).first).attempt
    cluster.tell(.tick)
    try cluster.end(.found([Self.items]))
    try cluster.end(.registered([Self.found], after: Offset("40")))
    try cluster.end(.schemaApplied)
    try cluster.plan(chunks: 2)
    #expect(cluster.assignments(to: 1).isEmpty)
    for _ in 0..<3 { cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])), after: 2_000) }
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .cancel(afterCommit: true))])
    cluster.commit(1, tail, 1, at: "50")
    cluster.report(1, tail, .cancelled)
    for _ in 0..<2 {
      let chunk = try #require(cluster.assignments(to: 1).first).attempt
      #expect(cluster.state?.splits[chunk.split]?.table == Self.items)
      cluster.report(1, chunk, .started(low: Offset("60")))
      cluster.commit(1, chunk, 1, at: "60", isFinal: true)
    }
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.tables.count == 2)
  }
}
