import Connector
import Model
import MySQLSource
import Platform
import TestKit
import Testing

@Suite struct TailResumeTests {
  private static func fixture(
    _ name: String, on kind: ServerKind = .mariaDB, server: SourceServer? = nil
  ) throws -> (SourceFixture, RowSchema, Offset) {
    let fixture = try SourceFixture(
      name, on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000))")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    return (fixture, RowSchema(table: table.id, version: 1, schema: table.schema), try connector.endOffset())
  }

  private static func change(_ connection: SourceConnection, _ round: Int) throws {
    let first = round * 40
    try connection.query(
      """
      BEGIN; INSERT INTO t SELECT \(first) + seq, REPEAT('x', 1500) FROM seq_1_to_30; INSERT INTO t VALUES (\(first), 'a');
      COMMIT; UPDATE t SET v = 'b' WHERE id = \(first); UPDATE t SET id = \(first + 39) WHERE id = \(first + 1);
      DELETE FROM t WHERE id = \(first + 2)
      """)
  }

  @Test(arguments: SourceServer.available) func everyCommittableOffsetIsAPlaceToGoOn(on kind: ServerKind) throws {
    let (fixture, schema, start) = try Self.fixture("resume", on: kind)
    let connector = try fixture.connector()
    let connection = try fixture.connection()
    for round in 0..<6 {
      try Self.change(connection, round)
      if round == 3 { try connection.query("FLUSH BINARY LOGS") }
    }
    let end = try connector.endOffset()
    var rows: [TestRow] = []
    var places: [(Offset, Int)] = [(start, 0)]
    var open = 0
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    try tail.readThrough(
      end, connector: connector, byteLimit: 2000,
      onStep: { offset in
        if let offset { places.append((offset, rows.count)) } else { open += 1 }
      }, onRow: { rows.append($0) })
    #expect(rows.count == 6 * (31 + 2 + 2 + 1))
    #expect(Set(places.map(\.0)).count > 10)
    #expect(open > 0)
    for (place, count) in places {
      try Self.expectBoundary(place, connection)
      let successor = try connector.tail(schema, from: place)
      defer { successor.close() }
      let rest = try successor.rows(through: end, connector: connector)
      #expect(rest == Array(rows[count...]), "from \(place)")
    }
  }

  /// An offset must not lie within a transaction: what follows it is a transaction's first event, or no part of one.
  private static func expectBoundary(_ place: Offset, _ connection: SourceConnection) throws {
    let fields = place.text.split(separator: ";").map { $0.split(separator: "=")[1] }
    let next = try connection.query("SHOW BINLOG EVENTS IN '\(fields[0])' FROM \(fields[1]) LIMIT 1")
    let within = [
      "Table_map", "Write_rows_v1", "Update_rows_v1", "Delete_rows_v1", "Write_rows", "Update_rows", "Delete_rows",
      "Xid", "Query", "Annotate_rows",
    ]
    #expect(!within.contains(next.first?[2] ?? "end of the file"), "\(place)")
  }

  @Test(arguments: SourceServer.available) func aLostConnectionRepeatsNothing(on kind: ServerKind) throws {
    // A server of its own: the test kills every dump that it finds.
    let server = try SourceServer(kind)
    defer { server.stop() }
    let (fixture, schema, start) = try Self.fixture("killed", server: server)
    let connector = try fixture.connector()
    let connection = try fixture.connection()
    for round in 0..<150 { try Self.change(connection, round) }
    let end = try connector.endOffset()
    let whole = try connector.tail(schema, from: start)
    defer { whole.close() }
    let expected = try whole.rows(through: end, connector: connector)
    let tail = try connector.makeTailReader(
      TailRequest(start: start, tables: [TailTable(schema: schema, ignoredThrough: nil, chunks: [])], clientIndex: 7))
    try tail.open()
    defer { tail.close() }
    whole.close()
    var rows: [TestRow] = []
    var killed = 0
    var steps = 0
    try tail.readThrough(
      end, connector: connector, byteLimit: 1500,
      onStep: { _ in
        steps += 1
        guard steps % 2 == 0 else { return }
        let dumps = try connection.query(
          "SELECT ID FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'")
        for id in dumps.compactMap({ $0[0] }) {
          // The connection may have ended by itself meanwhile.
          if (try? connection.query("KILL \(id)")) != nil { killed += 1 }
        }
      }, onRow: { rows.append($0) })
    #expect(rows == expected)
    #expect(killed >= 2)
  }

  @Test(arguments: SourceServer.available) func aRestartedServerIsFoundAgain(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .durable)
    defer { server.stop() }
    let (fixture, schema, start) = try Self.fixture("restart", server: server)
    let connector = try fixture.connector()
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var rows: [TestRow] = []
    for round in 0..<3 {
      let connection = try fixture.connection()
      try Self.change(connection, round)
      connection.close()
      let middle = try connector.endOffset()
      try tail.readThrough(middle, connector: connector) { rows.append($0) }
      if round == 0 { try server.restart() }
      if round == 1 {
        server.kill()
        try server.startAgain()
      }
    }
    #expect(rows.count == 3 * 36)
    #expect(Set(rows.filter { $0.operation == .insert }.map(\.key)).count == 3 * 32)
  }

  @Test(arguments: SourceServer.available) func anIdleTailFollowsTheLog(on kind: ServerKind) throws {
    let (fixture, schema, start) = try Self.fixture("idle", on: kind)
    try fixture.execute("CREATE TABLE other (id INT PRIMARY KEY)")
    let connector = try fixture.connector()
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    try fixture.execute("INSERT INTO other SELECT seq FROM seq_1_to_100")
    try fixture.execute("FLUSH BINARY LOGS")
    #expect(try tail.rows(through: try connector.endOffset(), connector: connector) == [])
    #expect(tail.lastEventMilliseconds != nil)
  }

  @Test(arguments: SourceServer.available) func purgedLogsAreSaidToBeLost(on kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    let (fixture, schema, start) = try Self.fixture("purged", server: server)
    let connector = try fixture.connector()
    try fixture.execute("INSERT INTO t VALUES (1, 'lost')")
    try server.execute("FLUSH BINARY LOGS")
    // A server keeps a file until its engine has written down what the file holds.
    let purged = try eventually(within: 30) {
      let files = try server.query("SHOW BINARY LOGS").compactMap { $0[0] }
      try server.execute("PURGE BINARY LOGS TO '\(files.last ?? "")'")
      return files.count == 1
    }
    try #require(purged)
    let error = #expect(throws: ConnectorError.self) { _ = try connector.tail(schema, from: start) }
    #expect(error?.kind == .offsetLost && error?.remedy != nil)
    let foreign = Offset("file=binlog.000001;pos=4;server=elsewhere")
    let other = #expect(throws: ConnectorError.self) { _ = try connector.tail(schema, from: foreign) }
    #expect(other?.kind == .offsetLost)
    #expect(throws: ConnectorError.self) { _ = try connector.hasPassed(start, foreign) }
  }

  @Test(arguments: SourceServer.available) func singleRowTransactionsShareBatches(on kind: ServerKind) throws {
    let (fixture, schema, start) = try Self.fixture("single", on: kind)
    let connector = try fixture.connector()
    let connection = try fixture.connection()
    for id in 0..<500 { try connection.query("INSERT INTO t VALUES (\(id), 'x')") }
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var batches = 0
    var rows = 0
    try tail.readThrough(
      try connector.endOffset(), connector: connector, byteLimit: 1 << 20, onStep: { _ in batches += 1 }
    ) { _ in rows += 1 }
    #expect(rows == 500)
    #expect(batches < 100)
  }

  @Test(arguments: SourceServer.available) func anInterruptEndsTheWait(on kind: ServerKind) throws {
    let (fixture, schema, start) = try Self.fixture("stopped", on: kind)
    let tail = try fixture.connector().tail(schema, from: start)
    defer { tail.close() }
    let box = Interruption(tail)
    let thread = DedicatedThread(name: "stopper") { box.tail.interrupt() }
    var batch = RowBatch()
    let begin = Clock.monotonicMilliseconds()
    let error = #expect(throws: ConnectorError.self) {
      while true { _ = try tail.next(into: &batch, byteLimit: 1000, wait: 60_000) }
    }
    #expect(error?.kind == .cancelled)
    #expect(Clock.monotonicMilliseconds() - begin < 20_000)
    thread.join()
  }

  /// `@unchecked Sendable`: only `interrupt` is called, which any thread may do.
  private struct Interruption: @unchecked Sendable {
    let tail: any TailReader
    init(_ tail: any TailReader) { self.tail = tail }
  }
}
