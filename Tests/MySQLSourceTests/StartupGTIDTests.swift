import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Startup modes on a MySQL with GTIDs, and on one without.
@Suite(.enabled(if: ServerKind.mySQL.isAvailable, .init(rawValue: ServerKind.mySQL.unavailable ?? "")))
struct StartupGTIDTests {
  private static func resolve(_ fixture: SourceFixture, _ options: [String: String]) throws -> MySQLOffset {
    let connector = try fixture.connector(options)
    let planner = try connector.openPlanner()
    defer { planner.close() }
    return try MySQLOffset(try planner.startOffset(for: connector.startup))
  }

  private static func ids(_ fixture: SourceFixture, from offset: MySQLOffset) throws -> [String?] {
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let tail = try connector.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: offset.offset)
    defer { tail.close() }
    return try tail.rows(through: try connector.endOffset(), connector: connector).map { $0.values[0] }
  }

  private static func place(_ values: [String: String]) -> [String: String] {
    var options = ["scan.startup.mode": "specific-offset"]
    for (name, value) in values { options["scan.startup.specific-offset.\(name)"] = value }
    return options
  }

  private static func executed(_ server: SourceServer) throws -> GTIDSet {
    try GTIDSet(parsing: try server.query("SELECT @@global.gtid_executed").first?[0] ?? "")
  }

  @Test func placesCarryWhatWasExecutedBeforeThem() throws {
    let server = try SourceServer(.mySQL)
    defer { server.stop() }
    let fixture = try SourceFixture("gtids", server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    try fixture.execute("INSERT INTO t VALUES (1)")
    try fixture.execute("FLUSH BINARY LOGS")
    let beforeFile = try Self.executed(server)
    try fixture.execute("INSERT INTO t VALUES (2)")
    let middle = try fixture.connector().endOffset()
    let beforeThird = try Self.executed(server)
    try fixture.execute("INSERT INTO t VALUES (3)")
    let position = try #require(try MySQLOffset(middle).position)
    let options = Self.place(["file": position.file, "pos": "\(position.position)"])
    let third = try Self.resolve(fixture, options)
    #expect(third.gtids == beforeThird && third.position == position)
    #expect(try Self.ids(fixture, from: third) == ["3"])
    // Behind the GTID event lies BEGIN, the place that Debezium keeps: the transaction is read whole.
    let events = try server.query("SHOW BINLOG EVENTS IN '\(position.file)' FROM \(position.position)")
    let begin = try #require(events.first { $0[2] == "Query" }?[1])
    let atBegin = try Self.resolve(fixture, Self.place(["file": position.file, "pos": begin]))
    #expect(atBegin == third)
    let inFile = try Self.resolve(fixture, Self.place(["file": position.file, "pos": "4"]))
    #expect(inFile.gtids == beforeFile)
    #expect(try Self.ids(fixture, from: inFile) == ["2", "3"])
    while try server.query("SHOW BINARY LOGS").first?[0] != position.file {
      try server.execute("PURGE BINARY LOGS TO '\(position.file)'")
    }
    let earliest = try Self.resolve(fixture, ["scan.startup.mode": "earliest-offset"])
    #expect(earliest.gtids == beforeFile && earliest.position?.file == position.file)
    #expect(try Self.ids(fixture, from: earliest) == ["2", "3"])
    let always = try Self.resolve(
      fixture, ["scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "1000"])
    #expect(always == earliest)
    let never = try Self.resolve(
      fixture, ["scan.startup.mode": "timestamp", "scan.startup.timestamp-millis": "99999999999000"])
    #expect(never.gtids == (try Self.executed(server)))
  }

  @Test func aSetIsTakenAsFarAsTheServerKnowsIt() throws {
    let server = try SourceServer(.mySQL)
    defer { server.stop() }
    let fixture = try SourceFixture("sets", server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    try fixture.execute("INSERT INTO t VALUES (1)")
    let before = try Self.executed(server)
    try fixture.execute("INSERT INTO t VALUES (2)")
    let uuid = try server.variable("server_uuid")
    let last = try #require(before.intervals.values.first?.last?.upperBound)
    for text in [before.description, "\(uuid):\(last)"] {
      let start = try Self.resolve(fixture, Self.place(["gtid-set": text]))
      #expect(start.gtids == before)
      #expect(try Self.ids(fixture, from: start) == ["2"])
    }
    func failure(_ text: String) -> ConnectorError? {
      #expect(throws: ConnectorError.self) { _ = try Self.resolve(fixture, Self.place(["gtid-set": text])) }
    }
    #expect(failure("\(uuid):1-\(last + 100)")?.kind == .offsetLost)
    #expect(failure("0-1-5")?.kind == .configuration)
    try server.execute("FLUSH BINARY LOGS")
    let file = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    while try server.query("SHOW BINARY LOGS").first?[0] != file {
      try server.execute("PURGE BINARY LOGS TO '\(file)'")
    }
    let purged = failure("\(uuid):1-2")
    #expect(purged?.kind == .offsetLost && purged?.message.contains(uuid) == true)
  }

  @Test func withoutGTIDsAPlaceIsAPosition() throws {
    let server = try SourceServer(.mySQL, .withoutGTIDs)
    defer { server.stop() }
    let fixture = try SourceFixture("plain", server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    try fixture.execute("INSERT INTO t VALUES (1)")
    try fixture.execute("FLUSH BINARY LOGS")
    try fixture.execute("BEGIN; INSERT INTO t VALUES (2); INSERT INTO t VALUES (3); COMMIT")
    let file = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    var seen: Set<[String?]> = []
    for event in try server.query("SHOW BINLOG EVENTS IN '\(file)'") {
      let start = try Self.resolve(fixture, Self.place(["file": file, "pos": event[1] ?? ""]))
      #expect(start.gtids == nil)
      seen.insert(try Self.ids(fixture, from: start))
    }
    #expect(seen == [["2", "3"], ["3"], []])
    let skipped = try Self.resolve(fixture, Self.place(["file": file, "pos": "4", "skip-events": "3"]))
    #expect(try Self.ids(fixture, from: skipped) == ["3"])
    let set = #expect(throws: ConnectorError.self) {
      _ = try Self.resolve(fixture, Self.place(["gtid-set": "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"]))
    }
    #expect(set?.kind == .configuration)
  }
}
