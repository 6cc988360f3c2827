import Connector
import Model

/// Walks over the log's events from a place on, without rows, and knows after each one which transactions are complete.
/// Ends where the log ends at that time.
final class LogWalk {
  private let connection: TailConnection
  private let interrupter: Interrupter
  private var eventCount = 0
  /// Where the walk is: behind the event that `next` returned last.
  private(set) var cursor: TailCursor
  /// Whether that event ended a transaction.
  private(set) var hasEndedTransaction = false
  /// Events of the open transaction so far, its beginning (BEGIN) included; 0 outside one.
  private(set) var eventsInTransaction = 0

  /// Connects and asks for the log from `start` on. `interrupter` belongs to the caller's own connection: it is asked now
  /// and then, as a walk never waits for long.
  /// - Throws: what `TailConnection` throws.
  init(_ settings: MySQLSourceSettings, interrupter: Interrupter, from start: MySQLOffset) throws(ConnectorError) {
    // What is walked over is read once more by the tail, which verifies the checksums.
    let request = TailConnection.Request(
      start: start, serverID: UInt32.random(in: 1_000_000_000...4_000_000_000), heartbeat: 10_000, isBounded: true,
      verifiesChecksums: false)
    connection = try TailConnection(
      settings, interrupter: Interrupter(), request: request, retries: settings.connection.connectRetries)
    self.interrupter = interrupter
    cursor = TailCursor(start)
    cursor.server = connection.facts.identity
  }

  /// Where the walk is, to come back to.
  var state: (cursor: TailCursor, events: Int) { (cursor, eventsInTransaction) }

  /// Where the event at hand begins in its file.
  var eventStart: UInt64 { cursor.position - min(cursor.position, UInt64(header.size)) }

  /// Header of the event at hand.
  var header: BinlogEventHeader { connection.header }

  /// More events may follow that stand at the same place, those of a packed transaction.
  var isInPayload: Bool { connection.isInPayload }

  /// The server.
  var facts: ServerFacts { connection.facts }

  /// The next event, valid until the next call; nil at the log's end.
  func next() throws(ConnectorError) -> BinlogEvent? {
    eventCount &+= 1
    if eventCount & 255 == 0 { try interrupter.check() }
    guard let event = try connection.next() else { return nil }
    hasEndedTransaction = false
    do {
      try note(event)
    } catch {
      throw error.connectorError(offset: cursor.offset.offset)
    }
    if cursor.hasBegun { eventsInTransaction += 1 } else { eventsInTransaction = 0 }
    return event
  }

  private func note(_ event: BinlogEvent) throws(BinlogError) {
    switch event {
    case .gtid(let gtid):
      cursor.open(gtid: gtid.isAnonymous ? nil : gtid.gtid, hasBegun: false, header: header)
    case .mariaDBGTID(let gtid):
      cursor.open(gtid: nil, domain: gtid.gtid, hasBegun: !gtid.isStandalone, header: header)
    case .query(let query):
      cursor.openIfNeeded()
      advance()
      noteStatement(query)
    case .xid, .xaPrepare:
      advance()
      end()
    case .rotate(let rotate): cursor.rotate(to: rotate.file, position: rotate.position)
    case .heartbeat: break
    // Files say what was committed before them, unless a start by GTID has said more.
    case .previousGTIDs(let previous):
      if facts.hasGTIDs, cursor.gtids == nil { cursor.know(gtids: try previous.set()) }
      advance()
    case .mariaDBGTIDList(let list):
      if cursor.mariaDB == nil { cursor.know(mariaDB: try list.position()) }
      advance()
    default: advance()
    }
  }

  private func noteStatement(_ query: QueryEvent) {
    switch query.kind {
    case .begin: cursor.begin()
    case .commit, .rollback: end()
    case .savepoint: break
    case .xa:
      let words = query.sql.uppercased().split(separator: " ")
      if words.count > 1, ["START", "BEGIN"].contains(words[1]) { cursor.begin() }
      if words.count > 1, ["COMMIT", "ROLLBACK"].contains(words[1]) { end() }
    case .ddl, .dml, .other: if !cursor.hasBegun { end() }
    }
  }

  private func end() {
    cursor.end()
    hasEndedTransaction = true
  }

  private func advance() {
    guard header.nextPosition != 0, header.flags & BinlogEventHeader.artificialFlag == 0 else { return }
    cursor.advance(to: header.nextPosition)
  }

  /// Gives the connection up.
  func close() { connection.close() }

  deinit { close() }
}
