import Model
import TestKit
import Testing

@testable import MySQLSource

/// MySQL's JSON: its binary form in the log and its text in the snapshot.
@Suite struct TypesJSONTests {
  private static let documents = [
    "'{\"a\": [1, 2.5, null, \"ü: , \\\\\" \"], \"b\": {\"c\": true, \"\": false}}'", "'[]'", "'{}'", "'\"a, b: c\"'",
    "'-1'",
    "'18446744073709551615'", "'-9223372036854775808'", "'18446744073709551616'", "'1e400' + 0", "'1.0'", "'-0.0'",
    "'1e-7'",
    "'\"\\\\u0000\\\\u001f\\\\n\\\\/\\\\ud83d\\\\ude00\"'",
    "JSON_OBJECT('d', CAST('12.340' AS DECIMAL(10,3)), 'e', CAST('-0.5' AS DECIMAL(65,30)))",
    "JSON_ARRAY(CAST('2024-02-29' AS DATE), CAST('2024-02-29 12:34:56.789' AS DATETIME(3)), CAST('-12:34:56.5' AS TIME(1)), TIMESTAMP'2001-02-03 04:05:06')",
    "JSON_ARRAY(CAST('0000-00-00' AS DATE), TIME'838:59:59', TIME'-838:59:59')",
    "JSON_OBJECT('b', x'00ff', 'c', b'101')",
    "JSON_ARRAY(CAST(REPEAT('a', 100) AS BINARY), TRUE, 1.5e0)", "JSON_ARRAY(ST_GeomFromText('POINT(1 2)'))",
    "CONCAT('[\"', REPEAT('x', 70000), '\", ', REPEAT('1, ', 30000), '2]')",
    "CONCAT('{', (SELECT GROUP_CONCAT('\"key', seq, '\": ', seq) FROM seq_1_to_2000), '}')",
    "CONCAT(REPEAT('[', 99), '1', REPEAT(']', 99))", "NULL",
  ]

  @Test(arguments: SourceServer.available.filter { $0 == .mySQL }, ["true", "false"])
  func documentsAreTheSame(on kind: ServerKind, legacy: String) throws {
    let paths = try BothPaths(
      "json", on: kind, options: ["use.legacy.json.format": legacy], create: "id INT PRIMARY KEY, j JSON")
    try paths.execute("SET group_concat_max_len = 1000000")
    for (id, document) in Self.documents.enumerated() where !document.contains("1e400") {
      try paths.execute("INSERT INTO t VALUES (\(id), \(document))")
    }
    let values = try paths.values("j")
    #expect(
      values[0]
        == (legacy == "true"
          ? "{\"a\":[1,2.5,null,\"ü: , \\\" \"],\"b\":{\"\":false,\"c\":true}}"
          : "{\"a\": [1, 2.5, null, \"ü: , \\\" \"], \"b\": {\"\": false, \"c\": true}}"))
    let texts = try paths.connection.query("SELECT j FROM t ORDER BY id").map { $0[0] }
    if legacy == "false" { #expect(values == texts) }
    #expect(try paths.schema().columns[1].type.annotation == .json)
  }

  @Test(arguments: SourceServer.available.filter { $0 == .mySQL }) func doublesAreTheServers(on kind: ServerKind) throws
  {
    let paths = try BothPaths("doubles", on: kind, create: "id INT PRIMARY KEY, j JSON")
    var generator = SeededGenerator(seed: 31)
    var numbers = (-320...308).flatMap { ["1e\($0)", "1.5e\($0)", "-123456789.123e\($0 / 2)"] }
    for _ in 0..<3000 {
      let value = Double(bitPattern: generator.next())
      if value.isFinite { numbers.append("\(value)") }
    }
    for id in 0..<20 {
      let part = numbers.enumerated().filter { $0.offset % 20 == id }.map(\.element)
      try paths.execute("INSERT INTO t VALUES (\(id), '[\(part.joined(separator: ", "))]')")
    }
    _ = try paths.rows()
  }
}
