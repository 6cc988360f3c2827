import Model
import TestKit
import Testing

@testable import MySQLSource

/// The text in which the registry keeps a table's keys and default collation.
@Suite struct DDLDefinitionTests {
  private static let names = [
    "id", "a b", "`", "``", "KEY", "PRIMARY KEY", "ünï", "a,b", ")", "(0)", "x'y\"z", "--", "/*", "0",
  ]

  @Test func roundTrip() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      var keys = TableKeys()
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        let name = (Self.names + [TableKeys.primaryName]).randomElement(using: &random) ?? ""
        let kind: KeyDefinition.Kind =
          name == TableKeys.primaryName ? .primary : Int.random(in: 0..<2, using: &random) == 0 ? .unique : .plain
        var parts = (0...Int.random(in: 0..<3, using: &random)).map { _ in
          KeyDefinition.Part(column: Self.names.randomElement(using: &random) ?? "")
        }
        if kind != .plain, Int.random(in: 0..<4, using: &random) == 0 { parts.append(KeyDefinition.Part(column: nil)) }
        keys.add(KeyDefinition(kind: kind, name: name, parts: parts))
      }
      let collation = Int.random(in: 0..<4, using: &random) == 0 ? nil : "utf8mb4_0900_ai_ci"
      let definition = TableDefinition(
        collation: collation, keys: Int.random(in: 0..<9, using: &random) == 0 ? nil : keys)
      let read = TableDefinition(definition.text)
      #expect(read.text == definition.text)
      #expect(read.collation == collation)
      #expect(read.keys.map { Set($0.keys) } == definition.keys.map { Set($0.keys) })
    }
  }

  @Test func whatIsNotUnderstood() {
    #expect(TableDefinition("") == TableDefinition(collation: nil, keys: nil))
    #expect(TableDefinition("()").keys == TableKeys())
    #expect(TableDefinition("(PRIMARY KEY").keys == nil)
    #expect(TableDefinition("(CHECK (a > 1))").keys == nil)
    #expect(TableDefinition("(KEY (a))").keys == nil)
    var random = SeededGenerator(seed: 11)
    let pieces = ["(", ")", "`", "KEY", "UNIQUE", "PRIMARY", ",", "0", "COLLATE", " ", "'", "/*", "é"]
    for _ in 0..<2000 {
      let text = (0..<Int.random(in: 0..<20, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      let read = TableDefinition(text)
      #expect(TableDefinition(read.text).text == read.text)
    }
  }
}
