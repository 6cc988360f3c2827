import CMySQL
import Glibc
import Platform

/// What went wrong with a test's server or a statement on it.
public struct MariaDBTestError: Error, CustomStringConvertible, Sendable {
  /// What happened, and what to do.
  public let description: String

  /// Makes one.
  public init(_ description: String) { self.description = description }
}

/// A private MariaDB server for tests: a fresh data directory, a port of its own, row-based binary log.
///
/// It never outlives the process: it is stopped at exit, and the kernel kills it when the process dies some other way.
public final class MariaDBServer: Sendable {
  private struct State {
    var pid: pid_t = 0
    var isRemoved = false
  }

  private struct Registry {
    var servers: [MariaDBServer] = []
    var shared: MariaDBServer?
    var atExit = false
  }

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

  /// Creates a data directory and starts a server on it. `arguments` are added to its command line.
  /// - Throws: when MariaDB is not installed, with what to install, or does not come up.
  public init(arguments: [String] = []) throws {
    var template = Array("/tmp/tidegate-mariadb-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template) else { throw MariaDBTestError("mkdtemp failed: \(errno)") }
    directory = String(cString: path)
    // A server removes the temporary files that it finds when it starts: each needs a folder of its own.
    guard mkdir("\(directory)/tmp", 0o700) == 0 else { throw MariaDBTestError("mkdir failed: \(errno)") }
    port = try ProcessTools.freePort()
    self.arguments = arguments
    do {
      try prepareAndStart()
    } catch {
      remove()
      throw error
    }
    Self.register(self)
  }

  private func prepareAndStart() throws {
    try ProcessTools.run([
      ProcessTools.find("mariadb-install-db"), "--no-defaults", "--force", "--user=root", "--datadir=\(directory)/data",
      "--tmpdir=\(directory)/tmp",
      "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
    ])
    try ProcessTools.write(
      """
      CREATE USER IF NOT EXISTS '\(Self.account)'@'%' IDENTIFIED BY '\(Self.account)';
      GRANT ALL PRIVILEGES ON *.* TO '\(Self.account)'@'%' WITH GRANT OPTION;

      """, to: "\(directory)/init.sql")
    try start()
  }

  /// A server that runs already on 127.0.0.1 and has the account; it is never stopped from here.
  private init(running port: Int) {
    directory = ""
    self.port = port
    arguments = []
    state.withLock { $0.isRemoved = true }
  }

  /// The server that all tests of the process share; each test makes a database of its own. With
  /// `TIDEGATE_TEST_MYSQL_PORT` in the environment it is the one that runs at that port, such as a MySQL.
  public static func shared() throws -> MariaDBServer {
    // Starting takes a second: the others wait for the first one.
    try sharing.withLock { _ throws in
      if let server = registry.withLock({ $0.shared }) { return server }
      let external = getenv("TIDEGATE_TEST_MYSQL_PORT").flatMap { Int(String(cString: $0)) }
      let server = try external.map { MariaDBServer(running: $0) } ?? MariaDBServer()
      registry.withLock { $0.shared = server }
      return server
    }
  }

  private static func register(_ server: MariaDBServer) {
    let isFirst = registry.withLock { registry in
      registry.servers.append(server)
      defer { registry.atExit = true }
      return !registry.atExit
    }
    guard isFirst else { return }
    atexit {
      for server in MariaDBServer.registry.withLock({ $0.servers }) { server.remove() }
    }
  }

  // MARK: Life

  private func start() throws {
    let command =
      [
        ProcessTools.find("setpriv"), "--pdeathsig", "KILL", ProcessTools.find("mariadbd"), "--no-defaults",
        "--user=root", "--datadir=\(directory)/data", "--socket=\(directory)/socket", "--port=\(port)",
        "--pid-file=\(directory)/pid", "--bind-address=127.0.0.1", "--skip-name-resolve", "--server-id=1",
        "--init-file=\(directory)/init.sql", "--tmpdir=\(directory)/tmp", "--log-bin=binlog", "--binlog-format=ROW",
        "--binlog-row-image=FULL",
        "--sync-binlog=0", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
        "--innodb-log-file-size=32M", "--max-allowed-packet=256M", "--character-set-server=utf8mb4",
        "--max-connections=500", "--performance-schema=OFF",
      ] + arguments
    let pid = try ProcessTools.spawnWatched(command, log: "\(directory)/log")
    state.withLock { $0.pid = pid }
    try waitUntilReady(pid)
  }

  private func waitUntilReady(_ pid: pid_t) throws {
    let deadline = Clock.monotonicMilliseconds() + 60_000
    while true {
      if let connection = try? MariaDBConnection(self) {
        connection.close()
        return
      }
      guard Glibc.kill(pid, 0) == 0, Clock.monotonicMilliseconds() < deadline else {
        throw MariaDBTestError("mariadbd did not come up: \(ProcessTools.tail("\(directory)/log"))")
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
    if isFirst { _ = try? ProcessTools.run([ProcessTools.find("rm"), "-rf", directory]) }
  }

  // MARK: Statements

  /// Runs a statement over a connection of its own.
  public func execute(_ sql: String, database: String? = nil) throws {
    _ = try query(sql, database: database)
  }

  /// Runs a statement over a connection of its own and returns its rows as text.
  public func query(_ sql: String, database: String? = nil) throws -> [[String?]] {
    let connection = try MariaDBConnection(self, database: database)
    defer { connection.close() }
    return try connection.query(sql)
  }
}

/// A connection of a test to its server. One thread at a time.
public final class MariaDBConnection {
  private let handle: UnsafeMutablePointer<MYSQL>
  private var isClosed = false

  /// Connects, as the account with every privilege unless told otherwise.
  public init(
    _ server: MariaDBServer, database: String? = nil, user: String = MariaDBServer.account,
    password: String = MariaDBServer.account
  ) throws {
    guard let handle = mysql_init(nil) else { throw MariaDBTestError("no memory") }
    guard
      mysql_real_connect(
        handle, "127.0.0.1", user, password, database, UInt32(server.port), nil, UInt(CLIENT_MULTI_STATEMENTS)) != nil
    else {
      let text = mysql_error(handle).map { String(cString: $0) } ?? ""
      mysql_close(handle)
      throw MariaDBTestError("cannot connect: \(text)")
    }
    self.handle = handle
    _ = try query("SET NAMES utf8mb4")
  }

  deinit { close() }

  /// The connection's number at the server.
  public var id: UInt { mysql_thread_id(handle) }

  /// Runs one or several statements; the rows of the last one that has any.
  @discardableResult
  public func query(_ sql: String) throws -> [[String?]] {
    var text = sql
    let status = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { mysql_real_query(handle, $0.baseAddress, UInt($0.count)) }
    }
    guard status == 0 else { throw failure(sql) }
    var rows: [[String?]] = []
    while true {
      if let result = mysql_store_result(handle) {
        rows = Self.rows(result)
        mysql_free_result(result)
      }
      let more = mysql_next_result(handle)
      if more > 0 { throw failure(sql) }
      if more < 0 { return rows }
    }
  }

  private static func rows(_ result: UnsafeMutablePointer<MYSQL_RES>) -> [[String?]] {
    let width = Int(mysql_num_fields(result))
    var rows: [[String?]] = []
    while let row = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) {
      rows.append(
        (0..<width).map { column in
          row[column].map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: Int(lengths[column])), as: UTF8.self)
          }
        })
    }
    return rows
  }

  private func failure(_ sql: String) -> MariaDBTestError {
    MariaDBTestError("\(mysql_error(handle).map { String(cString: $0) } ?? ""): \(sql.prefix(200))")
  }

  /// Closes the connection. Callable more than once.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    mysql_close(handle)
  }
}
