import Connector
import Model

/// What each kind of event does.
extension MySQLTailReader {
  /// Deals with one event, unless the batch must be handed out before.
  func process(_ event: BinlogEvent, into batch: inout RowBatch) throws(ConnectorError) -> Outcome {
    if let replay = xa.replay { return try processReplayed(event, of: replay, into: &batch) }
    switch event {
    case .rows(let rows):
      return try processRows(rows, into: &batch)
    case .partialRows(let tableID):
      advance()
      try refusePartialRows(tableID)
    case .tableMap(let map):
      try register(map)
      advance()
    case .xid:
      advance()
      try endTransaction(.commit)
    case .query(let query):
      return try processQuery(query, batch: batch)
    // The transaction is open before its first event is counted: a place behind that event lies within it.
    case .gtid(let gtid):
      cursor.open(gtid: gtid.isAnonymous ? nil : gtid.gtid, hasBegun: false, header: header)
      noteTime()
    case .mariaDBGTID(let gtid):
      cursor.open(gtid: nil, domain: gtid.gtid, hasBegun: !gtid.isStandalone, header: header)
      cursor.isXA = gtid.isPreparedXA
      if gtid.isPreparedXA { xa.begin() }
      noteTime()
    // Its events follow; they stand at its place.
    case .transactionPayload:
      cursor.openIfNeeded()
      advance()
    case .rotate(let rotate):
      cursor.rotate(to: rotate.file, position: rotate.position)
    case .heartbeat(let heartbeat):
      cursor.settle(in: heartbeat.file, at: heartbeat.position, is32Bit: heartbeat.is32Bit)
    case .formatDescription:
      maps.removeAll()
      advance()
    case .xaPrepare(let prepare):
      advance()
      try endFirstPhase(prepare)
    case .previousGTIDs, .mariaDBGTIDList, .stop, .ignored:
      advance()
    }
    return .done
  }

  func register(_ event: TableMapEvent) throws(ConnectorError) {
    do {
      let map = try maps.register(event)
      if cursor.isXA { xa.note(map.table) }
    } catch {
      throw error.connectorError(offset: cursor.offset.offset)
    }
  }

  /// A change of which the log has only the changed parts of JSON documents.
  func refusePartialRows(_ tableID: UInt64) throws(ConnectorError) {
    guard let table = maps.table(of: tableID)?.table, indexes[table] != nil, !wasHandedOut else { return }
    throw ConnectorError(
      .prerequisite, "the source logs partial JSON updates (PARTIAL_UPDATE_ROWS event)", table: table,
      offset: cursor.offset.offset,
      remedy: "SET GLOBAL binlog_row_value_options = '', reconnect the applications, and take a new snapshot")
  }

  /// Moves the cursor to the event's end. Artificial events stand at no place in the file.
  func advance() {
    if xa.replay != nil { return }
    let header = header
    guard header.nextPosition != 0, header.flags & BinlogEventHeader.artificialFlag == 0 else { return }
    cursor.advance(to: header.nextPosition)
    noteTime()
  }

  enum TransactionEnd {
    case commit, rollback, prepare
  }

  func endTransaction(_ end: TransactionEnd) throws(ConnectorError) {
    // An InnoDB transaction that is rolled back leaves nothing in the log. One that is there has changed tables without
    // transactions too, and which of its rows have stayed cannot be told from the log.
    if end == .rollback, cursor.hasHandedOut {
      throw ConnectorError(
        .unsupported, "a transaction with changes of captured tables ends with ROLLBACK in the log",
        offset: cursor.offset.offset, remedy: "do not change transactional and other tables in one transaction")
    }
    cursor.end()
  }

  private func processQuery(_ query: QueryEvent, batch: borrowing RowBatch) throws(ConnectorError) -> Outcome {
    if query.kind == .ddl {
      // Rows before it belong to the schema before it.
      if !batch.isEmpty { return .hold }
      cursor.openIfNeeded()
      advance()
      try processDDL(query)
      return .done
    }
    cursor.openIfNeeded()
    advance()
    switch query.kind {
    case .begin: cursor.begin()
    case .commit: try endTransaction(.commit)
    case .rollback: try endTransaction(.rollback)
    case .savepoint: try checkSavepoint(query)
    case .xa: try processXA(query.sql)
    case .dml:
      try refuseStatement(query)
      if !cursor.hasBegun { cursor.end() }
    case .ddl, .other:
      if !cursor.hasBegun { cursor.end() }
    }
    return .done
  }

  private func checkSavepoint(_ query: QueryEvent) throws(ConnectorError) {
    guard cursor.hasHandedOut, query.sql.uppercased().hasPrefix("ROLLBACK") else { return }
    throw ConnectorError(
      .unsupported, "a transaction with changes of captured tables has a ROLLBACK TO SAVEPOINT in the log",
      offset: cursor.offset.offset, remedy: "do not change transactional and other tables in one transaction")
  }

  /// A change in statement form names no rows. Those of foreign tables do not matter; a statement is about a captured
  /// table if it mentions it.
  func refuseStatement(_ query: QueryEvent) throws(ConnectorError) {
    let sql = query.sql
    guard let table = captured(mentionedIn: sql, query) else { return }
    throw ConnectorError(
      .prerequisite, "the log has a change in statement form: \(sql.prefix(200))", table: table,
      offset: cursor.offset.offset, remedy: "set binlog_format=ROW for every session, and take a new snapshot")
  }

  /// The first captured table that a statement mentions: by its name alone where the statement's default schema is the
  /// table's, otherwise together with the name of its schema.
  func captured(mentionedIn sql: String, _ query: QueryEvent) -> TableID? {
    let dialect = dialect(of: query)
    let schema = query.schema.lowercased()
    return tables.first { table in
      guard !table.isDropped, DDLParser.mentions(table.id, in: sql, dialect: dialect) else { return false }
      let name = table.id.schema ?? ""
      return name.lowercased() == schema || DDLParser.mentions(TableID(table: name), in: sql, dialect: dialect)
    }?.id
  }
}
