import Connector
import Model

@testable import Pipeline

/// A source with an option of every kind.
enum FakeSource: SourceFactory {
  static let type = "mysql"
  static let options: [OptionSpec] = [
    OptionSpec("hostname", .text, required: true, ""),
    OptionSpec("port", .integer(1...65535), default: "3306", ""),
    OptionSpec("username", .text, required: true, ""),
    OptionSpec("password", .text, required: true, secret: true, ""),
    OptionSpec("tables", .text, required: true, ""),
    OptionSpec("tables.exclude", .text, ""),
    OptionSpec("connect.timeout", .duration, default: "30s", ""),
    OptionSpec("buffer", .size, ""),
    OptionSpec("chunk.size", .integer(2...Int.max), default: "8096", ""),
    OptionSpec("schema-change.enabled", .boolean, default: "true", ""),
    OptionSpec("scan.startup.mode", .choice(["initial", "latest-offset", "snapshot"]), default: "initial", ""),
    OptionSpec("connection.pool.size", .integer(1...1000), support: .ignored(reason: "there is no pool"), ""),
    OptionSpec("scan.newly-added-table.enabled", .boolean, default: "false", support: .notYet, ""),
    OptionSpec("scan.startup.timestamp-millis", .integer(0...Int.max), support: .notYet, ""),
    OptionSpec("debezium.", .text, ""),
    OptionSpec("debezium.snapshot.", .text, support: .ignored(reason: "snapshots are read otherwise"), ""),
    OptionSpec("jdbc.properties.", .text, support: .ignored(reason: "there is no JDBC driver"), ""),
  ]
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SourceConnector {
    throw ConnectorError(.unsupported, "a source for tests reads nothing")
  }
}

enum FakeSink: SinkFactory {
  static let type = "sqlite"
  static let options: [OptionSpec] = [
    OptionSpec("path", .text, required: true, ""),
    OptionSpec("token", .text, secret: true, ""),
    OptionSpec("table.create.properties.", .text, ""),
  ]
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    throw ConnectorError(.unsupported, "a sink for tests writes nothing")
  }
}

enum FakeValues: SinkFactory {
  static let type = "values"
  static let options: [OptionSpec] = []
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    throw ConnectorError(.unsupported, "a sink for tests writes nothing")
  }
}

let registry = ConnectorRegistry(sources: [FakeSource.self], sinks: [FakeSink.self, FakeValues.self])

/// A resolver over fixed texts.
func resolver(_ environment: [String: String] = [:], files: [String: String] = [:]) -> ValueResolver {
  ValueResolver(
    environment: { environment[$0] },
    file: { path throws(ConnectorError) in
      guard let text = files[path] else { throw ConnectorError(.configuration, "cannot open file \(path)") }
      return text
    })
}

func parse(
  _ text: String, file: String = "shop.yaml", _ resolver: ValueResolver = resolver()
) throws(DefinitionError) -> PipelineDefinition {
  try PipelineDefinition.parse(text, file: file, registry: registry, resolver: resolver)
}

/// The error's one line; nil when the text is accepted.
func complaint(_ text: String, _ resolver: ValueResolver = resolver()) -> String? {
  do {
    _ = try parse(text, resolver)
    return nil
  } catch {
    return error.description
  }
}

/// A good file, to which tests add blocks.
let base = """
  source:
    type: mysql
    hostname: db1
    username: cdc
    password: hunter2-base
    tables: shop.\\.*
  sink:
    type: values

  """

/// The same good file with more lines in the source block.
func withSource(_ lines: String...) -> String {
  base.replacing("sink:", with: lines.map { "  \($0)\n" }.joined() + "sink:")
}

/// Random numbers that depend on nothing but the seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
