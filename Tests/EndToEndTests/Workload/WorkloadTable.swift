import TestKit

/// A table of the workload: a key of one of several shapes, two columns that always stay, and those that come and go.
struct WorkloadTable: Sendable {
  enum Key: CaseIterable, Sendable { case integer, composite, text, none }

  var name: String
  let key: Key
  var columns: [WorkloadColumn] = []
  /// Set and unset by changes of the primary key.
  var isKeyReversed = false
  private var nextColumn = 1

  init(_ key: Key, name: String) {
    self.key = key
    self.name = name
  }

  /// How many keys there are to choose from.
  static let keys = 3000

  var keyColumns: [String] {
    switch key {
    case .integer, .text: ["id"]
    case .composite, .none: ["a", "b"]
    }
  }

  /// The statement that makes the table as it is now.
  var create: String {
    let definitions =
      switch key {
      case .integer: ["id INT NOT NULL"]
      case .composite: ["a BIGINT UNSIGNED NOT NULL", "b VARCHAR(20) NOT NULL"]
      case .text: ["id VARCHAR(40) COLLATE utf8mb4_general_ci NOT NULL"]
      case .none: ["a INT NULL", "b VARCHAR(20) NULL"]
      }
    let fixed = ["v INT NOT NULL DEFAULT 0", "w VARCHAR(60) NULL"]
    let constraint = key == .none ? [] : ["PRIMARY KEY (\(keyColumns.joined(separator: ", ")))"]
    let added = columns.map { "`\($0.name)` \($0.definition)" }
    return "CREATE TABLE `\(name)` (\((definitions + fixed + added + constraint).joined(separator: ", ")))"
  }

  /// The key's values as SQL for a number; many numbers have keys that differ in case or accent alone, or none.
  func keyValues(_ number: Int) -> [String] {
    switch key {
    case .integer: ["\(number)"]
    case .composite: ["\(UInt64.max - UInt64(number % 97))", "'k\(number / 97)'"]
    case .text: ["'\(["a", "B", "ä", "Zz", "é", "-"][number % 6])\(number / 6)'"]
    case .none: [number % 11 == 0 ? "NULL" : "\(number % 50)", "'\(number % 7)'"]
    }
  }

  /// The condition that a number's row meets.
  func condition(_ number: Int) -> String {
    zip(keyColumns, keyValues(number)).map { $1 == "NULL" ? "\($0) IS NULL" : "\($0) = \($1)" }
      .joined(separator: " AND ")
  }

  /// A condition that about a twentieth of the rows meets.
  func slice(_ number: Int) -> String {
    switch key {
    case .integer: "id BETWEEN \(number) AND \(number + Self.keys / 20)"
    case .composite: "b = 'k\(number / 97)'"
    case .text: "id LIKE '%\(number % 100)'"
    case .none: "a = \(number % 50)"
    }
  }

  /// A fresh column, not yet part of the table.
  mutating func newColumn(using random: inout SeededRandom) -> WorkloadColumn {
    defer { nextColumn += 1 }
    return WorkloadColumn(name: "c\(nextColumn)", using: &random)
  }
}
