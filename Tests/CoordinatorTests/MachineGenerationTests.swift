import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: sets of tail splits, remainders of chunks")
struct MachineGenerationTests {
  private static let added = SchemaChange.addColumns([.init(Column(name: "more", type: DataType(.int)))])

  @Test("Another number of tail splits: the old ones end after a commit, the new ones pass over what was delivered")
  func scale() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    cluster.commit(1, tails[0], 1, at: "40", rows: 3)
    cluster.commit(1, tails[1], 1, at: "50", rows: 4)
    cluster.tell(.command(token: 2, .scaleTail(pipeline: "p", parallelism: 3)))
    #expect(cluster.answer?.isEmpty == true)
    #expect(cluster.orders(to: 1) == tails.map { Order(attempt: $0, action: .cancel(afterCommit: true)) })
    cluster.report(1, tails[0], .cancelled)
    #expect(cluster.assignments(to: 1).isEmpty)
    cluster.commit(1, tails[1], 2, at: "60", rows: 5)
    cluster.report(1, tails[1], .cancelled)
    let works = cluster.assignments(to: 1).compactMap { item in
      if case .tail(let work) = item.work { work } else { nil }
    }
    #expect(works.map(\.shareIndex) == [0, 1, 2])
    for work in works {
      #expect(work.shareCount == 3)
      #expect(work.start == Offset("40"))
      #expect(work.tables.map(\.delivered) == [[DeliveredShares([Offset("40"), Offset("60")])]])
      #expect(work.tables.map(\.binding.version) == [1])
    }
    let tailCount = cluster.journal.splits.values.count { $0.table == nil }
    #expect(tailCount == 3)
    #expect(cluster.state?.record.tailRows == 8)
    // Behind what was delivered nothing has to be kept.
    let fresh = cluster.assignments(to: 1).map(\.attempt)
    for attempt in fresh { cluster.report(1, attempt, .pastWatermarks) }
    #expect(cluster.journal.pipelines["p"]?.ended == nil)
  }

  @Test("A set is changed only when its shares have adopted the same versions")
  func versions() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    let schema = try MachineHarness.schema.applying(Self.added)
    for tail in tails {
      cluster.report(
        1, tail,
        .schemaChange(table: MachineHarness.orders, offset: Offset("50"), changes: [Self.added], schema: schema))
    }
    try cluster.end(.schemaApplied)
    cluster.commit(1, tails[0], 1, at: "55", version: 2)
    // The other one dies before its first commit under the new version.
    cluster.report(1, tails[1], .cancelled)
    cluster.tell(.command(token: 2, .scaleTail(pipeline: "p", parallelism: 1)))
    #expect(cluster.orders(to: 1).isEmpty)
    cluster.tell(.tick, after: 10_000)
    let again = try #require(cluster.assignments(to: 1).first?.attempt)
    #expect(again.split == tails[1].split)
    cluster.commit(1, again, 1, at: "52", version: 2)
    #expect(cluster.orders(to: 1).map(\.attempt) == [tails[0], again])
    cluster.report(1, tails[0], .cancelled)
    cluster.report(1, again, .cancelled)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    #expect(work.start == Offset("52"))
    #expect(work.tables.map(\.binding.version) == [2])
  }

  @Test("A tail split whose worker was lost runs once more before it is replaced: that shuts the lost attempt out")
  func lostWorker() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.commit(1, tail, 1, at: "40")
    cluster.tell(.disconnected(1))
    cluster.tell(.command(token: 2, .scaleTail(pipeline: "p", parallelism: 2)))
    cluster.tell(.tick, after: 20_000)
    cluster.restart()
    cluster.join(2, "v", slots: 4)
    let again = try #require(cluster.assignments(to: 2).first?.attempt)
    #expect(again.split == tail.split)
    #expect(cluster.orders(to: 2).isEmpty)
    let progress = AttemptProgress(attempt: again, rows: 0, bytes: 0, offset: Offset("40"))
    cluster.tell(.heartbeat(2, Heartbeat(sequence: 1, attempts: [progress])))
    #expect(cluster.orders(to: 2) == [Order(attempt: again, action: .cancel(afterCommit: true))])
    cluster.report(2, again, .cancelled)
    #expect(cluster.assignments(to: 2).count == 2)
  }

  @Test("A barrier is not held up by a tail split that no slot is found for", arguments: [true, false])
  func tooFewSlots(isLost: Bool) throws {
    var cluster = MachineHarness(tails: 3)
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 2)
    let chunk = try #require(cluster.assignments(to: 1).first).attempt
    cluster.join(2, "v", slots: 2)
    cluster.report(1, chunk, .started(low: Offset("20")))
    cluster.commit(1, chunk, 1, at: "20", isFinal: true)
    #expect(cluster.state?.tailCount == 3)
    cluster.tell(isLost ? .disconnected(2) : .left(2))
    for second in 0..<40 {
      let attempts = try #require(cluster.state).tails.filter { $0.worker == "w" }.map { split in
        AttemptProgress(
          attempt: AttemptID(pipeline: "p.1", split: split.number, attempt: split.attempt), rows: 0, bytes: 0,
          offset: Offset("20"))
      }
      cluster.tell(.heartbeat(1, Heartbeat(sequence: Int64(second), attempts: attempts)), after: 1_000)
      for order in cluster.orders(to: 1) {
        if case .cancel = order.action { cluster.report(1, order.attempt, .cancelled) }
      }
    }
    #expect(cluster.state?.tailCount == 2)
    #expect(cluster.state?.tailLimit == 2)
    // Another worker: as many as asked for.
    cluster.join(3, "x", slots: 2)
    #expect(cluster.orders(to: 1).count == 2)
  }

  @Test("What a chunk has left unread is a chunk of its own from the same step on")
  func remainder() throws {
    var cluster = MachineHarness(visibility: .idempotent)
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let first = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.report(1, first, .started(low: Offset("20")))
    var committable = MachineHarness.committable(first, 1, at: "25", rows: 7, isFinal: true)
    let left = ChunkRange(columns: ["id"], lower: [.integer(50)], upper: nil)
    committable.progress.remainder = left
    cluster.report(1, first, .prepared(committable))
    cluster.report(1, first, .committed(sequence: 1, progress: committable.progress, recovered: false))
    #expect(
      cluster.journal.splits[1]?.kind
        == .snapshot(
          table: MachineHarness.orders,
          range: ChunkRange(
            columns: ["id"], lower: nil, upper: [.integer(50)])))
    let rest = try #require(cluster.journal.splits[2])
    #expect(rest.kind == .snapshot(table: MachineHarness.orders, range: left))
    #expect(rest.firstLow == Offset("20"))
    #expect(cluster.state?.record.phase == .snapshot)
    let second = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.report(1, second, .started(low: Offset("30")))
    cluster.commit(1, second, 1, at: "31", rows: 2, isFinal: true)
    guard case .tail(let work)? = cluster.assignments(to: 1).first?.work else {
      Issue.record("no tail was assigned")
      return
    }
    // Neighbours of one watermark are one chunk for the tail.
    let all = ChunkRange(columns: ["id"], lower: nil, upper: nil)
    #expect(work.tables.first.map { Array($0.chunks) } == [FinishedChunk(range: all, watermark: Offset("20"))])
  }
}
