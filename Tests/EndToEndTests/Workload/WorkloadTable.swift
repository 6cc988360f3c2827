import TestKit

/// A table of the workload: key columns of one of several shapes, two columns that always stay, and those that come and go.
struct WorkloadTable: Sendable {
  enum Shape: CaseIterable, Sendable { case integer, composite, text, none }

  /// How the rows are told apart: by what the shape begins with, or what a change of the key has made of it.
  enum Key: Sendable { case primary, reversed, withValue, unique, none }

  /// Where a table stands.
  struct Place: Hashable, Sendable {
    /// Nil: in the database that is captured.
    var database: String?
    var name: String

    /// As SQL.
    var sql: String { (database.map { "`\($0)`." } ?? "") + "`\(name)`" }

    /// Tables of these names in the captured database are not captured.
    static let asidePrefix = "aside_"

    /// Whether the pipeline captures what stands there.
    var isCaptured: Bool { database == nil && !name.hasPrefix(Self.asidePrefix) }
  }

  var place: Place
  let shape: Shape
  var key: Key
  var columns: [WorkloadColumn] = []
  private var nextColumn = 1

  init(_ shape: Shape, _ place: Place) {
    self.shape = shape
    self.place = place
    key = shape == .none ? .none : .primary
  }

  /// How many keys there are to choose from.
  static let keys = 3000

  /// The name as SQL.
  var sql: String { place.sql }

  var keyColumns: [String] {
    switch shape {
    case .integer, .text: ["id"]
    case .composite, .none: ["a", "b"]
    }
  }

  /// The statement that makes the table as it is now; `words` stand in the place of `CREATE TABLE`.
  func create(_ words: String = "CREATE TABLE") -> String {
    let definitions =
      switch shape {
      case .integer: ["id INT NOT NULL"]
      case .composite: ["a BIGINT UNSIGNED NOT NULL", "b VARCHAR(20) NOT NULL"]
      case .text: ["id VARCHAR(40) COLLATE utf8mb4_general_ci NOT NULL"]
      case .none: ["a INT NULL", "b VARCHAR(20) NULL"]
      }
    let fixed = ["v INT NOT NULL DEFAULT 0", "w VARCHAR(60) NULL"]
    let constraint = definition(of: key).map { [$0] } ?? []
    let added = columns.map { "`\($0.name)` \($0.definition)" }
    return "\(words) \(sql) (\((definitions + fixed + added + constraint).joined(separator: ", ")))"
  }

  /// A key as it is defined; nil: there is none.
  private func definition(of key: Key) -> String? {
    switch key {
    case .primary: "PRIMARY KEY (\(keyColumns.joined(separator: ", ")))"
    case .reversed: "PRIMARY KEY (\((["v"] + keyColumns.reversed()).joined(separator: ", ")))"
    case .withValue: "PRIMARY KEY (\((keyColumns + ["v"]).joined(separator: ", ")))"
    case .unique: "UNIQUE KEY told_apart (\(keyColumns.joined(separator: ", ")))"
    case .none: nil
    }
  }

  /// Gives the table another key; the statement that does it. It may fail, where rows are one under the new key.
  mutating func changeKey(to new: Key) -> String {
    var clauses: [String] = []
    switch key {
    case .primary, .reversed, .withValue: clauses.append("DROP PRIMARY KEY")
    case .unique: clauses.append("DROP KEY told_apart")
    case .none: break
    }
    if let definition = definition(of: new) { clauses.append("ADD \(definition)") }
    key = new
    return "ALTER TABLE \(sql) \(clauses.joined(separator: ", "))"
  }

  /// The key's values as SQL for a number; many numbers have keys that differ in case or accent alone, or none.
  func keyValues(_ number: Int) -> [String] {
    switch shape {
    case .integer: ["\(number)"]
    case .composite: ["\(UInt64.max - UInt64(number % 97))", "'k\(number / 97)'"]
    case .text: ["'\(["a", "B", "ä", "Zz", "é", "-"][number % 6])\(number / 6)'"]
    case .none: [number % 11 == 0 ? "NULL" : "\(number % 50)", "'\(number % 7)'"]
    }
  }

  /// The condition that a number's row meets; `table` stands before each column's name.
  func condition(_ number: Int, of table: String = "") -> String {
    zip(keyColumns, keyValues(number)).map { $1 == "NULL" ? "\(table)\($0) IS NULL" : "\(table)\($0) = \($1)" }
      .joined(separator: " AND ")
  }

  /// A condition that about a twentieth of the rows meets.
  func slice(_ number: Int, of table: String = "") -> String {
    switch shape {
    case .integer: "\(table)id BETWEEN \(number) AND \(number + Self.keys / 20)"
    case .composite: "\(table)b = 'k\(number / 97)'"
    case .text: "\(table)id LIKE '%\(number % 100)'"
    case .none: "\(table)a = \(number % 50)"
    }
  }

  /// A fresh column, not yet part of the table.
  mutating func newColumn(using random: inout SeededRandom) -> WorkloadColumn {
    defer { nextColumn += 1 }
    return WorkloadColumn(name: "c\(nextColumn)", using: &random)
  }
}

/// All tables of a workload, as the steps so far have left them.
struct WorkloadSchema: Sendable {
  var tables: [WorkloadTable]
  /// Names that tables had once, and that are free.
  private(set) var formerNames: [WorkloadTable.Place] = []
  /// The database that is not captured.
  let asideDatabase: String
  /// Whether tables that are new to the pipeline are captured.
  let capturesNewTables: Bool
  private var made = 0

  init(_ shapes: [WorkloadTable.Shape], asideDatabase: String, capturesNewTables: Bool) {
    self.asideDatabase = asideDatabase
    self.capturesNewTables = capturesNewTables
    tables =
      shapes.map { WorkloadTable($0, .init(name: "t_\($0)")) } + [WorkloadTable(.integer, .init(name: "t_second"))]
  }

  /// Numbers of the tables that are captured.
  var captured: [Int] { tables.indices.filter { tables[$0].place.isCaptured } }

  /// Numbers of those that are not.
  var aside: [Int] { tables.indices.filter { !tables[$0].place.isCaptured } }

  /// A number that no name has had.
  mutating func nextNumber() -> Int {
    made += 1
    return made
  }

  /// A free name that is captured: a new one, or one that a table has had.
  mutating func freeName(using random: inout SeededRandom) -> WorkloadTable.Place {
    if random.below(3) > 0, let former = formerName(using: &random) { return former }
    return .init(name: "t_\(nextNumber())")
  }

  /// A free name for a table that was not captured; nil: there is none under which it would be.
  mutating func nameForNewTable(using random: inout SeededRandom) -> WorkloadTable.Place? {
    capturesNewTables ? freeName(using: &random) : formerName(using: &random)
  }

  private func formerName(using random: inout SeededRandom) -> WorkloadTable.Place? {
    let former = formerNames.filter(\.isCaptured)
    return former.isEmpty ? nil : former[random.below(former.count)]
  }

  /// A free name that is not captured, in the captured database or the other one.
  mutating func asideName(using random: inout SeededRandom) -> WorkloadTable.Place {
    let name = "\(WorkloadTable.Place.asidePrefix)\(nextNumber())"
    return .init(database: random.below(3) == 0 ? asideDatabase : nil, name: name)
  }

  /// Renames tables as one statement does, pair by pair.
  mutating func rename(_ pairs: [(from: WorkloadTable.Place, to: WorkloadTable.Place)]) {
    for pair in pairs {
      guard let index = tables.firstIndex(where: { $0.place == pair.from }) else { continue }
      tables[index].place = pair.to
      formerNames.removeAll { $0 == pair.to }
      formerNames.append(pair.from)
    }
    let taken = Set(tables.map(\.place))
    formerNames.removeAll { taken.contains($0) || $0.name.hasPrefix("passing_") }
  }

  mutating func add(_ table: WorkloadTable) {
    tables.append(table)
    formerNames.removeAll { $0 == table.place }
  }

  mutating func remove(_ index: Int) { formerNames.append(tables.remove(at: index).place) }
}
