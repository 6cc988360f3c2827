import Glibc
import Platform
import Terminal

/// The one thread that takes SIGTERM, SIGINT and SIGHUP.
enum SignalThread {
  /// What the first signal does.
  enum First {
    /// It asks the process to end; the second one ends it at once.
    case inOrder
    /// It ends the process at once: nothing is at work here.
    case atOnce
  }

  /// Starts the thread. The process ends with status 1 where a signal ends it at once: its work is not done.
  @discardableResult
  static func start(_ first: First) -> StopRequest {
    let stop = StopRequest()
    _ = DedicatedThread(name: "signals") {
      if first == .inOrder {
        _ = Signals.wait()
        stop.request()
      }
      _ = Signals.wait()
      _exit(CommandStatus.failure.rawValue)
    }
    return stop
  }
}
