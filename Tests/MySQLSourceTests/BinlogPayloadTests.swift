import CZstd
import Model
import Testing

@testable import MySQLSource

/// Whole transactions packed into one event (MySQL), and packed events (MariaDB).
@Suite struct BinlogPayloadTests {
  /// Recorded from MySQL 9.7: an insert of 1500 equal letters and an update, compressed.
  static let recorded = """
    a78d016b2809000000c80000006d05000000000201000303fcf5060101a50028b52ffd60f505dd0400b2071b27804bd2013091cb6006\
    a622841089ce24dfc73b0506945898c14058b5a18315cf25fdd25adb5ba6ffbf0041e0dc8c8582d11cfd3d6f4c2df2fc78de77413ac5\
    f9c1bbbdc97103bcafde7abfcc3858c5b28924523d6ea7e19c9a822ad706a5aaf3a227be0386fc81b38a65011300a004e29e218697eb\
    0342c0726acca7851dee574010303bd50ab01aeedb592d66590fc883b031031e80175cbab3cb
    """

  /// The types of the events in a payload event, and the largest memory that unpacking took.
  static func unpack(_ event: [UInt8], parser: BinlogParser) throws -> (types: [UInt8], memory: Int) {
    var parser = parser
    return try event.withUnsafeBytes { bytes in
      guard case .transactionPayload(let packed) = try parser.parse(bytes) else {
        throw BinlogError.corrupt("no payload")
      }
      let outer = parser.header
      let reader = TransactionPayloadReader()
      try reader.begin(packed)
      var types: [UInt8] = []
      var memory = 0
      while let inner = try reader.next() {
        _ = try parser.parse(inner: inner, of: outer)
        #expect(parser.header.nextPosition == outer.nextPosition)
        types.append(parser.header.typeCode)
        memory = max(memory, reader.capacity)
      }
      #expect(!reader.isActive)
      return (types, memory)
    }
  }

  static func mySQLParser() throws -> BinlogParser {
    try #require(RecordedTable.all.first { $0.server == "mysql" }).parser()
  }

  @Test func recordedPayload() throws {
    let types = try Self.unpack(hexBytes(Self.recorded), parser: try Self.mySQLParser()).types
    #expect(types == [2, 19, 30, 19, 31, 16])
  }

  /// An event of a type, without a checksum.
  static func event(_ type: BinlogEventType, size: Int) -> [UInt8] {
    var event = [UInt8](repeating: 0, count: 19) + (0..<max(0, size - 19)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    event[4] = type.rawValue
    for index in 0..<4 { event[9 + index] = UInt8(truncatingIfNeeded: event.count >> (8 * index)) }
    return event
  }

  static func packed(_ bytes: [UInt8]) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let size = ZSTD_compress(&output, output.count, bytes, bytes.count, 3)
    try #require(ZSTD_isError(size) == 0)
    return Array(output.prefix(size))
  }

  /// A payload event, sealed with a checksum.
  static func payload(_ bytes: [UInt8], claimed: Int, algorithm: UInt8 = 0) -> [UInt8] {
    func field(_ type: UInt8, _ value: Int) -> [UInt8] {
      [type, 9, 254] + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let code: [UInt8] = algorithm == 255 ? [2, 3, 252, 255, 0] : [2, 1, algorithm]
    let body = code + field(3, claimed) + field(1, bytes.count) + [0] + bytes
    return BinlogDamageTests.sealed(Self.header(.transactionPayload) + body)
  }

  private static func header(_ type: BinlogEventType) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 19)
    header[4] = type.rawValue
    return header
  }

  @Test func unpackedPayload() throws {
    let events = Self.event(.rowsQuery, size: 40) + Self.event(.intvar, size: 28) + Self.event(.rand, size: 19)
    let event = Self.payload(events, claimed: events.count, algorithm: 255)
    #expect(try Self.unpack(event, parser: try Self.mySQLParser()).types == [29, 5, 13])
    let short = Self.payload(Array(events.dropLast()), claimed: events.count - 1, algorithm: 255)
    #expect(throws: BinlogError.self) { try Self.unpack(short, parser: try Self.mySQLParser()) }
  }

  /// Hundreds of megabytes go through a buffer that holds little more than the largest event.
  @Test func memoryIsThatOfOneEvent() throws {
    var events: [UInt8] = []
    let piece = Self.event(.rowsQuery, size: 30_000)
    for _ in 0..<500 { events += piece }
    // Frames may follow one another: the same 15 MB twenty times.
    let frame = try Self.packed(events)
    let all = (0..<20).flatMap { _ in frame }
    let result = try Self.unpack(
      Self.payload(all, claimed: events.count * 20), parser: try Self.mySQLParser())
    #expect(result.types.count == 10_000)
    #expect(result.memory <= 1 << 20)
  }

  @Test func lengthsThatLie() throws {
    let parser = try Self.mySQLParser()
    let events = Self.event(.rowsQuery, size: 4000) + Self.event(.intvar, size: 50)
    let frame = try Self.packed(events)
    #expect(try Self.unpack(Self.payload(frame, claimed: events.count), parser: parser).types.count == 2)
    for claimed in [0, events.count - 1, events.count + 1, 1 << 40, Int.max] {
      #expect(throws: BinlogError.self) { try Self.unpack(Self.payload(frame, claimed: claimed), parser: parser) }
    }
    for length in 0..<frame.count {
      let cut = Self.payload(Array(frame.prefix(length)), claimed: events.count)
      #expect(throws: BinlogError.self) { try Self.unpack(cut, parser: parser) }
    }
    // An event that says it has half a gigabyte, in a payload of a few bytes.
    var liar = Self.event(.rowsQuery, size: 100)
    liar[12] = 0x20
    let error = #expect(throws: BinlogError.self) {
      try Self.unpack(Self.payload(try Self.packed(liar), claimed: 1 << 30), parser: parser)
    }
    #expect(error?.kind == .corrupt)
  }

  @Test(arguments: [1, 7, 200] as [UInt8])
  func unknownAlgorithm(_ algorithm: UInt8) throws {
    let error = #expect(throws: BinlogError.self) {
      try Self.unpack(Self.payload([1], claimed: 1, algorithm: algorithm), parser: try Self.mySQLParser())
    }
    #expect(error?.remedy?.contains("binlog_transaction_compression") == true)
  }

  @Test(arguments: [BinlogEventType.formatDescription, .rotate, .transactionPayload, .gtid, .gtidTagged, .stop])
  func eventsThatHaveNoPlaceThere(_ type: BinlogEventType) throws {
    let events = Self.event(type, size: 60)
    #expect(throws: BinlogError.self) {
      try Self.unpack(Self.payload(try Self.packed(events), claimed: events.count), parser: try Self.mySQLParser())
    }
  }

  @Test(arguments: 0..<4)
  func mutatedPayloads(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let parser = try Self.mySQLParser()
    let events = (0..<5).flatMap { Self.event(.rowsQuery, size: 30 + 400 * $0) }
    let seeds = [
      Array(hexBytes(Self.recorded).dropLast(4)),
      Array(Self.payload(try Self.packed(events), claimed: events.count).dropLast(4)),
    ]
    var outcomes = [0, 0]
    for _ in 0..<1500 {
      var body = seeds.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        body[Int.random(in: 19..<body.count, using: &generator)] = .random(in: 0...255, using: &generator)
      }
      do {
        _ = try Self.unpack(BinlogDamageTests.sealed(body), parser: parser)
        outcomes[0] += 1
      } catch {
        outcomes[1] += 1
      }
    }
    #expect(outcomes.allSatisfy { $0 > 10 })
  }
}
