import Connector
import Model
import SQLiteSink
import TestKit
import Testing

/// A value under one type, and what it must be under another; nil: the change must be refused.
struct TypeChange: Sendable, CustomStringConvertible {
  var from: DataType
  var value: SinkTestValue
  var to: DataType
  var wanted: String?

  init(_ from: DataType.Kind, _ value: SinkTestValue, _ to: DataType.Kind, _ wanted: String?, bits: Bool = false) {
    self.from = DataType(from, annotation: bits ? .bit(8) : nil)
    self.value = value
    self.to = DataType(to, annotation: bits ? .bit(16) : nil)
    self.wanted = wanted
  }

  var description: String { "\(from) \(value) to \(to)" }

  static let all: [TypeChange] = [
    TypeChange(.int, 7, .bigint, "7"), TypeChange(.boolean, 1, .int, "1"),
    TypeChange(.int, -7, .decimal(precision: 9, scale: 2), "-7.00"), TypeChange(.int, 7, .double, "7.0"),
    TypeChange(.bigint, .integer(.min), .decimal(precision: 20, scale: 0), "-9223372036854775808"),
    TypeChange(.decimal(precision: 9, scale: 2), "1.25", .decimal(precision: 9, scale: 1), "1.3"),
    TypeChange(.decimal(precision: 9, scale: 2), "-1.25", .decimal(precision: 9, scale: 1), "-1.3"),
    TypeChange(.decimal(precision: 9, scale: 2), "9.99", .decimal(precision: 9, scale: 0), "10"),
    TypeChange(.decimal(precision: 9, scale: 2), "-0.04", .decimal(precision: 9, scale: 1), "0.0"),
    TypeChange(.decimal(precision: 9, scale: 2), "2.50", .int, "3"),
    TypeChange(.decimal(precision: 30, scale: 0), "9223372036854775808", .bigint, nil),
    TypeChange(.decimal(precision: 9, scale: 2), "2.50", .double, "2.5"),
    TypeChange(.decimal(precision: 9, scale: 2), "2.50", .string, "2.50"),
    TypeChange(.float, .float(0.1), .double, "0.10000000149011612"), TypeChange(.double, .double(0.1), .float, "0.1"),
    TypeChange(.double, .double(1e300), .float, nil), TypeChange(.double, .double(5), .int, "5"),
    TypeChange(.double, .double(5.5), .int, nil), TypeChange(.double, .double(5.5), .string, nil),
    TypeChange(.double, .double(5.5), .decimal(precision: 9, scale: 1), nil),
    TypeChange(.string, "12", .int, "12"), TypeChange(.string, "twelve", .int, nil),
    TypeChange(.string, "1.5", .decimal(precision: 9, scale: 2), "1.50"), TypeChange(.string, "1e3", .double, "1000.0"),
    TypeChange(.string, "", .int, nil), TypeChange(.string, "a\u{0}b", .varchar(length: 90), "a\u{0}b"),
    TypeChange(.string, "2020-01-02", .date, "2020-01-02"), TypeChange(.string, "2020-1-2", .date, nil),
    TypeChange(.string, "2020-01-02 03:04:05.6", .timestamp(precision: 3), "2020-01-02 03:04:05.600"),
    TypeChange(.string, "2020-01-02 24:00:00", .timestamp(precision: 3), nil),
    TypeChange(.string, "12:00:00", .time(precision: 0), "12:00:00"),
    TypeChange(.string, "noon", .time(precision: 0), nil),
    TypeChange(.date, 1, .timestamp(precision: 3), "1970-01-02 00:00:00.000"),
    TypeChange(.date, 1, .string, "1970-01-02"),
    TypeChange(.timestamp(precision: 3), 86_400_000_000, .date, "1970-01-02"),
    TypeChange(.timestamp(precision: 3), 1000, .date, nil),
    TypeChange(.timestamp(precision: 6), 1_000_000, .timestamp(precision: 0), "1970-01-01 00:00:01"),
    TypeChange(.timestamp(precision: 6), 1, .timestamp(precision: 3), nil),
    TypeChange(.timestampLTZ(precision: 0), 0, .timestampLTZ(precision: 3), "1970-01-01 00:00:00.000Z"),
    TypeChange(.timestampLTZ(precision: 0), 0, .timestamp(precision: 0), nil),
    TypeChange(.timestamp(precision: 0), 0, .timestampLTZ(precision: 0), nil),
    TypeChange(.time(precision: 0), -1_000_000, .time(precision: 2), "-00:00:01.00"),
    TypeChange(.time(precision: 3), 1_000_000, .string, "00:00:01.000"),
    TypeChange(.binary(length: 2), .bytes([1, 2]), .binary(length: 4), "01020000"),
    TypeChange(.varbinary(length: 4), .bytes([1, 2, 3]), .binary(length: 2), nil),
    TypeChange(.binary(length: 2), .bytes([1, 2]), .bytes, "0102"),
    TypeChange(.binary(length: 1), .bytes([5]), .binary(length: 2), "0005", bits: true),
    TypeChange(.bytes, .bytes([0x61]), .string, nil), TypeChange(.string, "a", .bytes, nil),
    TypeChange(.int, nil, .bytes, nil as String?),
  ]
}

@Suite("sqlite sink: changes of type") struct SQLiteTypeChangeTests {
  @Test("an existing value becomes the same value of the new type, or the change is refused", arguments: TypeChange.all)
  func existing(_ item: TypeChange) throws {
    let probe = try SQLiteProbe()
    let table = SinkTestTable("t", [("id", .required(.int)), ("v", item.from)], key: ["id"])
    let change = SchemaChange.alterColumnType([.init(Column(name: "v", type: item.to), oldType: item.from)])
    let next = try table.applying(change)
    let applier = try probe.makeSink().openSchemaApplier()
    defer { applier.close() }
    try applier.apply(.createTable(table.schema), to: table.id, resulting: table.schema)
    let writer = try probe.makeSink().openWriter(AttemptID(pipeline: "p", split: 1, attempt: 1))
    defer { writer.close() }
    var batch = RowBatch()
    batch.reset(schema: table.source)
    SinkTestRow.insert([1, item.value]).append(to: &batch)
    try writer.write(batch, to: table.sink)
    let progress = SplitProgress(offset: Offset("o"), rows: 1, bytes: 1, isFinal: true)
    #expect(try writer.commit(writer.prepare(progress)) == .committed)

    let before = try probe.rows(of: table.id, schema: table.schema)
    if item.wanted == nil && item.value != .null {
      expectError(.rejected) { try applier.apply(change, to: table.id, resulting: next.schema) }
      #expect(try probe.rows(of: table.id, schema: table.schema) == before)
    } else {
      for _ in 0..<2 { try applier.apply(change, to: table.id, resulting: next.schema) }
      #expect(try probe.rows(of: table.id, schema: next.schema) == [["1", item.wanted]])
    }
  }
}
