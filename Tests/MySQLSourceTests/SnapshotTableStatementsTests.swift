import Connector
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// Where the replay of a chunk begins on a server without GTIDs.
@Suite struct SnapshotTableStatementsTests {
  /// What is asked of a server about a table's statements, and the server's log.
  struct Probe {
    let fixture: SourceFixture
    let settings: MySQLSourceSettings
    let client: MySQLClient
    let facts: ServerFacts

    init(on server: SourceServer) throws {
      fixture = try SourceFixture("statements", on: server.kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
      settings = try #require(try fixture.connector() as? MySQLSourceConnector).settings
      client = try MySQLClient.connect(settings.connection, interrupter: Interrupter())
      facts = try ServerFacts(client)
    }

    func end() throws -> BinlogPosition { try client.logEnd(facts) }

    func place(before end: BinlogPosition, patience: Int64 = TableStatements.patience) throws -> BinlogPosition {
      try TableStatements.lastPlace(
        of: fixture.table("t"), before: end, server: facts.identity, foldsTableNames: false, settings: settings,
        interrupter: Interrupter(), patience: patience)
    }
  }

  @Test(arguments: SourceServer.available) func aLogThatEndsEarlyIsNoWhole(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .withoutGTIDs)
    defer { server.stop() }
    let probe = try Probe(on: server)
    var end = try probe.end()
    #expect(try probe.place(before: end) == end)
    end.position += 1000
    let error = #expect(throws: ConnectorError.self) { try probe.place(before: end, patience: 300) }
    #expect(error?.kind == .transient)
    #expect(error?.message.contains("ended by the server") == true)
    // The part that was read counts, and what comes behind it is found.
    try probe.fixture.execute("ALTER TABLE t ADD COLUMN v INT")
    let altered = try probe.end()
    try probe.fixture.execute("INSERT INTO t VALUES (1, 2)")
    #expect(try probe.place(before: try probe.end()) == altered)
  }

  @Test(arguments: SourceServer.available) func theRestOfALogIsWaitedFor(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .withoutGTIDs)
    defer { server.stop() }
    let probe = try Probe(on: server)
    // The same statement on another server makes a log of the same length.
    try probe.fixture.execute("ALTER TABLE t ADD COLUMN v INT")
    let once = try probe.end()
    try probe.fixture.execute("ALTER TABLE t ADD COLUMN w INT")
    let twice = try probe.end()
    let awaited = BinlogPosition(file: twice.file, position: twice.position + (twice.position - once.position))
    let observer = try probe.fixture.connection()
    func connections() throws -> Int {
      Int(try observer.query("SHOW GLOBAL STATUS LIKE 'Connections'")[0][1] ?? "") ?? 0
    }
    let before = try connections()
    let found = Monitor<Result<BinlogPosition, any Error>?>(nil)
    let (settings, facts, table) = (probe.settings, probe.facts, probe.fixture.table("t"))
    let thread = DedicatedThread(name: "statements") {
      let result = Result {
        try TableStatements.lastPlace(
          of: table, before: awaited, server: facts.identity, foldsTableNames: false, settings: settings,
          interrupter: Interrupter())
      }
      found.update { $0 = result }
    }
    // It has read all that there is, and looks again.
    while try connections() < before + 2 {
      if let early = found.withLock({ $0 }) { Issue.record("it did not wait: \(early)"); break }
    }
    try observer.query("ALTER TABLE t ADD COLUMN x INT")
    thread.join()
    #expect(try found.withLock { $0 }?.get() == awaited)
    #expect(try probe.end() == awaited)
  }
}
