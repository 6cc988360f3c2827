import TestKit

/// One step of a workload.
enum WorkloadStep: Sendable {
  /// Statements of one transaction, with `BEGIN` and its end.
  case transaction([String])
  /// Schema changes, one after the other; each commits by itself.
  case schemaChange(WorkloadDDL, [String])

  var statements: [String] {
    switch self {
    case .transaction(let statements), .schemaChange(_, let statements): statements
    }
  }
}

/// Makes steps from a seed: the same seed and options, the same steps, whatever the server answers.
struct WorkloadGenerator: Sendable {
  /// The schema as the steps so far leave it.
  private(set) var tables: [WorkloadTable]
  var random: SeededRandom
  /// Which schema changes there are; none for a writer that only changes rows.
  let changes: [WorkloadDDL]
  /// One step in so many is a schema change.
  private static let changeEvery = 25
  /// Numbers tables that are made later.
  private var made = 0

  init(seed: UInt64, changes: [WorkloadDDL], keys: [WorkloadTable.Key] = WorkloadTable.Key.allCases) {
    random = SeededRandom(seed: seed)
    self.changes = changes
    tables =
      keys.map { WorkloadTable($0, name: "t_\($0)") }
      + [WorkloadTable(.integer, name: "t_second")]
  }

  /// Makes and fills the tables.
  func preparation() -> [String] {
    tables.flatMap { table in [table.create, bulk(table, from: 0, count: 1200)] }
  }

  /// The next step.
  mutating func next() -> WorkloadStep {
    guard !changes.isEmpty, random.below(Self.changeEvery) == 0 else { return .transaction(transaction()) }
    let change = changes[random.below(changes.count)]
    let index = random.below(tables.count)
    let statements = change.apply(to: &tables, index, made: &made, using: &random)
    return .schemaChange(change, statements)
  }

  private mutating func transaction() -> [String] {
    var statements = ["BEGIN"]
    if random.below(60) == 0 {
      statements.append(bulk(tables[random.below(tables.count)], from: random.below(3000), count: 1500))
    }
    for _ in 0..<(1 + random.below(4)) { statements += change(tables[random.below(tables.count)]) }
    if random.below(8) == 0 {
      statements.append("SAVEPOINT here")
      statements += change(tables[random.below(tables.count)])
      if random.below(2) == 0 { statements.append("ROLLBACK TO SAVEPOINT here") }
      statements += change(tables[random.below(tables.count)])
    }
    statements.append(random.below(10) == 0 ? "ROLLBACK" : "COMMIT")
    return statements
  }

  /// Many rows at once.
  private func bulk(_ table: WorkloadTable, from first: Int, count: Int) -> String {
    let key =
      switch table.key {
      case .integer: "\(first) + seq"
      case .composite: "18446744073709551615 - (seq + \(first)) % 97, CONCAT('k', (seq + \(first)) DIV 97)"
      case .text: "CONCAT('s', seq + \(first))"
      case .none: "seq % 50, CONCAT('', seq % 7)"
      }
    return "INSERT IGNORE INTO `\(table.name)` (\(table.keyColumns.joined(separator: ", ")), v, w) "
      + "SELECT \(key), seq, CONCAT('bulk ', seq) FROM seq_1_to_\(count)"
  }

  private mutating func change(_ table: WorkloadTable) -> [String] {
    let number = random.below(WorkloadTable.keys)
    let place = "`\(table.name)` "
    switch random.below(14) {
    case 0...3: return [insert(table, "INSERT", rows: 1 + random.below(6))]
    case 4: return [insert(table, "REPLACE", rows: 1 + random.below(3))]
    case 5: return [insert(table, "INSERT", rows: 2) + " ON DUPLICATE KEY UPDATE v = v + 1, w = 'again'"]
    case 6: return ["UPDATE \(place)SET \(assignments(table)) WHERE \(table.condition(number))"]
    case 7: return ["UPDATE \(place)SET \(assignments(table)) WHERE \(table.slice(number))"]
    case 8: return ["DELETE FROM \(place)WHERE \(table.condition(number))"]
    case 9: return ["DELETE FROM \(place)WHERE \(table.slice(number))"]
    case 10: return [keyChange(table, from: number)]
    case 11: return ["DELETE FROM \(place)WHERE \(table.condition(number))", insert(table, "INSERT", rows: 1)]
    case 12 where table.key == .text: return ["UPDATE \(place)SET id = UPPER(id) WHERE \(table.slice(number))"]
    default: return ["UPDATE \(place)SET v = v, w = w WHERE \(table.slice(number))"]
    }
  }

  private mutating func insert(_ table: WorkloadTable, _ verb: String, rows: Int) -> String {
    let names = table.keyColumns + ["v", "w"] + table.columns.map { "`\($0.name)`" }
    let values = (0..<rows).map { _ in
      let fixed =
        table.keyValues(random.below(WorkloadTable.keys)) + ["\(random.below(1000))", "'w\(random.below(99))'"]
      return "(" + (fixed + table.columns.map { $0.value(using: &random) }).joined(separator: ", ") + ")"
    }
    return "\(verb) INTO `\(table.name)` (\(names.joined(separator: ", "))) VALUES \(values.joined(separator: ", "))"
  }

  private mutating func assignments(_ table: WorkloadTable) -> String {
    var list = ["v = v + \(1 + random.below(9))"]
    for column in table.columns where random.below(2) == 0 {
      list.append("`\(column.name)` = \(column.value(using: &random))")
    }
    if random.below(3) == 0 { list.append("w = NULL") }
    return list.joined(separator: ", ")
  }

  private mutating func keyChange(_ table: WorkloadTable, from number: Int) -> String {
    let other = table.keyValues(random.below(WorkloadTable.keys))
    let assigned = zip(table.keyColumns, other).map { "\($0) = \($1)" }.joined(separator: ", ")
    return "UPDATE `\(table.name)` SET \(assigned), v = v + 1 WHERE \(table.condition(number))"
  }
}
