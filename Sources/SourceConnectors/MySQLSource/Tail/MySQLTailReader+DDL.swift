import Connector
import Model

/// Statements that change tables.
extension MySQLTailReader {
  /// Works out what a statement does to captured tables and queues it; ends the statement's transaction when it does
  /// nothing to them. Statements about other tables are never an error, whatever they say.
  func processDDL(_ query: QueryEvent) throws(ConnectorError) {
    let sql = query.sql
    do {
      try queueChanges(sql, query)
    } catch {
      var error = error
      if error.offset == nil { error.offset = cursor.eventOffset.offset }
      throw error
    }
    // A statement in the middle of a transaction (CREATE TABLE … SELECT) does not end it.
    guard !cursor.hasBegun else { return }
    if pendingChanges.isEmpty { cursor.end() } else { endsTransactionAfterChanges = true }
  }

  private func queueChanges(_ sql: String, _ query: QueryEvent) throws(ConnectorError) {
    let dialect = dialect(of: query)
    let statements: [DDLStatement]
    do {
      statements = try DDLParser.parse(sql, defaultSchema: query.schema, dialect: dialect)
    } catch {
      guard let table = captured(mentionedIn: sql, query) else { return }
      throw error.connectorError(table: table)
    }
    for statement in statements {
      for table in tables where statement.affects(table.id) {
        try queue(statement, on: table, sql: sql, dialect: dialect)
      }
    }
  }

  private func queue(
    _ statement: DDLStatement, on table: CapturedTable, sql: String, dialect: DDLDialect
  ) throws(ConnectorError) {
    func refuse(_ what: String) -> ConnectorError {
      ConnectorError(
        .unsupported, "\(what): \(sql.prefix(200))", table: table.id,
        remedy: "start the pipeline anew to take a new snapshot")
    }
    switch statement {
    case .createTable:
      // IF NOT EXISTS on a table that exists does nothing.
      guard table.isDropped || sql.uppercased().contains("OR REPLACE") else { return }
      throw refuse("a captured table is created again")
    case .renameTables: throw refuse("a captured table is renamed, or another one takes its name")
    default: break
    }
    if table.isDropped || table.filter?.verdictOnTable(cursor.place) == .skip { return }
    let current = pendingChanges.last { $0.table == table.id }?.schema ?? table.schema.schema
    let effect: DDLEffect
    do {
      let applier = DDLApplier(
        dialect: dialect, treatTinyint1AsBoolean: settings.values.treatTinyint1AsBoolean,
        defaultCollation: try needsCollation(statement) ? tableCollation(table) : nil,
        includesComments: settings.includesComments, isLossless: settings.values.isLossless)
      effect = try applier.schemaChanges(for: statement, on: table.id, current: current)
    } catch let error as BinlogError {
      throw error.connectorError(table: table.id)
    } catch let error as ConnectorError {
      throw error
    } catch {
      throw ConnectorError(.bug, "unexpected error \(error)", table: table.id)
    }
    if effect.schema.primaryKey != current.primaryKey, !isRenaming(effect) {
      throw refuse("the key of a captured table changes")
    }
    guard !effect.changes.isEmpty || effect.schema != current else { return }
    if table.filter?.verdictOnTable(cursor.place) == .judge {
      // Emptying the table now would take rows with it that chunks have read since.
      throw refuse("a captured table changed while its chunks were read")
    }
    pendingChanges.append(
      PendingChange(
        table: table.id, offset: cursor.eventOffset.offset, changes: effect.changes, schema: effect.schema))
  }

  /// Whether key columns got other names, which leaves the key what it is.
  private func isRenaming(_ effect: DDLEffect) -> Bool {
    effect.changes.contains { change in
      if case .renameColumns = change { return true }
      return false
    }
  }

  private func needsCollation(_ statement: DDLStatement) -> Bool {
    if case .alterTable = statement { return true }
    return false
  }

  /// The table's default collation as it is now, or was when the reader was opened: new text columns without one of
  /// their own have it.
  private func tableCollation(_ table: CapturedTable) throws(ConnectorError) -> String? {
    let sql =
      "SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
      + "\(SQLText.string(table.id.schema ?? "")) AND TABLE_NAME = \(SQLText.string(table.id.table))"
    var now: String?
    do {
      now = try helperClient().scalar(sql)
    } catch  where error.kind == .connection || error.kind == .transient {
      dropHelper()
      now = try helperClient().scalar(sql)
    }
    return now ?? table.defaultCollation
  }
}
