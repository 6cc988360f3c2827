import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// A chunk that has grown too big ends at a change of its key; what follows is a chunk of its own.
@Suite struct SnapshotCutTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// `id` is the key.
    var key: String
    /// The key of row `seq`, ascending or not.
    var value: String
  }

  static let shapes: [Shape] = [
    Shape(testDescription: "integer", key: "id INT", value: "CAST(seq AS SIGNED) * 7 - 2000"),
    Shape(
      testDescription: "unsigned", key: "id BIGINT UNSIGNED",
      value: "IF(seq % 2 = 0, seq, 18446744073709551615 - seq)"),
    Shape(
      testDescription: "decimal", key: "id DECIMAL(50,10)",
      value: "(CAST(seq AS SIGNED) - 500) * 123456789012345678901234567890.5"),
    Shape(testDescription: "date", key: "id DATE", value: "DATE'1950-01-01' + INTERVAL seq * 13 DAY"),
    Shape(
      testDescription: "datetime", key: "id DATETIME(6)",
      value: "TIMESTAMP'1969-12-31 23:00:00' + INTERVAL seq * 1000003 MICROSECOND"),
    Shape(
      testDescription: "timestamp", key: "id TIMESTAMP(3)",
      value: "TIMESTAMP'2001-01-01 00:00:00' + INTERVAL seq * 3600001000 MICROSECOND"),
    Shape(testDescription: "time", key: "id TIME(2)", value: "SEC_TO_TIME((CAST(seq AS SIGNED) - 500) * 3000.25)"),
    Shape(testDescription: "char", key: "id CHAR(36)", value: "UUID()"),
    Shape(
      testDescription: "accents and case", key: "id VARCHAR(40) COLLATE utf8mb4_unicode_ci",
      value: "CONCAT(ELT(1 + seq % 6, 'a', 'B', 'ä', 'Z', '''\"\\\\', 'é'), seq)"),
    Shape(
      testDescription: "emoji and spaces", key: "id VARCHAR(40) COLLATE utf8mb4_bin",
      value: "CONCAT(ELT(1 + seq % 4, '😀', ' ', 'x y', '😀\\t'), seq)"),
    Shape(
      testDescription: "latin1", key: "id VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
      value: "CONCAT(ELT(1 + seq % 4, 'ö', 'z', '€', 'A'), seq)"),
    Shape(testDescription: "bytes", key: "id BINARY(16)", value: "UNHEX(LEFT(SHA2(seq, 256), 32))"),
    Shape(testDescription: "bits", key: "id BIT(20)", value: "seq * 1009"),
  ]

  private func everything(_ table: DiscoveredTable) -> ChunkRange {
    ChunkRange(columns: table.chunkKey, lower: nil, upper: nil)
  }

  /// Reads a range to its end through all its remainders.
  private func readAll(
    _ range: ChunkRange, _ connector: any SourceConnector, _ schema: RowSchema
  ) throws -> SnapshotResult {
    var result = SnapshotResult()
    var rest: ChunkRange? = range
    while let range = rest {
      let (chunk, rows) = try connector.read(range, of: schema, byteLimit: 512)
      result.chunks.append(chunk)
      result.rows.append(rows)
      rest = nil
      if chunk.range.upper != range.upper {
        rest = ChunkRange(columns: range.columns, lower: chunk.range.upper, upper: range.upper)
      }
    }
    return result
  }

  private func expectWhole(_ result: SnapshotResult, rows: Int, _ schema: RowSchema) {
    #expect(result.allRows.count == rows)
    #expect(result.chunks.last?.range.upper == nil)
    guard !schema.keyIndexes.isEmpty else { return }
    #expect(Set(result.allRows.map(\.key)).count == rows)
  }

  @Test(arguments: SourceServer.available, shapes) func everyKindOfKeyIsCut(on kind: ServerKind, shape: Shape) throws {
    let fixture = try SourceFixture(
      "cut", on: kind, "CREATE TABLE t (\(shape.key), v INT, PRIMARY KEY (id))",
      "INSERT INTO t SELECT \(shape.value), seq FROM seq_1_to_1000")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "50"])
    let table = try connector.discover(fixture.table("t"))
    #expect(table.chunkKey == ["id"])
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try readAll(everything(table), connector, schema)
    expectWhole(result, rows: 1000, schema)
    #expect(result.rows.allSatisfy { $0.count < 260 })
    // The server agrees on which keys lie below each bound: the plan of the same table fits the same rows.
    let planned = try connector.snapshot(table, schema)
    expectWhole(planned, rows: 1000, schema)
    #expect(planned.rows.dropLast().allSatisfy { $0.count == 50 } || shape.testDescription == "integer")
  }

  /// Their rows come as stored bytes: such a chunk is read to its end, and the plan's bounds cut the table.
  @Test(
    arguments: SourceServer.available, ["utf16_general_ci", "ucs2_general_ci", "gbk_chinese_ci", "sjis_japanese_ci"])
  func otherCharacterSetsAreCutByThePlanAlone(on kind: ServerKind, collation: String) throws {
    let charset = collation.split(separator: "_")[0]
    let fixture = try SourceFixture(
      "cut", on: kind,
      "CREATE TABLE t (id VARCHAR(40) CHARACTER SET \(charset) COLLATE \(collation) PRIMARY KEY, v INT)",
      "INSERT INTO t SELECT CONCAT(ELT(1 + seq % 3, 'a', 'B', '中'), seq), seq FROM seq_1_to_600")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "50"])
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let whole = try readAll(everything(table), connector, schema)
    expectWhole(whole, rows: 600, schema)
    #expect(whole.chunks.count == 1)
    let planned = try connector.snapshot(table, schema)
    expectWhole(planned, rows: 600, schema)
    #expect(planned.chunks.count == 12)
  }

  @Test(arguments: SourceServer.available)
  func compositeKeysAreCutInsideTheirFirstColumn(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "cut", on: kind, "CREATE TABLE t (a INT, b VARCHAR(20), c BIT(4), v INT, PRIMARY KEY (a, b, c))",
      "INSERT INTO t SELECT IF(seq < 900, 5, 6), CONCAT('k', seq DIV 9), seq % 9, seq FROM seq_1_to_1000")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "20"])
    let table = try connector.discover(fixture.table("t"))
    #expect(table.chunkKey == ["a", "b", "c"])
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try readAll(everything(table), connector, schema)
    expectWhole(result, rows: 1000, schema)
    #expect(result.chunks.count > 5)
  }

  @Test(arguments: SourceServer.available, ["utf8mb4_general_ci", "utf8mb4_bin", "latin1_swedish_ci"])
  func equalKeysStayTogether(on kind: ServerKind, collation: String) throws {
    let charset = collation.split(separator: "_")[0]
    let fixture = try SourceFixture(
      "cut",
      "CREATE TABLE t (id INT PRIMARY KEY, k VARCHAR(20) CHARACTER SET \(charset) COLLATE \(collation), KEY (k))",
      // Equal in the collation, different as bytes: case, and spaces at the end.
      """
      INSERT INTO t SELECT seq, IF(seq % 10 = 0, NULL, CONCAT(ELT(1 + seq % 2, 'k', 'K'), LPAD(seq DIV 200, 3, '0'),
      IF(seq % 3 = 0, ' ', ''))) FROM seq_1_to_1000
      """)
    let connector = try fixture.connector([
      "scan.incremental.snapshot.chunk.size": "30",
      "scan.incremental.snapshot.chunk.key-column": "\(fixture.database).\\.*:K",
    ])
    let table = try connector.discover(fixture.table("t"))
    #expect(table.chunkKey == ["k"])
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try readAll(everything(table), connector, schema)
    expectWhole(result, rows: 1000, schema)
    #expect(result.chunks.count >= 4)
    expectWhole(try connector.snapshot(table, schema), rows: 1000, schema)
  }

  @Test(arguments: SourceServer.available) func oneKeyForAllRowsIsOneChunk(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "cut", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, n INT, KEY (n))",
      "INSERT INTO t SELECT seq, 7 FROM seq_1_to_500",
      "CREATE TABLE nulls (id INT PRIMARY KEY, n INT, KEY (n))",
      "INSERT INTO nulls SELECT seq, IF(seq < 400, NULL, seq) FROM seq_1_to_500",
      "CREATE TABLE loose (n INT, v INT)", "INSERT INTO loose SELECT seq, seq FROM seq_1_to_500")
    let connector = try fixture.connector([
      "scan.incremental.snapshot.chunk.size": "10",
      "scan.incremental.snapshot.chunk.key-column": "\(fixture.database).\\.*:n",
    ])
    for (name, chunks) in [("t", 1...1), ("nulls", 2...4), ("loose", 1...1)] {
      let table = try connector.discover(fixture.table(name))
      #expect(table.chunkKey == (name == "loose" ? [] : ["n"]))
      let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
      let result = try readAll(everything(table), connector, schema)
      expectWhole(result, rows: 500, schema)
      #expect(chunks.contains(result.chunks.count), "\(name): \(result.chunks.count)")
    }
  }

  /// The last chunk has no upper bound: what is inserted after the plan was made must not make it grow without limit.
  @Test(arguments: SourceServer.available) func anInsertionStormDoesNotGrowTheLastChunk(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "storm", on: kind, "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
      "INSERT INTO t (v) SELECT seq FROM seq_1_to_100")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "50"])
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let ranges = try connector.plan(table)
    try fixture.execute("INSERT INTO t (v) SELECT seq FROM seq_1_to_5000")
    var result = SnapshotResult()
    for range in ranges {
      let part = try readAll(range, connector, schema)
      result.chunks += part.chunks
      result.rows += part.rows
    }
    expectWhole(result, rows: 5100, schema)
    #expect(result.rows.allSatisfy { $0.count <= 300 })
  }
}
