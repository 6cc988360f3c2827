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
  private static func isHarmless(_ error: SourceServerError, changesSchema: Bool) -> Bool {
    let usual = ["Duplicate entry", "Deadlock found", "Lock wait timeout"]
    let ends = ["Lost connection", "Server has gone away", "cannot connect"]
    return changesSchema
      ? usual.contains(where: error.description.hasPrefix) || isRefusal(error.description)
      : !ends.contains(where: error.description.hasPrefix)
  }

  /// Whether the server has refused to change a schema: rows are in the way, or (MariaDB) the check that it has made for
  /// a JSON column does not follow the column to another name.
  private static func isRefusal(_ answer: String) -> Bool {
    answer.hasPrefix("Duplicate entry") || (answer.hasPrefix("Unknown column") && answer.contains("in 'CHECK'"))
  }

  /// - Parameters:
  ///   - schema: what all writers share: the one that changes it keeps it, the others look at it before each step.
  ///   - pause: milliseconds between two steps.
  ///   - isHeld: whether it waits until it is let go.
  init(
    _ generator: WorkloadGenerator, name: String, cluster: ClusterFixture, log: WorkloadLog,
    schema: Monitor<WorkloadSchema>, pause: Int32, changesSchema: Bool, isHeld: Bool = false
  ) {
    let state = Monitor(State(isHeld: isHeld))
    self.state = state
    let (server, database) = (cluster.server, cluster.database)
    _ = DedicatedThread(name: "workload-\(name)") {
      var generator = generator
      do {
        while Self.awaitTurn(state) {
          let session = Session(
            connection: try SourceConnection(server, database: database), log: log, name: name,
            changesSchema: changesSchema)
          defer { session.connection.close() }
          while state.withLock({ !$0.stop && !$0.isHeld }) {
            generator.schema = schema.withLock { $0 }
            try session.run(generator.next(), schema)
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

  /// A connection and what is done over it.
  private struct Session {
    let connection: SourceConnection
    let log: WorkloadLog
    let name: String
    let changesSchema: Bool

    func run(_ step: WorkloadStep, _ schema: Monitor<WorkloadSchema>) throws {
      switch step {
      case .transaction(let statements):
        for statement in statements {
          // The server has rolled the whole transaction back.
          if let answer = try run(statement), answer.hasPrefix("Deadlock") { break }
        }
      case .schemaChange(let statements):
        for statement in statements {
          guard try change(statement) else { return }
          schema.update { $0 = statement.schema }
        }
      }
    }

    /// Whether the server has changed the schema. A change that met the other writer's locks is tried again.
    private func change(_ statement: WorkloadStatement) throws -> Bool {
      while let answer = try run(statement.sql) {
        if isRefusal(answer) { return false }
      }
      return true
    }

    /// The server's answer; nil when the statement is done.
    private func run(_ statement: String) throws -> String? {
      log.write(name, statement)
      do {
        try connection.query(statement)
        return nil
      } catch let error as SourceServerError where isHarmless(error, changesSchema: changesSchema) {
        log.write(name, "-- \(error.description.prefix(100))")
        return error.description
      }
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
