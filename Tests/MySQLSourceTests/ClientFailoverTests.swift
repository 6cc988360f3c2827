import Connector
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// A primary, its replica, and a table on both.
private struct FailoverPair {
  let servers: ServerPair
  let fixture: SourceFixture
  let schema: RowSchema
  let start: Offset
  var primary: SourceServer { servers.primary }
  var replica: SourceServer { servers.replica }

  init(_ kind: ServerKind) throws {
    servers = try ServerPair(kind)
    fixture = try SourceFixture(
      "failover", server: servers.primary, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))",
      "CREATE TABLE other (id INT PRIMARY KEY)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    start = try connector.endOffset()
  }

  func insert(_ ids: ClosedRange<Int>, on server: SourceServer) throws {
    for id in ids { try server.execute("INSERT INTO t VALUES (\(id), 'v\(id)')", database: fixture.database) }
  }

  func connector(port: Int) throws -> any SourceConnector { try fixture.connector(["port": "\(port)"]) }
}

@Suite struct ClientFailoverTests {
  @Test("an offset goes on at the replica", arguments: SourceServer.available)
  func offsets(on kind: ServerKind) throws {
    let pair = try FailoverPair(kind)
    defer { pair.servers.stop() }
    let old = try pair.connector(port: pair.primary.port)
    try pair.insert(1...5, on: pair.primary)
    let middle = try old.endOffset()
    try pair.insert(6...9, on: pair.primary)
    let last = try old.endOffset()
    try pair.servers.follow()
    pair.primary.kill()
    try pair.servers.promote()
    try pair.replica.execute("FLUSH BINARY LOGS")
    try pair.insert(10...12, on: pair.replica)
    let new = try pair.connector(port: pair.replica.port)
    let end = try new.endOffset()
    for (place, first) in [(pair.start, 1), (middle, 6), (last, 10)] {
      let tail = try new.tail(pair.schema, from: place)
      defer { tail.close() }
      let ids = try tail.rows(through: end, connector: new).map { $0.values[0] }
      #expect(ids == (first...12).map { "\($0)" }, "\(place)")
      #expect(try new.hasPassed(end, place))
      #expect(try !new.hasPassed(place, end))
      // From here on the new server's own positions count. (An event that is no transaction's, such as a checkpoint, may
      // stand behind the last one.)
      let offset = try MySQLOffset(#require(tail.committableOffset))
      let reached = try MySQLOffset(end)
      #expect(offset.server == reached.server && offset.position?.file == reached.position?.file)
    }
  }

  @Test("a running reader goes on at the replica", arguments: SourceServer.available)
  func running(on kind: ServerKind) throws {
    let pair = try FailoverPair(kind)
    defer { pair.servers.stop() }
    let proxy = try ClientProxy(to: pair.primary.port)
    defer { proxy.close() }
    let connector = try pair.connector(port: proxy.port)
    let tail = try connector.tail(pair.schema, from: pair.start)
    defer { tail.close() }
    var ids: [String?] = []
    try pair.insert(1...20, on: pair.primary)
    try tail.readThrough(try connector.endOffset(), connector: connector) { ids.append($0.values[0]) }
    try pair.insert(21...25, on: pair.primary)
    try pair.servers.follow()
    pair.primary.kill()
    try pair.servers.promote()
    try pair.insert(26...30, on: pair.replica)
    proxy.move(to: pair.replica.port)
    try tail.readThrough(try connector.endOffset(), connector: connector) { ids.append($0.values[0]) }
    #expect(ids == (1...30).map { "\($0)" })
  }

  @Test("a replica that lacks transactions is refused, with the tables", arguments: SourceServer.available)
  func missing(on kind: ServerKind) throws {
    let pair = try FailoverPair(kind)
    defer { pair.servers.stop() }
    try pair.insert(1...3, on: pair.primary)
    try pair.servers.follow()
    try pair.servers.promote()
    try pair.insert(4...6, on: pair.primary)
    let ahead = try pair.connector(port: pair.primary.port).endOffset()
    let new = try pair.connector(port: pair.replica.port)
    let error = #expect(throws: ConnectorError.self) { _ = try new.tail(pair.schema, from: ahead) }
    #expect(error?.kind == .offsetLost && error?.remedy != nil && error?.offset != nil)
    #expect(error?.message.contains("\(pair.fixture.table("t"))") == true)
  }

  @Test("without GTIDs another server is refused", arguments: SourceServer.available)
  func withoutGTIDs(on kind: ServerKind) throws {
    let first = try SourceServer(kind, .withoutGTIDs)
    defer { first.stop() }
    let second = try SourceServer(kind, .withoutGTIDs, .argument("--server-id=2"))
    defer { second.stop() }
    let fixture = try SourceFixture("nogtid", server: first, "CREATE TABLE t (id INT PRIMARY KEY)")
    let table = try fixture.connector().discover(fixture.table("t"))
    var offset = try MySQLOffset(try fixture.connector().endOffset())
    offset.mariaDB = nil
    let elsewhere = try fixture.connector(["port": "\(second.port)"])
    let place = offset.offset
    let error = #expect(throws: ConnectorError.self) {
      _ = try elsewhere.tail(RowSchema(table: table.id, version: 1, schema: table.schema), from: place)
    }
    #expect(error?.kind == .offsetLost && error?.message.contains("another server") == true)
  }
}

@Suite struct ClientTroubleTests {
  private static func start(_ fixture: SourceFixture) throws -> (RowSchema, Offset) {
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    return (RowSchema(table: table.id, version: 1, schema: table.schema), try connector.endOffset())
  }

  /// Reads with both until both have all rows; nil, or what one of them ends with.
  private static func readBoth(
    _ tails: [any TailReader], rows: Int, _ fixture: SourceFixture
  ) throws -> (counts: [Int], error: ConnectorError?) {
    var counts = tails.map { _ in 0 }
    var batch = RowBatch()
    let deadline = Clock.monotonicMilliseconds() + 60_000
    while counts.contains(where: { $0 < rows }) {
      guard Clock.monotonicMilliseconds() < deadline else { throw SourceServerError("the readers got \(counts)") }
      for (index, tail) in tails.enumerated() {
        do throws(ConnectorError) {
          if case .rows = try tail.next(into: &batch, byteLimit: 4096, wait: 20) { counts[index] += batch.count }
        } catch {
          return (counts, error)
        }
      }
    }
    return (counts, nil)
  }

  @Test func readersWithOneServerIDTakeOthersOrSaySo() throws {
    let fixture = try SourceFixture("clash", "CREATE TABLE t (id INT PRIMARY KEY)")
    let (schema, start) = try Self.start(fixture)
    try fixture.execute("INSERT INTO t VALUES (1), (2), (3)")
    func tails(_ ids: String) throws -> [any TailReader] {
      try (0..<2).map { _ in try fixture.connector(["server-id": ids]).tail(schema, from: start) }
    }
    let several = try tails("77001-77004")
    defer { for tail in several { tail.close() } }
    let shared = try Self.readBoth(several, rows: 3, fixture)
    #expect(shared.counts == [3, 3] && shared.error == nil)
    let single = try tails("77009")
    defer { for tail in single { tail.close() } }
    let fought = try Self.readBoth(single, rows: 1000, fixture)
    #expect(fought.error?.kind == .configuration)
    #expect(fought.error?.message.contains("77009") == true && fought.error?.remedy?.contains("server-id") == true)
  }

  @Test func aConnectionThatHasGoneSilentIsGivenUp() throws {
    let fixture = try SourceFixture("silent", "CREATE TABLE t (id INT PRIMARY KEY)")
    let (schema, start) = try Self.start(fixture)
    let proxy = try ClientProxy(to: fixture.server.port)
    defer { proxy.close() }
    let connector = try fixture.connector(["port": "\(proxy.port)", "connect.timeout": "2s"])
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    try fixture.execute("INSERT INTO t VALUES (1)")
    var ids: [String?] = []
    try tail.readThrough(try fixture.connector().endOffset(), connector: connector) { ids.append($0.values[0]) }
    proxy.freeze(true)
    try fixture.execute("INSERT INTO t VALUES (2)")
    // The reader notices by itself; what it then connects to answers again.
    var batch = RowBatch()
    let begin = Clock.monotonicMilliseconds()
    while Clock.monotonicMilliseconds() - begin < 11_000 {
      guard case .idle = try tail.next(into: &batch, byteLimit: 4096, wait: 500) else {
        Issue.record("something came through")
        return
      }
    }
    let dump = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump' AND DB IS NULL"
    #expect(try !fixture.query(dump).isEmpty)
    proxy.move(to: fixture.server.port)
    proxy.freeze(false)
    try tail.readThrough(try fixture.connector().endOffset(), connector: connector) { ids.append($0.values[0]) }
    #expect(ids == ["1", "2"])
  }

  @Test("a bounded replay ends under constant writes", arguments: SourceServer.available)
  func boundedReplay(on kind: ServerKind) throws {
    let fixture = try SourceFixture("bounded", on: kind, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    let (schema, start) = try Self.start(fixture)
    try fixture.execute("INSERT INTO t (v) VALUES (1), (2), (3)")
    let stop = try MySQLOffset(try fixture.connector().endOffset())
    // Writes go on as long as the replay does: it must not follow them.
    let connection = try fixture.connection()
    let settings = try #require(try fixture.connector() as? MySQLSourceConnector).settings
    let request = TailRequest(start: start, tables: [TailTable(schema: schema, ignoredThrough: nil, chunks: [])])
    let tail = try MySQLTailReader(
      settings: settings, request: request, serverIDs: [4_000_000_001], stop: stop.position)
    try tail.open()
    defer { tail.close() }
    var batch = RowBatch()
    var rows = 0
    var rounds = 0
    while !tail.hasReachedStop {
      try connection.query("INSERT INTO t (v) VALUES (4)")
      if case .rows = try tail.next(into: &batch, byteLimit: 64, wait: 100) { rows += batch.count }
      rounds += 1
      try #require(rounds < 1000)
    }
    #expect(rows == 3)
  }

  @Test func aPurgedLogNamesTheTables() throws {
    let server = try MariaDBServer()
    defer { server.stop() }
    let fixture = try SourceFixture("gone", server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    let (schema, start) = try Self.start(fixture)
    try server.execute("FLUSH BINARY LOGS")
    let last = try #require(try server.query("SHOW BINARY LOGS").last?[0])
    while try server.query("SHOW BINARY LOGS").first?[0] != last {
      try server.execute("PURGE BINARY LOGS TO '\(last)'")
    }
    let error = #expect(throws: ConnectorError.self) { _ = try fixture.connector().tail(schema, from: start) }
    #expect(error?.kind == .offsetLost && error?.policy == .stop)
    #expect(error?.message.contains("\(fixture.table("t"))") == true && error?.remedy?.contains("snapshot") == true)
  }

  @Test func skippedOperationsAreNotRead() throws {
    let fixture = try SourceFixture("skipops", "CREATE TABLE t (id INT PRIMARY KEY)")
    let (schema, start) = try Self.start(fixture)
    try fixture.execute("INSERT INTO t VALUES (1), (2); UPDATE t SET id = 3 WHERE id = 1; DELETE FROM t; TRUNCATE t")
    let connector = try fixture.connector(["debezium.skipped.operations": "d,t"])
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var changes = 0
    var operations: [RowOperation] = []
    try tail.readThrough(
      try connector.endOffset(), connector: connector, onChange: { _, _, _ in changes += 1 },
      onRow: { operations.append($0.operation) })
    // An update of the key is an update all the same.
    #expect(operations == [.insert, .insert, .delete, .insert])
    #expect(changes == 0)
  }
}
