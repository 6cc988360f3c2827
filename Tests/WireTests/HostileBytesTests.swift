import Model
import Testing

@testable import Wire

/// Whatever the bytes are: a message or an error, never a crash, and never much memory.
@Suite struct HostileBytesTests {
  @Test(arguments: 0..<MessageGenerator.kinds)
  func mutatedMessagesGiveAMessageOrAnError(kind: Int) throws {
    for seed in UInt64(0)..<60 {
      var generator = MessageGenerator(seed: seed &* 1009 &+ UInt64(kind))
      let bytes = try MessageCodec.encode(generator.message(kind: kind), requestID: seed)
      for _ in 0..<40 { try check(mutated(bytes, &generator.random), "kind \(kind), seed \(seed)") }
      for length in 0..<min(bytes.count, 200) { try check(Array(bytes[..<length]), "kind \(kind), seed \(seed)") }
    }
  }

  @Test func randomBytesGiveAMessageOrAnError() throws {
    for seed in UInt64(0)..<20_000 {
      var random = SeededRandom(seed: seed)
      let bytes = (0..<random.below(80)).map { _ in
        random.chance(3) ? UInt8(random.below(16)) : UInt8(truncatingIfNeeded: random.next())
      }
      try check(bytes, "seed \(seed)")
    }
  }

  /// The C library must bear the refusal of any of its allocations.
  @Test(arguments: 0..<MessageGenerator.kinds)
  func anyLimitOfMemoryGivesAMessageOrAnError(kind: Int) throws {
    var generator = MessageGenerator(seed: UInt64(kind) &+ 500)
    let message = generator.message(kind: kind)
    let bytes = try MessageCodec.encode(message)
    // The same twice makes the library merge what it has with what follows.
    for frame in [bytes, bytes + bytes] {
      for memory in stride(from: 0, through: 20_000, by: 16) {
        if let body = try? MessageCodec.decodeBody(frame.span.bytes, memory: memory).body, frame == bytes {
          #expect(body == .message(message))
        }
      }
    }
  }

  @Test func aSmallFrameCannotAskForMuchMemory() {
    // A list of empty submessages: two bytes each ask for a structure, a pointer and the parser's own notes.
    for (field, tag) in [(10, UInt8(0x22)), (11, 0x12), (30, 0x1a)] {
      let body = [[UInt8]](repeating: [tag, 0], count: 400_000).flatMap { $0 }
      #expect(throws: WireError.malformed("it asks for too much memory")) {
        try MessageCodec.decode(frame(field: field, body))
      }
    }
    // Fields that nobody knows are noted as well.
    let unknown = [[UInt8]](repeating: [0x78, 0], count: 2_000_000).flatMap { $0 }
    #expect(throws: WireError.malformed("it asks for too much memory")) { try MessageCodec.decode(unknown) }
  }

  @Test func deeplyNestedTypesAreRefused() {
    for depth in [17, 600, 4000, 200_000] {
      let text = String(repeating: "ARRAY<", count: depth) + "INT" + String(repeating: ">", count: depth)
      #expect(throws: WireError.self) { try MessageCodec.decode(created(type: text)) }
    }
    let allowed = String(repeating: "ARRAY<", count: 16) + "INT" + String(repeating: ">", count: 16)
    #expect(throws: Never.self) { try MessageCodec.decode(created(type: allowed)) }
  }

  @Test(arguments: [
    "", "NOTHING", "TIMESTAMP(10)", "TIMESTAMP(99999999999999999999)", "DECIMAL(3,4)", "DECIMAL(0,0)",
    "VARCHAR(2147483648)", "INT ", "ARRAY<TIME(12)>", "MAP<INT>",
  ])
  func unknownTypesAreRefused(text: String) {
    #expect(throws: WireError.self) { try MessageCodec.decode(created(type: text)) }
  }

  @Test func missingAndUnknownPartsAreNamed() {
    let cases: [([UInt8], String)] = [
      ([], "the frame has no body that is known here"),
      ([0x08, 0x05], "the frame has no body that is known here"),
      (frame(field: 12, []), "Report.attempt is missing"),
      (frame(field: 12, [0x0a, 0]), "Report has no event that is known here"),
      (frame(field: 23, [0x0a, 0]), "Order has no action that is known here"),
      (frame(field: 22, [0x0a, 0]), "Assignment.connectors is missing"),
      (frame(field: 22, [0x0a, 0, 0x12, 0]), "Assignment has no work that is known here"),
      (frame(field: 10, [0x0a, 1, 0xff]), "Join.worker_id is not UTF-8"),
      (frame(field: 30, [0x1a, 0, 0x1a, 0]), "a name comes twice in a list"),
      (frame(field: 21, [0x08] + [UInt8](repeating: 0xff, count: 9) + [1]), negativeSequence),
    ]
    for (bytes, reason) in cases {
      #expect(throws: WireError.malformed(reason)) { try MessageCodec.decode(bytes) }
    }
  }

  @Test func handshakeMessagesAreNoMessages() throws {
    let bytes = try MessageCodec.encode(
      .handshake(.proof([1])), requestID: 0, prefix: false, limit: WireLimits.handshakeFrame)
    #expect(throws: WireError.self) { try MessageCodec.decode(bytes) }
    #expect(throws: WireError.malformed("Hello has no role that is known here")) {
      try MessageCodec.decode(frame(field: 2, [0x10, 9]))
    }
    #expect(throws: WireError.malformed("Refusal has no reason that is known here")) {
      try MessageCodec.decode(frame(field: 6, [0x08, 77]))
    }
  }

  private let negativeSequence = "HeartbeatAck.sequence is -1, which is not within 0 and 2^53"

  /// Decodes; what comes out as a message must be one: it can be sent, and comes back the same.
  private func check(_ bytes: [UInt8], _ context: String) throws {
    let message: Message
    do throws(WireError) {
      message = try MessageCodec.decode(bytes).message
    } catch {
      return
    }
    let again = try MessageCodec.decode(MessageCodec.encode(message)).message
    #expect(again == message, "\(context), bytes \(bytes)")
  }

  private func mutated(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0...random.below(4) where !bytes.isEmpty {
      let index = random.below(bytes.count)
      switch random.below(6) {
      case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[index] ^= 1 << UInt8(random.below(8))
      case 2: bytes.remove(at: index)
      case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: index)
      case 4: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + random.below(30))], at: index)
      default: bytes[index] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)]
      }
    }
    return bytes
  }

  /// A frame with one length-prefixed field.
  private func frame(field: Int, _ body: [UInt8]) -> [UInt8] { varint(field << 3 | 2) + varint(body.count) + body }

  private func varint(_ value: Int) -> [UInt8] {
    value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128)] + varint(value >> 7)
  }

  /// A report of a schema change whose result has one column of that type.
  private func created(type: String) -> [UInt8] {
    func field(_ number: Int, _ body: [UInt8]) -> [UInt8] { frame(field: number, body) }
    let column = field(1, Array("c".utf8)) + field(2, field(1, Array(type.utf8)))
    let changed = field(1, []) + field(2, []) + field(4, field(1, column))
    return field(12, field(1, []) + field(5, changed))
  }
}
