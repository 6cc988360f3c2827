import Glibc
import Platform
import Terminal
import Wire

/// One run of the command line, from its arguments to its exit status.
struct Program {
  let arguments: [String]
  let environment: [String: String]

  /// The variables that the command line knows.
  static func environment() -> [String: String] {
    var result: [String: String] = [:]
    for name in ["TIDEGATE_COORDINATOR", "TIDEGATE_TOKEN_FILE", "NO_COLOR", "TERM"] {
      if let value = getenv(name) { result[name] = String(cString: value) }
    }
    return result
  }

  /// Does what the arguments ask for; every failure becomes one line on stderr.
  func run() -> CommandStatus {
    let console = Console.standard(environment: environment)
    do throws(CommandFailure) {
      let invocation = try Invocation(parse: arguments, environment: environment)
      Log.configure(level: invocation.logLevel, format: invocation.logFormat)
      return try perform(invocation.command, console)
    } catch {
      console.error(error.line)
      return error.status
    }
  }

  private func perform(_ command: Invocation.Command, _ console: Console) throws(CommandFailure) -> CommandStatus {
    switch command {
    case .coordinator(let arguments): return try Services.coordinator(arguments)
    case .worker(let arguments): return try Services.worker(arguments)
    case .run(let arguments): return try LocalRun(arguments, console).run()
    case .admin(let arguments):
      let stop = SignalThread.start(arguments.watch ? .inOrder : .atOnce)
      let channel = CoordinatorChannel(arguments.coordinator, token: try Services.token(arguments.tokenFile))
      return try AdminCommand(arguments, channel: channel, console: console, stop: stop).run()
    case .validate(let file, let json):
      SignalThread.start(.atOnce)
      try console.print(try Validation.report(file: file, json: json))
      return .success
    case .version(let json):
      try console.print(ProductVersion.text(json: json))
      return .success
    case .help(let text):
      try console.print(text)
      return .success
    }
  }
}
