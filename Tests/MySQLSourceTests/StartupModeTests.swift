import Connector
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// Startup modes that read the log only, on a server of their own, whose log begins and ends where the test says.
@Suite struct StartupModeTests {
  private static func fixture(_ name: String, _ server: MariaDBServer) throws -> SourceFixture {
    try SourceFixture(name, server: server, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
  }

  /// The offset that a mode resolves to, and the ids that are inserted behind it.
  private static func start(
    _ fixture: SourceFixture, _ options: [String: String]
  ) throws -> (offset: Offset, ids: [String?]) {
    let connector = try fixture.connector(options)
    let planner = try connector.openPlanner()
    defer { planner.close() }
    let offset = try planner.startOffset(for: connector.startup)
    let tables = try planner.discoverTables(at: offset)
    let table = try #require(tables.first { $0.id.table == "t" })
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: offset)
    defer { tail.close() }
    let rows = try tail.rows(through: try connector.endOffset(), connector: connector)
    return (offset, rows.map { $0.values[0] })
  }

  private static func place(_ file: String, _ position: String) -> [String: String] {
    [
      "scan.startup.mode": "specific-offset", "scan.startup.specific-offset.file": file,
      "scan.startup.specific-offset.pos": position,
    ]
  }

  @Test func earliestIsTheOldestFileThatIsLeft() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try Self.fixture("earliest", server)
    try fixture.execute("INSERT INTO t VALUES (1, 'a')")
    let whole = try Self.start(fixture, ["scan.startup.mode": "earliest-offset"])
    #expect(whole.ids == ["1"])
    try fixture.execute("FLUSH BINARY LOGS")
    let domains = try #require(try server.query("SELECT @@global.gtid_binlog_pos").first?[0])
    try fixture.execute("INSERT INTO t VALUES (2, 'b')")
    let last = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    // A reader that has just gone may still hold the older file.
    while try server.query("SHOW BINARY LOGS").first?[0] != last {
      try server.execute("PURGE BINARY LOGS TO '\(last)'")
    }
    let rest = try Self.start(fixture, ["scan.startup.mode": "earliest-offset"])
    #expect(rest.ids == ["2"])
    let offset = try MySQLOffset(rest.offset)
    #expect(offset.position == BinlogPosition(file: last, position: 4))
    #expect(offset.mariaDB?.description == domains)
  }

  @Test func aTimeIsTheFirstTransactionThatEndedThen() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try Self.fixture("times", server)
    let connection = try fixture.connection()
    /// The server's clock, after it has gone on to another second.
    func nextSecond() throws -> Int64 {
      let now = try connection.query("SELECT UNIX_TIMESTAMP()")
      while try connection.query("SELECT UNIX_TIMESTAMP()") == now {}
      return Int64(try connection.query("SELECT UNIX_TIMESTAMP()").first?[0] ?? "") ?? 0
    }
    var times: [Int64] = []
    for id in 1...3 {
      times.append(try nextSecond())
      try connection.query("INSERT INTO t VALUES (\(id), 'x'); FLUSH BINARY LOGS")
    }
    // Within one file, and in the order of the log whatever the clock says.
    for (id, ahead) in [(4, 1000), (5, 2000), (6, 1500)] {
      try connection.query("SET timestamp = \(times[2] + Int64(ahead)); INSERT INTO t VALUES (\(id), 'x')")
    }
    func ids(_ milliseconds: Int64) throws -> [String?] {
      try Self.start(
        fixture, ["scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "\(milliseconds)"]
      ).ids
    }
    #expect(try ids(0) == ["1", "2", "3", "4", "5", "6"])
    #expect(try ids(times[0] * 1000) == ["1", "2", "3", "4", "5", "6"])
    #expect(try ids(times[1] * 1000 + 999) == ["2", "3", "4", "5", "6"])
    #expect(try ids(times[2] * 1000) == ["3", "4", "5", "6"])
    #expect(try ids((times[2] + 1000) * 1000) == ["4", "5", "6"])
    #expect(try ids((times[2] + 1001) * 1000) == ["5", "6"])
    #expect(try ids((times[2] + 1_000_000) * 1000) == [])
  }

  @Test func anyEventIsAPlaceToStartAt() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try Self.fixture("places", server)
    try fixture.execute("FLUSH BINARY LOGS")
    try fixture.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    try fixture.execute(
      "BEGIN; INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (4, 'd'), (5, 'e'); INSERT INTO t VALUES (6, 'f'); COMMIT"
    )
    try fixture.execute("INSERT INTO t VALUES (7, 'g')")
    let file = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    let events = try server.query("SHOW BINLOG EVENTS IN '\(file)'")
    var seen: Set<[String?]> = []
    for event in events {
      let ids = try Self.start(fixture, Self.place(file, event[1] ?? "")).ids
      // What a rows event in front of the place holds is not read, and everything behind it is.
      #expect(["1", "3", "4", "6", "7", nil].contains(ids.first ?? nil), "\(event)")
      #expect(ids == ["1", "2", "3", "4", "5", "6", "7"].suffix(ids.count).map { $0 }, "\(event)")
      seen.insert(ids)
    }
    #expect(seen.count == 6)
    let end = try #require(events.last?[4])
    #expect(try Self.start(fixture, Self.place(file, end)).ids == [])
    #expect(try Self.start(fixture, Self.place(file, "0")).ids.count == 7)
    try fixture.execute("FLUSH BINARY LOGS")
    let size = try #require(try server.query("SHOW BINARY LOGS").first { $0[0] == file }?[1])
    #expect(try Self.start(fixture, Self.place(file, size)).ids == [])
    for (position, kind) in [
      ("9999999", ConnectorError.Kind.configuration), ("\((Int(end) ?? 0) - 3)", .configuration),
    ] {
      let error = #expect(throws: ConnectorError.self) { _ = try Self.start(fixture, Self.place(file, position)) }
      #expect(error?.kind == kind && error?.remedy != nil, "\(position)")
    }
    let gone = #expect(throws: ConnectorError.self) { _ = try Self.start(fixture, Self.place("binlog.000099", "4")) }
    #expect(gone?.kind == .offsetLost)
  }

  @Test func aGTIDPositionIsAPlaceToStartAndToGoOnFrom() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try Self.fixture("domains", server)
    try fixture.execute("INSERT INTO t VALUES (1, 'a')")
    let domains = try #require(try server.query("SELECT @@global.gtid_binlog_pos").first?[0])
    try fixture.execute("INSERT INTO t VALUES (2, 'b')")
    let options = ["scan.startup.mode": "specific-offset", "scan.startup.specific-offset.gtid-set": domains]
    let connector = try fixture.connector(options)
    #expect(try Self.start(fixture, options).ids == ["2"])
    // Before the first transaction the reader knows no position that it could start from again.
    let planner = try connector.openPlanner()
    defer { planner.close() }
    let start = try planner.startOffset(for: connector.startup)
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var places: [Offset] = [try #require(tail.committableOffset)]
    #expect(places.first.map { !$0.text.contains("file=") } == true)
    let end = try connector.endOffset()
    try tail.readThrough(
      end, connector: connector, onStep: { if let place = $0 { places.append(place) } }, onRow: { _ in })
    #expect(places.last?.text == end.text)
    for place in Set(places) {
      let again = try connector.tail(schema, from: place)
      defer { again.close() }
      let ids = try again.rows(through: end, connector: connector).map { $0.values[0] }
      #expect(ids == (place.text.contains(domains) ? ["2"] : []), "\(place)")
    }
    let wrong = #expect(throws: ConnectorError.self) {
      _ = try Self.start(
        fixture,
        [
          "scan.startup.mode": "specific-offset",
          "scan.startup.specific-offset.gtid-set": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5",
        ])
    }
    #expect(wrong?.kind == .configuration)
  }

  @Test func skippedEventsAndRowsCountFromATransactionsStart() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try Self.fixture("skips", server)
    try fixture.execute("FLUSH BINARY LOGS")
    let file = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    // Events of the transactions: GTID, TABLE_MAP, rows, TABLE_MAP, rows …, XID.
    try fixture.execute(
      "BEGIN; INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'); INSERT INTO t VALUES (4, 'd'); COMMIT")
    try fixture.execute("BEGIN; INSERT INTO t VALUES (5, 'e'), (6, 'f'); UPDATE t SET v = 'g' WHERE id < 3; COMMIT")
    func ids(_ events: Int, _ rows: Int) throws -> [String?] {
      var options = Self.place(file, "4")
      options["scan.startup.specific-offset.skip-events"] = "\(events)"
      options["scan.startup.specific-offset.skip-rows"] = "\(rows)"
      return try Self.start(fixture, options).ids
    }
    let updates = ["1", "1", "2", "2"]
    #expect(try ids(0, 0) == ["1", "2", "3", "4", "5", "6"] + updates)
    #expect(try ids(0, 2) == ["3", "4", "5", "6"] + updates)
    #expect(try ids(0, 9) == ["4", "5", "6"] + updates)
    #expect(try ids(1, 0) == ["1", "2", "3", "4", "5", "6"] + updates)
    #expect(try ids(3, 0) == ["4", "5", "6"] + updates)
    #expect(try ids(3, 1) == ["5", "6"] + updates)
    // Five events are the whole first transaction; the rest is taken from the next one.
    #expect(try ids(5, 1) == ["6"] + updates)
    #expect(try ids(8, 1) == ["2", "2"])
    #expect(try ids(100, 0) == [])
  }

  @Test func aSkipSurvivesUntilItIsDone() throws {
    var cursor = TailCursor(
      MySQLOffset(
        position: BinlogPosition(file: "binlog.000001", position: 4), server: "s", skip: StartSkip(events: 4, rows: 2)))
    cursor.begin()
    cursor.countSkipped()
    cursor.advance(to: 100)
    #expect(cursor.isSkipping && cursor.offset.offset.text.hasSuffix("skip-events=4;skip-rows=2"))
    cursor.rewind()
    #expect(!cursor.isSkipping)
    for _ in 0..<2 {
      if !cursor.hasBegun { cursor.begin() }
      cursor.countSkipped()
    }
    cursor.end()
    #expect(cursor.offset.offset.text.hasSuffix("skip-events=2;skip-rows=2"))
    #expect(try MySQLOffset(cursor.offset.offset).skip == StartSkip(events: 2, rows: 2))
    cursor.begin()
    cursor.countSkipped()
    cursor.countSkipped()
    #expect(!cursor.isSkipping)
    #expect(cursor.takeSkippedRows() == 2)
    #expect(cursor.takeSkippedRows() == 0)
    cursor.end()
    #expect(cursor.skip == nil && !cursor.offset.offset.text.contains("skip"))
  }
}
