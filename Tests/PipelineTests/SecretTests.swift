import Connector
import Platform
import Testing

@testable import Pipeline

@Suite struct SecretTests {
  private let environment = [
    "SECRET": "Xsecret-value-1", "OTHER": "Xsecret-value-2", "EMPTY": "", "NUL": "a\u{0}b", "TYPE": "mysql",
  ]

  @Test(arguments: [
    ("${env:SECRET}", "Xsecret-value-1"), ("a${env:SECRET}b", "aXsecret-value-1b"),
    ("${env:SECRET}${env:OTHER}", "Xsecret-value-1Xsecret-value-2"), ("${env:EMPTY}", ""),
    ("[${file:/pw}]", "[from file]"), ("$${env:SECRET}", "${env:SECRET}"), ("$1 $ {", "$1 $ {"), ("a$", "a$"),
    ("é${env:SECRET}\u{301}", "éXsecret-value-1\u{301}"),
  ])
  func references(text: String, expected: String) throws {
    let resolver = resolver(environment, files: ["/pw": "from file"])
    let definition = try parse(withSource("debezium.x: '\(text)'"), resolver)
    #expect(definition.sourceOptions["debezium.x"] == expected)
  }

  @Test func resolvedTextsAreSecrets() throws {
    let definition = try parse(withSource("debezium.x: 'a${env:SECRET}b${env:OTHER}'"), resolver(environment))
    #expect(definition.secrets == ["Xsecret-value-1", "Xsecret-value-2", "hunter2-base"])
    let line = Secrets.redact("say Xsecret-value-2, hunter2-base!")
    #expect(!line.contains("Xsecret-value-2") && !line.contains("hunter2-base") && line.hasPrefix("say ***"))
  }

  @Test func referencesAnywhere() throws {
    let text = """
      source: {type: '${env:TYPE}', name: '${env:SECRET}', hostname: h, username: u, password: p, tables: a.b}
      sink: {type: values, exclude.schema.changes: ['${env:TAG}']}
      route: [{source-table: '${env:TABLE}', sink-table: x.y}]
      pipeline: {parallelism: '${env:N}'}
      """
    let extra = environment.merging(["TAG": "drop", "TABLE": "a.b", "N": "7"]) { $1 }
    let definition = try parse(text, resolver(extra))
    #expect(definition.sourceName == "Xsecret-value-1" && definition.settings.parallelism == 7)
    #expect(definition.excludeSchemaChanges == ["drop"] && definition.routes.map(\.sourceTable) == ["a.b"])
  }

  /// Texts with something secret in the wrong place: the error must come, and must not show it.
  @Test(arguments: [
    withSource("port: ${env:SECRET}"),
    withSource("chunk.size: '1${env:SECRET}'"),
    withSource("connect.timeout: ${env:SECRET}"),
    withSource("buffer: ${env:SECRET}"),
    withSource("schema-change.enabled: ${env:SECRET}"),
    withSource("scan.startup.mode: ${env:SECRET}"),
    base.replacing("type: mysql", with: "type: ${env:SECRET}"),
    base.replacing("type: values", with: "type: ${env:SECRET}"),
    base + "  exclude.schema.changes: ['${env:SECRET}']",
    base + "route: [{source-table: '${env:SECRET}(', sink-table: a.b}]",
    base + "route: [{source-table: a.b, sink-table: '${env:SECRET}.$1'}]",
    base + "route: [{source-table: a.b, sink-table: '<>$1', replace-symbol: '${env:SECRET}'}]",
    base + "pipeline: {name: '/${env:SECRET}'}",
    base + "pipeline: {parallelism: '${env:SECRET}'}",
    base + "pipeline: {local-time-zone: ' ${env:SECRET}'}",
    // Literal secrets.
    base.replacing("hunter2-base", with: "*Xsecret-value-1"),
    base.replacing("hunter2-base", with: "!Xsecret-value-1"),
    base.replacing("hunter2-base", with: "@Xsecret-value-1"),
    base.replacing("hunter2-base", with: "%Xsecret-value-1"),
    base.replacing("hunter2-base", with: "\"Xsecret-value-1"),
    base.replacing("hunter2-base", with: "[Xsecret-value-1]"),
    base.replacing("hunter2-base", with: "{Xsecret-value-1: a}"),
    base.replacing("hunter2-base", with: "Xsecret-value-1: a"),
    base.replacing("hunter2-base", with: "Xsecret-value-1${"),
    base.replacing("hunter2-base", with: "Xsecret-value-1${env:MISSING}"),
    base.replacing("hunter2-base", with: "\"Xsecret-value-1\\0\""),
    base.replacing("  password: hunter2-base", with: "    password: Xsecret-value-1"),
    base.replacing("  password: hunter2-base", with: "  password Xsecret-value-1"),
    base.replacing("password: hunter2-base", with: "passwort: Xsecret-value-1"),
    base.replacing("password: hunter2-base", with: "password Xsecret-value-1: x"),
    base.replacing("password: hunter2-base", with: "password=Xsecret-value-1: x"),
    base.replacing("password: hunter2-base", with: "password:Xsecret-value-1: x"),
    base.replacing("type: mysql\n", with: "type: mysql\n    password=Xsecret-value-1\n"),
    withSource("port: 3306", "  password=Xsecret-value-1"),
    base.replacing("hunter2-base", with: "Xsecret-value-1") + "Xsecret-value-1: {}",
    base.replacing("hunter2-base", with: "Xsecret-value-1") + "pipeline: {parallelism: Xsecret-value-1}",
    base.replacing("hunter2-base", with: "Xsecret-value-1")
      + "route: [{source-table: 'Xsecret-value-1(', sink-table: a}]",
    base.replacing("values", with: "sqlite\n  path: p\n  token: Xsecret-value-1\n  Xsecret-value-1: a"),
    base.replacing("type: mysql", with: "type: nothing").replacing("hunter2-base", with: "Xsecret-value-1")
      + "Xsecret-value-1: a",
  ])
  func errorsShowNoSecret(text: String) throws {
    let error = try #require(throws: DefinitionError.self) { try parse(text, resolver(environment)) }
    #expect(!"\(error)".contains("Xsecret") && error.line >= 1 && error.column >= 1, "\(error)")
    #expect(!"\(error)".contains("secret-value"), "\(error)")
  }

  @Test func warningsShowNoSecret() throws {
    let definition = try parse(
      base.replacing("hunter2-base", with: "Xsecret-value-1").replacing(
        "sink:", with: "  jdbc.properties.Xsecret-value-1: ${env:OTHER}\nsink:"), resolver(environment))
    #expect(definition.warnings == ["shop.yaml:7: source.jdbc.properties.***: ignored: there is no JDBC driver"])
  }

  @Test(arguments: ["debezium.database.password", "debezium.ssl.Keystore.Password", "debezium.api-key"])
  func namesOfSecretsBehindPrefixes(key: String) throws {
    #expect(try parse(withSource("\(key): Xsecret-value-3")).secrets.contains("Xsecret-value-3"))
  }

  @Test func failuresHavePlaces() {
    #expect(
      complaint(withSource("debezium.x: ${env:NUL}"), resolver(environment))
        == "shop.yaml:7:15: source.debezium.x: what `${env:…}` leads to holds a NUL character")
  }

  // MARK: The resolver of a real process

  @Test func liveResolver() throws {
    #expect(ValueResolver.live.environment("PATH") != nil)
    #expect(ValueResolver.live.environment("TIDEGATE_SURELY_NOT_SET") == nil)
    #expect(ValueResolver.live.secret("source.password") == nil)
    #expect(ValueResolver.live.with(secrets: ["a": "b"]).secret("a") == "b")
    let directory = try TemporaryDirectory()
    #expect(try ValueResolver.live.file(directory.write("swordfish\n")) == "swordfish")
    #expect(try ValueResolver.live.file(directory.write("two\n\n")) == "two\n")
    #expect(try ValueResolver.live.file(directory.write("dos\r\n")) == "dos")
    #expect(try ValueResolver.live.file(directory.write("")) == "")
    let large = [UInt8](repeating: 0x61, count: 1 << 20)
    #expect(try ValueResolver.live.file(directory.write(large)).utf8.count == 1 << 20)
    #expect(throws: ConnectorError.self) { try ValueResolver.live.file(directory.write(large + [0x61])) }
    #expect(throws: ConnectorError.self) { try ValueResolver.live.file(directory.write([0xff, 0xfe])) }
    #expect(throws: ConnectorError.self) { try ValueResolver.live.file(directory.path) }
    #expect(throws: ConnectorError.self) { try ValueResolver.live.file("/nonexistent/file") }
    #expect(throws: ConnectorError.self) { try ValueResolver.live.file("/dev/zero") }
  }

  @Test func readingThePipelineFile() throws {
    let directory = try TemporaryDirectory()
    #expect(try PipelineDefinition.read(directory.write(base)) == base)
    let broken = try directory.write(Array("a: é\nbc".utf8) + [0xc3, 0x28])
    let error = try #require(throws: DefinitionError.self) { try PipelineDefinition.read(broken) }
    #expect(error.description == "\(broken):2:3: the file is not UTF-8 text")
    let missing = try #require(throws: DefinitionError.self) { try PipelineDefinition.read("/nonexistent/x.yaml") }
    #expect(missing.message == "cannot open file /nonexistent/x.yaml: No such file or directory")
  }
}
