import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Forms of the log that servers choose: packed, with full metadata, tagged, in very large events and files.
@Suite struct BinlogTailFormatTests {
  private static func setup(
    _ server: SourceServer, _ definition: String = "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)"
  ) throws -> (SourceFixture, any SourceConnector, RowSchema, Offset) {
    let fixture = try SourceFixture("forms", server: server, definition)
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    return (
      fixture, connector, RowSchema(table: table.id, version: 1, schema: table.schema), try connector.endOffset()
    )
  }

  private static func workload(_ connection: SourceConnection) throws {
    try connection.query(
      """
      BEGIN; INSERT INTO t SELECT seq, REPEAT('x', 300) FROM seq_1_to_200; UPDATE t SET v = REPEAT('y', 400) WHERE id < 90;
      COMMIT; DELETE FROM t WHERE id > 150; UPDATE t SET id = id + 1000 WHERE id = 5
      """)
  }

  @Test(arguments: SourceServer.available)
  func compressedAndPlainLogsSayTheSame(_ kind: ServerKind) throws {
    let server = try SourceServer(kind, .compressedLog)
    defer { server.stop() }
    let (fixture, connector, schema, start) = try Self.setup(server)
    let connection = try fixture.connection()
    try Self.workload(connection)
    let middle = try connector.endOffset()
    try connection.query("DELETE FROM t")
    let again = try connector.endOffset()
    let off = kind == .mySQL ? "SESSION binlog_transaction_compression" : "GLOBAL log_bin_compress"
    try connection.query("SET \(off) = OFF")
    try Self.workload(connection)
    func rows(_ from: Offset, _ to: Offset) throws -> [TestRow] {
      let tail = try connector.tail(schema, from: from)
      defer { tail.close() }
      return try tail.rows(through: to, connector: connector)
    }
    // A batch may hold what follows as well.
    let count = 200 + 2 * 89 + 50 + 2
    let compressed = Array(try rows(start, middle).prefix(count))
    #expect(compressed.count == count)
    #expect(compressed == (try rows(again, try connector.endOffset())))
    let events = try connection.query("SHOW BINLOG EVENTS").map { $0[2] ?? "" }
    #expect(events.contains { $0 == "Transaction_payload" || $0.hasSuffix("compressed_v1") })
  }

  @Test(arguments: SourceServer.available)
  func statementsInCompressedLogsAreFollowed(_ kind: ServerKind) throws {
    let server = try SourceServer(kind, .compressedLog)
    defer { server.stop() }
    let (fixture, connector, schema, start) = try Self.setup(server)
    try fixture.execute("INSERT INTO t VALUES (1, REPEAT('x', 200))")
    try fixture.execute(
      "ALTER TABLE t ADD COLUMN n INT COMMENT 'a comment that is long enough to be compressed, twice'")
    try fixture.execute("INSERT INTO t VALUES (2, REPEAT('x', 200), 5)")
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var rows: [TestRow] = []
    var changes = 0
    try tail.readThrough(
      try connector.endOffset(), connector: connector, onChange: { _, _, _ in changes += 1 }
    ) { rows.append($0) }
    #expect(changes == 1)
    #expect(rows.map(\.values.count) == [2, 3])
    #expect(rows.last?.values.last == "5")
  }

  @Test(arguments: SourceServer.available)
  func fullMetadataAgreeWithTheSchema(_ kind: ServerKind) throws {
    let server = try SourceServer(kind, .fullMetadata)
    defer { server.stop() }
    let (fixture, connector, schema, start) = try Self.setup(
      server,
      """
      CREATE TABLE t (a INT UNSIGNED, y YEAR, c VARCHAR(10) CHARACTER SET latin1, j JSON, d BLOB, e ENUM('x','ä'),
      f SET('u','v') CHARACTER SET latin1, h VARBINARY(5), i TEXT, k DECIMAL(5,2) UNSIGNED, l BIT(3), id INT NOT NULL,
      nm VARCHAR(20) CHARACTER SET utf8mb4 NOT NULL, PRIMARY KEY (nm, id))
      """)
    let values = "INSERT INTO t (a, y, c, j, d, e, f, h, i, k, l, id, nm) VALUES "
    try fixture.execute(
      values + "(4000000000, 2020, 'grün', '{}', 'b', 'ä', 'u,v', 'h', 'i', 1.5, b'101', 1, 'n')")
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    let rows = try tail.rows(through: try connector.endOffset(), connector: connector)
    #expect(rows.first?.values.first == "4000000000")
    #expect(rows.first?.values[5] == "ä")
    // The same table with other members than the schema says.
    var other = schema.schema
    let index = try #require(other.index(of: "e"))
    other.columns[index].nativeType = "enum('x','y')"
    let wrong = RowSchema(table: schema.table, version: 1, schema: other)
    let tail2 = try connector.tail(wrong, from: start)
    defer { tail2.close() }
    let error = #expect(throws: ConnectorError.self) {
      try tail2.rows(through: try connector.endOffset(), connector: connector)
    }
    #expect(error?.kind == .schemaMismatch)
    #expect(error?.message.contains("column e") == true)
  }

  /// A session may log what the server's own settings forbid.
  @Test(arguments: SourceServer.available, ["MINIMAL", "NOBLOB"])
  func partialRowsOfCapturedTablesStop(_ kind: ServerKind, _ image: String) throws {
    let (fixture, connector, schema, start) = try Self.setup(try SourceServer.shared(kind))
    try fixture.execute("CREATE TABLE other (id INT PRIMARY KEY, v LONGTEXT)")
    let connection = try fixture.connection()
    try connection.query("INSERT INTO t VALUES (1, 'x'); INSERT INTO other VALUES (1, 'x')")
    try connection.query("SET SESSION binlog_row_image = '\(image)'")
    try connection.query("UPDATE other SET id = 2")
    let end = try connector.endOffset()
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    #expect(try tail.rows(through: end, connector: connector).count == 1)
    try connection.query("UPDATE t SET id = 2")
    let error = #expect(throws: ConnectorError.self) {
      try tail.rows(through: try connector.endOffset(), connector: connector)
    }
    #expect(error?.kind == .prerequisite)
    #expect(error?.table == schema.table)
    #expect(error?.remedy?.contains("binlog_row_image") == true)
  }

  @Test(.enabled(if: ServerKind.mySQL.isAvailable))
  func partialDocumentsOfCapturedTablesStop() throws {
    let (fixture, connector, schema, start) = try Self.setup(
      try SourceServer.shared(.mySQL), "CREATE TABLE t (id INT PRIMARY KEY, v JSON)")
    try fixture.execute("CREATE TABLE other (id INT PRIMARY KEY, v JSON)")
    let connection = try fixture.connection()
    try connection.query("INSERT INTO other VALUES (1, '{\"a\": 10}'); INSERT INTO t VALUES (1, '{\"a\": 10}')")
    try connection.query("SET SESSION binlog_row_value_options = 'PARTIAL_JSON'")
    try connection.query("UPDATE other SET v = JSON_SET(v, '$.a', 7)")
    let end = try connector.endOffset()
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    #expect(try tail.rows(through: end, connector: connector).count == 1)
    try connection.query("UPDATE t SET v = JSON_SET(v, '$.a', 7)")
    let error = #expect(throws: ConnectorError.self) {
      try tail.rows(through: try connector.endOffset(), connector: connector)
    }
    #expect(error?.remedy?.contains("binlog_row_value_options") == true)
    #expect(error?.table == schema.table)
  }

  @Test(.enabled(if: ServerKind.mySQL.isAvailable))
  func taggedTransactionsAreFollowedAndResumed() throws {
    let server = try SourceServer(.mySQL)
    defer { server.stop() }
    let (fixture, connector, schema, start) = try Self.setup(server)
    let connection = try fixture.connection()
    for id in 0..<6 {
      let tag = ["AUTOMATIC", "AUTOMATIC:one", "AUTOMATIC:a_longer_tag_of_32_characters__"][id % 3]
      try connection.query("SET gtid_next = '\(tag)'; INSERT INTO t VALUES (\(id), 'x')")
      if id == 2 { try connection.query("SET gtid_next = 'AUTOMATIC'; FLUSH BINARY LOGS") }
    }
    try connection.query("SET gtid_next = 'AUTOMATIC'")
    var places: [(Offset, Int)] = [(start, 0)]
    var rows: [TestRow] = []
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    try tail.readThrough(
      try connector.endOffset(), connector: connector, byteLimit: 1,
      onStep: { offset in if let offset { places.append((offset, rows.count)) } }, onRow: { rows.append($0) })
    #expect(rows.compactMap(\.key.first) == (0..<6).map { "\($0)" })
    let last = try #require(places.last?.0.text)
    let executed = try server.query("SELECT @@global.gtid_executed").first?.first.flatMap { $0 } ?? ""
    #expect(last.contains("gtid=" + executed.filter { !$0.isWhitespace }))
    #expect(last.contains(":a_longer_tag_of_32_characters__:1-2:one:1-2"))
    for (place, count) in places {
      let successor = try connector.tail(schema, from: place)
      defer { successor.close() }
      #expect(try successor.rows(through: try connector.endOffset(), connector: connector) == Array(rows[count...]))
    }
  }

  /// An event of several of the protocol's packets of 16 MB.
  @Test(arguments: SourceServer.available)
  func eventsLargerThanAPacket(_ kind: ServerKind) throws {
    let (fixture, connector, schema, start) = try Self.setup(try SourceServer.shared(kind))
    let connection = try fixture.connection()
    let length = 50_000_001
    try connection.query("INSERT INTO t VALUES (1, REPEAT('x', \(length))), (2, 'small')")
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    var rows: [(Int, Int)] = []
    let end = try connector.endOffset()
    var batch = RowBatch()
    while try !connector.hasPassed(tail.committableOffset ?? start, end) {
      guard case .rows = try tail.next(into: &batch, byteLimit: 1 << 20, wait: 1000) else { continue }
      batch.forEachRow { rows.append((Int($0.integer(0)), $0.bytes(1).count)) }
    }
    #expect(rows.map(\.0) == [1, 2])
    #expect(rows.map(\.1) == [length, 5])
  }
}
