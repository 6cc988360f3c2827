import Testing

@testable import Model

/// SplitMix64.
private struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Makes stretches of chunks with all that a key or an offset may hold.
private struct ChunkGenerator {
  var random: SeededRandom
  private var place: Int64 = 1

  init(seed: Int) { random = SeededRandom(state: UInt64(seed)) }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

  mutating func text() -> String {
    let pieces = ["", "a", "é", "e\u{301}", "日本", "\0", "0", "00", "17", "9", "👩‍👩‍👧"]
    return (0..<below(5)).map { _ in pieces[below(pieces.count)] }.joined()
  }

  mutating func part() -> KeyPart {
    switch below(6) {
    case 0: .integer([.min, .max, 0, -1][below(4)])
    case 1: .unsigned([.min, .max, 1 << 63][below(3)])
    case 2: .integer(Int64(below(1_000_000)))
    case 3: .text(text())
    case 4: .bytes((0..<below(9)).map { _ in UInt8(below(256)) })
    default: .unsigned(UInt64(below(100)))
    }
  }

  mutating func offset() -> Offset {
    switch below(8) {
    case 0: return Offset(text())
    case 1: return Offset("file=binlog.00000\(below(12));pos=\(below(1 << 40));gtid=3e11fa47-71ca-11e1:1-\(place)")
    case 2: return Offset("999999999999999999:\(below(2) == 0 ? "1000000000000000000" : "00")")
    case 3: break
    default: place += Int64(below(1000))
    }
    return Offset("file=mysql-bin.000003;pos=\(place);domains=0-1-\(place / 9);server=4f2c11de")
  }

  mutating func pieces() -> [PackedChunks.Piece] {
    let width = 1 + below(3)
    var bounds: [[KeyPart]?] = [below(2) == 0 ? nil : (0..<width).map { _ in part() }]
    for _ in 0..<(1 + below(12)) { bounds.append((0..<below(width + 1)).map { _ in part() }) }
    if below(2) == 0 { bounds.append(nil) }
    return zip(bounds, bounds.dropFirst()).map { lower, upper in
      let high = offset()
      return PackedChunks.Piece(lower: lower, upper: upper, low: below(2) == 0 ? high : offset(), high: high)
    }
  }
}

@Suite("Packed chunks")
struct PackedChunksTests {
  /// What packing may do to a list, said in the plainest way.
  private static func merged(_ pieces: [PackedChunks.Piece]) -> [PackedChunks.Piece] {
    var result: [PackedChunks.Piece] = []
    for piece in pieces {
      if let last = result.last, last.low == piece.low, last.high == piece.high {
        result[result.count - 1].upper = piece.upper
      } else {
        result.append(piece)
      }
    }
    return result
  }

  @Test("Every chunk comes back with its bounds and both of its watermarks", arguments: 1...400)
  func roundTrip(seed: Int) throws {
    var generator = ChunkGenerator(seed: seed)
    let pieces = generator.pieces()
    let packed = try #require(PackedChunks(columns: ["a", "b", "c"], pieces))
    #expect(Array(packed) == Self.merged(pieces))
    #expect(packed.lower == pieces.first?.lower)
    #expect(packed.upper == pieces.last?.upper)
    #expect(packed.count == Self.merged(pieces).count)
    let again = PackedChunks(columns: ["a", "b", "c"], lower: packed.lower, bytes: packed.bytes)
    #expect(again == packed)
  }

  @Test("Neighbours are one chunk where both watermarks are the same, and only there")
  func merging() throws {
    func piece(_ number: Int64, _ low: String, _ high: String) -> PackedChunks.Piece {
      .init(lower: [.integer(number)], upper: [.integer(number + 1)], low: Offset(low), high: Offset(high))
    }
    let pieces = [
      piece(1, "5", "7"), piece(2, "5", "7"), piece(3, "6", "7"), piece(4, "6", "8"), piece(5, "6", "8"),
      piece(6, "5", "7"),
    ]
    let packed = try #require(PackedChunks(columns: ["id"], pieces))
    #expect(packed.map(\.upper) == [3, 4, 6, 7].map { [.integer($0)] })
    // By one watermark alone more of them are the same.
    func ranges(countsLow: Bool) -> [(KeyPart?, String)] {
      FinishedChunks(runs: [packed], countsLow: countsLow).map { ($0.range.upper?.first, $0.watermark.text) }
    }
    #expect(ranges(countsLow: false).map(\.1) == ["7", "8", "7"])
    #expect(ranges(countsLow: false).map(\.0) == [.integer(4), .integer(6), .integer(7)])
    #expect(ranges(countsLow: true).map(\.1) == ["5", "6", "5"])
  }

  @Test("Chunks that are not adjacent are not packed together")
  func gaps() {
    func piece(_ lower: Int64?, _ upper: Int64?) -> PackedChunks.Piece {
      .init(
        lower: lower.map { [.integer($0)] }, upper: upper.map { [.integer($0)] }, low: Offset("1"), high: Offset("1"))
    }
    #expect(PackedChunks(columns: ["id"], [piece(nil, 1), piece(2, 3)]) == nil)
    #expect(PackedChunks(columns: ["id"], [piece(nil, nil), piece(nil, 3)]) == nil)
    #expect(PackedChunks(columns: ["id"], []) == nil)
  }

  @Test("A list in any order comes back in key order; one with a gap is refused", arguments: 1...40)
  func order(seed: Int) throws {
    var generator = ChunkGenerator(seed: seed)
    let count = 2 + generator.below(20)
    let chunks = (0..<count).map { number in
      FinishedChunk(
        range: ChunkRange(
          columns: ["id"], lower: number == 0 ? nil : [.integer(Int64(number))],
          upper: number + 1 == count ? nil : [.integer(Int64(number + 1))]), watermark: Offset("\(number)"))
    }
    let shuffled = chunks.shuffled(using: &generator.random)
    #expect(FinishedChunks(shuffled).inOrder().map { Array($0) } == chunks)
    var torn = shuffled
    torn.remove(at: generator.below(count))
    #expect(FinishedChunks(torn).inOrder() == nil)
    #expect(FinishedChunks().inOrder() == FinishedChunks())
  }

  @Test("Bytes that are no chunks are refused, and never read beyond their end", arguments: 1...400)
  func hostileBytes(seed: Int) throws {
    var generator = ChunkGenerator(seed: seed)
    let packed = try #require(PackedChunks(columns: ["a", "b", "c"], generator.pieces()))
    var bytes = packed.bytes
    for _ in 0..<(1 + generator.below(4)) {
      switch generator.below(3) {
      case 0: bytes = Array(bytes.prefix(generator.below(bytes.count + 1)))
      case 1: bytes.append(UInt8(generator.below(256)))
      default: if !bytes.isEmpty { bytes[generator.below(bytes.count)] = UInt8(generator.below(256)) }
      }
    }
    guard let read = PackedChunks(columns: ["a", "b", "c"], lower: packed.lower, bytes: bytes) else { return }
    #expect(Array(read).count == read.count)
    #expect(read.allSatisfy { ($0.upper?.count ?? 0) <= 3 })
    let noise = (0..<generator.below(60)).map { _ in UInt8(generator.below(256)) }
    if let read = PackedChunks(columns: ["a"], lower: nil, bytes: noise) { #expect(Array(read).count == read.count) }
  }

  @Test("A chunk of a numeric key takes about a dozen bytes")
  func size() throws {
    let pieces = (0..<10_000).map { number in
      PackedChunks.Piece(
        lower: [.integer(Int64(number) * 8096)], upper: [.integer(Int64(number + 1) * 8096)],
        low: Offset("file=mysql-bin.000123;pos=\(number * 19_129);domains=0-1-\(number * 517);server=4f2c11de-90aa"),
        high: Offset(
          "file=mysql-bin.000123;pos=\(number * 19_129 + 90);domains=0-1-\(number * 517 + 2);server=4f2c11de-90aa"))
    }
    let packed = try #require(PackedChunks(columns: ["id"], pieces))
    #expect(packed.bytes.count < 10_000 * 22)
  }
}
