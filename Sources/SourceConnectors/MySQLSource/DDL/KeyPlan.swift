import Model

/// What an ALTER TABLE does to keys, and what tells rows apart after it.
///
/// The registry's schema has the columns of one key; which other keys there are, and of what name, the table's definition
/// tells (`TableDefinition`). Where that is missing (a start in the past), or contradicts the schema, the schema's key is
/// taken for the primary key, and what cannot be decided makes the table be read anew.
struct KeyPlan {
  private enum Operation {
    case add(KeyDefinition)
    case dropPrimary
    case drop(String)
    case rename(String, String)
  }

  private let isCertain: Bool
  private let before: TableKeys
  private var operations: [Operation] = []
  /// The keys afterwards, once `identity` was asked; nil where they are not known.
  private(set) var after: TableKeys?

  init(_ keys: TableKeys?, schema: TableSchema) {
    if let keys, keys.identity(in: schema) == schema.primaryKey {
      isCertain = true
      before = keys
    } else {
      isCertain = false
      before = Self.assumed(schema)
    }
  }

  private static func assumed(_ schema: TableSchema) -> TableKeys {
    guard !schema.primaryKey.isEmpty else { return TableKeys() }
    return TableKeys([
      TableKeys.Key(name: TableKeys.primaryName, isUnique: true, columns: schema.primaryKey, isWhole: true)
    ])
  }

  mutating func add(_ key: KeyDefinition) { operations.append(.add(key)) }
  mutating func dropPrimary() { operations.append(.dropPrimary) }
  mutating func drop(_ name: String) { operations.append(.drop(name)) }
  mutating func rename(_ from: String, to: String) { operations.append(.rename(from, to)) }

  private var dropsPrimary: Bool {
    operations.contains { if case .dropPrimary = $0 { true } else { false } }
  }

  /// Whether a column of that (new) name becomes part of the primary key by the statement, which makes it NOT NULL.
  func makesRequired(_ name: String, _ plan: AlterPlan) -> Bool {
    operations.contains { operation in
      guard case .add(let key) = operation, key.kind == .primary else { return false }
      return key.parts.contains { $0.column?.lowercased() == name.lowercased() }
    }
  }

  /// Whether a column of that (old) name stays part of the primary key, and NOT NULL whatever its definition says.
  func keepsRequired(_ name: String) -> Bool {
    guard !dropsPrimary, let primary = before.keys.first(where: { $0.name == TableKeys.primaryName }) else {
      return false
    }
    return primary.columns.contains { $0.lowercased() == name.lowercased() }
  }

  /// The key's columns afterwards; and why the table must be read anew, where that is not certain.
  mutating func identity(in schema: TableSchema, plan: AlterPlan) -> (columns: [String], reason: String?) {
    var keys = before
    var isUnclear = false
    for operation in operations {
      switch operation {
      case .dropPrimary: keys.remove(TableKeys.primaryName)
      case .drop(let name):
        // Of an uncertain table any key may be the one that tells rows apart.
        if !isCertain, !keys.has(name) { isUnclear = true }
        keys.remove(name)
      case .rename(let from, let to): keys.rename(from, to: to)
      case .add: break
      }
    }
    for (index, fate) in plan.fates.enumerated() where fate.isDropped {
      keys.dropColumn(plan.current.columns[index].name)
    }
    keys.renameColumns(plan.newNames)
    for operation in operations {
      if case .add(let key) = operation { keys.add(key) }
    }
    after = isCertain ? keys : nil
    let columns = keys.identity(in: schema)
    if !isCertain, columns.isEmpty, !plan.current.primaryKey.isEmpty { isUnclear = true }
    return (columns, isUnclear ? "a key is dropped, and which one tells rows apart now is not known" : nil)
  }
}
