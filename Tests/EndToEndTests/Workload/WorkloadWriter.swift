import Glibc
import Platform
import TestKit

/// A file with every statement and every fault, in the order in which they were done.
final class WorkloadLog: Sendable {
  let path: String
  private let file: Monitor<Int32>
  private let begin = Clock.monotonicMilliseconds()

  init(path: String) throws {
    self.path = path
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw ClusterFixture.Problem(description: "cannot write \(path)") }
    file = Monitor(descriptor)
  }

  deinit { file.withLock { _ = close($0) } }

  func write(_ who: String, _ text: String) {
    let line = Array("\(Clock.monotonicMilliseconds() - begin) \(who): \(text)\n".utf8)
    file.withLock { _ = Glibc.write($0, line, line.count) }
  }
}

/// Runs a generator's steps on a connection and thread of its own, until it is told to stop.
final class WorkloadWriter: Sendable {
  private struct State {
    var stop = false
    var done = false
    var isHeld = false
    /// Whether it has closed its connection because it is held back.
    var isIdle = false
    var steps = 0
    var error: String?
  }

  private let state: Monitor<State>

  /// What a server may answer to a random statement beside "done": the statement, or its transaction, then has no
  /// effect. A writer that does not know of another one's schema changes may be told anything but the connection's end.
  private static func isHarmless(_ error: SourceServerError, knowsSchema: Bool) -> Bool {
    let usual = ["Duplicate entry", "Deadlock found", "Lock wait timeout"]
    let ends = ["Lost connection", "Server has gone away", "cannot connect"]
    return knowsSchema
      ? usual.contains(where: error.description.hasPrefix) : !ends.contains(where: error.description.hasPrefix)
  }

  /// - Parameters:
  ///   - pause: milliseconds between two steps.
  ///   - isHeld: whether it waits until it is let go.
  init(
    _ generator: WorkloadGenerator, name: String, cluster: ClusterFixture, log: WorkloadLog, pause: Int32,
    knowsSchema: Bool, isHeld: Bool = false
  ) {
    let state = Monitor(State(isHeld: isHeld))
    self.state = state
    let (server, database) = (cluster.server, cluster.database)
    _ = DedicatedThread(name: "workload-\(name)") {
      var generator = generator
      do {
        while Self.awaitTurn(state) {
          let session = try SourceConnection(server, database: database)
          defer { session.close() }
          while state.withLock({ !$0.stop && !$0.isHeld }) {
            for statement in generator.next().statements {
              log.write(name, statement)
              if try !Self.run(statement, session, log, name, knowsSchema) { break }
            }
            state.update { $0.steps += 1 }
            poll(nil, 0, pause)
          }
        }
      } catch {
        state.update { $0.error = "\(error)" }
      }
      state.update { $0.done = true }
    }
  }

  /// Waits while it is held back; false at the end.
  private static func awaitTurn(_ state: Monitor<State>) -> Bool {
    state.update { $0.isIdle = true }
    let goes = state.wait { $0.stop ? .some(false) : ($0.isHeld ? nil : .some(true)) } ?? false
    state.update { $0.isIdle = false }
    return goes
  }

  /// Whether the transaction goes on.
  private static func run(
    _ statement: String, _ session: SourceConnection, _ log: WorkloadLog, _ name: String, _ knowsSchema: Bool
  ) throws -> Bool {
    do {
      try session.query(statement)
      return true
    } catch let error as SourceServerError where isHarmless(error, knowsSchema: knowsSchema) {
      log.write(name, "-- \(error.description.prefix(100))")
      guard error.description.hasPrefix("Deadlock") else { return true }
      return false
    }
  }

  /// Holds the load back, and waits until its connection is closed; false when it was held already.
  func holdIfRunning() -> Bool {
    let wasRunning = state.withLock { state in
      defer { state.isHeld = true }
      return !state.isHeld
    }
    _ = state.wait { $0.isIdle || $0.done ? true : nil }
    return wasRunning
  }

  /// Lets the load go on.
  func letGo() { state.update { $0.isHeld = false } }

  /// How many steps have been done.
  var steps: Int { state.withLock { $0.steps } }

  /// What has stopped it early.
  var error: String? { state.withLock { $0.error } }

  /// Ends the load; the message of what stopped it early, if anything did.
  func stop() -> String? {
    state.update { $0.stop = true }
    return state.wait { $0.done ? .some($0.error) : nil } ?? nil
  }
}
