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

  /// Sessions between two chunks. Opening one takes as long as reading a small table.
  private static let idle = IdlePool<ConnectionSettings, SnapshotSession>(
    name: "mysql-idle", lifetime: 3000, limit: 64
  ) { $0.close() }

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
    if let session = idle.take(settings) {
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
    Self.idle.put(self, settings)
  }

  /// Gives the connection up.
  func close() { client.close() }
}
