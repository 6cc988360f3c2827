import Connector
import Platform

/// Connections between two attempts, for a few seconds. Opening one means to read the schema of the whole file, which
/// takes longer than to write a small table when there are thousands of them.
final class IdleDatabases: Sendable {
  /// A connection that no thread uses.
  ///
  /// `@unchecked Sendable` is safe: a connection is in the list or with one owner, never both; whoever takes it out of
  /// the list, under the lock, is the only one that has it. SQLite's handles may go from thread to thread.
  private struct Idle: @unchecked Sendable {
    let database: SQLiteDatabase
    let until: Int64
  }

  private struct State {
    var idle: [Idle] = []
    var isWatched = false
  }

  /// Those of the process.
  static let shared = IdleDatabases()

  private static let lifetime: Int64 = 2000
  private static let limit = 16
  private let state = Monitor(State())

  /// A connection that another attempt has left, or a new one.
  /// - Throws: when a new one cannot be opened.
  func take(_ settings: SQLiteSettings) throws(ConnectorError) -> SQLiteDatabase {
    let found: Idle? = state.withLock { state in
      guard let index = state.idle.lastIndex(where: { $0.database.settings == settings }) else { return nil }
      return state.idle.remove(at: index)
    }
    guard let database = found?.database else { return try SQLiteDatabase(settings) }
    guard database.isOfFile else {
      database.close()
      return try SQLiteDatabase(settings)
    }
    database.changeOwner()
    return database
  }

  /// Leaves a connection to the next attempt, if it is fit for one.
  func put(_ database: SQLiteDatabase) {
    guard database.isReusable else { return database.close() }
    let idle = Idle(database: database, until: Clock.monotonicMilliseconds() + Self.lifetime)
    let (isFull, startsWatch) = state.update { state in
      if state.idle.count >= Self.limit { return (true, false) }
      state.idle.append(idle)
      defer { state.isWatched = true }
      return (false, !state.isWatched)
    }
    if isFull { database.close() }
    if startsWatch { _ = DedicatedThread(name: "sqlite-idle") { [self] in watch() } }
  }

  /// Closes connections whose time is over, until there are none.
  private func watch() {
    while true {
      let next: Int64? = state.withLock { state in
        state.isWatched = !state.idle.isEmpty
        return state.idle.first?.until
      }
      guard let next else { return }
      _ = state.wait(milliseconds: max(1, next - Clock.monotonicMilliseconds())) { _ in Bool?.none }
      let now = Clock.monotonicMilliseconds()
      let over: [Idle] = state.withLock { state in
        let over = state.idle.filter { $0.until <= now }
        state.idle.removeAll { $0.until <= now }
        return over
      }
      for idle in over { idle.database.close() }
    }
  }
}
