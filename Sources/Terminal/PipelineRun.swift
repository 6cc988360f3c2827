import Platform
import Wire

/// What `tidegate run` does with the coordinator that it has started: submits the pipeline (or goes on with it), tells
/// its progress, and waits for the end.
public struct PipelineRun {
  private let file: String
  private let definition: String
  private let until: RunArguments.Until?
  private let channel: any AdminChannel
  private let console: Console
  private let stop: StopRequest

  /// - Parameters:
  ///   - file: the pipeline file's name, for messages.
  ///   - definition: its text.
  ///   - name: the pipeline's name in it.
  ///   - stop: ends the wait.
  public init(
    file: String, definition: String, name: String, until: RunArguments.Until?, channel: any AdminChannel,
    console: Console, stop: StopRequest
  ) {
    self.file = file
    self.definition = definition
    self.name = name
    self.until = until
    self.channel = channel
    self.console = console
    self.stop = stop
  }

  private let name: String

  /// Runs until the pipeline has ended, what `until` names is reached, or a stop is asked for.
  /// - Parameters:
  ///   - poll: milliseconds between two questions.
  ///   - report: milliseconds between two lines of progress; nil: a second on a terminal, else ten.
  /// - Returns: `failure` when a stop came before what `until` names; else `success`.
  /// - Throws: when the pipeline failed, or could not be submitted.
  public func run(poll: Int64 = 20, report: Int64? = nil) throws(CommandFailure) -> CommandStatus {
    let report = report ?? (console.errorIsTerminal ? 1000 : 10_000)
    let begin = Clock.monotonicMilliseconds()
    var nextReport = begin + min(report, 1000)
    try start()
    while true {
      let status = try ask()
      if let end = try end(status) {
        tell(status, since: begin)
        return end
      }
      if Clock.monotonicMilliseconds() >= nextReport {
        console.error(Progress(try ask(tables: "0")).line)
        nextReport = Clock.monotonicMilliseconds() + report
      }
      if stop.wait(milliseconds: poll) { return interrupted() }
    }
  }

  private var arguments: [String: String] { until.map { ["until": $0.rawValue] } ?? [:] }

  /// Submits the pipeline; one that the data directory already holds is resumed.
  private func start() throws(CommandFailure) {
    var request = AdminRequest(verb: "submit", arguments: arguments)
    request.arguments["file"] = file
    request.arguments["definition"] = definition
    let reply = try channel.ask(request)
    if reply.status == 0 { return }
    guard reply.status == 1, reply.error.hasPrefix("exists") else { throw CommandFailure(reply, to: request) }
    _ = try channel.document(AdminRequest(verb: "resume", pipeline: name, arguments: arguments))
  }

  /// - Parameter tables: the number of tables to be told of; "none": the state alone, which costs the same however many
  ///   tables there are.
  private func ask(tables: String = "none") throws(CommandFailure) -> PipelineStatus {
    let json = try channel.document(AdminRequest(verb: "status", pipeline: name, arguments: ["tables": tables]))
    return try Document.decode(PipelineStatus.self, json, verb: "run")
  }

  /// How to end, once there is nothing left to wait for.
  private func end(_ status: PipelineStatus) throws(CommandFailure) -> CommandStatus? {
    let pipeline = status.pipeline
    switch pipeline.state {
    case "failed":
      throw CommandFailure(what: "run \(name)", pipeline.error ?? "the pipeline failed without a reason")
    case "finished": return .success
    case "stopped": return until == nil ? .success : .failure
    // The tail begins when the last chunk has been committed.
    case "tail" where until == .snapshot && pipeline.tablesDone == pipeline.tables: return .success
    default: return nil
    }
  }

  private func interrupted() -> CommandStatus {
    guard let until else { return .success }
    console.error(
      CommandFailure(what: "run \(name)", "stopped before --until \(until.rawValue) was reached").line)
    return .failure
  }

  private func tell(_ status: PipelineStatus, since begin: Int64) {
    let time = Figures.duration(milliseconds: Clock.monotonicMilliseconds() - begin)
    let pipeline = status.pipeline
    var text = "\(pipeline.name) \(pipeline.state): \(Figures.plural(pipeline.tables, "table")), "
    text += "\(Figures.plural(pipeline.snapshotRows, "row")) of the snapshot, "
    text += "\(Figures.plural(pipeline.tailRows, "change")) of the tail, \(time)"
    console.error(PlainText.visible(text))
  }
}
