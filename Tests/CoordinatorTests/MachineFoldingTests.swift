import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: finished chunks are folded")
struct MachineFoldingTests {
  private static let kept = MachineHarness.settings().keptChunks
  private static let fold = MachineHarness.settings().chunksPerFold

  /// What the tail must be told, in key order.
  private static func expected(_ chunks: [Int: (low: Int, high: Int)], _ count: Int, low: Bool) -> [FinishedChunk] {
    (0..<count).map { number in
      let marks = chunks[number] ?? (0, 0)
      return FinishedChunk(
        range: ChunkRange(
          columns: ["id"], lower: number == 0 ? nil : [.integer(Int64(number))],
          upper: number + 1 == count ? nil : [.integer(Int64(number + 1))]),
        watermark: Offset(String(low ? marks.low : marks.high)))
    }
  }

  /// Reads a table of so many chunks in some order, each with watermarks of its own, and gives the tail's work.
  private static func read(
    chunks count: Int, visibility: SinkGuarantees.Visibility = .atomic, seed: Int = 1,
    _ between: (inout MachineHarness, Int) -> Void = { _, _ in }
  ) throws -> (MachineHarness, TailWork?, [FinishedChunk]) {
    var random = SimulationRandom(seed: seed)
    var cluster = MachineHarness(visibility: visibility)
    try cluster.discover()
    try cluster.plan(chunks: count)
    cluster.join(1, "w", slots: 8)
    var open = cluster.assignments(to: 1)
    var marks: [Int: (low: Int, high: Int)] = [:]
    var place = 100
    while !open.isEmpty {
      let next = open.remove(at: random.below(open.count))
      guard case .snapshot(let work) = next.work else { return (cluster, nil, []) }
      let number: Int = if case .integer(let value)? = work.range.lower?.first { Int(value) } else { 0 }
      place += 2
      marks[number] = (place, place + 1)
      cluster.report(1, next.attempt, .started(low: Offset(String(place))))
      cluster.commit(1, next.attempt, 1, at: String(place + 1), rows: 3, isFinal: true)
      open += cluster.assignments(to: 1)
      cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])))
      open += cluster.assignments(to: 1)
      if case .tail(let work)? = open.last?.work {
        return (cluster, work, expected(marks, count, low: visibility != .atomic))
      }
      between(&cluster, marks.count)
    }
    return (cluster, nil, [])
  }

  @Test("Few records are left of many finished chunks, and the tail is told of every watermark", arguments: 1...6)
  func exact(seed: Int) throws {
    let count = 1_000
    let (cluster, tail, expected) = try Self.read(
      chunks: count, visibility: seed % 2 == 0 ? .idempotent : .atomic, seed: seed)
    let work = try #require(tail)
    #expect(work.tables.first.map { Array($0.chunks) } == expected)
    #expect(cluster.journal.splits.count <= Self.kept + 1)
    #expect(cluster.journal.folded.count <= count / Self.fold + 1)
    #expect(cluster.state?.rows(of: MachineHarness.orders) == 3 * count)
    #expect(cluster.state?.totals[MachineHarness.orders]?.committed == count)
  }

  @Test("While a table is read, no more records are kept than the limit and what waits to be adjacent")
  func bounded() throws {
    var most = 0
    _ = try Self.read(chunks: 2_000, seed: 9) { cluster, _ in
      most = max(most, cluster.state?.keptChunkCount ?? 0)
    }
    #expect(most <= Self.kept + 2 * Self.fold)
  }

  @Test("A coordinator that is started again knows what was folded", arguments: [100, 500, 777])
  func restart(at place: Int) throws {
    var folded = 0
    let (cluster, _, _) = try Self.read(chunks: 800, seed: place) { cluster, done in
      guard done == place, let before = cluster.state?.finishedChunks(of: MachineHarness.orders, atomic: true) else {
        return
      }
      folded = cluster.journal.folded.count
      let (splits, totals) = (cluster.state?.splits, cluster.state?.totals)
      cluster.restart()
      #expect(cluster.state?.splits == splits)
      #expect(cluster.state?.totals == totals)
      #expect(cluster.state.map { Set($0.finishedChunks(of: MachineHarness.orders, atomic: true)) } == Set(before))
    }
    #expect(place < Self.kept || folded > 0)
    #expect(cluster.state?.committedSnapshotRows == cluster.state?.rows(of: MachineHarness.orders))
  }

  @Test("Once the tail has passed every watermark, two numbers of the table are left")
  func passed() throws {
    var (cluster, _, _) = try Self.read(chunks: 600)
    let tail = try #require(cluster.state?.tails.first)
    let attempt = AttemptID(pipeline: "p.1", split: tail.number, attempt: tail.attempt)
    cluster.commit(1, attempt, 1, at: "9000")
    cluster.report(1, attempt, .pastWatermarks)
    #expect(cluster.journal.folded.isEmpty)
    #expect(cluster.journal.splits.count == 1)
    #expect(cluster.journal.tables[MachineHarness.orders]?.foldedChunks == 600)
    #expect(cluster.journal.tables[MachineHarness.orders]?.foldedRows == 1_800)
    #expect(cluster.state?.rows(of: MachineHarness.orders) == 1_800)
    #expect(cluster.state?.finished.isEmpty == true)
  }

  @Test("A table that is read again loses its folded chunks in the same step")
  func readAgain() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 500)
    cluster.join(1, "w", slots: 1)
    var attempt = try #require(cluster.assignments(to: 1).first?.attempt)
    for number in 0..<400 {
      cluster.report(1, attempt, .started(low: Offset("\(number)")))
      cluster.commit(1, attempt, 1, at: "\(number)", rows: 1, isFinal: true)
      attempt = try #require(cluster.assignments(to: 1).first?.attempt)
      cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])))
    }
    #expect(!cluster.journal.folded.isEmpty)
    let failure = Failure(kind: "schemaMismatch", message: "otherwise", table: MachineHarness.orders)
    cluster.report(1, attempt, .failed(failure))
    var schema = MachineHarness.schema
    schema.columns.append(Column(name: "more", type: DataType(.int)))
    let found = DiscoveredTable(id: MachineHarness.orders, schema: schema, chunkKey: ["id"], estimatedRows: 9)
    try cluster.end(.described(found, after: Offset("900")))
    #expect(cluster.journal.folded.isEmpty)
    #expect(cluster.journal.splits.isEmpty)
    #expect(cluster.state?.rows(of: MachineHarness.orders) == 0)
    #expect(cluster.state?.finishedChunks(of: MachineHarness.orders, atomic: true).isEmpty == true)
  }

  @Test("A journal in which every commit lists all versions is brought up to date")
  func listedVersions() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.commit(1, tail, 1, at: "40")
    // As an earlier release has left it, with a second table that had been dropped before that commit.
    var records: [JournalRecord] = []
    for record in cluster.journal.load() {
      switch record {
      case .putPipeline(var pipeline):
        pipeline.listsChangedVersions = nil
        records.append(.putPipeline(pipeline))
      case .putTable(let name, var table):
        table.tailVersion = nil
        records.append(.putTable(pipeline: name, table))
        table.id = TableID(schema: "shop", table: "gone")
        records.append(.putTable(pipeline: name, table))
      default: records.append(record)
      }
    }
    var machine = ClusterMachine(settings: MachineHarness.settings(), epoch: 9)
    machine.restore(records, profiles: ["p": cluster.profile], now: 5)
    let state = try #require(machine.pipelines["p"])
    #expect(state.record.listsChangedVersions == true)
    let split = try #require(state.tails.first)
    #expect(split.progress?.schemaVersions == ["shop.gone": 0])
    #expect(state.tables.values.map { state.version(of: $0, in: split) }.compactMap(\.self) == [1])
    // What has changed is journaled with the next step.
    let step = machine.handle(.tick, now: 6)
    #expect(
      step.records.contains { if case .putPipeline(let p) = $0 { p.listsChangedVersions == true } else { false } })
  }

  @Test("A tail is told what has changed since its set began, and says no more than that in its commits")
  func changedVersions() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    #expect(cluster.journal.tables[MachineHarness.orders]?.tailVersion == 1)
    var schema = MachineHarness.schema
    schema.columns.append(Column(name: "more", type: DataType(.int)))
    let change = SchemaChange.addColumns([.init(Column(name: "more", type: DataType(.int)), position: .last)])
    cluster.report(
      1, tail,
      .schemaChange(table: MachineHarness.orders, offset: Offset("50"), changes: [change], schema: schema))
    try cluster.end(.schemaApplied)
    cluster.commit(1, tail, 1, at: "60", version: 2)
    cluster.report(1, tail, .cancelled)
    cluster.tell(.tick, after: 2_000)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.changedVersions == [MachineHarness.orders.description: 2])
    #expect(work.tables.map(\.binding.version) == [2])
  }
}
