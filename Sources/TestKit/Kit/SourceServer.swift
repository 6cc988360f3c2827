import Glibc
import Platform

/// What went wrong with a test's server or a statement on it.
public struct SourceServerError: Error, CustomStringConvertible, Sendable {
  /// What happened, and what to do.
  public let description: String

  /// Makes one.
  public init(_ description: String) { self.description = description }
}

/// A private server for tests: a fresh data directory, a port of its own, row-based binary log with full images; MySQL
/// with GTIDs.
///
/// It never outlives the process: it is stopped at exit, and the kernel kills it when the process dies some other way.
public final class SourceServer: Sendable {
  private struct State {
    var pid: pid_t = 0
    var isRemoved = false
  }

  private struct Registry {
    var servers: [SourceServer] = []
    var shared: [ServerKind: SourceServer] = [:]
    var atExit = false
  }

  /// What it is.
  public let kind: ServerKind
  /// Holds data, log and socket; removed by `stop`.
  public let directory: String
  /// TCP port on 127.0.0.1.
  public let port: Int
  /// An account with every privilege; the password is the same.
  public static let account = "tidegate"

  private let arguments: [String]
  private let state = Monitor(State())
  private static let registry = Monitor(Registry())
  private static let sharing = Monitor(())

  /// Creates a data directory and starts a server on it.
  /// - Throws: when the server is not installed, with what to install, or does not come up.
  public init(_ kind: ServerKind = .mariaDB, settings: [ServerSetting]) throws {
    self.kind = kind
    directory = try TestFiles.makeDirectory(kind.rawValue.lowercased())
    // A server removes the temporary files that it finds when it starts: each needs a folder of its own.
    guard mkdir("\(directory)/tmp", 0o700) == 0 else { throw SourceServerError("mkdir failed: \(errno)") }
    port = try ProcessTools.freePort()
    arguments = settings.flatMap { $0.arguments(kind) }
    do {
      try kind.prepare(directory)
      try start()
    } catch {
      remove()
      throw error
    }
    Self.register(self)
  }

  /// The same, with the settings one by one.
  public convenience init(_ kind: ServerKind = .mariaDB, _ settings: ServerSetting...) throws {
    try self.init(kind, settings: settings)
  }

  /// The kinds that tests can be run on here: the arguments of every test that is for all of them.
  public static var available: [ServerKind] { ServerKind.allCases.filter(\.isAvailable) }

  /// The server of the kind that all tests of the process share; each test makes a database of its own.
  public static func shared(_ kind: ServerKind = .mariaDB) throws -> SourceServer {
    // Starting takes a second: the others wait for the first one.
    try sharing.withLock { _ throws in
      if let server = registry.withLock({ $0.shared[kind] }) { return server }
      let server = try SourceServer(kind)
      registry.withLock { $0.shared[kind] = server }
      return server
    }
  }

  private static func register(_ server: SourceServer) {
    let isFirst = registry.withLock { registry in
      registry.servers.append(server)
      defer { registry.atExit = true }
      return !registry.atExit
    }
    guard isFirst else { return }
    atexit {
      for server in SourceServer.registry.withLock({ $0.servers }) { server.remove() }
    }
  }

  // MARK: Life

  private func start() throws {
    let command = kind.command(directory, port: port) + arguments
    let pid = try ProcessTools.spawnWatched(command, log: "\(directory)/log")
    state.withLock { $0.pid = pid }
    try waitUntilReady(pid)
  }

  private func waitUntilReady(_ pid: pid_t) throws {
    let deadline = Clock.monotonicMilliseconds() + 60_000
    while true {
      if let connection = try? SourceConnection(self) {
        connection.close()
        return
      }
      guard Glibc.kill(pid, 0) == 0, Clock.monotonicMilliseconds() < deadline else {
        throw SourceServerError("\(kind) did not come up: \(ProcessTools.tail("\(directory)/log"))")
      }
      usleep(20_000)
    }
  }

  /// Stops the server in order and starts it again on the same data.
  public func restart() throws {
    shutDown(SIGTERM)
    try start()
  }

  /// Starts the server again after `kill`.
  public func startAgain() throws { try start() }

  /// Kills the server (SIGKILL); the data stay.
  public func kill() { shutDown(SIGKILL) }

  /// Holds the server's process up (SIGSTOP): its connections stay, and nothing answers. It must be thawed again.
  public func freeze() { signal(SIGSTOP) }

  /// Lets a frozen server go on.
  public func thaw() { signal(SIGCONT) }

  private func signal(_ number: Int32) {
    let pid = state.withLock { $0.pid }
    if pid > 0 { Glibc.kill(pid, number) }
  }

  /// Stops the server and removes its data.
  public func stop() {
    shutDown(SIGTERM)
    remove()
  }

  private func shutDown(_ signal: Int32) {
    let pid = state.withLock { state in
      defer { state.pid = 0 }
      return state.pid
    }
    guard pid > 0 else { return }
    Glibc.kill(pid, signal)
    // The watching thread reaps the process; then the pid is gone.
    let deadline = Clock.monotonicMilliseconds() + 30_000
    while Glibc.kill(pid, 0) == 0, Clock.monotonicMilliseconds() < deadline { usleep(10_000) }
  }

  private func remove() {
    shutDown(SIGKILL)
    let isFirst = state.withLock { state in
      defer { state.isRemoved = true }
      return !state.isRemoved
    }
    if isFirst { TestFiles.remove(directory) }
  }

  // MARK: Statements

  /// Runs a statement over a connection of its own.
  public func execute(_ sql: String, database: String? = nil) throws {
    _ = try query(sql, database: database)
  }

  /// Runs a statement over a connection of its own and returns its rows as text.
  public func query(_ sql: String, database: String? = nil) throws -> [[String?]] {
    let connection = try SourceConnection(self, database: database)
    defer { connection.close() }
    return try connection.query(sql)
  }
}

extension SourceServer {
  /// A global variable's value; empty when the server has none of that name.
  public func variable(_ name: String) throws -> String {
    try query("SHOW GLOBAL VARIABLES LIKE '\(name)'").first?.last.flatMap { $0 } ?? ""
  }

  /// Sets a global variable; the value is SQL.
  public func set(_ name: String, _ value: String) throws { try execute("SET GLOBAL \(name) = \(value)") }
}
