import Model

/// The keys of a table by name, as far as they decide what tells its rows apart.
struct TableKeys: Hashable, Sendable {
  struct Key: Hashable, Sendable {
    /// `PRIMARY` for the primary key.
    var name: String
    var isUnique: Bool
    var columns: [String]
    /// Neither an expression nor the beginning of a column.
    var isWhole: Bool
  }

  /// The primary key's name.
  static let primaryName = "PRIMARY"

  /// In the order in which they were made.
  private(set) var keys: [Key]

  init(_ keys: [Key] = []) { self.keys = keys }

  /// The columns that tell rows apart: the primary key, else the unique key with the fewest columns, all of them NOT
  /// NULL and whole, then the first by name (as discovery chooses).
  func identity(in schema: TableSchema) -> [String] {
    if let primary = keys.first(where: { $0.name == Self.primaryName }) { return Self.spelled(primary.columns, schema) }
    let candidates = keys.filter { key in
      key.isUnique && key.isWhole && !key.columns.isEmpty
        && key.columns.allSatisfy { name in
          schema.index(of: name).map { !schema.columns[$0].type.isNullable } ?? false
        }
    }
    let best = candidates.min { ($0.columns.count, $0.name) < ($1.columns.count, $1.name) }
    return best.map { Self.spelled($0.columns, schema) } ?? []
  }

  /// Names as the columns have them.
  private static func spelled(_ names: [String], _ schema: TableSchema) -> [String] {
    names.map { name in schema.index(of: name).map { schema.columns[$0].name } ?? name }
  }

  /// Whether there is a primary key.
  var hasPrimary: Bool { keys.contains { $0.name == Self.primaryName } }

  /// Whether a key of that name is there.
  func has(_ name: String) -> Bool { keys.contains { $0.name.lowercased() == name.lowercased() } }

  /// No server lets a table have more; what is beyond is not looked at.
  private static let limit = 1024

  mutating func add(_ definition: KeyDefinition) {
    guard keys.count < Self.limit else { return }
    let columns = definition.parts.compactMap(\.column)
    let name: String
    if definition.kind == .primary {
      name = Self.primaryName
    } else {
      name = definition.name ?? freeName(columns.first)
    }
    if has(name) {
      if definition.ifNotExists { return }
      remove(name)
    }
    keys.append(
      Key(
        name: name, isUnique: definition.kind != .plain, columns: columns,
        isWhole: columns.count == definition.parts.count && !definition.parts.contains(where: \.hasPrefix)))
  }

  /// The name that servers give to a key without one: its first column's, with a number where that is taken.
  private func freeName(_ column: String?) -> String {
    let column = column ?? "functional_index"
    if !has(column), column.uppercased() != Self.primaryName { return column }
    var number = 2
    while has("\(column)_\(number)") { number += 1 }
    return "\(column)_\(number)"
  }

  mutating func remove(_ name: String) { keys.removeAll { $0.name.lowercased() == name.lowercased() } }

  mutating func rename(_ from: String, to: String) {
    for index in keys.indices where keys[index].name.lowercased() == from.lowercased() { keys[index].name = to }
  }

  /// A column that is dropped leaves the keys that it belongs to.
  mutating func dropColumn(_ name: String) {
    for index in keys.indices { keys[index].columns.removeAll { $0.lowercased() == name.lowercased() } }
    keys.removeAll { $0.columns.isEmpty }
  }

  /// Columns have other names; all at once, since names may be exchanged.
  mutating func renameColumns(_ names: [String: String]) {
    for index in keys.indices {
      keys[index].columns = keys[index].columns.map { names[$0.lowercased()] ?? $0 }
    }
  }
}
