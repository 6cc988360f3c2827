import Connector
import Model

/// What each kind of event does.
extension MySQLTailReader {
  /// Deals with one event, unless the batch must be handed out before.
  func process(_ event: BinlogEvent, into batch: inout RowBatch) throws(ConnectorError) -> Outcome {
    switch event {
    case .rows(let rows):
      return try processRows(rows, into: &batch)
    case .tableMap(let map):
      do {
        _ = try maps.register(map)
      } catch {
        throw error.connectorError(offset: cursor.offset.offset)
      }
      advance()
    case .xid:
      advance()
      try endTransaction(.commit)
    case .query(let query):
      return try processQuery(query, batch: batch)
    // The transaction is open before its first event is counted: a place behind that event lies within it.
    case .gtid(let gtid):
      cursor.open(gtid: gtid.isAnonymous ? nil : gtid.gtid, hasBegun: false)
      advance()
    case .mariaDBGTID(let gtid):
      cursor.open(gtid: nil, domain: gtid.gtid, hasBegun: !gtid.isStandalone)
      cursor.isXA = gtid.isPreparedXA
      advance()
    case .rotate(let rotate):
      cursor.rotate(to: rotate.file, position: rotate.position)
    case .heartbeat(let heartbeat):
      if heartbeat.position > 0, !cursor.isOpen { cursor.settle(in: heartbeat.file, at: heartbeat.position) }
    case .formatDescription:
      maps.removeAll()
      advance()
    case .xaPrepare(let prepare):
      advance()
      try endTransaction(prepare.isOnePhase ? .commit : .prepare)
    case .previousGTIDs, .mariaDBGTIDList, .stop, .ignored:
      advance()
    }
    return .done
  }

  /// Moves the cursor to the event's end. Artificial events stand at no place in the file.
  func advance() {
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
    case .xa: try processXA(query.sql.uppercased())
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

  /// XA START begins the first phase, whose rows are not committed by its end.
  private func processXA(_ sql: String) throws(ConnectorError) {
    let words = sql.split(separator: " ")
    switch words.count > 1 ? words[1] : "" {
    case "START", "BEGIN":
      cursor.begin()
      cursor.isXA = true
    case "COMMIT", "ROLLBACK": cursor.end()
    default: break
    }
  }

  /// A change in statement form names no rows. Those of foreign tables do not matter; a statement is about a captured
  /// table if it mentions it.
  private func refuseStatement(_ query: QueryEvent) throws(ConnectorError) {
    let sql = query.sql
    guard let table = captured(mentionedIn: sql, query) else { return }
    throw ConnectorError(
      .prerequisite, "the log has a change in statement form: \(sql.prefix(200))", table: table,
      offset: cursor.offset.offset, remedy: "set binlog_format=ROW for every session, and take a new snapshot")
  }

  /// The SQL that a statement is written in.
  func dialect(of query: QueryEvent) -> DDLDialect {
    DDLDialect(serverVersion: serverVersion, sqlMode: query.sqlMode ?? 0)
  }

  /// The first captured table that a statement mentions: by its name alone where the statement's default schema is the
  /// table's, otherwise together with the name of its schema.
  func captured(mentionedIn sql: String, _ query: QueryEvent) -> TableID? {
    let dialect = dialect(of: query)
    let schema = query.schema.lowercased()
    return tables.first { table in
      guard DDLParser.mentions(table.id, in: sql, dialect: dialect) else { return false }
      let name = table.id.schema ?? ""
      return name.lowercased() == schema || DDLParser.mentions(TableID(table: name), in: sql, dialect: dialect)
    }?.id
  }
}
