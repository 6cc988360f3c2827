import Testing

@testable import MySQLSource

@Suite struct BinlogGTIDTests {
  private static let sources = ["3e11fa47-71ca-11e1-9e33-c80aa9429562", "00000000-0000-0000-0000-000000000001"]

  @Test func canonicalText() throws {
    let text = "3E11FA47-71CA-11E1-9E33-C80AA9429562:5-7:1-3:4,\n 00000000-0000-0000-0000-000000000001:9"
    let set = try GTIDSet(parsing: text)
    #expect(
      set.description == "00000000-0000-0000-0000-000000000001:9,3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7")
    #expect(try GTIDSet(parsing: set.description) == set)
    #expect(try GTIDSet(parsing: "").isEmpty)
    #expect(GTIDSet().description.isEmpty)
  }

  @Test(arguments: [
    "x", "3e11fa47-71ca-11e1-9e33-c80aa9429562", "3e11fa47-71ca-11e1-9e33-c80aa9429562:0",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:5-4", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-2-3",
    "3e11fa47-71ca-11e1-9e33-c80aa942956:1", "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:tag:other:1", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1tag:1",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:a-b:1",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:123456789012345678901234567890a:1",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:9223372036854775808",
  ])
  func malformedSets(_ text: String) {
    #expect(throws: BinlogError.self) { try GTIDSet(parsing: text) }
  }

  /// Against sets of plain numbers.
  @Test(arguments: 0..<50)
  func algebra(_ seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    var sets = [GTIDSet(), GTIDSet()]
    var models: [Set<MySQLGTID>] = [[], []]
    for index in 0..<2 {
      for _ in 0..<Int.random(in: 0...40, using: &generator) {
        let text = Self.sources.randomElement(using: &generator) ?? ""
        let source = try #require(MySQLUUID(text: text))
        let start = Int64.random(in: 1...60, using: &generator)
        let end = start + Int64.random(in: 0...3, using: &generator)
        if start == end {
          sets[index].insert(MySQLGTID(source: source, number: start))
        } else {
          sets[index].insert(start...end, of: source)
        }
        for number in start...end { models[index].insert(MySQLGTID(source: source, number: number)) }
      }
    }
    func members(_ set: GTIDSet) -> Set<MySQLGTID> {
      Set(
        set.intervals.flatMap { source, ranges in ranges.flatMap { $0.map { MySQLGTID(source: source, number: $0) } } })
    }
    #expect(members(sets[0]) == models[0])
    #expect(members(sets[0].union(sets[1])) == models[0].union(models[1]))
    #expect(members(sets[0].subtracting(sets[1])) == models[0].subtracting(models[1]))
    #expect(sets[0].contains(sets[1]) == models[0].isSuperset(of: models[1]))
    #expect(sets[0].union(sets[1]).contains(sets[1]))
    for gtid in models[1] { #expect(sets[0].contains(gtid) == models[0].contains(gtid)) }
    #expect(try GTIDSet(parsing: sets[0].description) == sets[0])
    #expect(try sets[0].encoded().withUnsafeBytes { try GTIDSet(decoding: $0) } == sets[0])
    // Canonical: equal contents, equal text.
    #expect((sets[0].union(sets[1]) == sets[0]) == models[0].isSuperset(of: models[1]))
  }

  @Test func binaryForm() throws {
    let set = try GTIDSet(parsing: "00000000-0000-0000-0000-000000000001:1-3")
    let bytes = set.encoded()
    #expect(
      bytes
        == hexBytes(
          "0100000000000000" + "00000000000000000000000000000001" + "0100000000000000"
            + "0100000000000000" + "0400000000000000"))
    for length in 0..<bytes.count {
      #expect(throws: BinlogError.self) { try bytes[..<length].withUnsafeBytes { try GTIDSet(decoding: $0) } }
    }
    let huge = hexBytes("ffffffffffffff00") + bytes.dropFirst(8)
    #expect(throws: BinlogError.self) { try huge.withUnsafeBytes { try GTIDSet(decoding: $0) } }
  }

  @Test func extremes() throws {
    let all = try GTIDSet(parsing: "\(Self.sources[0]):1-9223372036854775807")
    let part = try GTIDSet(parsing: "\(Self.sources[0]):5-9223372036854775807")
    #expect(all.subtracting(part).description == "\(Self.sources[0]):1-4")
    #expect(part.subtracting(all).isEmpty)
    #expect(all.contains(part))
  }

  @Test func mariaDBPositions() throws {
    var position = try MariaDBGTIDPosition(parsing: "3-1-7,0-1-42")
    #expect(position.description == "0-1-42,3-1-7")
    #expect(position.contains(MariaDBGTID(domain: 0, server: 9, sequence: 42)))
    #expect(!position.contains(MariaDBGTID(domain: 0, server: 1, sequence: 43)))
    #expect(!position.contains(MariaDBGTID(domain: 5, server: 1, sequence: 1)))
    position.advance(to: MariaDBGTID(domain: 0, server: 2, sequence: 43))
    #expect(position.description == "0-2-43,3-1-7")
    #expect(position.contains(try MariaDBGTIDPosition(parsing: "0-1-42")))
    #expect(throws: BinlogError.self) { try MariaDBGTIDPosition(parsing: "0-1") }
  }

  @Test func positionsCompareByNumber() throws {
    let texts = ["binlog.000002:900", "binlog.000010:4", "binlog.999999:4", "binlog.1000000:4", "binlog.1000000:99"]
    let positions = texts.compactMap { BinlogPosition(text: $0) }
    #expect(positions.count == texts.count)
    #expect(positions.shuffled().sorted() == positions)
    #expect(positions.map(\.description) == texts)
    #expect(BinlogPosition(text: "binlog") == nil)
    #expect(BinlogPosition(text: ":4") == nil)
    #expect(BinlogPosition(text: "b:x") == nil)
  }
}
