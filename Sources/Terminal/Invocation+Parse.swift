import Platform
import Wire

extension Invocation {
  /// Reads a command line, without the program's name.
  /// - Throws: a failure of status `usage` that says what is wrong and what would be right.
  public init(
    parse arguments: [String], environment: [String: String] = [:]
  ) throws(CommandFailure) {
    let (name, rest) = try Self.splitCommand(arguments)
    guard let name else {
      self.init(Self.asksForHelp(rest) ? .help(HelpText.overview()) : .version(json: false))
      return
    }
    let spec = try Self.spec(name)
    if Self.asksForHelp(rest) {
      self.init(.help(HelpText.command(spec)))
      return
    }
    let parsed = try ArgumentParser.parse(rest, for: spec, environment: environment)
    self.init(try Self.command(name, parsed))
    if let level = parsed.values["--log-level"].flatMap(Log.Level.init(name:)) { logLevel = level }
    if let format = parsed.values["--log-format"].flatMap(Log.Format.init(rawValue:)) { logFormat = format }
  }

  private init(_ command: Command) {
    self.command = command
    logFormat = .text
    switch command {
    case .coordinator, .worker: logLevel = .info
    default: logLevel = .warning
    }
  }

  /// The command's name and all other arguments in their order; options of all commands may stand before the name.
  /// No name: help or the version is asked for.
  private static func splitCommand(_ arguments: [String]) throws(CommandFailure) -> (String?, [String]) {
    let remedy = "see 'tidegate --help'"
    var before: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("-") else { return (argument, before + rest) }
      if argument == "-h" || argument == "--help" || argument == "--version" { return (nil, [argument]) }
      let name = String(argument.prefix { $0 != "=" })
      guard CommandCatalog.common.contains(where: { $0.name == name }) else {
        let names = CommandCatalog.common.map(\.name) + ["--help", "--version"]
        let nearest = NearestName.of(name, among: names).map { "did you mean \($0)? (\(remedy))" }
        throw CommandFailure(
          .usage, what: "", "unknown option \(name) before the command",
          remedy: nearest ?? "options of a command follow its name (\(remedy))")
      }
      before.append(argument)
      if name == argument, let value = rest.popFirst() { before.append(value) }
    }
    throw CommandFailure(.usage, what: "", "no command given", remedy: remedy)
  }

  private static func spec(_ name: String) throws(CommandFailure) -> CommandSpec {
    if let spec = CommandCatalog.command(name) { return spec }
    let nearest = NearestName.of(name, among: CommandCatalog.all.map(\.name))
    throw CommandFailure(
      .usage, what: "", "unknown command '\(name)'",
      remedy: nearest.map { "did you mean \($0)? (see 'tidegate --help')" } ?? "see 'tidegate --help'")
  }

  private static func asksForHelp(_ arguments: [String]) -> Bool {
    arguments.prefix { $0 != "--" }.contains { $0 == "-h" || $0 == "--help" }
  }

  private static func command(_ name: String, _ parsed: ParsedArguments) throws(CommandFailure) -> Command {
    let json = parsed.flags.contains("--json")
    switch name {
    case "coordinator":
      return .coordinator(
        CoordinatorArguments(
          listen: try parsed.endpoint("--listen"), dataDirectory: try parsed.text("--data-dir"),
          tokenFile: parsed.values["--token-file"], leaseMilliseconds: try parsed.milliseconds("--lease")))
    case "worker":
      return .worker(
        WorkerArguments(
          join: try parsed.endpoint("--join"), slots: try parsed.integer("--slots") ?? 1,
          tokenFile: parsed.values["--token-file"]))
    case "run":
      return .run(
        RunArguments(
          file: try parsed.operand(), slots: try parsed.integer("--slots"), dataDirectory: parsed.values["--data-dir"],
          until: parsed.values["--until"].flatMap(RunArguments.Until.init(rawValue:))))
    case "validate": return .validate(file: try parsed.operand(), json: json)
    case "version": return .version(json: json)
    case "help":
      guard let topic = parsed.operands.first else { return .help(HelpText.overview()) }
      return .help(HelpText.command(try spec(topic)))
    default: return .admin(try admin(name, parsed))
    }
  }

  private static func admin(_ verb: String, _ parsed: ParsedArguments) throws(CommandFailure) -> AdminArguments {
    var result = AdminArguments(verb: verb, coordinator: try parsed.endpoint("--coordinator"))
    result.json = parsed.flags.contains("--json")
    result.watch = parsed.flags.contains("--watch")
    result.tokenFile = parsed.values["--token-file"]
    if verb == "submit" { result.file = parsed.operands.first } else { result.pipeline = parsed.operands.first ?? "" }
    if let file = parsed.values["--file"] { result.file = file }
    for option in ["table", "state", "snapshot-parallelism", "tail"] {
      result.arguments[option] = parsed.values["--" + option]
    }
    if verb == "scale", (result.arguments["snapshot-parallelism"] == nil) == (result.arguments["tail"] == nil) {
      throw CommandFailure(
        .usage, what: "scale", "give either --snapshot-parallelism N or --tail N", remedy: "see 'tidegate scale --help'"
      )
    }
    if parsed.flags.contains("--force") { result.arguments["force"] = "true" }
    return result
  }
}
