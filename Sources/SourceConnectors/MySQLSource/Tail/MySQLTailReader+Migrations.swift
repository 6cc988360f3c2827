import Connector
import Model

/// Online schema changes (gh-ost, pt-online-schema-change, Vitess): ghost tables are followed by their statements, and
/// the RENAME that puts one in a captured table's place is that table's schema change.
extension MySQLTailReader {
  /// A ghost table is made, if it is one.
  func createdGhost(_ create: CreateTable, _ name: TableID, _ statement: Statement) {
    guard MigrationTable.isGhost(name) else { return }
    if migrations.ghosts[name] != nil {
      if create.ifNotExists { return }
      migrations.forget(name)
    }
    var fingerprint: UInt64 = 0
    if let like = create.like {
      // Copies of tables that are not captured are nobody's ghosts.
      guard let original = captured(stored(like)) else { return }
      fingerprint = original.schema.schema.fingerprint
    }
    guard let ghost = ghost(create, name, statement) else { return }
    migrations.put(name, ghost, note(statement, of: name, fingerprint))
  }

  private func ghost(_ create: CreateTable, _ name: TableID, _ statement: Statement) -> GhostTable? {
    if let original = create.like.flatMap({ captured(stored($0)) }) {
      let schema = original.schema.schema
      return GhostTable(original: schema, schema: schema)
    }
    do {
      let applier = try applier(statement, of: name, needsDatabase: create.takesDatabaseDefault)
      let made = try applier.table(creating: create)
      return GhostTable(original: made, schema: made)
    } catch {
      // It may be anybody's; if it takes a captured table's place, that one is read anew.
      Self.log.warning(
        "a migration's table is not understood", ["table": name.description, "error": String(describing: error)])
      return nil
    }
  }

  private func note(
    _ statement: Statement, of name: TableID, _ fingerprint: UInt64
  ) -> OnlineMigrations.Statement {
    OnlineMigrations.Statement(
      table: name, defaultSchema: statement.defaultSchema, sqlMode: statement.dialect.sqlMode,
      fingerprint: fingerprint, sql: statement.sql)
  }

  /// A statement about ghost tables other than their creation.
  func alteredGhosts(_ item: DDLStatement, _ statement: Statement) {
    guard !migrations.ghosts.isEmpty else { return }
    for (name, ghost) in migrations.ghosts where item.affects(name, ignoringCase: foldsTableNames) {
      switch item {
      case .dropTables, .dropDatabase: migrations.forget(name)
      case .alterTable(let alter):
        guard isSame(alter.table, name) else { continue }
        migrations.put(name, following(item, name, ghost, statement), note(statement, of: name, 0))
      case .truncateTable:
        var emptied = ghost
        emptied.rereading = "the migration's table was emptied"
        migrations.put(name, emptied, note(statement, of: name, 0))
      case .renameTables, .createTable, .defineDatabase, .other: break
      }
    }
  }

  private func following(
    _ item: DDLStatement, _ name: TableID, _ ghost: GhostTable, _ statement: Statement
  ) -> GhostTable {
    var next = ghost
    do {
      let applier = try applier(statement, of: name, needsDatabase: item.namesDatabaseDefault)
      let effect = try applier.schemaChanges(for: item, on: name, current: ghost.schema)
      next.changes += effect.changes
      next.schema = effect.schema
      next.rereading = ghost.rereading ?? effect.rereading
    } catch {
      next.isUnknown = true
    }
    return next
  }

  /// What it means for a captured table that a ghost takes its place; nil when that is no ghost that is known.
  func migrated(_ table: CapturedTable, ghost name: TableID) -> DDLEffect? {
    guard let ghost = migrations.ghosts[name] else { return nil }
    let current = table.schema.schema
    guard !ghost.isUnknown, ghost.original.hasSameRows(as: current) else {
      Self.log.warning(
        "a migration's copy is not the table's, or its form is not known",
        ["table": table.id.description, "copy": name.description])
      return nil
    }
    if let reason = ghost.rereading {
      return DDLEffect(changes: [.replaceTable(ghost.schema)], schema: ghost.schema, rereading: reason)
    }
    Self.log.info("a migration is complete", ["table": table.id.description, "copy": name.description])
    return DDLEffect(changes: ghost.changes, schema: ghost.schema)
  }

  /// The ghost tables that the start's offset tells of.
  func restoreMigrations() {
    guard settings.followsMigrations, let text = cursor.migrations else { return }
    guard let statements = OnlineMigrations.statements(text) else {
      Self.log.warning("the migrations in an offset are not understood", ["offset": cursor.offset.offset.text])
      return
    }
    for noted in statements { restore(noted) }
  }

  private func restore(_ noted: OnlineMigrations.Statement) {
    var dialect = DDLDialect(serverVersion: serverVersion, sqlMode: noted.sqlMode)
    dialect.foldsTableNames = foldsTableNames
    dialect.hasNullableTimestamps = hasNullableTimestamps
    let statement = Statement(sql: noted.sql, defaultSchema: noted.defaultSchema, dialect: dialect)
    guard let items = try? DDLParser.parse(noted.sql, defaultSchema: noted.defaultSchema, dialect: dialect) else {
      return
    }
    for item in items {
      guard case .createTable(let create) = item else {
        alteredGhosts(item, statement)
        continue
      }
      createdGhost(create, noted.table, statement)
      // What LIKE copied is only known if the table is still the same.
      guard create.like != nil, var ghost = migrations.ghosts[noted.table],
        noted.fingerprint != ghost.original.fingerprint
      else { continue }
      ghost.isUnknown = true
      migrations.put(noted.table, ghost, note(statement, of: noted.table, noted.fingerprint))
    }
  }
}
