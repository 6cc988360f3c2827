import Wire

/// Carries out a command that asks a coordinator, and prints its answer.
public struct AdminCommand {
  private let arguments: AdminArguments
  private let channel: any AdminChannel
  private let console: Console
  private let stop: StopRequest

  /// How often `--watch` asks, in milliseconds.
  static let interval: Int64 = 1000
  /// How many times in a row `--watch` puts up with a coordinator that does not answer (it may be starting again).
  static let patience = 30

  /// - Parameter stop: ends `--watch`.
  public init(_ arguments: AdminArguments, channel: any AdminChannel, console: Console, stop: StopRequest) {
    self.arguments = arguments
    self.channel = channel
    self.console = console
    self.stop = stop
  }

  /// Does it. `status --watch` returns when the pipeline has ended (`failure` if it failed), or when asked to stop.
  /// - Throws: what went wrong, with the status to end with.
  public func run() throws(CommandFailure) -> CommandStatus {
    if arguments.watch { return try watch(interval: Self.interval) }
    let json = try channel.document(try request())
    try show(json)
    return .success
  }

  private func request() throws(CommandFailure) -> AdminRequest {
    var request = AdminRequest(
      verb: arguments.verb, pipeline: arguments.pipeline, arguments: arguments.arguments)
    if let file = arguments.file {
      request.arguments["file"] = file
      request.arguments["definition"] = try TextFile.read(file, what: arguments.verb)
    }
    return request
  }

  private func show(_ json: String) throws(CommandFailure) {
    if arguments.json {
      if !json.isEmpty { try console.print(json) }
      return
    }
    let lines = try DocumentText.lines(
      verb: arguments.verb, pipeline: arguments.pipeline, json: json, style: console.style)
    try console.print(lines.joined(separator: "\n"))
  }

  /// - Parameter interval: milliseconds between two questions.
  func watch(interval: Int64) throws(CommandFailure) -> CommandStatus {
    var request = try request()
    var view = LiveView(console)
    var answered = false
    var misses = 0
    while true {
      // More tables than there are lines would be thrown away here.
      if !arguments.json, let capacity = view.capacity { request.arguments["tables"] = "\(capacity)" }
      do {
        let json = try channel.document(request)
        answered = true
        misses = 0
        if let end = try renew(&view, json) { return end }
      } catch {
        misses += 1
        guard answered, error.isUnreachable, misses < Self.patience else { throw error }
        if misses == 1 { console.error(error.line + " (trying again)") }
      }
      if stop.wait(milliseconds: interval) { return .success }
    }
  }

  /// Shows a new status; returns how to end once the pipeline has ended.
  private func renew(_ view: inout LiveView, _ json: String) throws(CommandFailure) -> CommandStatus? {
    let status = try Document.decode(PipelineStatus.self, json, verb: arguments.verb)
    if arguments.json {
      try console.print(json)
    } else {
      try view.show(StatusView.lines(status, console.style, capacity: view.capacity))
    }
    guard PipelineState.hasEnded(status.pipeline.state) else { return nil }
    return status.pipeline.state == "failed" ? .failure : .success
  }
}
