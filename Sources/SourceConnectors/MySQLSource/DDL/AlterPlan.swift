import Model

/// Collects an ALTER TABLE's specifications and puts the new column list together as the servers do (MySQL:
/// `mysql_prepare_alter_table`): every specification speaks of the columns as they were before the statement. Positions
/// are dealt with one after the other, in the list that the ones before have left, under the columns' new names.
struct AlterPlan {
  let applier: DDLApplier
  let current: TableSchema
  /// What happens to each column of `current`.
  private(set) var fates: [Fate]
  private var placements: [Placement] = []
  /// The collation of CONVERT TO.
  private var conversion: String?
  private var namedCharset: String?
  private var namedCollation: String?
  private var tableCollation: String?
  private var comment: String?
  private var renamedTo: TableID?
  /// What happens to keys.
  var keyPlan: KeyPlan
  /// Values that do not fit are changed, or their rows removed.
  private let isIgnoring: Bool
  /// Why rows of the table are not what the events tell.
  private var rereading: String?

  struct Fate {
    var isDropped = false
    var definition: ColumnDefinition?
    var newName: String?
    var newDefault: DefaultClause?
  }

  /// A column that is put into the list, or elsewhere in it.
  private struct Placement {
    /// Index into `current`; nil for a new column.
    var origin: Int?
    var definition: ColumnDefinition
    var position: ColumnPlace
  }

  /// A column of the new list.
  struct Entry {
    var origin: Int?
    var column: Column
  }

  init(applier: DDLApplier, schema: TableSchema, keys: TableKeys?, isIgnoring: Bool) {
    self.applier = applier
    current = schema
    self.isIgnoring = isIgnoring
    fates = Array(repeating: Fate(), count: schema.columns.count)
    keyPlan = KeyPlan(keys, schema: schema)
  }

  private var isStrict: Bool { applier.dialect.isStrict && !isIgnoring }

  // MARK: Noting

  mutating func note(_ spec: AlterSpec) throws(BinlogError) {
    switch spec {
    case .addColumn(let definition, let position, let ifNotExists): try add(definition, position, ifNotExists)
    case .dropColumn(let name, let ifExists):
      if let index = try existing(name, ifExists) { fates[index].isDropped = true }
    case .modifyColumn(let definition, let position, let ifExists):
      try redefine(definition.name, definition, position, ifExists)
    case .changeColumn(let old, let definition, let position, let ifExists):
      try redefine(old, definition, position, ifExists)
    case .renameColumn(let from, let to, let ifExists):
      if let index = try existing(from, ifExists) { fates[index].newName = to }
    case .setDefault(let name, let value):
      if let index = try existing(name, true) { fates[index].newDefault = value }
    case .convert(let charset, let collation): try convert(charset, collation)
    case .defaultCharset(let charset, let collation): try name(charset, collation)
    case .tableComment(let text): comment = text
    case .renameTable(let name): renamedTo = name
    case .addKey(let key):
      keyPlan.add(key)
      if isIgnoring, key.kind != .plain { reread("ALTER IGNORE removes rows with the same key") }
    case .dropPrimaryKey: keyPlan.dropPrimary()
    case .dropKey(let name): keyPlan.drop(name)
    case .renameKey(let from, let to): keyPlan.rename(from, to: to)
    case .rowsChange(let text): reread("ALTER TABLE … \(text)")
    case .exchangePartition(let other): reread("a partition was exchanged with table \(other)")
    case .irrelevant: break
    case .unsupported(let text): throw DDLApplier.notUnderstood("ALTER TABLE … \(text)")
    }
  }

  private mutating func reread(_ reason: String) { rereading = rereading ?? reason }

  private func existing(_ name: String, _ ifExists: Bool) throws(BinlogError) -> Int? {
    if let index = current.index(of: name) { return index }
    if ifExists { return nil }
    throw BinlogError(.schemaMismatch, "the statement speaks of column \(name), which the table's schema does not have")
  }

  private mutating func add(
    _ definition: ColumnDefinition, _ position: ColumnPlace, _ ifNotExists: Bool
  ) throws(BinlogError) {
    if ifNotExists, current.index(of: definition.name) != nil { return }
    placements.append(Placement(origin: nil, definition: definition, position: position))
  }

  private mutating func redefine(
    _ name: String, _ definition: ColumnDefinition, _ position: ColumnPlace, _ ifExists: Bool
  ) throws(BinlogError) {
    guard let index = try existing(name, ifExists) else { return }
    fates[index].definition = definition
    if position != .unspecified {
      placements.append(Placement(origin: index, definition: definition, position: position))
    }
  }

  private mutating func convert(_ charset: String, _ collation: String?) throws(BinlogError) {
    if charset == "default" {
      conversion = collation ?? applier.databaseCollation
      return try name(charset, collation)
    }
    conversion = applier.collation(charset: charset, collation: collation)
    try name(charset, collation)
  }

  /// Character set and collation may be named in different specifications.
  private mutating func name(_ charset: String?, _ collation: String?) throws(BinlogError) {
    if charset == "default", collation == nil, applier.databaseCollation == nil {
      throw BinlogError(
        .unknownDefault, "the table gets its database's default character set, which is not known",
        remedy: "take a new snapshot of the table")
    }
    namedCharset = charset ?? namedCharset
    namedCollation = collation ?? namedCollation
    tableCollation = applier.collation(charset: namedCharset, collation: namedCollation)
  }

  /// CONVERT TO concerns every column of text, new ones and those with a character set of their own too.
  private mutating func converted(
    _ column: Column, _ definition: ColumnDefinition? = nil
  ) throws(BinlogError) -> Column {
    guard let conversion else { return column }
    if definition != nil {
      let type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
      switch type.kind {
      // Which of the four sizes a TEXT or BLOB then gets differs from server to server.
      case .text, .blob: reread("CONVERT TO CHARACTER SET stands beside a definition of column \(column.name)")
      default: break
      }
    }
    guard !column.nativeCollation.isEmpty else { return column }
    // The attribute BINARY holds, unless the definition names a character set, which does not.
    let isBinary = definition.map { $0.hasBinaryCollation && $0.charset == nil && $0.collation == nil } ?? false
    return try applier.converted(column, to: isBinary ? DDLApplier.binaryCollation(conversion) : conversion)
  }

  // MARK: The new list

  /// The changes and the table after all specifications.
  mutating func effect() throws(BinlogError) -> DDLEffect {
    var entries = try self.entries()
    for (index, entry) in entries.enumerated() where keyPlan.makesRequired(entry.column.name, self) {
      entries[index].column.type.isNullable = false
    }
    var schema = current
    schema.columns = entries.map(\.column)
    let (identity, reason) = keyPlan.identity(in: schema, plan: self)
    schema.primaryKey = identity
    if let reason { reread(reason) }
    if let comment, applier.includesComments { schema.comment = comment.isEmpty ? nil : comment }
    schema.nativeDefinition =
      TableDefinition(collation: tableCollation ?? applier.defaultCollation, keys: keyPlan.after).text
    let names = Set(schema.columns.map { $0.name.lowercased() })
    guard names.count == schema.columns.count else {
      throw BinlogError(.schemaMismatch, "the statement would give the table two columns of the same name")
    }
    let changes = AlterChanges(current: current, dropped: dropped, entries: entries, key: schema.primaryKey)
    if let reason = try changes.conversions(isStrict: isStrict) { reread(reason) }
    var list: [SchemaChange] = []
    if rereading == nil, let ordered = changes.ordered() {
      list = ordered
    } else {
      reread("columns and keys change in a way that no order of changes follows")
      list = [.replaceTable(schema)]
    }
    return DDLEffect(changes: list, schema: schema, rereading: rereading, renamedTo: renamedTo)
  }

  /// Names of the columns that are dropped.
  private var dropped: [String] { fates.indices.filter { fates[$0].isDropped }.map { current.columns[$0].name } }

  /// The new name of each column that has one, by the old one in lower case.
  var newNames: [String: String] {
    var names: [String: String] = [:]
    for (index, fate) in fates.enumerated() where !fate.isDropped {
      if let name = fate.newName ?? fate.definition?.name { names[current.columns[index].name.lowercased()] = name }
    }
    return names
  }

  private mutating func entries() throws(BinlogError) -> [Entry] {
    var entries: [Entry] = []
    for (index, fate) in fates.enumerated() where !fate.isDropped {
      entries.append(Entry(origin: index, column: try column(index, fate)))
    }
    for placement in placements {
      let entry: Entry
      if let origin = placement.origin, let index = entries.firstIndex(where: { $0.origin == origin }) {
        entry = entries.remove(at: index)
      } else {
        entry = Entry(origin: nil, column: try added(placement.definition))
      }
      switch placement.position {
      case .unspecified: entries.append(entry)
      case .first: entries.insert(entry, at: 0)
      case .after(let name):
        guard let index = entries.firstIndex(where: { $0.column.name.lowercased() == name.lowercased() }) else {
          throw BinlogError(.schemaMismatch, "the statement places a column after \(name), which is not there")
        }
        entries.insert(entry, at: index + 1)
      }
    }
    return entries
  }

  /// A new column, whose default is what the rows that exist already hold.
  private mutating func added(_ definition: ColumnDefinition) throws(BinlogError) -> Column {
    var column = try converted(
      applier.column(definition, schema: current, tableCollation: tableCollation), definition)
    let type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
    let isNullable = column.type.isNullable && !keyPlan.makesRequired(column.name, self)
    switch AddedColumn.filling(definition, type, isNullable: isNullable, applier.values) {
    case .null: column.defaultValue = nil
    case .value(let text): column.defaultValue = text
    case .unknown(let reason): reread(reason)
    }
    return column
  }

  private mutating func column(_ index: Int, _ fate: Fate) throws(BinlogError) -> Column {
    var column = current.columns[index]
    if let definition = fate.definition {
      column = try converted(
        applier.column(definition, schema: current, tableCollation: tableCollation), definition)
      if definition.isGenerated { reread("column \(definition.name) is generated") }
      if keyPlan.keepsRequired(current.columns[index].name) { column.type.isNullable = false }
    } else {
      column = try converted(column)
    }
    if let newName = fate.newName { column.name = newName }
    if let newDefault = fate.newDefault {
      let type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
      column.defaultValue = type.carriedDefault(
        DefaultText.canonical(newDefault, type), nullable: column.type.isNullable, options: applier.values)
    }
    return column
  }
}
