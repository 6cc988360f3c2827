import Model

/// The difference between a table before and after an ALTER TABLE as changes that can be applied one after the other.
struct AlterChanges {
  private let current: TableSchema
  private let dropped: [String]
  private let entries: [AlterPlan.Entry]
  private let key: [String]
  private var altered: [SchemaChange.AlteredColumn] = []
  private var renamed: [SchemaChange.RenamedColumn] = []

  init(current: TableSchema, dropped: [String], entries: [AlterPlan.Entry], key: [String]) {
    self.current = current
    self.dropped = dropped
    self.entries = entries
    self.key = key
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
  }

  private static func differs(_ old: Column, _ new: Column) -> Bool {
    old.type != new.type || old.defaultValue != new.defaultValue || old.comment != new.comment
  }

  /// Why a column's conversion makes it necessary to read the table anew; nil where none does.
  func conversions(isStrict: Bool) throws(BinlogError) -> String? {
    for entry in entries {
      guard let origin = entry.origin else { continue }
      let conversion = ColumnConversion(old: current.columns[origin], new: entry.column, isStrict: isStrict)
      if let reason = try conversion.difference() { return reason }
    }
    return nil
  }

  /// Every change fits the table that the one before left. Nil where there is no such order.
  func ordered() -> [SchemaChange]? {
    let drop: [SchemaChange] = dropped.isEmpty ? [] : [.dropColumns(dropped)]
    let alter: [SchemaChange] = altered.isEmpty ? [] : [.alterColumnType(altered)]
    let added = additions
    let add: [SchemaChange] = added.isEmpty ? [] : [.addColumns(added)]
    guard keyChanges else { return drop + alter + renames + add }
    if let early = keyBefore {
      return alter + [.alterPrimaryKey(early)] + drop + renames + add
    }
    // The key has new columns: they must be there first, and names that they take must be free.
    let taken = Set(dropped.map { $0.lowercased() })
    guard !entries.contains(where: { taken.contains($0.column.name.lowercased()) }) else { return nil }
    return alter + renames + add + [.alterPrimaryKey(key)] + drop
  }

  private var keyChanges: Bool {
    let names = Dictionary(renamed.map { ($0.from, $0.to) }, uniquingKeysWith: { first, _ in first })
    return current.primaryKey.map { names[$0] ?? $0 } != key
      || current.primaryKey.contains { name in dropped.contains(name) }
  }

  /// The new key in the names that its columns had before; nil when one of them is new.
  private var keyBefore: [String]? {
    var names: [String] = []
    for name in key {
      guard let entry = entries.first(where: { $0.column.name == name }), let origin = entry.origin else { return nil }
      names.append(current.columns[origin].name)
    }
    return names
  }

  /// A name must be free before another column takes it: those that are exchanged go by a third name.
  private var renames: [SchemaChange] {
    var waiting = renamed
    var result: [SchemaChange] = []
    var batch: [SchemaChange.RenamedColumn] = []
    while !waiting.isEmpty {
      let next = waiting.firstIndex { candidate in
        !waiting.contains { $0.from != candidate.from && $0.from.lowercased() == candidate.to.lowercased() }
      }
      if let next {
        batch.append(waiting.remove(at: next))
        continue
      }
      let first = waiting.removeFirst()
      let between = "_tidegate_exchange_\(result.count)"
      batch.append(SchemaChange.RenamedColumn(from: first.from, to: between))
      result.append(.renameColumns(batch))
      batch = []
      waiting.append(SchemaChange.RenamedColumn(from: between, to: first.to))
    }
    if !batch.isEmpty { result.append(.renameColumns(batch)) }
    return result
  }

  private var additions: [SchemaChange.AddedColumn] {
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
