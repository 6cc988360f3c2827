import Connector
import Pipeline
import Platform
import Terminal

/// `tidegate validate`: reads a pipeline file and asks both systems, without starting anything.
enum Validation {
  /// What goes to stdout: warnings and `ok`, or `{"ok":true,"warnings":[…]}`.
  /// - Throws: the first thing that makes the pipeline impossible.
  static func report(file: String, json: Bool) throws(CommandFailure) -> String {
    let definition = try definition(of: file, TextFile.read(file, what: "validate"), what: "validate")
    let warnings = try definition.warnings + check(definition)
    return ValidationReport(warnings: warnings.map(Secrets.redact)).text(json: json)
  }

  /// Reads and resolves a pipeline file.
  static func definition(
    of file: String, _ text: String, what: String
  ) throws(CommandFailure) -> PipelineDefinition {
    do {
      return try PipelineDefinition.parse(text, file: file, registry: connectors, resolver: .live)
    } catch {
      throw CommandFailure(what: what, error.description)
    }
  }

  /// Asks the source, then the sink; returns their warnings.
  private static func check(_ definition: PipelineDefinition) throws(CommandFailure) -> [String] {
    guard let source = connectors.source(definition.sourceType), let sink = connectors.sink(definition.sinkType) else {
      throw CommandFailure(what: "validate", "unknown connector \(definition.sourceType) or \(definition.sinkType)")
    }
    let context = ConnectorContext(
      pipeline: definition.name, localTimeZone: definition.settings.localTimeZone,
      parallelism: definition.settings.parallelism ?? 1)
    let fromSource = try step("source", definition.sourceType) { () throws(ConnectorError) in
      try source.make(definition.sourceOptions, context: context).validate()
    }
    let fromSink = try step("sink", definition.sinkType) { () throws(ConnectorError) in
      try sink.make(definition.sinkOptions, context: context).validate()
    }
    return fromSource + fromSink
  }

  private static func step(
    _ side: String, _ type: String, _ body: () throws(ConnectorError) -> [String]
  ) throws(CommandFailure) -> [String] {
    do throws(ConnectorError) {
      let warnings = try body()
      return warnings.map { "\(side) \(type): \($0)" }
    } catch {
      throw CommandFailure(what: "validate: \(side) \(type)", error.description)
    }
  }
}
