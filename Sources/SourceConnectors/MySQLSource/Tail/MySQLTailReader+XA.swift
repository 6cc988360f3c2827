import Connector
import Model
import Platform

/// XA transactions: prepared in one place of the log, committed in another.
extension MySQLTailReader {
  /// XA_PREPARE: the end of the first phase, or the end of a transaction that is prepared and committed in one.
  func endFirstPhase(_ event: XAPrepareEvent) throws(ConnectorError) {
    let name: XAIdentifier
    do {
      name = try event.xid()
    } catch {
      throw error.connectorError(offset: cursor.offset.offset)
    }
    let transaction = xa.open(from: cursor.start)
    if event.isOnePhase { return try deliver(name, transaction) }
    xa.remember(transaction, name)
    try endTransaction(.prepare)
  }

  /// XA START, XA COMMIT and their like, as the server writes them.
  func processXA(_ sql: String) throws(ConnectorError) {
    let words = sql.split(separator: " ")
    let verb = words.count > 1 ? words[1].uppercased() : ""
    switch verb {
    case "START", "BEGIN":
      cursor.begin()
      cursor.isXA = true
      xa.begin()
    case "COMMIT", "ROLLBACK":
      let name: XAIdentifier
      do {
        name = try XAIdentifier(statement: sql)
      } catch {
        throw error.connectorError(offset: cursor.offset.offset)
      }
      let transaction = xa.take(name)
      if verb == "COMMIT" { try deliver(name, transaction) } else { try endTransaction(.commit) }
    default: break
    }
  }

  /// Begins to deliver a committed transaction's rows at the place of its commit, unless nobody wants them.
  private func deliver(_ name: XAIdentifier, _ transaction: XATransactions.Prepared?) throws(ConnectorError) {
    cursor.isXA = false
    let place = cursor.place
    let isWanted = tables.contains { table in
      guard transaction?.tables?.contains(table.id) ?? true else { return false }
      return table.filter?.verdict(place) != .skip
    }
    guard isWanted else { return try endTransaction(.commit) }
    let dump = XAReplay.Dump(settings: settings, server: cursor.server, interrupter: xa.interrupter)
    let search = transaction == nil ? XASearch(name, files: try logFiles(), end: cursor.start, dump: dump) : nil
    xa.replay = XAReplay(name, dump: dump, start: transaction?.start, search: search)
    xa.outerMaps = maps
    maps = TableMapCache()
  }

  private func logFiles() throws(ConnectorError) -> [String] {
    do {
      return try helperClient().query("SHOW BINARY LOGS").compactMap { $0.first ?? nil }
    } catch  where error.kind == .connection || error.kind == .transient {
      dropHelper()
      return try helperClient().query("SHOW BINARY LOGS").compactMap { $0.first ?? nil }
    }
  }

  /// Deals with one event of a transaction that is read again.
  func processReplayed(
    _ event: BinlogEvent, of replay: XAReplay, into batch: inout RowBatch
  ) throws(ConnectorError) -> Outcome {
    switch event {
    case .rows(let rows): return try processRows(rows, into: &batch)
    case .partialRows(let tableID): try refusePartialRows(tableID)
    case .tableMap(let map): try register(map)
    case .xaPrepare(let prepare):
      let name: XAIdentifier
      do {
        name = try prepare.xid()
      } catch {
        throw error.connectorError(offset: cursor.offset.offset)
      }
      guard name == replay.name else { throw misplaced(replay) }
      endReplay()
      xa.failingSince = nil
      try endTransaction(.commit)
    case .xid: throw misplaced(replay)
    case .query(let query) where query.kind == .ddl || query.kind == .commit || query.kind == .rollback:
      throw misplaced(replay)
    case .query(let query): if query.kind == .dml { try refuseStatement(query) }
    case .gtid, .mariaDBGTID, .rotate, .formatDescription, .heartbeat, .previousGTIDs, .mariaDBGTIDList, .stop,
      .ignored,
      .transactionPayload:
      break
    }
    return .done
  }

  /// The event with its rows unpacked.
  func unpacked(_ rows: RowsEvent) throws(BinlogError) -> RowsEvent {
    if let replay = xa.replay { return try replay.unpacked(rows) }
    return try connection?.unpacked(rows) ?? rows
  }

  private func misplaced(_ replay: XAReplay) -> ConnectorError {
    ConnectorError(
      .corrupt, "where XA transaction \(replay.name) was prepared, the log has another transaction",
      offset: cursor.offset.offset, remedy: "take a new snapshot of the tables")
  }

  /// Gives the replay up, whether it is complete or not.
  func endReplay() {
    xa.replay?.close()
    xa.replay = nil
    if let outer = xa.outerMaps { maps = outer }
    xa.outerMaps = nil
  }

  /// Reading a transaction again has failed. It is tried again with the log itself: from the last complete transaction,
  /// whose successor is the commit.
  /// - Throws: once it has not worked for a minute, or when trying again cannot help.
  func checkReplayFailure(_ error: ConnectorError) throws(ConnectorError) {
    let now = Clock.monotonicMilliseconds()
    let since = xa.failingSince ?? now
    xa.failingSince = since
    if error.policy != .retry || now - since > 60_000 { throw error }
  }
}
