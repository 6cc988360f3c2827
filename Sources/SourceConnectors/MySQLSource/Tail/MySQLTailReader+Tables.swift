import Connector
import Model

/// Tables that come, go and change their names.
extension MySQLTailReader {
  // MARK: Creation

  /// A table that is made in the log has all its rows in the log.
  func created(_ create: CreateTable, _ statement: Statement) throws(ConnectorError) {
    let name = stored(create.table)
    if let table = captured(name) {
      // IF NOT EXISTS on a table that is there does nothing; and a statement may be met again after a restart.
      guard create.replaces else { return }
      let verdict = table.filter?.verdictOnTable(cursor.place) ?? .deliver
      if verdict == .skip { return }
      // Whoever reads the rows anew looks at the table again; where it is gone by now, this tells as much.
      let schema = try made(create, statement)?.schema ?? table.schema.schema
      queue(
        DDLEffect(
          changes: [.replaceTable(schema)], schema: schema, rereading: "CREATE OR REPLACE TABLE has made it anew"),
        on: table, verdict)
      return
    }
    if settings.followsMigrations, MigrationTable.matches(name) {
      return createdGhost(create, name, statement)
    }
    guard announces(name) else { return }
    if let special = create.special {
      Self.log.warning("a new table is not captured", ["table": name.description, "reason": special])
      return
    }
    guard let made = try made(create, statement) else { return announceGone(name) }
    // Of a table that this reader has seen go, it is certain that it was not there.
    let isEmpty = !create.ifNotExists || goneTables.contains(name) || settings.newTables == .streamed
    announce(name, isEmpty && made.isOfThisPlace ? .createTable(made.schema) : .replaceTable(made.schema), made.schema)
  }

  /// A table that a statement has made.
  private struct MadeTable {
    var schema: TableSchema
    /// Whether it was so at the statement's place. Otherwise it is as the catalog has it now: rows that stand between may
    /// not fit it.
    var isOfThisPlace: Bool
  }

  /// The table that a statement makes: from the statement, or where it copies another one that this reader has, from
  /// that. Nil: only the catalog could tell, and the table is not there any more.
  private func made(_ create: CreateTable, _ statement: Statement) throws(ConnectorError) -> MadeTable? {
    let name = stored(create.table)
    if let like = create.like {
      // One that was registered further on in the log has the schema of that place.
      if let table = captured(stored(like)), (table.filter?.verdictOnTable(cursor.place) ?? .deliver) == .deliver {
        return MadeTable(schema: table.schema.schema, isOfThisPlace: true)
      }
      return try described(name).map { MadeTable(schema: $0.schema, isOfThisPlace: false) }
    }
    if create.hasSelect { return try described(name).map { MadeTable(schema: $0.schema, isOfThisPlace: false) } }
    let applier = try applier(statement, of: name, needsDatabase: create.takesDatabaseDefault)
    do {
      return MadeTable(schema: try applier.table(creating: create), isOfThisPlace: true)
    } catch  where error.kind == .unknownDefault {
      return try described(name).map { MadeTable(schema: $0.schema, isOfThisPlace: false) }
    } catch {
      throw error.connectorError(table: name)
    }
  }

  /// Whether a table that is not captured is told of: it was captured before, or begins to match.
  private func announces(_ name: TableID) -> Bool {
    guard settings.selects(name), stop == nil else { return false }
    if formerTables.contains(name) || settings.newTables != .ignored { return true }
    if notedTables.count < 1000, notedTables.insert(name).inserted {
      Self.log.info(
        "a table that matches was made or renamed, and is not captured",
        ["table": name.description, "remedy": "scan.newly-added-table.enabled"])
    }
    return false
  }

  private func announce(_ name: TableID, _ change: SchemaChange, _ schema: TableSchema) {
    pendingChanges.append(PendingChange(table: name, offset: changeOffset, changes: [change], schema: schema))
  }

  /// A table has come that is gone again by now, or has another name: that is in the log as well. Other readers may have
  /// found it, and a set of tail splits that captures it at once waits for all of them.
  private func announceGone(_ name: TableID) {
    guard settings.newTables != .snapshotted else {
      Self.log.warning("a table that has come is not there any more", ["table": name.description])
      return
    }
    let schema = TableSchema(columns: [], primaryKey: [])
    announce(name, .replaceTable(schema), schema)
  }

  // MARK: Renaming

  /// Follows what the statement does in the end, whatever way it goes (swaps, chains).
  func renamed(_ pairs: [RenamedTable], _ statement: Statement) throws(ConnectorError) {
    let effect = RenameEffect(
      pairs.map { RenamedTable(from: stored($0.from), to: stored($0.to)) }, key: folded)
    for outcome in effect.outcomes {
      if let table = captured(outcome.name) {
        try replaced(table, outcome, statement)
      } else if let origin = outcome.origin {
        try appeared(outcome.name, origin)
      }
    }
    for outcome in effect.outcomes where migrations.ghosts[outcome.name] != nil {
      if let target = outcome.destination, MigrationTable.isGhost(target), captured(target) == nil {
        migrations.rename(outcome.name, to: target)
      } else {
        migrations.forget(outcome.name)
      }
    }
  }

  /// A captured table's name has another table now, or none.
  private func replaced(
    _ table: CapturedTable, _ outcome: RenameEffect.Outcome, _ statement: Statement
  ) throws(ConnectorError) {
    let verdict = table.filter?.verdictOnTable(cursor.place) ?? .deliver
    if verdict == .skip { return }
    guard let origin = outcome.origin else { return vacated(table, outcome.destination) }
    if settings.followsMigrations, let effect = migrated(table, ghost: origin) {
      return queue(effect, on: table, verdict)
    }
    var schema = table.schema.schema
    if let other = captured(origin) {
      schema = other.schema.schema
    } else if let found = try described(table.id) {
      // Whoever reads the rows anew looks at the table again; this is what it is at the moment.
      schema = found.schema
    }
    queue(
      DDLEffect(
        changes: [.replaceTable(schema)], schema: schema, rereading: "table \(origin) has taken its name"),
      on: table, verdict)
  }

  /// A captured table's name is free now.
  private func vacated(_ table: CapturedTable, _ destination: TableID?) {
    let current = pendingChanges.last { $0.table == table.id }
    var change = PendingChange(
      table: table.id, offset: changeOffset, changes: [.dropTable], schema: current?.schema ?? table.schema.schema)
    if let destination {
      if settings.followsMigrations, MigrationTable.matches(destination) {
        // The first of two steps: the other table follows, or this one comes back.
        Self.log.info(
          "a table was put aside by a migration", ["table": table.id.description, "as": destination.description])
        return
      }
      if current.map({ $0.isNewTable }) ?? false {
        // It is read anew as well: the name goes, and the new one is told of as a table with rows.
        formerTables.insert(destination)
      } else if settings.selects(destination), captured(destination) == nil {
        change.changes = [.renameTable(to: destination)]
        change.newName = destination
      } else if !settings.selects(destination) {
        Self.log.warning(
          "a table was renamed to a name that is not captured",
          ["table": table.id.description, "name": destination.description])
      }
    }
    // ALTER TABLE … ADD COLUMN …, RENAME TO …: one change with both.
    if let last = pendingChanges.lastIndex(where: { $0.table == table.id }) {
      if !change.changes.contains(.dropTable) { change.changes = pendingChanges[last].changes + change.changes }
      pendingChanges.remove(at: last)
    }
    pendingChanges.append(change)
  }

  /// A name that is not captured has a table now.
  private func appeared(_ name: TableID, _ origin: TableID) throws(ConnectorError) {
    if pendingChanges.contains(where: { $0.newName == name }) { return }
    if settings.followsMigrations, MigrationTable.matches(name) { return }
    // A captured table stays one that is captured.
    let isKnown = captured(origin) != nil || formerTables.contains(origin)
    guard announces(name) || (isKnown && settings.selects(name) && stop == nil) else { return }
    // One that is gone again must be known by this name when it gets another.
    if isKnown { formerTables.insert(name) }
    guard let schema = try described(name)?.schema else { return announceGone(name) }
    announce(name, .replaceTable(schema), schema)
  }

  // MARK: Adoption

  func adopt(_ schema: RowSchema?, for table: TableID) throws(ConnectorError) {
    guard isAwaitingAdoption, let change = pendingChanges.first, change.table == table else {
      throw ConnectorError(.bug, "adopt without a schema change", table: table)
    }
    // Table ids and what was found out about them are void.
    maps.removeAll()
    if let index = indexes[table] {
      try adopt(schema, change, tables[index])
    } else if let schema {
      try capture(schema, as: change.table)
    }
    isAwaitingAdoption = false
    pendingChanges.removeFirst()
    if pendingChanges.isEmpty, endsTransactionAfterChanges {
      endsTransactionAfterChanges = false
      endStatement()
    }
  }

  private func adopt(_ schema: RowSchema?, _ change: PendingChange, _ table: CapturedTable) throws(ConnectorError) {
    let former = table.id
    // From here on rows are another table's, or told apart otherwise: what chunks contain says nothing about them.
    if change.isNewTable || schema == nil { dropFilter(table) }
    try table.adopt(schema, converters: try schema.map(converters) ?? [:])
    guard schema != nil else {
      indexes[former] = nil
      formerTables.insert(former)
      if change.changes.contains(.dropTable) { goneTables.insert(former) }
      return
    }
    if let name = change.newName {
      indexes[name] = indexes.removeValue(forKey: former)
      formerTables.insert(former)
      goneTables.insert(former)
      table.rename(to: name)
    }
  }

  private func capture(_ schema: RowSchema, as name: TableID) throws(ConnectorError) {
    let table = try CapturedTable(
      TailTable(schema: schema, ignoredThrough: nil, chunks: []), server: cursor.server, options: settings.values,
      converters: try converters(schema))
    indexes[name] = tables.count
    tables.append(table)
    formerTables.remove(name)
    goneTables.remove(name)
  }

  private func dropFilter(_ table: CapturedTable) {
    guard table.filter != nil else { return }
    table.filter = nil
    remainingFilters -= 1
  }
}

extension MySQLTailReader.PendingChange {
  /// The rows that follow are of a table that is not the one of before.
  fileprivate var isNewTable: Bool {
    changes.contains { change in
      switch change {
      case .createTable, .replaceTable: true
      default: false
      }
    }
  }
}
