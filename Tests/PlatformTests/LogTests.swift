import Foundation
import Platform
import Testing

/// Log settings belong to the whole process: one test at a time.
@Suite("Log lines and secrets", .serialized)
struct LogTests {
  private func lines(_ level: Log.Level, _ format: Log.Format, _ body: (Log) -> Void) -> [String] {
    let seen = Monitor<[String]>([])
    Log.configure(level: level, format: format) { line in seen.withLock { $0.append(line) } }
    body(Log("unit"))
    Log.configure(level: .info, format: .text)
    return seen.withLock { $0 }
  }

  @Test("Text lines: time, level, component, message, fields; values with blanks are quoted")
  func text() throws {
    let lines = lines(.info, .text) { log in
      log.debug("not shown")
      log.info("split committed", ["split": "shop/17#1", "note": "two words", "empty": "", "odd": "a\"b\nc"])
    }
    #expect(lines.count == 1)
    let line = try #require(lines.first)
    #expect(line.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info unit .*/) != nil)
    #expect(line.hasSuffix(#"split committed split=shop/17#1 note="two words" empty="" odd="a\"b\nc""#))
  }

  @Test("JSON lines are JSON, whatever the values are")
  func json() throws {
    let odd = "quote \" backslash \\ control \u{1} \u{7f} line\nend 😀"
    let lines = lines(.debug, .json) { $0.debug("message", ["odd": odd]) }
    let object = try JSONDecoder().decode([String: String].self, from: Data(try #require(lines.first).utf8))
    #expect(object["odd"] == odd)
    #expect(object["level"] == "debug" && object["component"] == "unit" && object["message"] == "message")
  }

  @Test("Levels below the chosen one are not written", arguments: Log.Level.allCases)
  func levels(level: Log.Level) {
    let count = lines(level, .text) { log in
      log.debug("d")
      log.info("i")
      log.warning("w")
      log.error("e")
    }.count
    #expect(count == 4 - level.rawValue)
    #expect(Log.Level(name: level.name) == level)
    #expect(Log.Level(name: "loud") == nil)
  }

  @Test("Times of the log")
  func times() {
    #expect(Log.timestamp(0) == "1970-01-01T00:00:00.000Z")
    #expect(Log.timestamp(951_782_399_999) == "2000-02-28T23:59:59.999Z")
    #expect(Log.timestamp(1_709_164_800_007) == "2024-02-29T00:00:00.007Z")
  }

  @Test("A secret is shown nowhere: alone, inside, twice, beside accents, escaped in a quoted value")
  func secrets() {
    Secrets.register("hunter2-abc")
    Secrets.register("hunter2-abc-longer")
    Secrets.register("qu\"ote\\d pass")
    Secrets.register("xy")
    #expect(Secrets.redact("a hunter2-abc, a hunter2-abc-longer; xy") == "a ***, a ***; xy")
    #expect(Secrets.redact("hunter2-abchunter2-abc") == "******")
    // An accent that follows makes the last letter another character, but the bytes are still there.
    #expect(Secrets.redact("hunter2-abc\u{301}") == "***\u{301}")
    #expect(Secrets.redact("") == "")
    for format in [Log.Format.text, .json] {
      let lines = lines(.info, format) {
        $0.info("connected", ["url": "user:qu\"ote\\d pass@host", "p": "hunter2-abc"])
      }
      #expect(lines.allSatisfy { !$0.contains("ote") && !$0.contains("hunter2") && $0.contains("user:***@host") })
      #expect(lines.count == 1)
    }
  }
}
