import Connector
import Model

extension SinkConformance {
  private struct Edge {
    var type: DataType.Kind
    var values: [(SinkTestValue, String)]
    init(_ type: DataType.Kind, _ values: [(SinkTestValue, String)]) {
      self.type = type
      self.values = values
    }
  }

  private static let numbers: [Edge] = [
    Edge(.boolean, [(0, "false"), (1, "true")]),
    Edge(.tinyint, [(-128, "-128"), (127, "127")]),
    Edge(.smallint, [(-32768, "-32768"), (32767, "32767")]),
    Edge(.int, [(-2_147_483_648, "-2147483648"), (2_147_483_647, "2147483647"), (0, "0")]),
    Edge(
      .bigint,
      [
        (.integer(.min), "-9223372036854775808"), (.integer(.max), "9223372036854775807"),
        (9_007_199_254_740_993, "9007199254740993"),
      ]),
    Edge(
      .float,
      [
        (.float(0.1), "0.1"), (.float(.greatestFiniteMagnitude), "3.4028235e+38"),
        (.float(.leastNonzeroMagnitude), "1e-45"),
        (.float(-2.5), "-2.5"), (.float(16_777_216), "16777216.0"),
      ]),
    Edge(
      .double,
      [
        (.double(0.1), "0.1"), (.double(.greatestFiniteMagnitude), "1.7976931348623157e+308"),
        (.double(.leastNonzeroMagnitude), "5e-324"), (.double(-2.5), "-2.5"), (.double(1e15), "1000000000000000.0"),
        (.double(1e16), "1e+16"),
        (.double(9_007_199_254_740_992), "9007199254740992.0"),
      ]),
    Edge(.decimal(precision: 20, scale: 0), [("18446744073709551615", "18446744073709551615"), ("0", "0")]),
    Edge(.decimal(precision: 10, scale: 2), [("-0.01", "-0.01"), ("10.00", "10.00"), ("99999999.99", "99999999.99")]),
    Edge(
      .decimal(precision: 65, scale: 30),
      [
        (
          "-99999999999999999999999999999999999.999999999999999999999999999999",
          "-99999999999999999999999999999999999.999999999999999999999999999999"
        )
      ]),
  ]

  private static let times: [Edge] = [
    Edge(.date, [(0, "1970-01-01"), (-719_162, "0001-01-01"), (2_932_896, "9999-12-31"), (11_016, "2000-02-29")]),
    Edge(
      .time(precision: 0),
      [
        (-3_020_399_000_000, "-838:59:59"), (3_020_399_000_000, "838:59:59"), (0, "00:00:00"),
        (64_822_000_000, "18:00:22"),
      ]),
    Edge(.time(precision: 3), [(64_822_123_000, "18:00:22.123"), (-1000, "-00:00:00.001")]),
    Edge(.time(precision: 6), [(1, "00:00:00.000001"), (-1, "-00:00:00.000001"), (500_000, "00:00:00.500000")]),
    Edge(
      .timestamp(precision: 0),
      [(-30_610_224_000_000_000, "1000-01-01 00:00:00"), (253_402_300_799_000_000, "9999-12-31 23:59:59")]),
    Edge(.timestamp(precision: 3), [(1_595_008_822_100_000, "2020-07-17 18:00:22.100")]),
    Edge(
      .timestamp(precision: 6),
      [(253_402_300_799_999_999, "9999-12-31 23:59:59.999999"), (-1, "1969-12-31 23:59:59.999999")]),
    Edge(.timestampLTZ(precision: 0), [(2_147_483_647_000_000, "2038-01-19 03:14:07Z"), (0, "1970-01-01 00:00:00Z")]),
    Edge(.timestampLTZ(precision: 6), [(1_000_001, "1970-01-01 00:00:01.000001Z")]),
  ]

  private static let texts: [Edge] = [
    Edge(
      .varchar(length: 100),
      [
        "", " a ", "123", "1e5", "0x1F", "00012", "NULL", "-0", "3.0", "true", "ünïcode 🦀 漢字", "a\u{0}b\u{0}",
        "' \" ; -- \\ ` ?1 $x", "line\nbreak\ttab\r",
      ].map { (.text($0), $0) }),
    Edge(.char(length: 3), [("abc", "abc"), ("1", "1")]),
    Edge(.string, [(.text(String(repeating: "long", count: 20_000)), String(repeating: "long", count: 20_000))]),
    Edge(.binary(length: 4), [(.bytes([0, 0xff, 0x10, 0xab]), "00ff10ab")]),
    Edge(.varbinary(length: 10), [(.bytes([]), ""), (.bytes([0x31, 0x32]), "3132"), (.bytes([0]), "00")]),
    Edge(.bytes, [(.bytes(Array(0...255)), (0...255).map { hex(UInt8($0)) }.joined())]),
  ]

  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

  /// Every type at its edges: one table for each, one row for each value, and NULL.
  static let typeCheck = SinkCheck("every type at its edges is carried without loss") { bench in
    for (index, edge) in (numbers + times + texts).enumerated() {
      let table = SinkTestTable("edge\(index)", [("id", .required(.int)), ("v", DataType(edge.type))], key: ["id"])
      try bench.create(table)
      var rows: [SinkTestRow] = [.insert([0, .null])]
      var wanted: [[String?]] = [["0", nil]]
      for (place, value) in edge.values.enumerated() {
        rows.append(.insert([.integer(Int64(place + 1)), value.0]))
        wanted.append(["\(place + 1)", value.1])
      }
      try bench.commit(rows, to: table, split: index)
      if bench.isReadable { try bench.expect(table, wanted, "values of \(edge.type)") }
      guard bench.probe.features.isSuperset(of: [.readable, .keyless]) else { continue }
      let heap = SinkTestTable("heap\(index)", [("v", DataType(edge.type))])
      try bench.create(heap)
      let all: [SinkTestValue] = edge.values.map(\.0) + [.null]
      try bench.commit(all.map { .insert([$0]) }, to: heap, split: 1000 + index)
      try bench.commit(all.map { .delete([$0]) }, to: heap, split: 2000 + index)
      try bench.expect(heap, [], "rows of \(edge.type) that were found again by their values")
    }
  }
}
