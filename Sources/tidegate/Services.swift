import Coordinator
import Platform
import Terminal
import Wire
import Worker

/// The commands that run until they are told to end.
enum Services {
  static func coordinator(_ arguments: CoordinatorArguments) throws(CommandFailure) -> CommandStatus {
    let stop = SignalThread.start(.inOrder)
    let options = CoordinatorOptions(
      listen: arguments.listen, dataDirectory: arguments.dataDirectory, token: try token(arguments.tokenFile),
      registry: connectors, leaseMilliseconds: arguments.leaseMilliseconds)
    do throws(CoordinatorError) {
      let service = try CoordinatorService(options)
      let address = Endpoint(host: arguments.listen.host, port: UInt16(clamping: service.boundPort))
      Log("coordinator").info("listening", ["address": address.description, "data-dir": arguments.dataDirectory])
      _ = DedicatedThread(name: "stopper") {
        stop.wait()
        service.stop()
      }
      try service.wait()
    } catch {
      throw CommandFailure(what: "coordinator", error.description)
    }
    return try ended("coordinator", stop)
  }

  static func worker(_ arguments: WorkerArguments) throws(CommandFailure) -> CommandStatus {
    let stop = SignalThread.start(.inOrder)
    let options = WorkerOptions(
      join: arguments.join, slots: arguments.slots, token: try token(arguments.tokenFile), registry: connectors)
    do throws(WorkerError) {
      let service = try WorkerService(options)
      _ = DedicatedThread(name: "stopper") {
        stop.wait()
        service.stop()
      }
      try service.wait()
    } catch {
      throw CommandFailure(what: "worker", error.description)
    }
    return try ended("worker", stop)
  }

  /// The cluster's secret; nil without a file.
  static func token(_ file: String?) throws(CommandFailure) -> Token? {
    guard let file else { return nil }
    do {
      return try Token.load(file: file)
    } catch {
      throw CommandFailure(what: "token", error.description)
    }
  }

  /// A service that nobody has asked to end must not look like success to whatever supervises it.
  private static func ended(_ what: String, _ stop: StopRequest) throws(CommandFailure) -> CommandStatus {
    guard stop.isRequested else {
      throw CommandFailure(what: what, "it ended without having been asked to", remedy: "the log says why")
    }
    return .success
  }
}
