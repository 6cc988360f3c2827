import Testing

@testable import Pipeline

/// What users read when something is wrong, word for word.
@Suite struct DefinitionErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var text: String
    var expected: String
    init(_ text: String, _ expected: String) {
      self.text = text
      self.expected = expected
    }
    var testDescription: String { expected }
  }

  static let blocks: [Case] = [
    Case("", "shop.yaml:1:1: the file holds no document"),
    Case("# only a comment\n", "shop.yaml:2:1: the file holds no document"),
    Case("hello", "shop.yaml:1:1: a pipeline file must be a mapping with the keys source and sink, not a single value"),
    Case("- a", "shop.yaml:1:1: a pipeline file must be a mapping with the keys source and sink, not a list"),
    Case("~", "shop.yaml:1:1: a pipeline file must be a mapping with the keys source and sink, not nothing"),
    Case("sink: {type: values}", "shop.yaml:1:1: source: the source block is missing"),
    Case(base + "sinc: {}", "shop.yaml:9:1: sinc: unknown key \"sinc\" (did you mean \"sink\"?)"),
    Case(base + "routes: []", "shop.yaml:9:1: routes: unknown key \"routes\" (did you mean \"route\"?)"),
    Case(base + "something: []", "shop.yaml:9:1: something: unknown key \"something\""),
    Case(base + "transform: [{projection: '*'}]", "shop.yaml:9:1: transform: transform is not supported yet"),
    Case(base + "---\n", "shop.yaml:9:1: a second document begins here; a pipeline file holds exactly one"),
    Case("source: mysql", "shop.yaml:1:9: source: a single value stands where a mapping is wanted"),
    Case("source:\nsink: {}", "shop.yaml:1:8: source: nothing stands where a mapping is wanted"),
    Case("source: {hostname: a}", "shop.yaml:1:1: source.type: the source's type is missing"),
    Case(
      "source: {type: mysq}",
      "shop.yaml:1:16: source.type: \"mysq\" is no known source type; known are mysql (did you mean \"mysql\"?)"
    ),
    Case(
      base.replacing("values", with: "kafka"),
      "shop.yaml:8:9: sink.type: \"kafka\" is no known sink type; known are sqlite, values"
    ),
    Case("source: {type: mysql}", "shop.yaml:1:1: source: required option \"hostname\" is missing"),
  ]

  static let options: [Case] = [
    Case(
      base.replacing("hostname:", with: "hostnam:"),
      "shop.yaml:3:3: source.hostnam: unknown option \"hostnam\" (did you mean \"hostname\"?)"
    ),
    Case(
      withSource("tabels.exclude: x"),
      "shop.yaml:7:3: source.tabels.exclude: unknown option \"tabels.exclude\" (did you mean \"tables.exclude\"?)"
    ),
    Case(withSource("debezium.: x"), "shop.yaml:7:3: source.debezium.: unknown option \"debezium.\""),
    Case(withSource("port: 33o6"), "shop.yaml:7:9: source.port: \"33o6\" is not an integer"),
    Case(withSource("port: 70000"), "shop.yaml:7:9: source.port: \"70000\" is out of range, which is 1 to 65535"),
    Case(withSource("chunk.size: 1"), "shop.yaml:7:15: source.chunk.size: \"1\" is out of range, which is 2 or more"),
    Case(withSource("port: [1]"), "shop.yaml:7:9: source.port: a list stands where a single value is wanted"),
    Case(withSource("port: {a: 1}"), "shop.yaml:7:9: source.port: a mapping stands where a single value is wanted"),
    Case(withSource("port:"), "shop.yaml:7:8: source.port: the value is missing; write '' for an empty text"),
    Case(withSource("port: 1", "port: 2"), "shop.yaml:8:3: key \"port\" occurs twice"),
    Case(
      withSource("schema-change.enabled: yes"),
      "shop.yaml:7:26: source.schema-change.enabled: \"yes\" is neither true nor false"
    ),
    Case(
      withSource("connect.timeout: soon"),
      "shop.yaml:7:20: source.connect.timeout: \"soon\" is no duration, such as 30s or 5 min"
    ),
    Case(withSource("buffer: 3 pounds"), "shop.yaml:7:11: source.buffer: \"3 pounds\" is no size, such as 64mb"),
    Case(
      withSource("scan.startup.mode: snapshto"),
      "shop.yaml:7:22: source.scan.startup.mode: \"snapshto\" is not one of initial, latest-offset, snapshot "
        + "(did you mean \"snapshot\"?)"
    ),
    Case(
      withSource("scan.newly-added-table.enabled: true"),
      "shop.yaml:7:3: source.scan.newly-added-table.enabled: "
        + "option \"scan.newly-added-table.enabled\" is not supported yet"
    ),
    Case(
      withSource("scan.startup.timestamp-millis: 5"),
      "shop.yaml:7:3: source.scan.startup.timestamp-millis: option \"scan.startup.timestamp-millis\" is not supported yet"
    ),
    Case(
      base + "  include.schema.changes: add",
      "shop.yaml:9:27: sink.include.schema.changes: a single value stands where a list is wanted"
    ),
    Case(
      base + "  exclude.schema.changes: [add, drop.tabel]",
      "shop.yaml:9:33: sink.exclude.schema.changes[1]: \"drop.tabel\" is no kind of schema change "
        + "(did you mean \"drop.table\"?)"
    ),
  ]

  static let routes: [Case] = [
    Case(base + "route: {}", "shop.yaml:9:8: route: a mapping stands where a list is wanted"),
    Case(base + "route: [a]", "shop.yaml:9:9: route[0]: a single value stands where a mapping is wanted"),
    Case(base + "route: [{sink-table: a}]", "shop.yaml:9:9: route[0]: required key \"source-table\" is missing"),
    Case(base + "route: [{source-table: a}]", "shop.yaml:9:9: route[0]: required key \"sink-table\" is missing"),
    Case(
      base + "route:\n- {source-table: a, sinktable: b}",
      "shop.yaml:10:21: route[0].sinktable: unknown key \"sinktable\" (did you mean \"sink-table\"?)"
    ),
    Case(
      base + "route:\n- {source-table: a.b, sink-table: c}\n- {source-table: a.b, sink-table: x.$1}",
      "shop.yaml:11:35: route[1].sink-table: sink table \"x.$1\" uses group $1, but source-table has 0; "
        + "put parentheses around what the group shall capture"
    ),
  ]

  static let pipeline: [Case] = [
    Case(base + "pipeline: 1", "shop.yaml:9:11: pipeline: a single value stands where a mapping is wanted"),
    Case(
      base + "pipeline: {paralelism: 2}",
      "shop.yaml:9:12: pipeline.paralelism: unknown option \"paralelism\" (did you mean \"parallelism\"?)"
    ),
    Case(
      base + "pipeline: {parallelism: 0}",
      "shop.yaml:9:25: pipeline.parallelism: \"0\" is out of range, which is 1 to 1024"
    ),
    Case(
      base + "pipeline: {schema.change.behavior: evolv}",
      "shop.yaml:9:36: pipeline.schema.change.behavior: \"evolv\" is not one of exception, evolve, try_evolve, lenient, "
        + "ignore (did you mean \"evolve\"?)"
    ),
    Case(
      base + "pipeline: {commit.interval: 0}",
      "shop.yaml:9:29: pipeline.commit.interval: the duration is out of range, which is 1 ms to 3600 s"
    ),
    Case(
      base + "pipeline: {local-time-zone: 'a b'}",
      "shop.yaml:9:29: pipeline.local-time-zone: the value is no time zone, such as Europe/Paris"
    ),
    Case(
      base + "pipeline: {user-defined-function: [{name: f}]}",
      "shop.yaml:9:12: pipeline.user-defined-function: user-defined-function is not supported yet"
    ),
    Case(base + "pipeline: {model: {name: m}}", "shop.yaml:9:12: pipeline.model: model is not supported yet"),
  ]

  static let references: [Case] = [
    Case(
      withSource("buffer: ${env:NOT_THERE}"),
      "shop.yaml:7:11: source.buffer: environment variable NOT_THERE is not set"
    ),
    Case(withSource("buffer: ${file:/no}"), "shop.yaml:7:11: source.buffer: cannot open file /no"),
    Case(withSource("buffer: ${env:A B}"), "shop.yaml:7:11: source.buffer: `${env:…}` needs the name of a variable"),
    Case(
      withSource("buffer: '${env:'"),
      "shop.yaml:7:11: source.buffer: a reference that begins with `${` has no closing brace "
        + "(write `$${` for a literal `${`)"
    ),
    Case(
      withSource("buffer: ${BUFFER}"),
      "shop.yaml:7:11: source.buffer: a reference must be `${env:NAME}` or `${file:PATH}` "
        + "(write `$${` for a literal `${`)"
    ),
    Case(
      withSource("buffer: ${secret:a}"),
      "shop.yaml:7:11: source.buffer: `${secret:…}` belongs to sealed definitions; use `${env:NAME}` or `${file:PATH}`"
    ),
  ]

  static let yaml: [Case] = [
    Case("a: b: c", "shop.yaml:1:5: YAML: mapping values are not allowed in this context"),
    Case(
      "source:\n  type: mysql\n hostname: x",
      "shop.yaml:3:2: YAML: while parsing a block mapping, did not find expected key (begun on line 1)"
    ),
    Case("a: [1, 2", "shop.yaml:1:9: YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
    Case("a: \"b", "shop.yaml:1:6: YAML: while scanning a quoted scalar, found unexpected end of stream"),
    Case(
      "a: @b", "shop.yaml:1:4: YAML: while scanning for the next token, found character that cannot start any token"),
    Case("a: *b", "shop.yaml:1:4: alias of an unknown anchor; a text that begins with `*` must be quoted"),
    Case("a: !b c", "shop.yaml:1:4: YAML tags are not supported; a text that begins with `!` must be quoted"),
    Case("a: !b [c]", "shop.yaml:1:4: YAML tags are not supported"),
    Case("? [a]\n: b", "shop.yaml:1:3: a key must be a single, non-empty text"),
    Case("~: b", "shop.yaml:1:1: a key must be a single, non-empty text"),
    Case("é: ü\u{0}", "shop.yaml:1:5: YAML: control characters are not allowed"),
    Case("a: \"b\\0c\"", "shop.yaml:1:4: the value holds a NUL character"),
    Case("%TAG ! tag:x,2000:\n---\na: b", "shop.yaml:1:1: YAML tag directives are not supported"),
    Case("a: &x [*x]", "shop.yaml:1:8: alias of an unknown anchor; a text that begins with `*` must be quoted"),
  ]

  @Test(arguments: [blocks, options, routes, pipeline, references, yaml].flatMap(\.self))
  func message(_ example: Case) {
    #expect(complaint(example.text) == example.expected)
  }

  @Test func strangeKeys() {
    #expect(
      complaint(withSource("hostname db2: x"))
        == "shop.yaml:7:3: source.hostname…: unknown option \"hostname…\" (did you mean \"hostname\"?)")
    #expect(complaint(withSource("\"a\\eb\": x")) == "shop.yaml:7:3: source.a\\u{1B}b: unknown option \"a\\u{1B}b\"")
    #expect(complaint(withSource("\"\\e\": x", "\"\\e\": x")) == "shop.yaml:8:3: key \"\\u{1B}\" occurs twice")
  }

  @Test func parts() throws {
    let error = try #require(throws: DefinitionError.self) { try parse(withSource("prot: 1")) }
    #expect(
      error
        == DefinitionError(
          file: "shop.yaml", line: 7, column: 3, path: "source.prot", message: "unknown option \"prot\"",
          suggestion: "port"))
  }

  @Test(
    arguments: [
      ("prot", "port"), ("Port", "port"), ("pasword", "password"), ("completely-other", nil), ("x", nil),
    ] as [(String, String?)])
  func nearestName(typed: String, expected: String?) {
    #expect(NearestName.of(typed, among: FakeSource.options.map(\.key)) == expected)
  }

  @Test(arguments: [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("ab", "ba", 1), ("kitten", "sitting", 3)])
  func editDistance(left: String, right: String, expected: Int) {
    #expect(NearestName.edits(Array(left), Array(right)) == expected)
  }
}
