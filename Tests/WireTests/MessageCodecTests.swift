import Model
import Testing

@testable import Wire

/// What is sent is what is received.
@Suite struct MessageCodecTests {
  @Test(arguments: 0..<MessageGenerator.kinds)
  func everyKindOfMessageComesBackTheSame(kind: Int) throws {
    for seed in UInt64(0)..<400 {
      var generator = MessageGenerator(seed: seed &* 31 &+ UInt64(kind))
      let message = generator.message(kind: kind)
      let requestID = generator.random.next()
      let bytes = try MessageCodec.encode(message, requestID: requestID)
      let (decodedID, decoded) = try MessageCodec.decode(bytes)
      #expect(decoded == message && decodedID == requestID, "kind \(kind), seed \(seed)")
      // Equal texts may differ in bytes (é has two spellings): the second encoding shows that none was changed.
      #expect(try MessageCodec.encode(decoded, requestID: requestID) == bytes, "kind \(kind), seed \(seed)")
    }
  }

  @Test func emptyAndAbsentAreDifferent() throws {
    let ranges = [
      ChunkRange(columns: ["a"], lower: nil, upper: nil), ChunkRange(columns: ["a"], lower: [], upper: nil),
      ChunkRange(columns: ["a"], lower: nil, upper: []), ChunkRange(columns: ["a"], lower: [.text("")], upper: []),
      ChunkRange(columns: ["a"], lower: [.bytes([])], upper: [.integer(0)]), .everything,
    ]
    for range in ranges { #expect(try roundTrip(range) == range) }
    for text in [nil, "", "x"] {
      let failure = Failure(
        kind: "bug", message: "m", table: TableID(namespace: text, schema: text, table: "t"),
        offset: text.map(Offset.init),
        remedy: text)
      let message = Message.report(Report(attempt: attempt, event: .failed(failure)))
      #expect(try MessageCodec.decode(MessageCodec.encode(message)).message == message)
    }
  }

  @Test func textsWithNULSurvive() throws {
    let range = ChunkRange(columns: ["a\0b"], lower: [.text("\0")], upper: [.text("x\0y")])
    #expect(try roundTrip(range) == range)
  }

  @Test func numbersOutOfRangeAreRefusedWhereTheyAreMade() {
    let wrong: [Message] = [
      .heartbeatAck(HeartbeatAck(sequence: -1)), .heartbeatAck(HeartbeatAck(sequence: (1 << 53) + 1)),
      .join(Join(workerID: "w", name: "n", slots: Int.min, running: [])),
      .adminReply(AdminReply(status: 256)), .adminReply(AdminReply(status: -1)), tail(share: 0, of: 0),
      tail(share: 2, of: 2), tail(share: -1, of: 2),
      .order(Order(attempt: AttemptID(pipeline: "p", split: -1, attempt: 1), action: .proceed)),
    ]
    for message in wrong {
      #expect { try MessageCodec.encode(message) } throws: { error in
        if case .malformed = error as? WireError { true } else { false }
      }
    }
  }

  @Test func aMessageOverTheLimitIsRefusedWhereItIsMade() {
    let text = String(repeating: "x", count: WireLimits.frame)
    #expect { try MessageCodec.encode(.adminReply(AdminReply(status: 0, json: text))) } throws: { error in
      if case .frameTooLarge(_, WireLimits.frame) = error as? WireError { true } else { false }
    }
  }

  @Test func aLargeTailFitsIntoHalfOfTheMemoryItIsAllowed() throws {
    let chunks = (0..<100_000).map { index in
      FinishedChunk(
        range: ChunkRange(columns: ["id"], lower: [.integer(Int64(index))], upper: [.integer(Int64(index + 1))]),
        watermark: Offset("binlog.000001:\(index)"))
    }
    let bytes = try MessageCodec.encode(tail(share: 0, of: 1, chunks: chunks))
    let (_, body) = try MessageCodec.decodeBody(
      bytes.span.bytes, memory: WireLimits.memory(forFrame: bytes.count) / 2)
    #expect(body == .message(tail(share: 0, of: 1, chunks: chunks)))
  }

  private let attempt = AttemptID(pipeline: "shop", split: 7, attempt: 2)
  private let binding = TableBinding(
    table: TableID(schema: "shop", table: "orders"), version: 1,
    schema: TableSchema(columns: [Column(name: "id", type: DataType(.bigint, nullable: false))], primaryKey: ["id"]),
    targets: [])
  private let connectors = ConnectorSpec(
    sourceType: "mysql", sourceOptions: [:], sinkType: "values", sinkOptions: [:], secrets: [], localTimeZone: nil,
    parallelism: 1)

  private func tail(share: Int, of count: Int, chunks: [FinishedChunk] = []) -> Message {
    let table = TailTableWork(binding: binding, ignoredThrough: nil, chunks: FinishedChunks(chunks))
    let work = TailWork(
      start: Offset("a"), tables: [table], shareIndex: share, shareCount: count, notifyAt: nil,
      commitIntervalMilliseconds: 1000)
    return .assign(Assignment(attempt: attempt, connectors: connectors, work: .tail(work)))
  }

  private func roundTrip(_ range: ChunkRange) throws -> ChunkRange? {
    let work = SplitWork.snapshot(SnapshotWork(binding: binding, range: range))
    let message = Message.assign(Assignment(attempt: attempt, connectors: connectors, work: work))
    let (_, decoded) = try MessageCodec.decode(MessageCodec.encode(message))
    guard case .assign(let assignment) = decoded, case .snapshot(let snapshot) = assignment.work else { return nil }
    return snapshot.range
  }
}
