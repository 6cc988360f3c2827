import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Chunks that are cut, and tables without a key, while the tables change all the time.
@Suite struct SnapshotGapTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var columns: String
    var key: @Sendable (Int) -> String
    var hasKey = true
    var options: [String: String] = [:]
  }

  static let shapes: [Shape] = [
    Shape(testDescription: "integer", columns: "id INT PRIMARY KEY, v INT", key: { "\($0)" }),
    Shape(testDescription: "bits", columns: "id BIT(12) PRIMARY KEY, v INT", key: { "\($0 * 5)" }),
    Shape(
      testDescription: "emoji, without padding",
      columns: "id VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, v INT",
      key: { "'\(["😀", "", "z", "\u{e000}"][$0 % 4])\($0)'" }),
    Shape(
      testDescription: "enum",
      columns: "id ENUM(\((0..<250).map { "'m\($0 * 7 % 250)'" }.joined(separator: ", "))) "
        + "PRIMARY KEY, v INT", key: { "'m\($0 % 250)'" }),
    Shape(
      testDescription: "UUID as bytes", columns: "id BINARY(16) PRIMARY KEY, v INT",
      key: { "UNHEX(LEFT(SHA2(\($0), 256), 32))" }),
    Shape(
      testDescription: "year", columns: "id YEAR PRIMARY KEY, v INT", key: { $0 == 0 ? "0" : "\(1901 + $0 % 250)" }),
    Shape(
      testDescription: "no key, cut by a nullable column", columns: "id INT, v INT, KEY (v)", key: { "\($0)" },
      hasKey: false, options: ["scan.incremental.snapshot.chunk.key-column": "\\.*.\\.*:v"]),
    Shape(testDescription: "no key", columns: "id INT, v INT", key: { "\($0)" }, hasKey: false),
  ]

  /// One chunk is planned and cut again and again.
  @Test(arguments: SourceServer.available, shapes)
  func cutChunksAndLogGiveTheSource(on kind: ServerKind, shape: Shape) throws { try check(kind, shape) }

  static let ownTypes: [Shape] = [
    Shape(testDescription: "UUID", columns: "id UUID PRIMARY KEY, v INT", key: { uuid($0) }),
    Shape(testDescription: "INET6", columns: "id INET6 PRIMARY KEY, v INT", key: { "'2001:db8::\($0 % 7):\($0)'" }),
  ]

  private static func uuid(_ number: Int) -> String {
    let text = String(UInt64(number) &* 0x9e37_79b9_7f4a_7c15 | 1 << 63, radix: 16)
    return "'\(text.prefix(8))-\(text.dropFirst(8).prefix(4))-11e8-8c9a-\(text.suffix(4))\(100_000_00 + number)'"
  }

  @Test(arguments: ownTypes) func typesOfMariaDBToo(shape: Shape) throws { try check(.mariaDB, shape) }

  /// The file in which the replay begins has rows of the table's former shapes, and of tables that are gone.
  @Test(.enabled(if: ServerKind.mySQL.isAvailable, .init(rawValue: ServerKind.mySQL.unavailable ?? "")))
  func formerTablesInTheFileOfAMySQLWithoutGTIDs() throws {
    let server = try SourceServer(.mySQL, .withoutGTIDs)
    defer { server.stop() }
    for shape in [Self.shapes[0], Self.shapes[2]] {
      try check(
        .mySQL, shape, on: server,
        history: [
          "CREATE TABLE t (id VARCHAR(9), w INT, x INT)", "INSERT INTO t VALUES ('former', 1, 2), ('other', 3, 4)",
          "RENAME TABLE t TO u", "CREATE TABLE t (\(shape.columns), gone VARCHAR(5))",
          "INSERT INTO t VALUES (\(shape.key(5000)), 1, 'gone')", "DELETE FROM t",
          "INSERT INTO t VALUES (\(shape.key(5001)), 1, 'gone')", "ALTER TABLE t DROP COLUMN gone",
          "INSERT INTO t VALUES (\(shape.key(5002)), 1)", "TRUNCATE t", "INSERT INTO u VALUES ('late', 1, 2)",
        ])
    }
  }

  private func check(
    _ kind: ServerKind, _ shape: Shape, on server: SourceServer? = nil, history: [String]? = nil
  ) throws {
    let fixture = try SourceFixture("gap", on: kind, server: server)
    for statement in history ?? ["CREATE TABLE t (\(shape.columns))"] { try fixture.execute(statement) }
    let filler = try fixture.connection()
    for start in stride(from: 0, to: 400, by: 100) {
      let rows = (start..<start + 100).map { "(\(shape.key($0)), \($0 % 9 == 0 ? "NULL" : "\($0)"))" }
      try filler.query("INSERT IGNORE INTO t VALUES \(rows.joined(separator: ", "))")
    }
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "12"].merging(shape.options) { $1 })
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    let writer = TailWatermarkTests.Writer(try fixture.connection(), seed: 11, key: shape.key)
    writer.start()
    writer.waitForMore(10)
    var result = SnapshotResult()
    var rest: ChunkRange? = ChunkRange(columns: table.chunkKey, lower: nil, upper: nil)
    while let range = rest {
      let (chunk, rows) = try connector.read(range, of: schema, byteLimit: 300)
      result.chunks.append(chunk)
      result.rows.append(rows)
      writer.waitForMore(8)
      rest = nil
      if chunk.range.upper != range.upper {
        rest = ChunkRange(columns: range.columns, lower: chunk.range.upper, upper: range.upper)
      }
    }
    try writer.stop()
    #expect(table.chunkKey.isEmpty || result.chunks.count > 3)
    let end = try connector.endOffset()
    var replica = TestReplica(hasKey: shape.hasKey)
    for row in result.allRows { replica.load(row) }
    let tail = try connector.tail(
      TailRequest(
        start: start,
        tables: [TailTable(schema: schema, ignoredThrough: nil, chunks: result.chunks.shuffled())]))
    defer { tail.close() }
    try tail.readThrough(end, connector: connector) { replica.apply($0) }
    var expected = TestReplica(hasKey: shape.hasKey)
    for row in try connector.read(.everything, of: schema).1 { expected.apply(row) }
    #expect(replica.problems == [])
    #expect(replica.rows == expected.rows)
    #expect(replica.bag == expected.bag)
  }
}
