import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Chunks are read along an index: no sort, and no row looked at that is not in the chunk.
@Suite struct SnapshotStatementTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var columns: String
    /// Values of row `seq`.
    var values: String
    var options: [String: String] = [:]
  }

  static let shapes: [Shape] = [
    Shape(testDescription: "integer", columns: "a INT PRIMARY KEY, v INT", values: "seq * 7, seq"),
    Shape(testDescription: "text", columns: "a VARCHAR(40) PRIMARY KEY, v INT", values: "UUID(), seq"),
    Shape(testDescription: "latin1", columns: "a CHAR(40) CHARSET latin1 PRIMARY KEY, v INT", values: "UUID(), seq"),
    Shape(
      testDescription: "bytes", columns: "a BINARY(16) PRIMARY KEY, v INT",
      values: "UNHEX(LEFT(SHA2(seq, 256), 32)), seq"),
    Shape(testDescription: "bits", columns: "a BIT(24) PRIMARY KEY, v INT", values: "seq * 99, seq"),
    Shape(
      testDescription: "time", columns: "a TIMESTAMP(6) PRIMARY KEY, v INT",
      values: "TIMESTAMP'2020-01-01 00:00:00' + INTERVAL seq * 1000001 MICROSECOND, seq"),
    Shape(
      testDescription: "two columns, few values in the first", columns: "a INT, b BIGINT, PRIMARY KEY (a, b)",
      values: "seq DIV 900, seq"),
    Shape(
      testDescription: "two columns, many values in the first", columns: "a INT, b BIGINT, PRIMARY KEY (a, b)",
      values: "seq DIV 3, seq"),
    Shape(
      testDescription: "three columns", columns: "a INT, b VARCHAR(10), c DATETIME, v INT, PRIMARY KEY (a, b, c)",
      values: "seq DIV 700, CONCAT('k', seq DIV 90), TIMESTAMP'2020-01-01 00:00:00' + INTERVAL seq DAY, seq"),
    Shape(
      testDescription: "enum", columns: "a ENUM('z', 'it''s', 'a'), b INT, v INT, PRIMARY KEY (a, b)",
      values: "1 + seq % 3, seq, seq"),
    Shape(
      testDescription: "a secondary index", columns: "id INT PRIMARY KEY, a INT, v INT, KEY (a, v)",
      values: "seq, IF(seq % 20 = 0, NULL, seq * 3), seq",
      options: ["scan.incremental.snapshot.chunk.key-column": "\\.*.\\.*:a"]),
    Shape(
      testDescription: "a unique key", columns: "v INT, a INT NOT NULL, b INT NOT NULL, UNIQUE (a, b)",
      values: "seq, seq DIV 100, seq"),
  ]

  @Test(arguments: SourceServer.available, shapes) func anIndexIsWalked(on kind: ServerKind, shape: Shape) throws {
    let fixture = try SourceFixture(
      "walk", on: kind, "CREATE TABLE t (\(shape.columns))", "INSERT INTO t SELECT \(shape.values) FROM seq_1_to_2000")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "300"].merging(shape.options) { $1 })
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let ranges = try connector.plan(table)
    #expect((7...8).contains(ranges.count))
    let planner = try #require(try connector.openPlanner() as? MySQLPlanner)
    defer { planner.close() }
    let catalog = TableCatalog(client: planner.client, facts: planner.facts, settings: planner.settings)
    let layout = try #require(try catalog.layout(of: table.id))
    let columns = try MySQLPlanner.keyColumns(table.chunkKey, of: table.schema, table: table.id)
    let whole = ChunkRange(columns: table.chunkKey, lower: nil, upper: nil)
    for range in ranges + [whole] {
      let statement = try SnapshotStatement(
        SnapshotRequest(schema: schema, range: range), columns, types: try MySQLColumnType.types(of: table.schema),
        layout.indexes)
      #expect(statement.isOrdered)
      let plan = try #require(try planner.client.namedRow("EXPLAIN FORMAT=TRADITIONAL \(statement.text)"))
      #expect(["range", "index", "ref"].contains(plan["type"] ?? ""), "\(plan)")
      #expect(plan["Extra"]?.contains("filesort") != true && plan["Extra"]?.contains("temporary") != true, "\(plan)")
      let before = try Self.entriesRead(planner.client)
      let rows = try planner.client.query(statement.text).count
      // Each range of the index that the condition has costs an entry or two beyond its end.
      let entries = try Self.entriesRead(planner.client) - before
      #expect((rows...rows + 16).contains(entries), "\(statement.text)")
    }
  }

  /// Entries of tables and indexes that the session has looked at.
  private static func entriesRead(_ client: MySQLClient) throws -> Int {
    try client.query("SHOW SESSION STATUS LIKE 'Handler_read%'").reduce(0) { sum, row in
      sum + (row.last.flatMap { $0 }.flatMap { Int($0) } ?? 0)
    }
  }
}
