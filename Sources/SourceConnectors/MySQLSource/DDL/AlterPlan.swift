import Model

/// Collects an ALTER TABLE's specifications and puts the new column list together as the servers do (MySQL:
/// `mysql_prepare_alter_table`): every specification speaks of the columns as they were before the statement, positions
/// of the columns as they are after it.
struct AlterPlan {
  let applier: DDLApplier
  private let current: TableSchema
  /// What happens to each column of `current`.
  private var fates: [Fate]
  private var placements: [Placement] = []
  private var conversion: String?
  private var tableCollation: String?

  private struct Fate {
    var isDropped = false
    var definition: ColumnDefinition?
    var newName: String?
    var newDefault: DefaultClause?
    /// It goes elsewhere, by an entry of `placements`.
    var isMoved = false
  }

  /// A column that is put into the list after those that stay where they were.
  private struct Placement {
    /// Index into `current`; nil for a new column.
    var origin: Int?
    var definition: ColumnDefinition
    var position: ColumnPlace
  }

  /// A column of the new list.
  private struct Entry {
    var origin: Int?
    var column: Column
  }

  init(applier: DDLApplier, schema: TableSchema) {
    self.applier = applier
    current = schema
    fates = Array(repeating: Fate(), count: schema.columns.count)
  }

  // MARK: Noting

  mutating func note(_ spec: AlterSpec) throws(BinlogError) {
    switch spec {
    case .addColumn(let definition, let position, let ifNotExists): try add(definition, position, ifNotExists)
    case .dropColumn(let name, let ifExists): try drop(name, ifExists)
    case .modifyColumn(let definition, let position, let ifExists):
      try redefine(definition.name, definition, position, ifExists)
    case .changeColumn(let old, let definition, let position, let ifExists):
      try redefine(old, definition, position, ifExists)
    case .renameColumn(let from, let to, let ifExists):
      if let index = try existing(from, ifExists) { fates[index].newName = to }
    case .setDefault(let name, let value):
      if let index = try existing(name, true) { fates[index].newDefault = value }
    case .convert(let charset, let collation): try convert(charset, collation)
    case .defaultCharset(let charset, let collation):
      tableCollation = collation ?? charset.map { applier.defaultCollation(ofCharset: $0) }
    case .renameTable: throw DDLApplier.renamed()
    case .addPrimaryKey, .dropPrimaryKey: throw Self.keyChange("the primary key is added or dropped")
    case .irrelevant: break
    case .unsupported(let text):
      throw .unsupported(
        "ALTER TABLE … \(text) cannot be followed on a captured table",
        remedy: "take a new snapshot of the table after the statement")
    }
  }

  private static func keyChange(_ what: String) -> BinlogError {
    .unsupported(
      "\(what) on a captured table, so that rows are no longer told apart as before",
      remedy: "take a new snapshot of the table into a new sink table")
  }

  private func existing(_ name: String, _ ifExists: Bool) throws(BinlogError) -> Int? {
    if let index = current.index(of: name) { return index }
    if ifExists { return nil }
    throw BinlogError(.schemaMismatch, "the statement speaks of column \(name), which the table's schema does not have")
  }

  private mutating func add(
    _ definition: ColumnDefinition, _ position: ColumnPlace, _ ifNotExists: Bool
  ) throws(BinlogError) {
    if definition.isPrimaryKey { throw Self.keyChange("the primary key is added") }
    if ifNotExists, current.index(of: definition.name) != nil { return }
    placements.append(Placement(origin: nil, definition: definition, position: position))
  }

  private mutating func drop(_ name: String, _ ifExists: Bool) throws(BinlogError) {
    guard let index = try existing(name, ifExists) else { return }
    if isKey(index) { throw Self.keyChange("the key column \(name) is dropped") }
    fates[index].isDropped = true
  }

  private func isKey(_ index: Int) -> Bool { current.primaryKey.contains(current.columns[index].name) }

  private mutating func redefine(
    _ name: String, _ definition: ColumnDefinition, _ position: ColumnPlace, _ ifExists: Bool
  ) throws(BinlogError) {
    guard let index = try existing(name, ifExists) else { return }
    if definition.isPrimaryKey { throw Self.keyChange("the primary key is added") }
    fates[index].definition = definition
    if position != .unspecified {
      fates[index].isMoved = true
      placements.append(Placement(origin: index, definition: definition, position: position))
    }
  }

  private mutating func convert(_ charset: String, _ collation: String?) throws(BinlogError) {
    guard charset != "binary", charset != "default" || collation != nil || applier.defaultCollation != nil else {
      throw .unsupported("CONVERT TO CHARACTER SET \(charset) cannot be followed on a captured table")
    }
    conversion =
      collation ?? (charset == "default" ? applier.defaultCollation : nil)
      ?? applier.defaultCollation(ofCharset: charset)
    tableCollation = conversion
  }

  // MARK: The new list

  /// The changes and the table after all specifications.
  func effect() throws(BinlogError) -> DDLEffect {
    let entries = try self.entries()
    var schema = current
    schema.columns = entries.map(\.column)
    schema.primaryKey = current.primaryKey.map { name in
      guard let index = current.index(of: name) else { return name }
      return entries.first { $0.origin == index }?.column.name ?? name
    }
    let names = Set(schema.columns.map { $0.name.lowercased() })
    guard names.count == schema.columns.count else {
      throw BinlogError(.schemaMismatch, "the statement would give the table two columns of the same name")
    }
    return DDLEffect(changes: try changes(entries), schema: schema, defaultCollation: tableCollation)
  }

  private func entries() throws(BinlogError) -> [Entry] {
    var entries: [Entry] = []
    for (index, fate) in fates.enumerated() where !fate.isDropped && !fate.isMoved {
      entries.append(Entry(origin: index, column: try column(index, fate)))
    }
    for placement in placements {
      let column: Column
      if let origin = placement.origin {
        column = try self.column(origin, fates[origin])
      } else {
        column = try existingRowsFilled(try newColumn(placement.definition), placement.definition)
      }
      let entry = Entry(origin: placement.origin, column: column)
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

  private func column(_ index: Int, _ fate: Fate) throws(BinlogError) -> Column {
    var column = current.columns[index]
    if let definition = fate.definition {
      column = try newColumn(definition)
      if isKey(index) { column.type.isNullable = false }
    } else if let conversion, !column.nativeCollation.isEmpty {
      column = try converted(column, to: conversion)
    }
    if let newName = fate.newName { column.name = newName }
    if let newDefault = fate.newDefault { column.defaultValue = Self.constant(newDefault) }
    return column
  }

  private static func constant(_ clause: DefaultClause) -> String? {
    if case .constant(let text) = clause { return text }
    return nil
  }

  func newColumn(_ definition: ColumnDefinition) throws(BinlogError) -> Column {
    var type = try MySQLColumnType(columnType: definition.columnType, collation: "")
    var collation = ""
    if type.hasCollation {
      collation = try applier.collation(definition, schema: current, tableCollation: tableCollation)
    }
    let text = type.columnType(sizeHint: definition.sizeHint, collation: collation)
    if text.isBinary { collation = "" }
    type = try MySQLColumnType(columnType: text.columnType, collation: collation)
    let nullable = definition.isNullable ?? !definition.isAutoIncrement
    guard
      let dataType = type.dataType(nullable: nullable, treatTinyint1AsBoolean: applier.treatTinyint1AsBoolean)
    else { throw Self.notCarried(definition.name, type) }
    if applier.isLossless, let reason = type.lossReason { throw BinlogError.lossy(definition.name, type, reason) }
    let defaultValue = type.carriedDefault(
      Self.constant(definition.defaultClause), nullable: nullable, options: applier.values)
    return Column(
      name: definition.name, type: dataType, comment: applier.includesComments ? definition.comment : nil,
      defaultValue: defaultValue, nativeType: text.columnType, nativeCollation: collation)
  }

  private static func notCarried(_ name: String, _ type: MySQLColumnType) -> BinlogError {
    .unsupported(
      "column \(name) gets the type \(type.text) (\(type.charset.name)), which is not carried",
      remedy: "leave the table out, or change the column's type")
  }

  /// A text that may need more bytes in the new character set gets the next larger type.
  private func converted(_ column: Column, to collation: String) throws(BinlogError) -> Column {
    var column = column
    let old = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
    if case .text(let size) = old.kind, size < 4,
      MySQLCharset(collation: collation).maximumCharacterLength > old.charset.maximumCharacterLength
    {
      column.nativeType = ["tinytext", "text", "mediumtext", "longtext"][size]
    }
    column.nativeCollation = collation
    let type = try MySQLColumnType(columnType: column.nativeType, collation: collation)
    let treatment = applier.treatTinyint1AsBoolean
    guard let dataType = type.dataType(nullable: column.type.isNullable, treatTinyint1AsBoolean: treatment) else {
      throw Self.notCarried(column.name, type)
    }
    column.type = dataType
    return column
  }

  // MARK: The changes

  /// Drops, new definitions, new names, additions: in this order every change fits the table that the one before left.
  private func changes(_ entries: [Entry]) throws(BinlogError) -> [SchemaChange] {
    var changes: [SchemaChange] = []
    let dropped = fates.indices.filter { fates[$0].isDropped }.map { current.columns[$0].name }
    if !dropped.isEmpty { changes.append(.dropColumns(dropped)) }
    var altered: [SchemaChange.AlteredColumn] = []
    var renamed: [SchemaChange.RenamedColumn] = []
    for entry in entries {
      guard let origin = entry.origin else { continue }
      let old = current.columns[origin]
      if old.name != entry.column.name {
        renamed.append(SchemaChange.RenamedColumn(from: old.name, to: entry.column.name))
      }
      if Self.differs(old, entry.column) {
        var column = entry.column
        column.name = old.name
        altered.append(SchemaChange.AlteredColumn(column, oldType: old.type))
      }
    }
    if !altered.isEmpty { changes.append(.alterColumnType(altered)) }
    if !renamed.isEmpty { changes.append(.renameColumns(try Self.ordered(renamed))) }
    let added = Self.additions(entries)
    if !added.isEmpty { changes.append(.addColumns(added)) }
    return changes
  }

  private static func differs(_ old: Column, _ new: Column) -> Bool {
    old.type != new.type || old.defaultValue != new.defaultValue || old.comment != new.comment
  }

  /// A name must be free before another column takes it.
  private static func ordered(
    _ renamed: [SchemaChange.RenamedColumn]
  ) throws(BinlogError) -> [SchemaChange.RenamedColumn] {
    var waiting = renamed
    var result: [SchemaChange.RenamedColumn] = []
    while !waiting.isEmpty {
      guard
        let next = waiting.firstIndex(where: { candidate in
          !waiting.contains { $0.from != candidate.from && $0.from.lowercased() == candidate.to.lowercased() }
        })
      else {
        throw .unsupported(
          "columns exchange their names (\(waiting.map { "\($0.from) to \($0.to)" }.joined(separator: ", ")))",
          remedy: "rename them one after the other, or take a new snapshot of the table")
      }
      result.append(waiting.remove(at: next))
    }
    return result
  }

  private static func additions(_ entries: [Entry]) -> [SchemaChange.AddedColumn] {
    var result: [SchemaChange.AddedColumn] = []
    for (index, entry) in entries.enumerated() where entry.origin == nil {
      let position: SchemaChange.ColumnPosition =
        if entries[index...].allSatisfy({ $0.origin == nil }) {
          .last
        } else if index == 0 {
          .first
        } else {
          .after(entries[index - 1].column.name)
        }
      result.append(SchemaChange.AddedColumn(entry.column, position: position))
    }
    return result
  }
}

extension MySQLColumnType {
  /// Whether information_schema gives the column a collation.
  var hasCollation: Bool {
    switch kind {
    case .char, .varchar, .text, .enumeration, .set: true
    default: false
    }
  }

  /// The type text that the server settles on: TEXT(n) becomes the smallest of four sizes, and text in the character
  /// set `binary` becomes the binary type (`isBinary`).
  func columnType(sizeHint: Int?, collation: String) -> (columnType: String, isBinary: Bool) {
    var result = text
    if let sizeHint {
      let bytes =
        min(sizeHint, 1 << 32) * (hasCollation ? MySQLCharset(collation: collation).maximumCharacterLength : 1)
      let prefix = bytes < 1 << 8 ? "tiny" : bytes < 1 << 16 ? "" : bytes < 1 << 24 ? "medium" : "long"
      result = prefix + result
    }
    guard collation == "binary" else { return (result, false) }
    switch kind {
    case .char: return ("binary(\(length ?? 1))", true)
    case .varchar: return ("varbinary(\(length ?? 0))", true)
    case .text: return (result.replacingSuffix("text", with: "blob"), true)
    default: return (result, false)
    }
  }
}

extension String {
  fileprivate func replacingSuffix(_ suffix: String, with other: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
  }
}
