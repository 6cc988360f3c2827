import Connector
import Model
import MySQLSource
import Platform
import TestKit
import Testing

/// Chunks are read while the table changes; chunks and filtered log together must give exactly the source.
@Suite struct TailWatermarkTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var columns: String
    var key: @Sendable (Int) -> String
    var options: [String: String] = [:]
  }

  static let shapes: [Shape] = [
    Shape(testDescription: "integer key", columns: "id INT PRIMARY KEY, v INT", key: { "\($0)" }),
    Shape(
      testDescription: "unsigned key", columns: "id BIGINT UNSIGNED PRIMARY KEY, v INT",
      key: { $0 % 2 == 0 ? "\($0)" : "18446744073709551615 - \($0)" }),
    Shape(
      testDescription: "binary text key", columns: "id VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, v INT",
      key: { "'\($0 % 3 == 0 ? "A" : "a")\($0)'" }),
    Shape(
      testDescription: "collated text key", columns: "id VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v INT",
      key: { "'\(["ä", "B", "a", "Z", "é"][$0 % 5])\($0)'" }),
    Shape(
      testDescription: "decimal key", columns: "id DECIMAL(20,5) PRIMARY KEY, v INT",
      key: { "\($0 * 37 % 1000 - 300).\($0)" }),
    Shape(
      testDescription: "timestamp key", columns: "id DATETIME(3) PRIMARY KEY, v INT",
      key: { "TIMESTAMP'1969-12-31 23:00:00' + INTERVAL \($0) MINUTE" }),
    Shape(
      testDescription: "bytes key", columns: "id VARBINARY(10) PRIMARY KEY, v INT",
      key: { "UNHEX(LPAD(HEX(\($0) * 40503 % 65536), 4, '0'))" }),
    Shape(
      testDescription: "chunked by a column outside the key", columns: "id INT PRIMARY KEY, v INT NOT NULL, KEY (v)",
      key: { "\($0)" }, options: ["scan.incremental.snapshot.chunk.key-column": "\\.*.\\.*:v"]),
  ]

  @Test(arguments: shapes, SourceServer.available) func chunksAndLogGiveTheSource(shape: Shape, on kind: ServerKind)
    throws
  {
    let fixture = try SourceFixture("marks", on: kind, "CREATE TABLE t (\(shape.columns))")
    let filler = try fixture.connection()
    for start in stride(from: 0, to: 400, by: 100) {
      let rows = (start..<start + 100).map { "(\(shape.key($0)), \($0))" }.joined(separator: ", ")
      try filler.query("INSERT INTO t VALUES \(rows)")
    }
    let options = ["scan.incremental.snapshot.chunk.size": "40"].merging(shape.options) { $1 }
    let connector = try fixture.connector(options)
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    let writer = Writer(try fixture.connection(), seed: 7, key: shape.key)
    writer.start()
    let result = try connector.snapshot(table, schema) { chunk in writer.waitForMore(chunk * 8) }
    writer.waitForMore(50)
    try writer.stop()
    #expect(result.chunks.count > 4)
    let end = try connector.endOffset()
    let replica = try Self.replay(result, start, end, schema, connector)
    var expected = TestReplica()
    for row in try connector.read(.everything, of: schema).1 { expected.apply(row) }
    #expect(replica.rows == expected.rows)
    // By another column than the key, rows between the watermarks come twice; replaced by key that changes nothing.
    let isExact = shape.options.isEmpty
    if isExact { #expect(replica.problems == []) }
    // Shares: every row belongs to exactly one.
    var shared = TestReplica()
    for row in result.allRows { shared.load(row) }
    for share in 0..<3 {
      let tail = try connector.tail(
        Self.request(result, start, schema, share: share, of: 3))
      defer { tail.close() }
      try tail.readThrough(end, connector: connector) { shared.apply($0) }
    }
    #expect(shared.rows == expected.rows)
    if isExact { #expect(shared.problems == []) }
  }

  private static func request(
    _ result: SnapshotResult, _ start: Offset, _ schema: RowSchema, share: Int = 0, of shares: Int = 1
  ) -> TailRequest {
    // The lowest watermark is the first chunk's: chunks were read one after the other.
    let table = TailTable(schema: schema, ignoredThrough: result.chunks[0].watermark, chunks: result.chunks.shuffled())
    return TailRequest(start: start, tables: [table], shareIndex: share, shareCount: shares, clientIndex: share)
  }

  private static func replay(
    _ result: SnapshotResult, _ start: Offset, _ end: Offset, _ schema: RowSchema, _ connector: any SourceConnector
  ) throws -> TestReplica {
    var replica = TestReplica()
    for row in result.allRows { replica.load(row) }
    let tail = try connector.tail(request(result, start, schema))
    defer { tail.close() }
    #expect(!tail.isPastWatermarks)
    try tail.readThrough(end, connector: connector) { replica.apply($0) }
    #expect(tail.isPastWatermarks)
    return replica
  }

  @Test(arguments: SourceServer.available) func aTableWithoutAKeyIsExactToo(on kind: ServerKind) throws {
    let fixture = try SourceFixture("loose", on: kind, "CREATE TABLE t (id INT NULL, v INT)")
    let connection = try fixture.connection()
    try connection.query("INSERT INTO t SELECT seq % 50, seq % 3 FROM seq_1_to_500")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    let writer = Writer(try fixture.connection(), seed: 3, key: { "\($0)" })
    writer.start()
    writer.waitForMore(20)
    let result = try connector.snapshot(table, schema)
    writer.waitForMore(20)
    try writer.stop()
    var replica = TestReplica(hasKey: false)
    for row in result.allRows { replica.load(row) }
    let tail = try connector.tail(Self.request(result, start, schema))
    defer { tail.close() }
    try tail.readThrough(try connector.endOffset(), connector: connector) { replica.apply($0) }
    var expected = TestReplica(hasKey: false)
    for row in try connector.read(.everything, of: schema).1 { expected.apply(row) }
    #expect(replica.problems == [])
    #expect(replica.bag == expected.bag)
  }

  /// Inserts, updates, key changes and deletes until it is stopped.
  ///
  /// `@unchecked Sendable`: the connection and the generator are used by the writing thread alone; the rest is in `state`.
  final class Writer: @unchecked Sendable {
    private struct State {
      var written = 0
      var isStopping = false
      var problem: String?
    }

    private let connection: SourceConnection
    private let key: @Sendable (Int) -> String
    private var random: SeededGenerator
    private let state = Monitor(State())
    private var thread: DedicatedThread?

    init(_ connection: SourceConnection, seed: UInt64, key: @escaping @Sendable (Int) -> String) {
      self.connection = connection
      self.key = key
      random = SeededGenerator(seed: seed)
    }

    func start() {
      thread = DedicatedThread(name: "writer") {
        while !self.state.withLock({ $0.isStopping }) {
          do {
            try self.write()
            self.state.update { $0.written += 1 }
          } catch {
            self.state.update { $0.problem = "\(error)" }
            return
          }
        }
      }
    }

    private func write() throws {
      let old = key(Int(random.next() % 600))
      let new = key(Int(random.next() % 600))
      let value = random.next() % 1000
      switch random.next() % 6 {
      case 0: try connection.query("INSERT IGNORE INTO t VALUES (\(new), \(value))")
      case 1, 2: try connection.query("UPDATE t SET v = \(value) WHERE id = \(old)")
      case 3: try connection.query("UPDATE IGNORE t SET id = \(new), v = \(value) WHERE id = \(old)")
      case 4: try connection.query("DELETE FROM t WHERE id = \(old)")
      default:
        try connection.query(
          "BEGIN; INSERT IGNORE INTO t VALUES (\(new), \(value)); UPDATE t SET v = v + 1 WHERE v < 20; COMMIT")
      }
    }

    /// Waits until so many more statements have run.
    func waitForMore(_ count: Int) {
      let goal = state.withLock { $0.written } + count
      _ = state.wait(milliseconds: 30_000) { $0.written >= goal || $0.problem != nil ? true : nil }
    }

    func stop() throws {
      state.update { $0.isStopping = true }
      thread?.join(milliseconds: 30_000)
      if let problem = state.withLock({ $0.problem }) { throw SourceServerError(problem) }
    }
  }
}
