import Connector
import Testing

@testable import Pipeline

/// Texts that somebody wrote to do harm, and texts that nobody wrote.
@Suite struct HostileYAMLTests {
  private static func nested(_ open: String, _ close: String, _ depth: Int) -> String {
    "a: " + String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
  }

  static let texts: [(String, String)] = [
    (nested("[", "]", 64), "nested more than 64 levels"),
    (nested("[", "]", 100_000), "nested more than 64 levels"),
    (nested("{b: ", "}", 64), "nested more than 64 levels"),
    (String(repeating: "[", count: 500_000), "nested more than 64 levels"),
    (String(repeating: "- ", count: 100_000) + "a", "nested more than 64 levels"),
    (String(repeating: "? ", count: 100_000) + "a", "nested more than 64 levels"),
    ("a: [" + String(repeating: "1,", count: 400_000) + "]", "too many values"),
    (String(repeating: "a", count: (1 << 20) + 1), "larger than 1 MiB"),
    ("a: \u{0}", "control characters"),
    ("\u{0}", "control characters"),
    ("a: \u{1b}[31m", "control characters"),
    ("a: \"\\uD800\"", "YAML: "),
    ("a: \"\\U00110000\"", "YAML: "),
    ("a: 1\n...\nb: 2", "did not find expected <document start>"),
    ("%YAML 9.9\n---\na: b", "YAML: "),
  ]

  @Test(arguments: texts.indices)
  func refuses(index: Int) throws {
    let (text, message) = Self.texts[index]
    let error = try #require(throws: DefinitionError.self) { try YAMLComposer.compose(text, file: "f") }
    #expect(error.message.contains(message), "\(error)")
  }

  @Test func nestingUpToTheBound() throws {
    let root = try YAMLComposer.compose(Self.nested("[", "]", 63), file: "f")
    #expect(root.weight == 66)
  }

  @Test func aliasBomb() throws {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...20 {
      text += "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
    }
    let error = try #require(throws: DefinitionError.self) { try YAMLComposer.compose(text, file: "f") }
    #expect(error.message == "aliases make the document too large" && error.line == 5)
  }

  @Test func aliasesDoNotNestBeyondTheBound() throws {
    var text = "a0: &a0 [[[[[[[[[[1]]]]]]]]]]\n"
    for level in 1...10 { text += "a\(level): &a\(level) [[[[[[[[[[*a\(level - 1)]]]]]]]]]]\n" }
    let error = try #require(throws: DefinitionError.self) { try YAMLComposer.compose(text, file: "f") }
    #expect(error.message == "aliases nest too deeply")
  }

  @Test func hugeScalars() throws {
    let huge = String(repeating: "x", count: 1_000_000)
    #expect(try parse(withSource("debezium.x: \(huge)")).sourceOptions["debezium.x"]?.utf8.count == 1_000_000)
    let message = try #require(complaint(withSource("port: \(huge)")))
    #expect(message.utf8.count < 200, "\(message.prefix(300))")
    let key = try #require(complaint(withSource("? \(huge.prefix(900))\n  : 1")))
    #expect(key.utf8.count < 300, "\(key.prefix(400))")
  }

  @Test func controlCharactersAreNotShown() throws {
    let message = try #require(complaint(withSource("port: \"\\e[31m\\n\"")))
    #expect(message == "shop.yaml:7:9: source.port: \"\\u{1B}[31m\\n\" is not an integer")
  }

  @Test func treeHasPlaces() throws {
    let root = try YAMLComposer.compose("é: [ü, \"😀\" ]\nb:\n  - |\n   x\n", file: "f")
    guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[0].value.content else {
      Issue.record("no mapping")
      return
    }
    #expect(items.map(\.text) == ["ü", "😀"])
    #expect(items.map(\.start) == [YAMLMark(line: 1, column: 5, offset: 4), YAMLMark(line: 1, column: 8, offset: 7)])
    #expect(items.map(\.end.offset) == [5, 10])
    #expect(entries[1].keyNode.start == YAMLMark(line: 2, column: 1, offset: 13))
  }

  /// Pieces of YAML in any order, and good files with damage: an answer or an error with a place, never a trap; and
  /// what parses can be sealed without changing its meaning.
  @Test(arguments: 0..<10 as Range<UInt64>)
  func randomTexts(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "source", "sink", "route", "pipeline", "type", "mysql", "values", "password", "hostname", ": ", ":", "\n", "\n  ",
      "- ", "[", "]", "{", "}", ", ", "'", "\"", "|", ">", "&a ", "*a", "!!str ", "#", "?", "%", "---\n", "...\n", "~",
      "${env:A}", "${", "}", "\\*", "\t", "é", "\u{feff}", "\u{0}", "x",
    ]
    for _ in 0..<300 {
      let text = (0...Int.random(in: 0..<40, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      _ = try check(text)
    }
    let good = Array(
      (withSource("debezium.x: &x \"y\"", "jdbc.properties.a: *x", "buffer: 5mb")
        + "# note\nroute: [{source-table: a.(b), sink-table: c.$1}]\npipeline: {parallelism: 2}\n").utf8)
    var accepted = 0
    for _ in 0..<300 {
      var bytes = good
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0x30...0x7a, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(contentsOf: Array(" \n:-[]{}'\"#&*!".utf8).shuffled(using: &random).prefix(2), at: place)
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &random))
        }
      }
      if try check(String(decoding: bytes, as: UTF8.self)) { accepted += 1 }
    }
    #expect(accepted > 5)
  }

  /// Whether the text was accepted.
  private func check(_ text: String) throws -> Bool {
    let resolver = resolver(["A": "value-of-a"])
    do throws(DefinitionError) {
      let definition = try parse(text, resolver)
      let sealed: SealedDefinition
      do throws(DefinitionError) {
        sealed = try PipelineDefinition.seal(text, file: "shop.yaml", registry: registry)
      } catch {
        Issue.record("\(error)\n\(text)")
        return true
      }
      let unsealed = try parse(sealed.text, resolver.with(secrets: sealed.secrets))
      #expect(unsealed == definition, "\(text)\n\(sealed.text)")
      return true
    } catch {
      #expect(error.line >= 1 && error.column >= 1 && !error.message.isEmpty)
      return false
    }
  }
}
