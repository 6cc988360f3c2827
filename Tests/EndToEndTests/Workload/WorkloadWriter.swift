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
  private let state = Monitor((stop: false, done: false, paused: false, steps: 0, error: String?.none))

  /// What a server may answer to a random statement beside "done": the statement, or its transaction, then has no
  /// effect. `missing` are answers to a writer that does not know of another one's schema changes.
  private static let harmless = ["Duplicate entry", "Deadlock found", "Lock wait timeout"]
  private static let missing = [
    "Table '", "Unknown column", "Unknown table", "Field '", "Table definition has changed",
  ]

  /// - Parameter pause: milliseconds between two steps.
  init(
    _ generator: WorkloadGenerator, name: String, cluster: ClusterFixture, log: WorkloadLog, pause: Int32,
    knowsSchema: Bool
  ) {
    let state = state
    let (server, database) = (cluster.server, cluster.database)
    _ = DedicatedThread(name: "workload-\(name)") {
      var generator = generator
      do {
        let session = try SourceConnection(server, database: database)
        defer { session.close() }
        while !state.withLock({ $0.stop }) {
          if state.withLock({ $0.paused }) {
            poll(nil, 0, 20)
            continue
          }
          for statement in generator.next().statements {
            log.write(name, statement)
            if try !Self.run(statement, session, log, name, Self.harmless + (knowsSchema ? [] : Self.missing)) { break }
          }
          state.update { $0.steps += 1 }
          poll(nil, 0, pause)
        }
      } catch {
        state.update { $0.error = "\(error)" }
      }
      state.update { $0.done = true }
    }
  }

  /// Whether the transaction goes on.
  private static func run(
    _ statement: String, _ session: SourceConnection, _ log: WorkloadLog, _ name: String, _ accepted: [String]
  ) throws -> Bool {
    do {
      try session.query(statement)
      return true
    } catch let error as SourceServerError where accepted.contains(where: error.description.hasPrefix) {
      log.write(name, "-- \(error.description.prefix(100))")
      guard error.description.hasPrefix("Deadlock") else { return true }
      return false
    }
  }

  /// Holds the load back, or lets it go on.
  func setPaused(_ paused: Bool) { state.update { $0.paused = paused } }

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
