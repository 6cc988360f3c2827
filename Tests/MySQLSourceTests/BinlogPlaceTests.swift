import Model
import TestKit
import Testing

@testable import MySQLSource

/// Places in the log: files of over 4 GiB, heartbeats, formats of old and new servers, file numbers.
@Suite struct BinlogPlaceTests {
  private static func cursor(_ position: UInt64) -> TailCursor {
    TailCursor(MySQLOffset(position: BinlogPosition(file: "binlog.000009", position: position)))
  }

  @Test func positionsBeyond32Bits() {
    var cursor = Self.cursor(4)
    var expected: UInt64 = 4
    // One event of nearly 4 GiB after the other: the header's position wraps each time.
    for _ in 0..<6 {
      expected += 0xf000_0000
      cursor.advance(to: UInt32(truncatingIfNeeded: expected))
      #expect(cursor.position == expected)
      #expect(cursor.boundary?.position == expected)
    }
    // A transaction begins where its first event does.
    var header = BinlogEventHeader()
    header.size = 77
    header.nextPosition = UInt32(truncatingIfNeeded: expected + 77)
    cursor.open(gtid: nil, hasBegun: false, header: header)
    #expect(cursor.start.position == expected)
    #expect(cursor.boundary?.position == expected)
  }

  @Test func heartbeatsNeverLeadBack() {
    let far: UInt64 = 5 << 30
    var cursor = Self.cursor(far)
    let low = far & 0xffff_ffff
    for (reported, is32Bit, expected) in [
      (low, true, far), (low - 500, true, far), (low + 1000, true, far + 1000), (far, false, far + 1000),
      (far + 2000, false, far + 2000), (low + 1000, true, far + 2000), (0, true, far + 2000),
    ] as [(UInt64, Bool, UInt64)] {
      cursor.settle(in: "binlog.000009", at: reported, is32Bit: is32Bit)
      #expect(cursor.position == expected)
    }
    cursor.settle(in: "binlog.000010", at: 300, is32Bit: true)
    #expect(cursor.boundary == BinlogPosition(file: "binlog.000010", position: 300))
  }

  /// An old server's format event: version, post-header lengths, and where there are checksums the algorithm.
  private static func format(_ version: String, algorithm: UInt8?) -> [UInt8] {
    let name = Array(version.utf8) + [UInt8](repeating: 0, count: 50 - version.utf8.count)
    var lengths = [UInt8](repeating: 0, count: 35)
    lengths[18] = 8
    for type in [23, 24, 25] { lengths[type - 1] = 8 }
    for type in [30, 31, 32] { lengths[type - 1] = 10 }
    var event = [UInt8](repeating: 0, count: 19) + [4, 0] + name + [0, 0, 0, 0, 19] + lengths
    event[4] = BinlogEventType.formatDescription.rawValue
    guard let algorithm else {
      event[9] = UInt8(event.count)
      return event
    }
    return BinlogDamageTests.sealed(event + [algorithm])
  }

  @Test(
    arguments: [
      ("5.5.62-log", nil, false), ("5.6.0-m4", nil, false), ("5.6.51-log", 1, true), ("5.7.44-log", 0, false),
      ("8.0.36", 1, true), ("9.7.4-2", 1, true), ("5.2.14-MariaDB", nil, false), ("10.2.44-MariaDB-log", 0, false),
      ("11.4.2-MariaDB", 1, true),
    ] as [(String, UInt8?, Bool)])
  func formats(_ version: String, _ algorithm: UInt8?, _ hasChecksums: Bool) throws {
    var parser = BinlogParser()
    _ = try Self.format(version, algorithm: algorithm).withUnsafeBytes { bytes in try parser.parse(bytes) }
    #expect(parser.format.serverVersion == version)
    #expect((parser.format.checksum == .crc32) == hasChecksums)
    #expect(parser.format.postHeaderLength(.tableMap) == 8)
    #expect(parser.format.postHeaderLength(.deleteRows) == 10)
    #expect(parser.isMariaDB == version.contains("MariaDB"))
    // An event behind it has a checksum or not, and a wrong one is found.
    let xid = BinlogPayloadTests.event(.xid, size: 27)
    for event in [xid, BinlogDamageTests.sealed(xid)] {
      let isFine = (try? event.withUnsafeBytes { bytes in _ = try parser.parse(bytes) }) != nil
      // Without checksums, the four bytes more are none of XID's business.
      #expect(isFine == (!hasChecksums || event.count > xid.count))
    }
  }

  @Test func unknownChecksumAlgorithmIsRefused() {
    var parser = BinlogParser()
    #expect(throws: BinlogError.self) {
      try Self.format("9.7.4", algorithm: 2).withUnsafeBytes { bytes in _ = try parser.parse(bytes) }
    }
  }

  /// MariaDB puts a position beyond 32 bits in front of the file's name.
  @Test func longHeartbeatOfMariaDB() throws {
    let table = try #require(RecordedTable.all.first { $0.server == "mariadb" })
    var parser = try table.parser()
    var event = [UInt8](repeating: 0, count: 19) + [1, 0, 0, 0, 2, 0, 0, 0] + Array("binlog.000003".utf8)
    event[4] = BinlogEventType.heartbeat.rawValue
    try BinlogDamageTests.sealed(event).withUnsafeBytes { bytes in
      guard case .heartbeat(let heartbeat) = try parser.parse(bytes) else { throw BinlogError.corrupt("no heartbeat") }
      #expect(heartbeat.file == "binlog.000003")
      #expect(heartbeat.position == 2 << 32 | 1)
      #expect(!heartbeat.is32Bit)
    }
  }

  /// Extra data of rows events (NDB's, and the numbers of partitions) stand in front of the rows; version 1 has none.
  @Test(arguments: RecordedTable.all.filter { $0.name == "integers" && $0.server == "mysql" })
  func extraDataOfRowsEvents(_ table: RecordedTable) throws {
    let schema = try table.schema()
    let events = Array(table.events.map(hexBytes).prefix(2))
    let expected = try table.loggedRows(schema, events: events)
    let (front, rest) = (Array(events[1][..<27]), Array(events[1][29...].dropLast(4)))
    for extra in [[4, 0, 7, 9], [9, 0, 0, 1, 2, 3, 4, 5, 6], [5, 0, 1, 3, 0]] as [[UInt8]] {
      let event = BinlogDamageTests.sealed(front + extra + rest)
      #expect(try table.loggedRows(schema, events: [events[0], event]) == expected)
    }
    var old = front + rest
    old[4] = BinlogEventType.writeRowsV1.rawValue
    #expect(try table.loggedRows(schema, events: [events[0], BinlogDamageTests.sealed(old)]) == expected)
    for wrong in [[0, 0], [1, 0], [200, 255]] as [[UInt8]] {
      let event = BinlogDamageTests.sealed(front + wrong + rest)
      #expect(throws: BinlogError.self) { try table.loggedRows(schema, events: [events[0], event]) }
    }
  }

  /// A table that nobody captures may have columns that are not known; those who read its rows are told.
  @Test func unknownColumnTypesConcernTheirReadersAlone() throws {
    let body: [UInt8] = [1, 0x64, 0, 1, 0x74, 0, 2, 3, 200, 0, 0]
    let map = try body.withUnsafeBytes { try TableMap(TableMapEvent(tableID: 1, flags: 0, body: $0)) }
    #expect(map.table == TableID(schema: "d", table: "t"))
    #expect(map.problem?.kind == .unsupported)
    #expect(map.problem?.message.contains("200") == true)
    #expect(map.columnCount == 0)
    for length in 0..<6 {
      #expect(throws: BinlogError.self) {
        try body[..<length].withUnsafeBytes { _ = try TableMap(TableMapEvent(tableID: 1, flags: 0, body: $0)) }
      }
    }
  }

  /// Rows without columns take no bytes, so there would be no end of them.
  @Test func rowsWithoutColumnsAreRefused() throws {
    let table = TableID(schema: "d", table: "t")
    let schema = RowSchema(table: table, version: 1, schema: TableSchema(columns: [], primaryKey: []))
    let body: [UInt8] = [1, 0x64, 0, 1, 0x74, 0, 0, 0]
    let map = try body.withUnsafeBytes { try TableMap(TableMapEvent(tableID: 1, flags: 0, body: $0)) }
    let plan = try RowDecodingPlan(tableMap: map, schema: schema, types: [])
    #expect(throws: BinlogError.self) {
      try ([0, 1, 2, 3] as [UInt8]).withUnsafeBytes { bytes in
        _ = try RowsDecoder(RowsEvent(tableID: 1, flags: 0, kind: .insert, body: bytes), plan: plan)
      }
    }
  }
}
