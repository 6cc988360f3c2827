import Testing

@testable import Connector

@Suite struct OptionTextTests {
  @Test(
    arguments: [
      ("0", 0), ("15", 15), ("500 ms", 500), ("500ms", 500), ("30s", 30_000), ("30 SEC", 30_000), ("2 min", 120_000),
      ("2m", 120_000), ("1h", 3_600_000), ("1 d", 86_400_000), (" 7 days", 604_800_000), ("1 hour", 3_600_000),
      ("", nil), ("s", nil), ("-1s", nil), ("1.5s", nil), ("5 pounds", nil), ("9223372036854775807 d", nil),
      ("99999999999999999999", nil), ("٣s", nil),
    ] as [(String, Int64?)])
  func durations(text: String, expected: Int64?) {
    #expect(OptionText.milliseconds(text) == expected)
  }

  @Test(
    arguments: [
      ("0", 0), ("17", 17), ("17b", 17), ("1k", 1024), ("512kb", 524_288), ("64mb", 67_108_864), ("64 MB", 67_108_864),
      ("1 gb", 1_073_741_824), ("2t", 2_199_023_255_552), ("1 mebibytes", 1_048_576), ("", nil), ("mb", nil),
      ("-1", nil), ("1.5mb", nil), ("1 pb", nil), ("9000000000 gb", nil),
    ] as [(String, Int?)])
  func sizes(text: String, expected: Int?) {
    #expect(OptionText.bytes(text) == expected)
  }
}

@Suite struct OptionsTests {
  private let options = Options(
    [
      "a": "text", "number": "-5", "flag": "TRUE", "wait": "2 s", "room": "1k", "jdbc.x": "1", "jdbc.y.z": "2",
    ],
    specs: [
      OptionSpec("a", .text, default: "other", ""), OptionSpec("b", .text, default: "standard", ""),
      OptionSpec("c", .text, ""),
    ])

  @Test func valuesAndDefaults() throws {
    #expect(options["a"] == "text" && options["b"] == "standard" && options["c"] == nil)
    #expect(options.given.contains("a") && !options.given.contains("b"))
    #expect(try options.text("b") == "standard")
    #expect(try options.integer("number") == -5)
    #expect(try options.boolean("flag"))
    #expect(try options.milliseconds("wait") == 2000)
    #expect(try options.bytes("room") == 1024)
    #expect(options.group("jdbc.") == ["x": "1", "y.z": "2"])
  }

  @Test func wrongValues() {
    #expect(throws: ConnectorError(.configuration, "option c is missing")) { try options.text("c") }
    #expect(throws: ConnectorError(.configuration, "option a is not an integer: text")) { try options.integer("a") }
    #expect(throws: ConnectorError.self) { try options.boolean("a") }
    #expect(throws: ConnectorError.self) { try options.milliseconds("a") }
    #expect(throws: ConnectorError.self) { try options.bytes("a") }
  }
}
