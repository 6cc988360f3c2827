import Testing

@testable import Terminal

@Suite("Text tables")
struct TextTableTests {
  @Test func alignsColumnsAndEndsLinesWithoutSpaces() {
    var table = TextTable([.left("name"), .right("rows"), .left("state"), .right("eta")])
    table.add(["orders", "1,234", "reading", "4s"])
    table.add(["a", "7", "done", ""])
    table.add(["line_items", "", "", "12s"])
    #expect(
      table.lines(.plain) == [
        "NAME         ROWS  STATE    ETA",
        "orders      1,234  reading   4s",
        "a               7  done",
        "line_items                  12s",
      ])
  }

  @Test func wideCharactersTakeTwoColumns() {
    var table = TextTable([.left("name"), .left("x")])
    table.add(["注文", "1"])
    table.add(["naïve", "2"])
    #expect(table.lines(.plain) == ["NAME   X", "注文   1", "naïve  2"])
  }

  @Test func coloursDoNotCountAsWidth() {
    var table = TextTable([.left("state"), .left("x")])
    table.add([.init("failed", .bad), "1"])
    table.add([.init("ok"), "2"])
    let lines = table.lines(Style(colour: true, bars: false))
    #expect(
      lines == ["\u{1b}[2mSTATE\u{1b}[0m   \u{1b}[2mX\u{1b}[0m", "\u{1b}[31mfailed\u{1b}[0m  1", "ok      2"])
  }

  @Test func shortRowsAreFilled() {
    var table = TextTable([.left("a"), .left("b")])
    table.add(["1"])
    #expect(table.lines(.plain) == ["A  B", "1"])
  }

  @Test(arguments: [
    ("plain", "plain"), ("two\nlines", "two\\nlines"), ("\u{1b}[31mred", "\\u{1b}[31mred"), ("a\tb\r", "a\\tb\\r"),
    ("c1\u{9b}x", "c1\\u{9b}x"), ("rtl\u{202e}x", "rtl\\u{202e}x"), ("ümlaut", "ümlaut"),
  ])
  func controlCharactersBecomeVisible(_ text: String, _ expected: String) {
    #expect(PlainText.visible(text) == expected)
  }

  @Test(arguments: [
    ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("注文書", 5, "注文…"), ("注文書", 4, "注…"), ("abc", 0, ""), ("abc", 1, "…"),
  ])
  func cropping(_ text: String, _ columns: Int, _ expected: String) {
    #expect(PlainText.cropped(text, to: columns) == expected)
    #expect(PlainText.width(PlainText.cropped(text, to: columns)) <= columns)
  }

  @Test func bars() {
    #expect(Style.bar(percent: 0, width: 4) == "[----]")
    #expect(Style.bar(percent: 99.9, width: 4) == "[###-]")
    #expect(Style.bar(percent: 100, width: 4) == "[####]")
    #expect(Style.bar(percent: .nan, width: 4) == "[----]")
    #expect(Style.bar(percent: 1000, width: 4) == "[####]")
  }
}
