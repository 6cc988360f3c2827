import Connector
import Testing

@testable import Pipeline

private func seal(_ text: String) throws(DefinitionError) -> SealedDefinition {
  try PipelineDefinition.seal(text, file: "shop.yaml", registry: registry)
}

@Suite struct SealTests {
  private static let values: ValueResolver = resolver(
    ["PW": "env-password", "T": "mysql", "HOST": "env-host"], files: ["/p \"q\\": "file-password"])

  /// The value of a password as it may stand in a block, and what the sealed text has there.
  @Test(arguments: [
    ("hunter2-seal", "\"${secret:source.password}\""),
    ("'hunter2-seal'", "\"${secret:source.password}\""),
    ("\"hunter2-\\\n    seal\"", "\"${secret:source.password}\"\n"),
    ("'hunter2-seal''s'   # the old one was hunter2-seal", "\"${secret:source.password}\"   "),
    ("hunter2-seal\n    continued", "\"${secret:source.password}\"\n"),
    ("&pw hunter2-seal", "&pw \"${secret:source.password}\""),
    ("!!str hunter2-seal", "\"${secret:source.password}\""),
    ("|\n    hunter2-seal", "\"${secret:source.password}\"\n"),
    ("|-  # hunter2-seal\n    hunter2-seal\n    two\n", "\"${secret:source.password}\"\n\n\n"),
    (">+\n    hunter2-seal\n\n", "\"${secret:source.password}\"\n\n\n"),
    ("${env:PW}", "${env:PW}"),
    ("'${file:/p \"q\\}'", "'${file:/p \"q\\}'"),
    ("hunter2-seal${env:PW}hunter2-seal", "\"${secret:source.password}${env:PW}${secret:source.password#2}\""),
    ("'hunter2-seal${file:/p \"q\\}'", "\"${secret:source.password}${file:/p \\\"q\\\\}\""),
    ("hunter2-seal$${env:PW}", "\"${secret:source.password}\""),
    ("\\*hunter2-seal", "\"${secret:source.password}\""),
    ("größe-hunter2-seal-😀", "\"${secret:source.password}\""),
    ("''", "''"),
    ("x", "\"${secret:source.password}\""),
  ])
  func blockStyle(password: String, expected: String) throws {
    func text(_ password: String) -> String {
      "source: # größe 😀 hunter2-seal\n  type: mysql\n  hostname: é#1\n  password: \(password)\n  username: cdc\n  tables: a.b\n"
        + "  jdbc.properties.x: 1\nsink: {type: values}\n"
    }
    let sealed = try seal(text(password))
    #expect(sealed.text == text(expected).replacing("# größe 😀 hunter2-seal", with: ""))
    #expect(!sealed.text.contains("hunter2"))
    try expectSame(text(password), sealed)
  }

  @Test func flowStyle() throws {
    let text = """
      {source: {type: mysql, hostname: h, username: cdc, "password":hunter2-seal, tables: a.b, debezium.a.password: "hunter2",
        debezium.b: hunter}, sink: {type: sqlite, path: p, token: 'hunter2,' }, pipeline: {name: n}}
      """
    let sealed = try seal(text)
    #expect(
      sealed.text == """
        {source: {type: mysql, hostname: h, username: cdc, "password":"${secret:source.password}", tables: a.b, \
        debezium.a.password: "${secret:source.debezium.a.password}",
          debezium.b: hunter}, sink: {type: sqlite, path: p, token: "${secret:sink.token}" }, pipeline: {name: n}}
        """)
    #expect(
      sealed.secrets == [
        "source.password": "hunter2-seal", "source.debezium.a.password": "hunter2", "sink.token": "hunter2,",
      ])
    try expectSame(text, sealed)
  }

  @Test func aliases() throws {
    let text = """
      source: {type: mysql, hostname: h, username: &u hunter2-seal, password: *u, tables: a.b}
      sink: {type: sqlite, path: p, token: *u}
      """
    let sealed = try seal(text)
    #expect(
      sealed.text == """
        source: {type: mysql, hostname: h, username: &u "${secret:source.password}", password: *u, tables: a.b}
        sink: {type: sqlite, path: p, token: *u}
        """)
    try expectSame(text, sealed)
  }

  @Test func typeBehindAReference() throws {
    let text =
      "source: {type: '${env:T}', hostname: h, username: u, password: hunter2-seal, tables: a.b}\n"
      + "sink: {type: values}"
    let sealed = try seal(text)
    #expect(sealed.secrets == ["source.password": "hunter2-seal"])
    try expectSame(text, sealed)
  }

  @Test func byteOrderMarkAndLineEnds() throws {
    let text = "\u{feff}" + base.replacing("\n", with: "\r\n") + "# hunter2-base\r\npipeline: {name: x}\r\n"
    let sealed = try seal(text)
    #expect(!sealed.text.contains("hunter2-base") && sealed.text.contains("name: x"))
    try expectSame(text, sealed)
  }

  @Test(arguments: [
    (withSource("tables.exclude: ${secret:source.password}"), "7:19: source.tables.exclude: `${secret:…}` belongs to"),
    (base + "route: [{a: '${secret:x}'}]", "9:13: route[0].a: `${secret:…}` belongs to"),
    (base.replacing("password", with: "passwort"), "5:3: source.passwort: unknown option"),
    (base.replacing("hunter2-base", with: "[hunter2-base]"), "5:13: source.password: a list stands where"),
    ("a: [", "1:5: YAML"), ("source: 1", "1:9: source: a single value stands"),
  ])
  func refused(text: String, message: String) throws {
    let error = try #require(throws: DefinitionError.self) { try seal(text) }
    #expect(error.description.hasPrefix("shop.yaml:\(message)"), "\(error)")
    #expect(!error.description.contains("hunter2"))
  }

  /// Passwords of random characters, in every style that can carry them.
  @Test(arguments: 0..<6 as Range<UInt64>)
  func randomSecrets(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let alphabet = Array("ab #:'\"{}[],&*!|>%@`\\-?=~$é😀\u{301}\t").map(String.init)
    var sealings = 0
    for _ in 0..<150 {
      let secret = (0...Int.random(in: 0..<12, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? ""
      }
      .joined()
      let single = "'\(secret.replacing("'", with: "''"))'"
      let double = "\"\(secret.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
      for written in [secret, single, double, "|-\n    \(secret)"] {
        for text in [
          base.replacing("hunter2-base", with: written),
          "{source: {type: mysql, hostname: h, username: u, password: \(written), tables: a.b}, sink: {type: values}}",
        ] {
          guard let definition = try? parse(text, Self.values) else { continue }
          let sealed = try seal(text)
          sealings += 1
          let again = try parse(sealed.text, Self.values.with(secrets: sealed.secrets))
          #expect(again == definition, "\(text)\n\(sealed.text)")
        }
      }
    }
    #expect(sealings > 300)
  }

  private func expectSame(_ text: String, _ sealed: SealedDefinition) throws {
    let original = try parse(text, Self.values)
    let unsealed = try parse(sealed.text, Self.values.with(secrets: sealed.secrets))
    #expect(original == unsealed)
  }
}
