import Connector
import Model
import MySQLSource
import TestKit
import Testing

@Suite struct PlannerChunkTests {
  /// Plans and reads a table by chunks: every row exactly once, all in order.
  @discardableResult
  private func check(
    _ fixture: SourceFixture, _ name: String, size: Int, options: [String: String] = [:]
  ) throws -> [ChunkRange] {
    let given = ["scan.incremental.snapshot.chunk.size": "\(size)"].merging(options) { $1 }
    let connector = try fixture.connector(given)
    let table = try connector.discover(fixture.table(name))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try connector.snapshot(table, schema)
    let expected = try fixture.query("SELECT COUNT(*) FROM `\(name)`")[0][0].flatMap { Int($0) }
    #expect(result.allRows.count == expected)
    if !schema.keyIndexes.isEmpty { #expect(Set(result.allRows.map(\.key)).count == expected) }
    let ranges = result.chunks.map(\.range)
    #expect(ranges.first?.lower == nil && ranges.last?.upper == nil)
    for (left, right) in zip(ranges, ranges.dropFirst()) { #expect(left.upper == right.lower) }
    return ranges
  }

  @Test(arguments: SourceServer.available) func evenIntegersAreSplitByArithmetic(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "even", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)",
      "INSERT INTO t SELECT CAST(seq AS SIGNED) * 3 - 1500 FROM seq_1_to_1000",
      "ANALYZE TABLE t")
    let ranges = try check(fixture, "t", size: 100)
    #expect((10...11).contains(ranges.count))
    let widths = Set(
      ranges.dropFirst().dropLast().compactMap { range -> Int64? in
        guard case .integer(let low)? = range.lower?.first, case .integer(let high)? = range.upper?.first else {
          return nil
        }
        return high - low
      })
    #expect(widths.count == 1)
  }

  @Test(arguments: SourceServer.available) func unevenIntegersAreSplitByKeys(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "uneven", on: kind, "CREATE TABLE t (id BIGINT PRIMARY KEY)",
      "INSERT INTO t SELECT seq FROM seq_1_to_500", "INSERT INTO t SELECT 9000000000000000000 + seq FROM seq_1_to_500",
      "ANALYZE TABLE t")
    #expect(try check(fixture, "t", size: 100).count == 10)
  }

  @Test(arguments: SourceServer.available) func unsignedKeysKeepTheirOrder(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "unsigned", on: kind, "CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY)",
      "INSERT INTO t SELECT 18446744073709551615 - seq FROM seq_0_to_499", "INSERT INTO t SELECT seq FROM seq_0_to_499",
      "CREATE TABLE e (id BIGINT UNSIGNED PRIMARY KEY)",
      "INSERT INTO e SELECT 18446744073709551615 - seq * 2 FROM seq_0_to_499", "ANALYZE TABLE t, e")
    #expect(try check(fixture, "t", size: 100).count == 10)
    let even = try check(fixture, "e", size: 100)
    #expect((5...6).contains(even.count))
  }

  @Test(arguments: SourceServer.available) func compositeKeysAreTuples(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "composite", on: kind, "CREATE TABLE t (a INT, b VARCHAR(20), c DATE, v INT, PRIMARY KEY (a, b, c))",
      """
      INSERT INTO t SELECT seq DIV 300, CONCAT('k', seq DIV 7), DATE_ADD('1999-12-25', INTERVAL seq DAY), seq
      FROM seq_1_to_2000
      """)
    let ranges = try check(fixture, "t", size: 111)
    #expect(ranges.count > 15)
    #expect(ranges.allSatisfy { $0.columns == ["a", "b", "c"] })
  }

  @Test(
    arguments: ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_swedish_ci", "latin1_bin"],
    SourceServer.available)
  func textKeysFollowTheCollation(collation: String, on kind: ServerKind) throws {
    let charset = collation.split(separator: "_")[0]
    let fixture = try SourceFixture(
      "text", on: kind,
      "CREATE TABLE t (id VARCHAR(50) CHARACTER SET \(charset) COLLATE \(collation) PRIMARY KEY, v INT)",
      "INSERT INTO t SELECT CONCAT(ELT(1 + seq % 6, 'a', 'B', 'ä', 'Z', '''\"\\\\', 'é'), seq), seq FROM seq_1_to_1000",
      "CREATE TABLE d (id VARBINARY(8) PRIMARY KEY)",
      "INSERT INTO d SELECT UNHEX(LPAD(HEX(seq * 7919), 8, '0')) FROM seq_1_to_1000")
    #expect(try check(fixture, "t", size: 77).count >= 12)
    #expect(try check(fixture, "d", size: 77).count >= 12)
  }

  @Test(arguments: SourceServer.available) func decimalsAndTimesAreExact(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "exact", on: kind, "CREATE TABLE t (id DECIMAL(30,10) PRIMARY KEY)",
      "INSERT INTO t SELECT 12345678901234567890 + seq * 0.000001 - 500 FROM seq_1_to_1000",
      "CREATE TABLE ts (id TIMESTAMP(6) PRIMARY KEY)",
      "INSERT INTO ts SELECT TIMESTAMP'2024-01-01 00:00:00' + INTERVAL seq * 10007 MICROSECOND FROM seq_1_to_1000")
    #expect(try check(fixture, "t", size: 99).count >= 10)
    #expect(try check(fixture, "ts", size: 99).count >= 10)
  }

  @Test(arguments: SourceServer.available) func emptySmallAndKeylessTablesAreOneChunk(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "one", on: kind, "CREATE TABLE hollow (id INT PRIMARY KEY)", "CREATE TABLE small (id INT PRIMARY KEY)",
      "INSERT INTO small VALUES (1), (5), (9)", "CREATE TABLE loose (x INT, y TEXT)",
      "INSERT INTO loose SELECT 1, 'same' FROM seq_1_to_500",
      "CREATE TABLE floats (k DOUBLE, n INT, PRIMARY KEY (k, n))",
      "INSERT INTO floats SELECT seq % 2, seq FROM seq_1_to_500",
      "CREATE TABLE parts (k VARCHAR(50), PRIMARY KEY (k(10)))", "INSERT INTO parts SELECT seq FROM seq_1_to_500")
    for name in ["hollow", "small", "loose", "floats", "parts"] {
      #expect(try check(fixture, name, size: 100).count == 1, "\(name)")
    }
  }

  @Test(arguments: SourceServer.available) func anotherChunkKeyMayBeChosen(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "chosen", on: kind, "CREATE TABLE t (id VARCHAR(36) PRIMARY KEY, n INT NOT NULL, KEY (n))",
      "INSERT INTO t SELECT UUID(), seq DIV 50 FROM seq_1_to_1000")
    let key = ["scan.incremental.snapshot.chunk.key-column": "\(fixture.database).\\.*:n"]
    let ranges = try check(fixture, "t", size: 100, options: key)
    #expect(ranges.count > 5 && ranges.allSatisfy { $0.columns == ["n"] })
  }
}
