import Foundation
import Model
import Testing

@Suite("Data types as text")
struct DataTypeTests {
  private static func type(_ random: inout TestRandom, depth: Int = 0) -> DataType {
    let length = random.below(70_000)
    let digits = random.below(10)
    var kinds: [DataType.Kind] = [
      .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .decimal(precision: length, scale: digits), .date,
      .time(precision: digits), .timestamp(precision: digits), .timestampLTZ(precision: digits),
      .char(length: length), .varchar(length: length), .string, .binary(length: length), .varbinary(length: length),
      .bytes,
    ]
    if depth < 4 {
      kinds += [
        .array(type(&random, depth: depth + 1)),
        .map(type(&random, depth: depth + 1), type(&random, depth: depth + 1)),
      ]
    }
    return DataType(random.pick(kinds), nullable: random.below(2) == 0)
  }

  private static func annotation(_ random: inout TestRandom) -> DataType.Annotation {
    let pieces = ["'", "''", ",", "a", "\u{301}", "'\u{301}", "", "日本", "\\", "\n", "e\u{301}"]
    let members = (0..<random.below(5)).map { _ in (0..<random.below(4)).map { _ in random.pick(pieces) }.joined() }
    return random.pick([
      .json, .uuid, .geometry, .unsigned, .year, .bit(random.below(65)), .enumeration(members), .set(members),
    ])
  }

  @Test("Every type survives its text, and JSON", arguments: 1...200)
  func roundTrip(seed: Int) throws {
    var random = TestRandom(seed: seed)
    var type = Self.type(&random)
    #expect(DataType(text: type.description) == type)
    type.annotation = random.below(2) == 0 ? nil : Self.annotation(&random)
    let decoded = try JSONDecoder().decode(DataType.self, from: JSONEncoder().encode(type))
    #expect(decoded == type)
    #expect(
      decoded.annotation?.description.unicodeScalars.elementsEqual(
        type.annotation?.description.unicodeScalars ?? "".unicodeScalars) ?? true)
  }

  @Test("Every annotation survives its text", arguments: 1...200)
  func annotations(seed: Int) {
    var random = TestRandom(seed: seed)
    let annotation = Self.annotation(&random)
    #expect(DataType.Annotation(text: annotation.description) == annotation)
  }

  @Test("Texts that are no type are refused, and never end the process", arguments: 1...200)
  func mutatedTexts(seed: Int) {
    var random = TestRandom(seed: seed)
    var text = Array(Self.type(&random).description.unicodeScalars)
    for _ in 0...random.below(3) {
      let scalar = random.pick(Array("<>(),0 9AN\u{301}²٣'".unicodeScalars))
      switch random.below(3) {
      case 0: text.insert(scalar, at: random.below(text.count + 1))
      case 1: if !text.isEmpty { text.remove(at: random.below(text.count)) }
      default: if !text.isEmpty { text[random.below(text.count)] = scalar }
      }
    }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    // What is read must be what was written.
    if let type = DataType(text: String(view)) { #expect(DataType(text: type.description) == type) }
  }

  @Test(
    "These are no types",
    arguments: [
      "", "INTEGER", "INT ", "INT NULL", "DECIMAL", "DECIMAL(1)", "DECIMAL(1,2", "CHAR(-1)", "CHAR()", "CHAR(x)",
      "CHAR(99999999999999999999)", "ARRAY<>", "ARRAY<INT", "MAP<INT>", "MAP<INT,INT,INT>", "INT NOT NULL NOT NULL",
    ])
  func refused(text: String) {
    #expect(DataType(text: text) == nil)
  }

  @Test("A type that is nested without end is refused, not followed")
  func deepNesting() {
    let depth = 200_000
    #expect(DataType(text: String(repeating: "ARRAY<", count: depth)) == nil)
    let closed = String(repeating: "ARRAY<", count: depth) + "INT" + String(repeating: ">", count: depth)
    #expect(DataType(text: closed) == nil)
    let modest = String(repeating: "ARRAY<", count: 20) + "INT" + String(repeating: ">", count: 20)
    #expect(DataType(text: modest)?.description == modest)
  }

  @Test(
    "An annotation that is not known is an error, not left out", arguments: ["enum:a", "bit:", "jsonb", "set:'a'b"])
  func unknownAnnotations(text: String) {
    #expect(DataType.Annotation(text: text) == nil)
    let json = Data(#"{"type":"INT","annotation":"\#(text)"}"#.utf8)
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(DataType.self, from: json) }
  }
}
