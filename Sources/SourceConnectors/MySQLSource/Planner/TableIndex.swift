/// An index of a table, as far as keys and chunks need it.
struct TableIndex: Hashable, Sendable {
  let name: String
  let isUnique: Bool
  /// Whether a query can be made to walk it in order: a B-tree that the optimiser may use.
  let isUsable: Bool
  /// All columns; expressions are left out.
  private(set) var columns: [String] = []
  /// The leading columns by whose values it is ordered: indexed in full, all in one direction.
  private(set) var ordered: [String] = []
  /// Whether it tells rows apart: no nullable column, no prefix of a column, no expression.
  private(set) var isIdentity = true
  /// Whether it has neither expressions nor prefixes of columns.
  private(set) var isWhole = true
  private var direction: String?
  private var isOrderBroken = false

  init(name: String, isUnique: Bool, isUsable: Bool) {
    self.name = name
    self.isUnique = isUnique
    self.isUsable = isUsable
  }

  /// Adds the next column; nil: an expression. `direction` is `A`, `D` or empty.
  mutating func add(column: String?, isNullable: Bool, isPrefix: Bool, direction: String) {
    if column == nil || isNullable || isPrefix { isIdentity = false }
    if column == nil || isPrefix { isWhole = false }
    if let column { columns.append(column) }
    if self.direction == nil { self.direction = direction }
    if column == nil || isPrefix || direction.isEmpty || direction != self.direction { isOrderBroken = true }
    if let column, !isOrderBroken { ordered.append(column) }
  }

  /// The primary key; without one the unique key with the fewest columns (then the first by name) that identifies rows.
  static func key(of indexes: [TableIndex]) -> [String] {
    if let primary = indexes.first(where: { $0.name == "PRIMARY" }) { return primary.columns }
    let candidates = indexes.filter { $0.isUnique && $0.isIdentity }
    return candidates.min { ($0.columns.count, $0.name) < ($1.columns.count, $1.name) }?.columns ?? []
  }

  /// As statements deal with it.
  var key: TableKeys.Key { TableKeys.Key(name: name, isUnique: isUnique, columns: columns, isWhole: isWhole) }

  /// How many of the columns an index walks in their order.
  func covers(_ columns: [String]) -> Int {
    guard isUsable else { return 0 }
    return zip(ordered, columns).prefix { $0 == $1 }.count
  }

  /// The index that walks the most of the leading columns; the primary key, which holds the rows, before others.
  static func best(_ indexes: [TableIndex], for columns: [String]) -> (index: TableIndex, count: Int)? {
    var best: (index: TableIndex, count: Int)?
    for index in indexes.sorted(by: { ($0.rank, $0.name) < ($1.rank, $1.name) }) {
      let count = index.covers(columns)
      if count > best?.count ?? 0 { best = (index, count) }
    }
    return best
  }

  private var rank: Int { name == "PRIMARY" ? 0 : isUnique && isIdentity ? 1 : 2 }
}
