import Coordinator
import Glibc
import Pipeline
import Platform
import Terminal
import Wire
import Worker

/// `tidegate run`: a coordinator and a worker in this process, which talk over loopback as they would between machines.
struct LocalRun {
  private let arguments: RunArguments
  private let console: Console

  /// How long a worker that has died would keep its splits, in milliseconds. Here it cannot die alone.
  private static let lease: Int64 = 10_000

  init(_ arguments: RunArguments, _ console: Console) {
    self.arguments = arguments
    self.console = console
  }

  /// Runs the pipeline to its end, or to what `--until` names.
  func run() throws(CommandFailure) -> CommandStatus {
    let stop = SignalThread.start(.inOrder)
    let text = try TextFile.read(arguments.file, what: "run")
    let definition = try Validation.definition(of: arguments.file, text, what: "run")
    for warning in definition.warnings { console.error("tidegate: run: warning: \(Secrets.redact(warning))") }
    if let directory = arguments.dataDirectory { return try run(text, definition.name, directory, stop) }
    let temporary = try TemporaryDirectory()
    defer { temporary.remove() }
    return try run(text, definition.name, temporary.path, stop)
  }

  private func run(
    _ text: String, _ name: String, _ directory: String, _ stop: StopRequest
  ) throws(CommandFailure) -> CommandStatus {
    let coordinator = try startCoordinator(directory)
    defer { end(coordinator) }
    let endpoint = Endpoint(host: "127.0.0.1", port: UInt16(clamping: coordinator.boundPort))
    let worker = try startWorker(endpoint)
    defer { end(worker) }
    let channel = CoordinatorChannel(endpoint, token: nil)
    return try PipelineRun(
      file: arguments.file, definition: text, name: name, until: arguments.until, channel: channel, console: console,
      stop: stop
    ).run()
  }

  private func startCoordinator(_ directory: String) throws(CommandFailure) -> CoordinatorService {
    do {
      return try CoordinatorService(
        CoordinatorOptions(
          listen: Endpoint(host: "127.0.0.1", port: 0), dataDirectory: directory, token: nil, registry: connectors,
          leaseMilliseconds: Self.lease))
    } catch {
      throw CommandFailure(what: "run: coordinator", error.description)
    }
  }

  private func startWorker(_ endpoint: Endpoint) throws(CommandFailure) -> WorkerService {
    // Two at least: the tail keeps one, and tables that come later need another.
    let slots = arguments.slots ?? max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    do {
      return try WorkerService(WorkerOptions(join: endpoint, slots: slots, token: nil, registry: connectors))
    } catch {
      throw CommandFailure(what: "run: worker", error.description)
    }
  }

  /// The worker first: what it commits last is still journaled.
  private func end(_ worker: WorkerService) {
    worker.stop()
    do {
      try worker.wait()
    } catch {
      console.error(CommandFailure(what: "run: worker", error.description).line)
    }
  }

  private func end(_ coordinator: CoordinatorService) {
    coordinator.stop()
    do {
      try coordinator.wait()
    } catch {
      console.error(CommandFailure(what: "run: coordinator", error.description).line)
    }
  }
}
