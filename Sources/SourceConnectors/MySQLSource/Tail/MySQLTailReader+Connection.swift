import Connector
import Model
import Platform

/// How the reader comes by its connection, and what it does when that is lost.
extension MySQLTailReader {
  /// A connection may also break after it was made: both kinds of failure are tried again.
  func connectFirst() throws(ConnectorError) {
    var attempts = 0
    while true {
      do {
        return try connect(retries: settings.connection.connectRetries)
      } catch {
        try interrupter.check()
        attempts += 1
        guard error.policy == .retry, attempts <= settings.connection.connectRetries else { throw error }
        try interrupter.pause(milliseconds: 100 << Int64(min(attempts, 5)))
      }
    }
  }

  /// Milliseconds between the server's heartbeats: short enough to notice a dead connection soon.
  var heartbeat: Int64 { min(max(settings.heartbeatInterval, 100), 10_000) }

  private func connect(retries: Int) throws(ConnectorError) {
    endReplay()
    connection?.close()
    connection = nil
    held = nil
    let start = cursor.offset
    let request = TailConnection.Request(
      start: start, serverID: identity.current, heartbeat: heartbeat, isBounded: stop != nil)
    do {
      let fresh = try TailConnection(settings, interrupter: interrupter, request: request, retries: retries)
      try meet(fresh)
      handedOutThrough = cursor.hasHandedOut ? lastHandedOut : nil
      cursor.rewind()
      maps = TableMapCache()
      // The server refuses a place it does not have with its first packet. The first event (an artificial rotate) names
      // the file; it is dealt with by the first call of `next`.
      held = try fresh.next()
      connection = fresh
    } catch {
      try identity.note(error)
      throw lost(error)
    }
    lastArrival = Clock.monotonicMilliseconds()
    hasHeard = false
  }

  /// Looks at the server that answers. Another one than before is fine where GTIDs say what it must send, but not while
  /// this reader holds what only positions of the former one describe.
  private func meet(_ fresh: TailConnection) throws(ConnectorError) {
    let former = cursor.server
    guard former != fresh.facts.identity else { return }
    xa.forgetPlaces()
    if cursor.hasHandedOut || (remainingFilters > 0 && !former.isEmpty) {
      fresh.close()
      throw ConnectorError(
        .connection, "another server answers than before; the split starts again from its last commit")
    }
    if former.isEmpty {
      cursor.server = fresh.facts.identity
    } else {
      cursor.move(to: fresh.facts.identity)
      Self.log.warning("another server answers, its log is followed by GTID", ["server": fresh.facts.identity])
    }
  }

  /// An offset that is gone takes the tables' changes with it: which ones, is for the user to know.
  private func lost(_ error: ConnectorError) -> ConnectorError {
    guard error.kind == .offsetLost, !request.tables.isEmpty else { return error }
    var error = error
    let names = request.tables.map(\.schema.table.description).sorted()
    let shown = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? " and \(names.count - 20) more" : "")
    error.message += "; changes of these tables are missing: \(shown)"
    if error.offset == nil { error.offset = cursor.offset.offset }
    return error
  }

  /// Tries once more to connect. True when it worked; false when another attempt makes sense later.
  /// - Throws: once the server has been away for a minute, or when trying again cannot help.
  func reconnect(within wait: Int64) throws(ConnectorError) -> Bool {
    try interrupter.check()
    let now = Clock.monotonicMilliseconds()
    if failures > 0 {
      try interrupter.pause(milliseconds: min(max(wait, 10), min(100 << Int64(min(failures, 6)), 5000)))
    }
    do {
      try connect(retries: 0)
      failures = 0
      failingSince = nil
      Self.log.info("binlog connection restored", ["offset": cursor.offset.offset.text])
      return true
    } catch {
      try interrupter.check()
      failures += 1
      let since = failingSince ?? now
      failingSince = since
      guard error.policy == .retry, now - since < 60_000 else { throw error }
      return false
    }
  }

  /// Gives the broken connection up.
  /// - Throws: the error, when another connection would not help.
  func disconnected(_ error: ConnectorError) throws(ConnectorError) {
    try interrupter.check()
    guard error.kind == .connection || error.kind == .transient else { throw lost(error) }
    if try identity.note(error) { failures = max(failures, 1) }
    Self.log.warning("binlog connection lost", ["error": error.message])
    endReplay()
    connection?.close()
    connection = nil
    held = nil
  }
}
