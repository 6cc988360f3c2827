import Connector
import Model
import Testing

@testable import MySQLSource

/// What is kept compactly of a million chunks must say the same of every event as the watermarks themselves.
@Suite("Watermarks of many chunks")
struct ChunkWatermarksTests {
  private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  }

  private enum Kind: CaseIterable {
    case positions, sets, foreign, mixed
  }

  private static let sources = (1...3).map { MySQLUUID(high: UInt64($0), low: 7) }

  /// Sets that mostly grow, of servers that come and go, with gaps.
  private static func set(_ random: inout Random, _ step: Int) -> GTIDSet {
    var set = GTIDSet()
    for source in sources where random.below(5) > 0 {
      set.insert(1...Int64(1 + step / 2 + random.below(4)), of: source)
      if random.below(3) == 0 {
        let start = Int64(30 + random.below(10))
        set.insert(start...(start + Int64(random.below(5))), of: source)
      }
    }
    if set.isEmpty { set.insert(1...2, of: sources[0]) }
    return set
  }

  private static func offset(_ kind: Kind, _ random: inout Random, _ step: Int) -> Offset {
    let position = BinlogPosition(file: "binlog.00000\(1 + step / 20)", position: UInt64(100 + random.below(400)))
    switch kind {
    case .positions: return MySQLOffset(position: position, server: "a").offset
    case .sets: return MySQLOffset(position: position, gtids: set(&random, step), server: "a").offset
    case .foreign:
      return Offset("file=\(position.file);pos=\(position.position);domains=0-1-\(1 + step);server=b")
    case .mixed:
      return random.below(2) == 0 ? offset(.positions, &random, step) : offset(.sets, &random, step)
    }
  }

  private static func place(_ random: inout Random) -> LogPlace {
    var place = LogPlace(file: UInt64(1 + random.below(3)), position: UInt64(90 + random.below(420)))
    if random.below(3) > 0 {
      place.gtid = MySQLGTID(source: sources[random.below(3)], number: Int64(1 + random.below(50)))
    }
    if random.below(2) == 0 { place.domain = MariaDBGTID(domain: 0, server: 1, sequence: UInt64(random.below(60))) }
    return place
  }

  @Test("Every event is judged as each watermark alone would judge it", arguments: Kind.allCases, 1...30)
  private func same(kind: Kind, seed: Int) throws {
    var random = Random(state: UInt64(seed))
    let count = 1 + random.below(50)
    var last = Self.offset(kind, &random, 0)
    let list = (0..<count).map { number in
      if random.below(3) > 0 { last = Self.offset(kind, &random, number) }
      return FinishedChunk(
        range: ChunkRange(
          columns: ["id"], lower: number == 0 ? nil : [.integer(Int64(number))],
          upper: number + 1 == count ? nil : [.integer(Int64(number + 1))]), watermark: last)
    }
    let chunks = try #require(FinishedChunks(list).inOrder())
    let compact = try ChunkWatermarks(chunks, server: "a")
    let plain = try chunks.map { try Watermark($0.watermark, server: "a") }
    #expect(compact.count == plain.count)
    for _ in 0..<200 {
      let place = Self.place(&random)
      let covering = plain.indices.filter { plain[$0].covers(place) }
      #expect(plain.indices.filter { compact.covers(place, chunk: $0) } == covering)
      let extent: ChunkWatermarks.Extent = covering.isEmpty ? .none : covering.count == plain.count ? .all : .some
      #expect(compact.extent(place) == extent)
    }
    for step in stride(from: 0, to: 60, by: 3) {
      let cursor = TailCursor(try MySQLOffset(Self.offset(kind == .mixed ? .sets : kind, &random, step)))
      #expect(compact.isPassed(by: cursor) == plain.allSatisfy { $0.isPassed(by: cursor) })
    }
  }

  @Test("Without chunks nothing is contained, and everything is passed")
  func none() throws {
    let compact = try ChunkWatermarks(FinishedChunks(), server: "a")
    #expect(compact.count == 0)
    #expect(compact.extent(LogPlace(file: 1, position: 4)) == .none)
    #expect(compact.isPassed(by: TailCursor(try MySQLOffset(Offset("file=binlog.000001;pos=4")))))
  }
}
