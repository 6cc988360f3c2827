import Connector
import Platform

/// A connection prepared for reading chunks, one after another.
final class SnapshotSession {
  let client: MySQLClient
  let facts: ServerFacts
  private let settings: ConnectionSettings
  private let opened = Clock.monotonicMilliseconds()

  /// Milliseconds after which a session is not used for another chunk: what is known of the server may change.
  private static let longestUse: Int64 = 60_000

  private init(_ settings: ConnectionSettings, _ interrupter: Interrupter) throws(ConnectorError) {
    let client = try MySQLClient.connect(settings, interrupter: interrupter)
    do {
      facts = try ServerFacts(client)
      try client.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    } catch {
      client.close()
      throw error
    }
    self.client = client
    self.settings = settings
  }

  /// Calls `body` with a session that another chunk has left, or a new one. `body` is called once more when a left
  /// session turns out to be dead.
  static func open<R>(
    _ settings: ConnectionSettings, _ interrupter: Interrupter, _ body: (SnapshotSession) throws(ConnectorError) -> R
  ) throws(ConnectorError) -> R {
    if let session = IdleSessions.shared.take(settings) {
      session.client.attach(interrupter)
      do {
        return try body(session)
      } catch {
        session.close()
        try interrupter.check()
        guard error.kind == .connection || error.kind == .transient else { throw error }
      }
    }
    let session = try SnapshotSession(settings, interrupter)
    do {
      return try body(session)
    } catch {
      session.close()
      throw error
    }
  }

  /// Leaves the connection, on which nothing may be under way, to the next chunk.
  func leave() {
    guard Clock.monotonicMilliseconds() - opened < Self.longestUse else { return close() }
    client.attach(Interrupter())
    IdleSessions.shared.put(self, settings)
  }

  /// Gives the connection up.
  func close() { client.close() }
}

/// Sessions between two chunks, for a few seconds. Opening one takes as long as reading a small table.
private final class IdleSessions: Sendable {
  /// A session that no thread uses.
  ///
  /// `@unchecked Sendable` is safe: a session is in the list or with one reader, never both; whoever takes it out of
  /// the list, under the lock, is the only one that has it.
  private struct Idle: @unchecked Sendable {
    let session: SnapshotSession
    let settings: ConnectionSettings
    let until: Int64
  }

  private struct State {
    var idle: [Idle] = []
    var isWatched = false
  }

  static let shared = IdleSessions()
  private static let lifetime: Int64 = 3000
  private static let limit = 64
  private let state = Monitor(State())

  func take(_ settings: ConnectionSettings) -> SnapshotSession? {
    let found: Idle? = state.withLock { state in
      guard let index = state.idle.lastIndex(where: { $0.settings == settings }) else { return nil }
      return state.idle.remove(at: index)
    }
    return found?.session
  }

  func put(_ session: SnapshotSession, _ settings: ConnectionSettings) {
    let idle = Idle(session: session, settings: settings, until: Clock.monotonicMilliseconds() + Self.lifetime)
    let (isFull, startsWatch) = state.update { state in
      if state.idle.count >= Self.limit { return (true, false) }
      state.idle.append(idle)
      defer { state.isWatched = true }
      return (false, !state.isWatched)
    }
    if isFull { session.close() }
    if startsWatch { _ = DedicatedThread(name: "mysql-idle") { [self] in watch() } }
  }

  /// Closes sessions whose time is over, until there are none.
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
      for idle in over { idle.session.close() }
    }
  }
}
