import Connector
import Wire

/// Splits a command's arguments into options and operands, and checks every one.
///
/// `--name value` and `--name=value` are the same; `--` ends the options; an option is given at most once; a value that
/// begins with two dashes must be written with `=`.
public struct ArgumentParser {
  private let spec: CommandSpec
  private let parameters: [Parameter]
  private var result: ParsedArguments

  /// Parses what follows the command's name.
  /// - Throws: a failure of status `usage` that says what is wrong and what would be right.
  public static func parse(
    _ arguments: [String], for spec: CommandSpec, environment: [String: String] = [:]
  ) throws(CommandFailure) -> ParsedArguments {
    var parser = ArgumentParser(spec)
    try parser.read(arguments)
    try parser.fill(from: environment)
    try parser.checkCompleteness()
    parser.fillDefaults()
    return parser.result
  }

  private init(_ spec: CommandSpec) {
    self.spec = spec
    self.parameters = spec.options + CommandCatalog.common
    self.result = ParsedArguments(command: spec.name)
  }

  private mutating func read(_ arguments: [String]) throws(CommandFailure) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        for operand in rest { try take(operand: operand) }
        return
      }
      if argument.hasPrefix("-"), argument != "-" {
        try take(option: argument, &rest)
      } else {
        try take(operand: argument)
      }
    }
  }

  private mutating func take(option argument: String, _ rest: inout ArraySlice<String>) throws(CommandFailure) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let parameter = parameters.first(where: { $0.name == name }) else {
      let nearest = NearestName.of(name, among: parameters.map(\.name) + ["--help"])
      throw usage("unknown option \(name)", nearest.map { "did you mean \($0)?" })
    }
    guard result.values[name] == nil, !result.flags.contains(name) else {
      throw usage("\(name) is given twice", "give it once")
    }
    if parameter.kind == .flag {
      guard parts.count == 1 else { throw usage("\(name) takes no value", "write \(name) alone") }
      result.flags.insert(name)
      return
    }
    let value = parts.count == 2 ? String(parts[1]) : rest.popFirst()
    guard let value, parts.count == 2 || !value.hasPrefix("--") else {
      throw usage("\(name) has no value", "write \(name) \(parameter.placeholder)")
    }
    try check(value, parameter, name)
    result.values[name] = value
  }

  private mutating func take(operand: String) throws(CommandFailure) {
    guard result.operands.count < spec.operands.count else {
      throw usage("unexpected argument '\(operand)'")
    }
    guard !operand.isEmpty else { throw usage("\(spec.operands[result.operands.count].name) is empty") }
    result.operands.append(operand)
  }

  /// Options that the command line leaves to the environment; an empty variable counts as unset.
  private mutating func fill(from environment: [String: String]) throws(CommandFailure) {
    for parameter in parameters where result.values[parameter.name] == nil {
      guard let name = parameter.environment, let value = environment[name], !value.isEmpty else { continue }
      try check(value, parameter, name)
      result.values[parameter.name] = value
    }
  }

  private func checkCompleteness() throws(CommandFailure) {
    for operand in spec.operands.dropFirst(result.operands.count) where !operand.isOptional {
      throw usage("\(operand.name) is missing")
    }
    for parameter in parameters where parameter.isRequired && result.values[parameter.name] == nil {
      throw usage("\(parameter.name) \(parameter.placeholder) is missing")
    }
  }

  private mutating func fillDefaults() {
    for parameter in parameters where result.values[parameter.name] == nil {
      result.values[parameter.name] = parameter.defaultValue
    }
  }

  /// - Parameter source: the option or the environment variable that the value comes from.
  private func check(_ value: String, _ parameter: Parameter, _ source: String) throws(CommandFailure) {
    switch parameter.kind {
    case .flag: return
    case .text:
      guard !value.isEmpty else { throw usage("\(source) has no value", "write \(source) \(parameter.placeholder)") }
    case .endpoint:
      try checkEndpoint(value, source)
    case .integer(let range):
      guard let number = Int(value), range.contains(number) else {
        throw usage("\(source) is no integer from \(range.lowerBound) to \(range.upperBound): '\(value)'")
      }
    case .duration(let range):
      guard let duration = OptionText.milliseconds(value), range.contains(duration) else {
        let bounds = [range.lowerBound, range.upperBound].map(Figures.duration(milliseconds:))
        throw usage(
          "\(source) is no duration from \(bounds[0]) to \(bounds[1]): '\(value)'", "write it like 500ms, 30s or 5min")
      }
    case .choice(let words):
      guard !words.contains(value) else { return }
      let nearest = NearestName.of(value, among: words).map { "; did you mean \($0)?" } ?? ""
      throw usage("\(source) is '\(value)'", "it is one of \(words.joined(separator: ", "))\(nearest)")
    }
  }

  /// What is wrong with an address says itself what would be right.
  private func checkEndpoint(_ value: String, _ source: String) throws(CommandFailure) {
    do {
      _ = try Endpoint(parse: value)
    } catch {
      throw CommandFailure(.usage, what: spec.name, "\(source): \(error)")
    }
  }

  private func usage(_ message: String, _ remedy: String? = nil) -> CommandFailure {
    let help = "see 'tidegate \(spec.name) --help'"
    return CommandFailure(.usage, what: spec.name, message, remedy: remedy.map { "\($0) (\(help))" } ?? help)
  }
}
