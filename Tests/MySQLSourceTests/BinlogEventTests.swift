import Connector
import Model
import Testing

@testable import MySQLSource

@Suite struct BinlogEventTests {
  /// An event with a header of its own making; no checksum.
  private static func event(_ type: BinlogEventType, _ body: [UInt8], next: UInt32 = 0, flags: UInt16 = 0) -> [UInt8] {
    var event: [UInt8] = [1, 0, 0, 0, type.rawValue, 7, 0, 0, 0]
    for value in [UInt32(19 + body.count), next] {
      for index in 0..<4 { event.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * index))) }
    }
    return event + [UInt8(flags & 0xff), UInt8(flags >> 8)] + body
  }

  /// What `look` sees in the parsed event.
  private func parse<T>(
    _ event: [UInt8], parser: BinlogParser = BinlogParser(), _ look: (BinlogEvent) throws -> T
  ) throws -> T {
    var parser = parser
    return try event.withUnsafeBytes { try look(try parser.parse($0)) }
  }

  @Test func checksumOfKnownText() {
    let text = Array("123456789".utf8)
    #expect(text.withUnsafeBytes { CRC32.checksum($0) } == 0xcbf4_3926)
    let long = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    // Any split gives the same as the whole.
    let whole = long.withUnsafeBytes { CRC32.checksum($0) }
    for cut in [0, 1, 15, 16, 17, 500, 999] {
      let front = long[..<cut].withUnsafeBytes { CRC32.checksum($0) }
      #expect(long[cut...].withUnsafeBytes { CRC32.checksum($0, seed: front) } == whole)
    }
  }

  @Test(arguments: ["mariadb", "mysql"])
  func formatDescription(_ server: String) throws {
    let table = try #require(RecordedTable.all.first { $0.server == server })
    let format = try table.parser().format
    #expect(format.checksum == .crc32)
    #expect(format.serverVersion.hasPrefix(server == "mysql" ? "9.7" : "10.11"))
    #expect(format.postHeaderLength(.tableMap) == 8)
    #expect(format.postHeaderLength(.writeRows) == 10)
  }

  @Test func artificialRotateWithAndWithoutChecksum() throws {
    let body: [UInt8] = [4, 0, 0, 0, 0, 0, 0, 0] + Array("binlog.000007".utf8)
    let plain = Self.event(.rotate, body, flags: BinlogEventHeader.artificialFlag)
    for event in [plain, BinlogDamageTests.sealed(plain)] {
      try parse(event) { event in
        guard case .rotate(let rotate) = event else { throw BinlogError.corrupt("no rotate") }
        #expect(rotate.file == "binlog.000007")
        #expect(rotate.position == 4)
        #expect(rotate.isArtificial)
      }
    }
  }

  @Test func queryWithStatusVariables() throws {
    let status: [UInt8] = [0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 6, 3, 0x73, 0x74, 0x64, 4, 8, 0, 8, 0, 8, 0]
    let body: [UInt8] =
      [5, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, UInt8(status.count), 0] + status + Array("dbx".utf8) + [0]
      + Array("ALTER TABLE t ADD gr".utf8) + [0xfc] + Array("n INT".utf8)
    try parse(Self.event(.query, body)) { event in
      guard case .query(let query) = event else { throw BinlogError.corrupt("no query") }
      #expect(query.kind == .ddl)
      #expect(query.schema == "dbx")
      #expect(query.sql == "ALTER TABLE t ADD grün INT")
      #expect(query.sqlMode == 4)
      #expect(query.threadID == 5)
    }
  }

  @Test func transactionEvents() throws {
    let uuid = try #require(MySQLUUID(text: "3e11fa47-71ca-11e1-9e33-c80aa9429562"))
    let gtid = Self.event(.gtid, [0] + uuid.bytes + [23, 0, 0, 0, 0, 0, 0, 0] + Array(repeating: 0, count: 17))
    try parse(gtid) { event in
      guard case .gtid(let event) = event else { throw BinlogError.corrupt("no GTID") }
      #expect(event.gtid.description == "3e11fa47-71ca-11e1-9e33-c80aa9429562:23")
      #expect(!event.isAnonymous)
    }
    try parse(Self.event(.mariaGTID, [42, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1])) { event in
      guard case .mariaDBGTID(let event) = event else { throw BinlogError.corrupt("no GTID") }
      #expect(event.gtid.description == "3-7-42")
      #expect(event.isStandalone)
    }
    try parse(Self.event(.xid, [1, 2, 0, 0, 0, 0, 0, 0])) { event in
      guard case .xid(0x201) = event else { throw BinlogError.corrupt("no XID") }
    }
    let list: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]
    try parse(Self.event(.mariaGTIDList, list)) { event in
      guard case .mariaDBGTIDList(let event) = event else { throw BinlogError.corrupt("no list") }
      #expect(try event.position().description == "0-9-5")
    }
    let heartbeat: [UInt8] = [1, 3] + Array("b.1".utf8) + [2, 3, 252, 0, 2, 0]
    try parse(Self.event(.heartbeatV2, heartbeat)) { event in
      guard case .heartbeat(let event) = event else { throw BinlogError.corrupt("no heartbeat") }
      #expect(event.file == "b.1")
      #expect(event.position == 512)
    }
  }

  @Test(arguments: [
    (BinlogEventType.incident, "new snapshot"), (.mariaStartEncryption, "encrypt_binlog"),
    (.preGAWriteRows, "MySQL 5.6"),
  ])
  func refusedEventsNameTheRemedy(_ type: BinlogEventType, _ remedy: String) {
    let error = #expect(throws: BinlogError.self) { try parse(Self.event(type, [0, 0, 0, 0])) { _ in } }
    #expect(error?.remedy?.contains(remedy) == true)
    #expect(error?.connectorError().policy == .stop)
  }

  @Test func unknownEventsPassOnlyIfIgnorable() throws {
    var event = Self.event(.stop, [1, 2, 3])
    event[4] = 250
    #expect(throws: BinlogError.self) { try parse(event) { _ in } }
    event[17] = 0x80
    try parse(event) { event in
      guard case .ignored = event else { throw BinlogError.corrupt("not ignored") }
    }
  }

  @Test func wrongLengthIsCorrupt() {
    var event = Self.event(.xid, [1, 2, 0, 0, 0, 0, 0, 0])
    event[9] += 1
    let error = #expect(throws: BinlogError.self) { try parse(event) { _ in } }
    #expect(error?.kind == .corrupt)
  }

  @Test(arguments: [
    ("BEGIN", StatementKind.begin), ("begin", .begin), ("START TRANSACTION", .begin), ("COMMIT", .commit),
    ("commit /* x */", .commit), ("ROLLBACK", .rollback), ("ROLLBACK TO sp", .savepoint),
    ("ROLLBACK WORK TO SAVEPOINT sp", .savepoint), ("SAVEPOINT `a`", .savepoint), ("XA END X'61',X'',1", .xa),
    ("/* c */ -- d\n INSERT INTO t VALUES (1)", .dml), ("# x\nupdate t set a=1", .dml), ("(SELECT 1)", .other),
    ("/*!50003 CREATE TABLE t (a int) */", .ddl), ("/*M!100100 DELETE FROM t */", .dml), ("TRUNCATE t", .ddl),
    ("WITH x AS (SELECT 1) DELETE FROM t", .dml), ("GRANT ALL ON *.* TO x", .other), ("", .other), ("/*", .other),
    ("LOAD DATA INFILE 'x' INTO TABLE t", .dml), ("ALTER TABLE t FORCE", .ddl), ("FLUSH TABLES", .other),
    ("SET STATEMENT max_statement_time=1, x='a FOR b' FOR ALTER TABLE t FORCE", .ddl), ("SET STATEMENT a=1", .other),
    ("set statement a=1 for insert into t values (1)", .dml), ("SET PASSWORD = 'x'", .other),
  ])
  func statementKinds(_ sql: String, _ kind: StatementKind) {
    #expect(Array(sql.utf8).withUnsafeBytes { StatementKind(classifying: $0) } == kind)
  }

  @Test func tableMapsAreReused() throws {
    let table = try #require(RecordedTable.all.first { $0.name == "integers" })
    let parser = try table.parser()
    var cache = TableMapCache()
    var bytes = hexBytes(table.events[0])
    func register() throws -> TableMap {
      try parse(bytes, parser: parser) { event in
        guard case .tableMap(let map) = event else { throw BinlogError.corrupt("no map") }
        return try cache.register(map)
      }
    }
    let first = try register()
    #expect(try register() === first)
    #expect(first.table == TableID(schema: "rec", table: "integers"))
    #expect(first.columnCount == 14)
    // Another type for the first column: another table, under the same id.
    let place = 19 + 8 + 1 + 4 + 1 + 8 + 1 + 1
    bytes.removeLast(4)
    let head = try #require(bytes.firstIndex(of: 14))
    #expect(head < place + 8)
    bytes[head + 1] = BinlogColumnType.short.rawValue
    bytes = BinlogDamageTests.sealed(bytes)
    let second = try register()
    #expect(second !== first)
    #expect(second.columnTypes[0] == 2)
  }

  @Test func schemaMismatchIsTold() throws {
    let table = try #require(RecordedTable.all.first { $0.name == "integers" && $0.server == "mysql" })
    for change in 0..<3 {
      var changed = table
      switch change {
      case 0: changed.columns.removeLast()
      case 1: changed.columns[0] = "a|smallint|"
      default: changed.columns[1] = "b|tinyint|"  // The log says that it is unsigned.
      }
      let error = #expect(throws: BinlogError.self) { try changed.loggedRows(try changed.schema()) }
      #expect(error?.kind == .schemaMismatch)
    }
  }

  @Test func partialImagesAreRefused() throws {
    let table = try #require(RecordedTable.all.first { $0.name == "integers" && $0.server == "mysql" })
    var events = Array(table.events.map(hexBytes).prefix(2))
    let bitmap = 19 + 10 + 1
    #expect(events[1][bitmap - 1] == 14)
    #expect(events[1][bitmap] == 0xff)
    events[1][bitmap] = 0xfe
    events[1] = BinlogDamageTests.sealed(Array(events[1].dropLast(4)))
    let error = #expect(throws: BinlogError.self) { try table.loggedRows(try table.schema(), events: events) }
    #expect(error?.remedy?.contains("binlog_row_image") == true)
  }
}
