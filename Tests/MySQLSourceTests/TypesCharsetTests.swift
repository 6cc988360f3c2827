import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Every character set of the servers: text must come out of snapshot and log as the server itself converts it.
@Suite struct TypesCharsetTests {
  /// The UTF-8 of 256 code points, without surrogates, in hexadecimal.
  private static func block(_ start: UInt32) -> String {
    let digits = Array("0123456789abcdef")
    var text = ""
    for code in start..<(start + 256) {
      guard let scalar = Unicode.Scalar(code) else { continue }
      for byte in String(Character(scalar)).utf8 {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
    }
    return text
  }

  private static func charsets(_ fixture: SourceConnection) throws -> [String] {
    try fixture.query("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS").compactMap { $0[0] }
      .filter { $0 != "binary" && $0 != "filename" }.sorted()
  }

  /// Inserts every code point of the blocks in every character set that has it; what it has not becomes '?'.
  private func fill(_ paths: BothPaths, _ charsets: [String], blocks: [UInt32]) throws {
    try paths.execute("CREATE TABLE source (id INT PRIMARY KEY, c TEXT CHARACTER SET utf8mb4)")
    for part in stride(from: 0, to: blocks.count, by: 64) {
      let rows = blocks[part..<min(part + 64, blocks.count)].map { "(\($0), _utf8mb4 x'\(Self.block($0 * 256))')" }
      try paths.execute("INSERT INTO source VALUES \(rows.joined(separator: ", "))")
    }
    let list = charsets.map { "CONVERT(c USING \($0))" }.joined(separator: ", ")
    try paths.execute("INSERT IGNORE INTO t SELECT id, \(list) FROM source ORDER BY id")
  }

  private func check(on kind: ServerKind, _ charsets: [String], blocks: [UInt32]) throws {
    let columns = charsets.map { "c_\($0) TEXT CHARACTER SET \($0)" }.joined(separator: ", ")
    let paths = try BothPaths(
      "charsets", on: kind, options: ["tables": "charsets_\\.*.t"], create: "id INT PRIMARY KEY, \(columns)")
    try fill(paths, charsets, blocks: blocks)
    let truth = try paths.connection.query(
      "SELECT id, \(charsets.map { "CONVERT(c_\($0) USING utf8mb4)" }.joined(separator: ", ")) FROM t ORDER BY id")
    let rows = try paths.rows()
    try #require(rows.count == blocks.count)
    for (row, server) in zip(rows, truth) {
      for (index, charset) in charsets.enumerated() where row.values[index + 1] != server[index + 1] {
        Issue.record("\(kind), \(charset), block \(server[0] ?? "")")
      }
    }
    // Something must have been converted.
    let characters = Set(rows.flatMap { $0.values.dropFirst() }.compactMap { $0 }.joined().unicodeScalars)
    #expect(characters.count > blocks.count * 100)
  }

  @Test(arguments: SourceServer.available) func everyCodePointOfTheBasicPlane(on kind: ServerKind) throws {
    let charsets = try Self.charsets(try SourceFixture("names", on: kind).connection())
    #expect(charsets.count >= 39)
    try check(on: kind, charsets, blocks: Array(0..<256).filter { !(0xd8..<0xe0).contains($0) })
  }

  @Test(arguments: SourceServer.available) func supplementaryPlanes(on kind: ServerKind) throws {
    let all = try Self.charsets(try SourceFixture("names", on: kind).connection())
    let charsets = ["utf8mb4", "utf16", "utf16le", "utf32", "gb18030"].filter(all.contains)
    try check(on: kind, charsets, blocks: Array(0x100..<0x320) + [0xe00, 0xe01, 0xf00, 0xfff, 0x1000, 0x10ff])
  }

  @Test(arguments: SourceServer.available) func fixedLengthsAndBlanks(on kind: ServerKind) throws {
    let charsets = [
      "ucs2", "utf16", "utf16le", "utf32", "gbk", "sjis", "ujis", "euckr", "big5", "cp1251", "latin2", "tis620",
    ]
    let columns = charsets.map { "c_\($0) CHAR(20) CHARACTER SET \($0), v_\($0) VARCHAR(300) CHARACTER SET \($0)" }
    let paths = try BothPaths("blanks", on: kind, create: "id INT PRIMARY KEY, \(columns.joined(separator: ", "))")
    for (id, text) in ["", "  x  ", "ab", " ", "abc~ 123"].enumerated() {
      let values = charsets.map { _ in "'\(text)', '\(text)'" }.joined(separator: ", ")
      try paths.execute("INSERT INTO t VALUES (\(id), \(values))")
    }
    #expect(try paths.values("c_utf16le") == ["", "  x", "ab", "", "abc~ 123"])
    #expect(try paths.values("v_ujis")[1] == "  x  ")
  }

  @Test(arguments: SourceServer.available) func whatIsNoCharacterIsRefused(on kind: ServerKind) throws {
    for (charset, bytes) in [
      ("gbk", "61fefe"), ("sjis", "8540"), ("cp1250", "4181"), ("euckr", "c9a1"), ("greek", "ff"),
    ] {
      let paths = try BothPaths(
        "refused", on: kind, create: "id INT PRIMARY KEY, c VARCHAR(20) CHARACTER SET \(charset)")
      try paths.execute("INSERT INTO t VALUES (7, _\(charset) x'\(bytes)')")
      for error in try paths.errors() {
        #expect(error.kind == .unsupported && error.table == paths.table)
        #expect(error.message.contains("column c") && error.message.contains(charset), "\(error)")
        #expect(error.message.contains("id="), "\(error)")
      }
    }
  }

  @Test func invalidUnits() throws {
    let schema = RowSchema(
      table: TableID(table: "t"), version: 1,
      schema: TableSchema(columns: [Column(name: "x", type: DataType(.string))], primaryKey: []))
    func convert(_ charset: MySQLCharset, _ hex: String) throws -> String? {
      var batch = RowBatch()
      batch.reset(schema: schema)
      batch.beginRow(.insert)
      let converter = try #require(TextConverter.builtIn(charset))
      let failure = hexBytes(hex).withUnsafeBytes { converter.set(0, bytes: $0, in: &batch) }
      batch.endRow()
      return failure == nil ? batch.row(at: 0).text(0) : nil
    }
    #expect(try convert(.utf16, "0041d83dde00") == "A😀")
    #expect(try convert(.utf16le, "41003dd800de") == "A😀")
    #expect(try convert(.utf32, "000000410001f600") == "A😀")
    #expect(try convert(.latin1, "41e480") == "Aä€")
    for (charset, hex) in [
      (MySQLCharset.utf16, "d83d"), (.utf16, "d83d0041"), (.utf16, "de00"), (.utf16, "00"), (.ucs2, "d83dde00"),
      (.utf32, "00110000"), (.utf32, "0000d800"), (.utf32, "000041"), (.utf16le, "00de"),
    ] {
      #expect(try convert(charset, hex) == nil)
    }
  }
}
