import Connector
import Foundation
import Model
import TestKit
import Testing

/// Encodes rows and returns one text for each message.
private func encode(_ rows: [SinkTestRow], _ table: SinkTestTable) throws -> [String] {
  var batch = RowBatch()
  batch.reset(schema: table.source)
  for row in rows { row.append(to: &batch) }
  let encoder = DebeziumJSONEncoder(table: table.sink, source: table.source)
  var buffer = ByteBuffer(capacity: 64)
  var messages: [String] = []
  var offset = 0
  while offset < batch.byteCount {
    let start = buffer.count
    offset = try encoder.encode(batch, at: offset, into: &buffer)
    messages.append(buffer.text(from: start))
  }
  return messages
}

/// The text of one value in a message.
private func json(_ kind: DataType.Kind, _ value: SinkTestValue) throws -> String {
  let table = SinkTestTable("t", [("v", DataType(kind))])
  let message = try #require(try encode([.insert([value])], table).first)
  let head = "{\"before\":null,\"after\":{\"v\":"
  let tail = "},\"op\":\"c\",\"source\":{\"db\":\"shop\",\"table\":\"t\"}}"
  #expect(message.hasPrefix(head) && message.hasSuffix(tail), "\(message)")
  return String(message.dropFirst(head.count).dropLast(tail.count))
}

@Suite("debezium-json") struct JSONEncoderTests {
  static let table = SinkTestTable("orders", [("id", DataType(.int)), ("name", DataType(.string))], key: ["id"])

  @Test("messages of every operation") func operations() throws {
    let messages = try encode(
      [
        .insert([1, "a"]), .update([1, "a"], [1, nil]), .delete([1, nil]),
      ], Self.table)
    let place = "\"source\":{\"db\":\"shop\",\"table\":\"orders\"}}"
    #expect(
      messages == [
        "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"c\",\(place)",
        "{\"before\":{\"id\":1,\"name\":\"a\"},\"after\":{\"id\":1,\"name\":null},\"op\":\"u\",\(place)",
        "{\"before\":{\"id\":1,\"name\":null},\"after\":null,\"op\":\"d\",\(place)",
      ])
  }

  @Test(
    "golden values",
    arguments: [
      (.boolean, 1, "true"), (.boolean, 0, "false"), (.tinyint, -128, "-128"), (.int, 0, "0"), (.int, 9, "9"),
      (.int, 10, "10"), (.int, 99, "99"), (.int, 100, "100"), (.int, 12345, "12345"), (.int, 1_234_567, "1234567"),
      (.bigint, .integer(.min), "-9223372036854775808"), (.bigint, .integer(.max), "9223372036854775807"),
      (.float, .float(0.1), "0.1"), (.float, .float(-2.5), "-2.5"), (.double, .double(7.123), "7.123"),
      (.double, .double(5), "5.0"), (.double, .double(1e16), "1e+16"), (.double, .double(-0.0), "-0.0"),
      (.double, .double(.nan), "\"NaN\""), (.double, .double(-.infinity), "\"-Infinity\""),
      (.float, .float(.infinity), "\"Infinity\""),
      (.decimal(precision: 10, scale: 3), "7.123", "7.123"), (.decimal(precision: 10, scale: 3), "-0.500", "-0.500"),
      (.decimal(precision: 20, scale: 0), "18446744073709551615", "18446744073709551615"),
      (.decimal(precision: 6, scale: 2), "007.10", "7.10"),
      (.date, 100, "\"1970-04-11\""), (.date, -719_162, "\"0001-01-01\""), (.date, -719_529, "\"-0001-12-31\""),
      (.date, 2_932_897, "\"10000-01-01\""),
      (.time(precision: 0), 64_822_000_000, "\"18:00:22\""), (.time(precision: 3), 64_822_123_000, "\"18:00:22.123\""),
      (.time(precision: 6), -3_020_399_000_001, "\"-838:59:59.000001\""),
      (.timestamp(precision: 6), 1_672_531_200_000_000, "\"2023-01-01 00:00:00\""),
      (.timestamp(precision: 6), 1_672_531_200_500_000, "\"2023-01-01 00:00:00.5\""),
      (.timestamp(precision: 6), -1, "\"1969-12-31 23:59:59.999999\""),
      (.timestampLTZ(precision: 3), 1_672_531_200_123_000, "\"2023-01-01 00:00:00.123Z\""),
      (.varchar(length: 9), "a\"b\\c/\u{8}\u{c}\n\r\t\u{1f}\u{7f}é🦀", "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u001F\u{7f}é🦀\""),
      (.string, "", "\"\""), (.string, "\u{0}", "\"\\u0000\""),
      (.binary(length: 3), .bytes([1, 2, 3]), "\"AQID\""), (.bytes, .bytes([]), "\"\""),
      (.bytes, .bytes([0xff]), "\"/w==\""), (.bytes, .bytes([0xfb, 0xff]), "\"+/8=\""),
      (.array(DataType(.int)), "[1,2]", "[1,2]"), (.string, nil, "null"),
    ] as [(DataType.Kind, SinkTestValue, String)])
  func golden(_ kind: DataType.Kind, _ value: SinkTestValue, _ wanted: String) throws {
    #expect(try json(kind, value) == wanted)
  }

  @Test("names are escaped, columns without a source are null, a missing database is null") func names() throws {
    let source = RowSchema(
      table: TableID(table: "s"), version: 1,
      schema: TableSchema(columns: [Column(name: "a\"b", type: DataType(.int))], primaryKey: []))
    let schema = TableSchema(
      columns: [Column(name: "gone", type: DataType(.int)), Column(name: "a\"b", type: DataType(.int))], primaryKey: [])
    let sink = SinkTable(id: TableID(table: "t\\"), schema: schema, source: source)
    var batch = RowBatch()
    batch.reset(schema: source)
    SinkTestRow.insert([5]).append(to: &batch)
    var buffer = ByteBuffer()
    _ = try DebeziumJSONEncoder(table: sink, source: source).encode(batch, at: 0, into: &buffer)
    #expect(
      buffer.text()
        == "{\"before\":null,\"after\":{\"gone\":null,\"a\\\"b\":5},\"op\":\"c\",\"source\":{\"db\":null,\"table\":\"t\\\\\"}}"
    )
  }

  @Test("what is no text of its type is refused, and the buffer is as before")
  func malformed() throws {
    let cases: [(DataType.Kind, [UInt8])] = [
      (.string, [0x61, 0xff]), (.string, [0xc0, 0x80]), (.string, [0xed, 0xa0, 0x80]),
      (.string, [0xf4, 0x90, 0x80, 0x80]),
      (.string, [0xe2, 0x82]), (.string, Array(repeating: 0x61, count: 40) + [0x80]),
      (.decimal(precision: 5, scale: 2), Array("1e5".utf8)), (.decimal(precision: 5, scale: 2), Array("1.".utf8)),
      (.decimal(precision: 5, scale: 2), []), (.decimal(precision: 5, scale: 2), Array("-".utf8)),
      (.decimal(precision: 5, scale: 2), Array("1,\"x\":2".utf8)),
    ]
    for (kind, bytes) in cases {
      let table = SinkTestTable("t", [("v", DataType(kind))])
      var batch = RowBatch()
      batch.reset(schema: table.source)
      SinkTestRow.insert([.bytes(bytes)]).append(to: &batch)
      var buffer = ByteBuffer()
      buffer.append("kept")
      let encoder = DebeziumJSONEncoder(table: table.sink, source: table.source)
      #expect {
        _ = try encoder.encode(batch, at: 0, into: &buffer)
      } throws: { error in
        (error as? ConnectorError)?.kind == .corrupt
      }
      #expect(buffer.text() == "kept")
    }
  }

  @Test("random values are valid JSON and read back", arguments: 0..<20 as Range<UInt64>)
  func random(_ seed: UInt64) throws {
    var random = SeededRandom(seed)
    let table = SinkTestTable(
      "t", [("s", DataType(.string)), ("b", DataType(.bytes)), ("d", DataType(.double)), ("f", DataType(.float))])
    for _ in 0..<100 {
      let text = Self.text(&random)
      let bytes = (0..<Int.random(in: 0...70, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let double = Self.double(&random)
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      let row = SinkTestRow.insert(
        [.text(text), .bytes(bytes), .double(double), .float(float.isFinite ? float : 0.25)])
      let message = try #require(try encode([row], table).first)
      let after = try JSONDecoder().decode(Message.self, from: Data(message.utf8)).after
      #expect(after.s == text)
      #expect(after.b == Data(bytes))
      #expect(after.d == double)
      #expect(after.f == (float.isFinite ? float : 0.25))
    }
  }

  private struct Message: Decodable {
    struct Row: Decodable {
      var s: String
      var b: Data
      var d: Double
      var f: Float
    }
    var after: Row
  }

  private static func text(_ random: inout SeededRandom) -> String {
    let alphabet: [Unicode.Scalar] = ["a", "b", "\"", "\\", "\n", "\u{1}", "é", "漢", "🦀", "\u{7f}", "\u{800}", "0"]
    let plain = Int.random(in: 1...40, using: &random)
    var view = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...120, using: &random) {
      let special = Int.random(in: 0..<plain, using: &random) == 0
      view.append(special ? alphabet.randomElement(using: &random) ?? "x" : "x")
    }
    return String(view)
  }

  private static func double(_ random: inout SeededRandom) -> Double {
    let bits = Double(bitPattern: random.next())
    if Bool.random(using: &random) && bits.isFinite { return bits }
    return Double(Int.random(in: -1_000_000_000...1_000_000_000, using: &random)) / 1000
  }

  @Test("random bytes as text are refused or valid JSON, never worse", arguments: 100..<110 as Range<UInt64>)
  func randomBytes(_ seed: UInt64) throws {
    var random = SeededRandom(seed)
    let table = SinkTestTable("t", [("s", DataType(.string))])
    var accepted = 0
    for _ in 0..<300 {
      let length = Int.random(in: 0...24, using: &random)
      let high = Int.random(in: 0...30, using: &random) == 0
      let bytes = (0..<length).map { _ in UInt8.random(in: 0...(high ? 255 : 127), using: &random) }
      let isText = String(validating: bytes, as: UTF8.self) != nil
      do {
        let message = try #require(try encode([.insert([.bytes(bytes)])], table).first)
        #expect(isText)
        _ = try JSONSerialization.jsonObject(with: Data(message.utf8))
        accepted += 1
      } catch let error as ConnectorError {
        #expect(!isText && error.kind == .corrupt)
      }
    }
    #expect(accepted > 0)
  }

  @Test("times and dates agree with a calendar", arguments: 200..<205 as Range<UInt64>)
  func calendar(_ seed: UInt64) throws {
    var random = SeededRandom(seed)
    // SQLite counts in the proleptic Gregorian calendar, too.
    let calendar = try Replica(":memory:")
    for _ in 0..<100 {
      // The years 1 to 9999.
      let seconds = Int64.random(in: -62_135_596_800...253_402_300_799, using: &random)
      let wanted = try #require(try calendar.rows("SELECT datetime(\(seconds), 'unixepoch')").first)
      let found = try json(.timestamp(precision: 0), .integer(seconds * 1_000_000))
      #expect(wanted == [.text(String(found.dropFirst().dropLast()))])
    }
  }
}
