import CSQLite
import Connector
import Model
import Platform
import Synchronization

/// One connection to the replica's file, and the only owner of its C handle.
///
/// Not thread-safe: it lives on one thread, which may block in it. Statements are prepared once and kept until `close`.
final class SQLiteDatabase {
  let settings: SQLiteSettings
  private(set) var wait: SQLiteWait
  /// Whether the table of progress has been seen in the file.
  var hasProgressTable = false
  private(set) var handle: OpaquePointer?
  private let turn: WriteTurn
  private var statements: [String: SQLiteStatement] = [:]
  /// Device and inode of the file when it was opened.
  private var identity: FileIdentity?

  /// Opens the file, creates it where it is missing, and sets WAL mode.
  init(_ settings: SQLiteSettings) throws(ConnectorError) {
    self.settings = settings
    self.wait = SQLiteWait()
    self.turn = try WriteTurn(path: settings.path)
    var opened: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let status = sqlite3_open_v2(settings.path, &opened, flags, nil)
    self.handle = opened
    do throws(ConnectorError) {
      guard status == SQLITE_OK else { throw failure(status, "opening the database") }
      setBusyHandler()
      try configure()
      identity = FileIdentity(path: settings.path)
    } catch {
      close()
      throw error
    }
  }

  deinit { close() }

  private func setBusyHandler() {
    // The handler may be called as long as the connection is open; `wait` lives as long as this object, which closes
    // the connection before it goes, or until another one has taken its place here.
    sqlite3_busy_handler(handle, SQLiteWait.handler, Unmanaged.passUnretained(wait).toOpaque())
  }

  /// Whether the connection can be used again, by another owner.
  var isReusable: Bool { handle != nil && !inTransaction && !wait.isInterrupted && isOfFile }

  /// Whether the file at the path is still the one that was opened.
  var isOfFile: Bool { identity != nil && identity == FileIdentity(path: settings.path) }

  /// Gives the connection to another owner: interrupts that were meant for the last one do not reach it.
  func changeOwner() {
    let former = wait
    wait = SQLiteWait()
    withExtendedLifetime(former) { setBusyHandler() }
  }

  private func configure() throws(ConnectorError) {
    wait.start(milliseconds: settings.busyMilliseconds)
    if try text("PRAGMA journal_mode") != "wal" {
      // Two connections that switch at once can refuse each other without asking the busy handler.
      try turn.take(wait)
      defer { turn.release() }
      let mode = try text("PRAGMA journal_mode = WAL")
      guard mode == "wal" else {
        throw ConnectorError(
          .prerequisite, "\(settings.path) cannot be used in WAL mode (journal mode \(mode ?? "unknown"))",
          remedy: "put the file on a local file system")
      }
    }
    try run("PRAGMA synchronous = \(settings.synchronous)")
    try run("PRAGMA cache_size = -\(max(settings.cacheBytes / 1024, 64))")
    _ = try text("PRAGMA journal_size_limit = 67108864")
    if let limit = settings.maxBytes {
      let pageSize = Int(try text("PRAGMA page_size") ?? "") ?? 4096
      _ = try text("PRAGMA max_page_count = \(max(limit / pageSize, 16))")
    }
  }

  /// Gives the connection up; what is not committed is dropped. Callable more than once.
  func close() {
    for statement in statements.values { statement.finalize() }
    statements = [:]
    sqlite3_close_v2(handle)
    handle = nil
  }

  // MARK: Transactions

  /// Whether a transaction is open.
  var inTransaction: Bool { handle != nil && sqlite3_get_autocommit(handle) == 0 }

  /// Begins a write transaction; waits for the file's one write lock, in turn with other waiting processes and threads,
  /// for up to `busy.timeout`.
  /// - Throws: `transient` when the time is up, `cancelled` after `SQLiteWait.interrupt`.
  func beginImmediate() throws(ConnectorError) {
    if let identity, identity != FileIdentity(path: settings.path) {
      throw ConnectorError(
        .rejected, "\(settings.path) was removed or replaced while it was in use",
        remedy: "put the file back, or drop the pipeline and start it anew")
    }
    wait.start(milliseconds: settings.busyMilliseconds)
    try turn.take(wait)
    defer { turn.release() }
    try run("BEGIN IMMEDIATE")
  }

  /// Commits; after a failure nothing of the transaction is left.
  func commit() throws(ConnectorError) {
    wait.start(milliseconds: settings.busyMilliseconds)
    do {
      try run("COMMIT")
    } catch {
      rollback()
      throw error
    }
  }

  /// Drops the open transaction, if there is one.
  func rollback() {
    if inTransaction { sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
  }

  /// Runs `body` in a write transaction, which is dropped when it throws.
  func transaction<R>(_ body: () throws(ConnectorError) -> R) throws(ConnectorError) -> R {
    try beginImmediate()
    do {
      let result = try body()
      try commit()
      return result
    } catch {
      rollback()
      throw error
    }
  }

  // MARK: Statements

  /// Runs a statement without result.
  func run(_ sql: String) throws(ConnectorError) {
    let status = sqlite3_exec(handle, sql, nil, nil, nil)
    guard status == SQLITE_OK else { throw failure(status, sql) }
  }

  /// The first column of the first row of a query that is not kept; nil when there is none or it is NULL.
  func text(_ sql: String) throws(ConnectorError) -> String? {
    let statement = try SQLiteStatement(self, sql, persistent: false)
    defer { statement.finalize() }
    return try statement.step() ? statement.text(0) : nil
  }

  /// A prepared statement, kept under its text.
  func statement(_ sql: String) throws(ConnectorError) -> SQLiteStatement {
    if let statement = statements[sql] {
      statement.reset()
      return statement
    }
    let statement = try SQLiteStatement(self, sql, persistent: true)
    statements[sql] = statement
    return statement
  }

  /// Rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes(handle)) }

  /// The error for a result code; `what` is what was being done.
  func failure(_ status: Int32, _ what: String) -> ConnectorError {
    if wait.isInterrupted { return ConnectorError(.cancelled, "waiting for \(settings.path) was interrupted") }
    let detail = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(status))
    return SQLiteFailure.error(status, detail, doing: what, path: settings.path)
  }
}

/// What is done about SQLite's result codes.
enum SQLiteFailure {
  static func error(_ status: Int32, _ detail: String, doing what: String, path: String) -> ConnectorError {
    let (kind, remedy) = kind(status & 0xff)
    let shown = what.utf8.count > 120 ? String(what.prefix(120)) + "…" : what
    return ConnectorError(kind, "SQLite: \(detail) (code \(status)) in \(path), while: \(shown)", remedy: remedy)
  }

  private static func kind(_ primary: Int32) -> (ConnectorError.Kind, String?) {
    switch primary {
    case SQLITE_FULL: (.resource, "free space on the disk of the replica, or raise max.size")
    case SQLITE_IOERR: (.resource, "check the disk of the replica and the system's log")
    case SQLITE_NOMEM: (.resource, "give the process more memory")
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
      (.transient, "another process holds the file's write lock; end it, or raise busy.timeout")
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      (.corrupt, "the file is damaged or no SQLite database; move it away and start the pipeline anew")
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_CANTOPEN, SQLITE_AUTH:
      (.permission, "let the user of the worker write the file and its directory")
    case SQLITE_INTERRUPT: (.cancelled, nil)
    case SQLITE_MISUSE: (.bug, nil)
    default:
      (.rejected, "the table in the file is not as this pipeline made it, or a value does not fit; see the message")
    }
  }
}

/// How long a connection waits for the file's locks, and the way to make it stop.
///
/// The owning thread sets the deadline; any thread may interrupt.
final class SQLiteWait: Sendable {
  private let deadline = Atomic<Int64>(0)
  private let interrupted = Atomic<Bool>(false)

  /// Whether `interrupt` was called.
  var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

  /// Sets the deadline.
  func start(milliseconds: Int64) {
    deadline.store(Clock.monotonicMilliseconds() + milliseconds, ordering: .relaxed)
  }

  /// Makes this and every later wait end at once. Callable from any thread.
  func interrupt() { interrupted.store(true, ordering: .relaxed) }

  /// Waits a moment; false when the time is up or the wait was interrupted.
  func pause() -> Bool {
    if isInterrupted || Clock.monotonicMilliseconds() >= deadline.load(ordering: .relaxed) { return false }
    WriteTurn.pause()
    return true
  }

  /// SQLite asks whether to try again: 1 yes, 0 no. `context` is the connection's `SQLiteWait`.
  static let handler: @convention(c) (UnsafeMutableRawPointer?, Int32) -> Int32 = { context, _ in
    guard let context else { return 0 }
    return Unmanaged<SQLiteWait>.fromOpaque(context).takeUnretainedValue().pause() ? 1 : 0
  }
}
