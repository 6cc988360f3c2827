import Connector
import Model

/// Statements that change tables.
extension MySQLTailReader {
  /// A statement and how it is to be read.
  struct Statement {
    var sql: String
    var defaultSchema: String
    var dialect: DDLDialect
  }

  /// Works out what a statement does to captured tables and queues it; ends the statement's transaction when it does
  /// nothing to them. Statements about other tables are never an error, whatever they say.
  func processDDL(_ query: QueryEvent) throws(ConnectorError) {
    let statement = Statement(sql: query.sql, defaultSchema: query.schema, dialect: dialect(of: query))
    if !isPassedOver(statement) {
      do {
        try queueChanges(statement, query)
      } catch {
        var error = error
        if error.offset == nil { error.offset = cursor.eventOffset.offset }
        error.message += ": \(statement.sql.prefix(200))"
        throw error
      }
    }
    // A statement in the middle of a transaction (CREATE TABLE … SELECT) does not end it.
    guard !cursor.hasBegun else { return }
    if pendingChanges.isEmpty { endStatement() } else { endsTransactionAfterChanges = true }
  }

  /// The end of a statement that is a transaction of its own.
  func endStatement() {
    cursor.migrations = migrations.text
    cursor.end()
  }

  /// The option ddl.skip names the statement by its place.
  private func isPassedOver(_ statement: Statement) -> Bool {
    guard !settings.skippedStatements.isEmpty,
      settings.skippedStatements.contains("\(cursor.file):\(cursor.position)")
    else { return false }
    Self.log.warning(
      "a statement is passed over, as ddl.skip says",
      ["offset": cursor.eventOffset.offset.text, "statement": String(statement.sql.prefix(200))])
    return true
  }

  private func queueChanges(_ statement: Statement, _ query: QueryEvent) throws(ConnectorError) {
    let parsed: [DDLStatement]
    do {
      parsed = try DDLParser.parse(
        statement.sql, defaultSchema: statement.defaultSchema, dialect: statement.dialect)
    } catch {
      guard let table = captured(mentionedIn: statement.sql, query) else { return }
      throw error.connectorError(table: table)
    }
    for item in parsed {
      switch item {
      case .createTable(let create): try created(create, statement)
      case .renameTables(let pairs): try renamed(pairs, statement)
      case .alterTable, .dropTables, .dropDatabase, .truncateTable: try altered(item, statement)
      case .defineDatabase, .other: break
      }
    }
  }

  private func altered(_ item: DDLStatement, _ statement: Statement) throws(ConnectorError) {
    if settings.followsMigrations { alteredGhosts(item, statement) }
    var renaming: RenamedTable?
    if case .alterTable(let alter) = item, let name = alter.newName {
      renaming = RenamedTable(from: alter.table, to: name)
    }
    for table in tables where !table.isDropped && item.affects(table.id, ignoringCase: foldsTableNames) {
      // The new name of another table: dealt with below.
      if let renaming, !isSame(renaming.from, table.id), isSame(renaming.to, table.id) { continue }
      try follow(item, on: table, statement)
    }
    if let renaming { try renamed([renaming], statement) }
  }

  private func follow(
    _ item: DDLStatement, on table: CapturedTable, _ statement: Statement
  ) throws(ConnectorError) {
    if case .truncateTable = item, settings.skippedOperations.contains(.truncates) { return }
    let verdict = table.filter?.verdictOnTable(cursor.place) ?? .deliver
    let applier = try applier(statement, of: table.id, needsDatabase: item.namesDatabaseDefault)
    if verdict == .skip { return followDefinition(item, on: table, applier) }
    var effect: DDLEffect
    do {
      effect = try applier.schemaChanges(for: item, on: table.id, current: table.schema.schema)
    } catch  where error.kind == .unknownDefault {
      // Whoever reads the table anew sees what it has become.
      let schema = table.schema.schema
      effect = DDLEffect(changes: [.replaceTable(schema)], schema: schema, rereading: error.message)
    } catch {
      throw error.connectorError(table: table.id)
    }
    queue(effect, on: table, verdict)
  }

  /// Follows a statement that all the table's chunks were read behind, so that columns and rows are as it has left them.
  /// Its keys and default collation are those of the place where the table was registered, which may be in front of it.
  private func followDefinition(_ item: DDLStatement, on table: CapturedTable, _ applier: DDLApplier) {
    guard case .alterTable = item, table.filter?.isRegistered(behind: cursor.place) == false else { return }
    let current = table.schema.schema
    var schema = current
    do {
      let effect = try applier.schemaChanges(for: item, on: table.id, current: current)
      if effect.changes.isEmpty, effect.schema.isEqualButDefinition(current) {
        schema = effect.schema
      } else if effect.schema.nativeDefinition != current.nativeDefinition {
        schema.nativeDefinition = ""
      }
    } catch {
      // Columns have come and gone between the two places: what it does to keys cannot be told.
      schema.nativeDefinition = ""
    }
    queue(DDLEffect(changes: [], schema: schema), on: table, .deliver)
  }

  /// Queues what a statement does to a table, unless it is nothing.
  func queue(_ effect: DDLEffect, on table: CapturedTable, _ verdict: WatermarkFilter.Verdict) {
    var effect = effect
    let current = table.schema.schema
    guard !effect.changes.isEmpty || effect.schema != current else { return }
    let concernsKeysAlone = effect.changes.isEmpty && effect.schema.isEqualButDefinition(current)
    // A bounded read is about rows.
    if concernsKeysAlone, stop != nil { return }
    if verdict == .judge, !effect.changes.contains(.dropTable), !concernsKeysAlone {
      // Some chunks were read before the statement and some after it: no change fits them all.
      effect.rereading = effect.rereading ?? "its chunks were read on both sides of the statement"
      effect.changes = [.replaceTable(effect.schema)]
    }
    if let reason = effect.rereading {
      Self.log.warning(
        "a table must be read anew after a statement",
        ["table": table.id.description, "offset": changeOffset.text, "reason": reason])
    }
    pendingChanges.append(
      PendingChange(table: table.id, offset: changeOffset, changes: effect.changes, schema: effect.schema))
  }

  /// The place of the statement at hand. One within a transaction has the transaction's rows behind it, which a place
  /// with the transaction's own GTID would cover.
  var changeOffset: Offset {
    cursor.hasBegun ? cursor.offsetWithinTransaction.offset : cursor.eventOffset.offset
  }

  // MARK: How statements are read

  /// The SQL that a statement is written in.
  func dialect(of query: QueryEvent) -> DDLDialect {
    var dialect = DDLDialect(serverVersion: serverVersion, sqlMode: query.sqlMode ?? 0)
    dialect.foldsTableNames = foldsTableNames
    dialect.hasNullableTimestamps = hasNullableTimestamps
    return dialect
  }

  var foldsTableNames: Bool { nameFolding != 0 }

  /// Whether two names are one to the server.
  func isSame(_ left: TableID, _ right: TableID) -> Bool { left.matches(right, ignoringCase: foldsTableNames) }

  /// A name from a statement as the server stores it.
  func stored(_ table: TableID) -> TableID { nameFolding == 1 ? folded(table) : table }

  /// The same for all spellings of a name.
  func folded(_ table: TableID) -> TableID {
    guard foldsTableNames else { return table }
    return TableID(schema: table.schema?.lowercased() ?? "", table: table.table.lowercased())
  }

  /// The captured table of that name.
  func captured(_ table: TableID) -> CapturedTable? {
    if let index = indexes[table] { return tables[index] }
    guard foldsTableNames else { return nil }
    return tables.first { !$0.isDropped && isSame($0.id, table) }
  }

  /// What works out a statement about a table, which may depend on its database's default character set.
  func applier(
    _ statement: Statement, of table: TableID, needsDatabase: Bool
  ) throws(ConnectorError) -> DDLApplier {
    var applier = DDLApplier(
      dialect: statement.dialect, treatTinyint1AsBoolean: settings.values.treatTinyint1AsBoolean,
      includesComments: settings.includesComments, isLossless: settings.values.isLossless,
      movesShortYears: settings.values.movesShortYears)
    if needsDatabase {
      applier.databaseCollation = try databaseCollation(table.schema ?? statement.defaultSchema)
      applier.defaultCollation = applier.databaseCollation
    }
    return applier
  }

  /// A database's default collation at the reader's place; nil where it is not known.
  private func databaseCollation(_ name: String) throws(ConnectorError) -> String? {
    guard let server = connection?.facts, !cursor.file.isEmpty else { return nil }
    let place = BinlogPosition(file: cursor.file, position: cursor.position)
    if !databaseDefaults.knows(place, of: server.identity) {
      let (settings, interrupter) = (settings, interrupter)
      databaseDefaults = try asked { client throws(ConnectorError) in
        try DatabaseDefaults(from: place, server, client, settings, interrupter)
      }
    }
    return databaseDefaults.collation(of: name, at: place)
  }

  /// The answer to a question to the server, asked once more over a new connection where the old one was lost.
  func asked<Answer>(
    _ question: (MySQLClient) throws(ConnectorError) -> Answer
  ) throws(ConnectorError) -> Answer {
    do {
      return try question(try helperClient())
    } catch  where error.kind == .connection || error.kind == .transient {
      dropHelper()
      return try question(try helperClient())
    }
  }

  /// What the catalog says of a table now, with every statement applied that this reader has met; nil when it is not
  /// there.
  func described(_ table: TableID) throws(ConnectorError) -> TableDescription? {
    guard let facts = connection?.facts else { return nil }
    return try asked { client throws(ConnectorError) in
      let catalog = TableCatalog(client: client, facts: facts, settings: settings)
      try catalog.settle([table])
      return try catalog.describe(table)
    }
  }

  /// Facts that no event tells: how names compare, and what a TIMESTAMP is.
  func readFacts() throws(ConnectorError) {
    nameFolding = try asked { client throws(ConnectorError) in try CatalogFacts(client: client).nameFolding() }
    hasNullableTimestamps = try asked { client throws(ConnectorError) in
      try CatalogFacts(client: client).hasNullableTimestamps()
    }
    restoreMigrations()
    dropHelper()
  }
}

extension DDLStatement {
  /// Whether a table is given its database's default character set.
  var namesDatabaseDefault: Bool {
    guard case .alterTable(let alter) = self else { return false }
    return alter.specs.contains { spec in
      switch spec {
      case .convert(let charset, _): charset == "default"
      case .defaultCharset(let charset, _): charset == "default"
      default: false
      }
    }
  }
}

extension CreateTable {
  /// Whether its database's default character set becomes the table's.
  var takesDatabaseDefault: Bool {
    charset == "default" || (charset == nil && (collation == nil || collation == "default"))
  }
}
