import TestKit

/// One step of a workload.
enum WorkloadStep: Sendable {
  /// Statements of one transaction, with `BEGIN` and its end.
  case transaction([String])
  /// Schema changes, one after the other; each commits by itself.
  case schemaChange([WorkloadStatement])
}

/// Makes steps from a seed: the same seed, options and schemas, the same steps.
struct WorkloadGenerator: Sendable {
  /// The schema as the server has it: whoever runs the steps sets what each statement has led to.
  var schema: WorkloadSchema
  private var random: SeededRandom
  /// Which schema changes there are; none for a writer that only changes rows.
  private let changes: [WorkloadDDL]
  /// One step in so many is a schema change.
  private static let changeEvery = 25

  init(seed: UInt64, schema: WorkloadSchema, changes: [WorkloadDDL]) {
    random = SeededRandom(seed: seed)
    self.schema = schema
    self.changes = changes
  }

  /// Makes and fills the tables.
  func preparation() -> [String] {
    schema.tables.flatMap { table in [table.create(), bulk(table, from: 0, count: 1200)] }
  }

  /// The next step.
  mutating func next() -> WorkloadStep {
    guard !changes.isEmpty, random.below(Self.changeEvery) == 0 else { return .transaction(transaction()) }
    let change = WorkloadDDL.random(changes, using: &random)
    let captured = schema.captured
    let index = captured[random.below(captured.count)]
    return .schemaChange(change.statements(schema, index, using: &random))
  }

  private mutating func anyTable() -> WorkloadTable { schema.tables[random.below(schema.tables.count)] }

  private mutating func transaction() -> [String] {
    var statements = ["BEGIN"]
    if random.below(60) == 0 { statements.append(bulk(anyTable(), from: random.below(3000), count: 1500)) }
    for _ in 0..<(1 + random.below(4)) { statements += change(anyTable()) }
    if random.below(8) == 0 {
      statements.append("SAVEPOINT here")
      statements += change(anyTable())
      if random.below(2) == 0 { statements.append("ROLLBACK TO SAVEPOINT here") }
      statements += change(anyTable())
    }
    statements.append(random.below(10) == 0 ? "ROLLBACK" : "COMMIT")
    return statements
  }

  /// Many rows at once.
  private func bulk(_ table: WorkloadTable, from first: Int, count: Int) -> String {
    let key =
      switch table.shape {
      case .integer: "\(first) + seq"
      case .composite: "18446744073709551615 - (seq + \(first)) % 97, CONCAT('k', (seq + \(first)) DIV 97)"
      case .text: "CONCAT('s', seq + \(first))"
      case .none: "seq % 50, CONCAT('', seq % 7)"
      }
    return "INSERT IGNORE INTO \(table.sql) (\(table.keyColumns.joined(separator: ", ")), v, w) "
      + "SELECT \(key), seq, CONCAT('bulk ', seq) FROM seq_1_to_\(count)"
  }

  private mutating func change(_ table: WorkloadTable) -> [String] {
    let number = random.below(WorkloadTable.keys)
    let place = table.sql
    switch random.below(16) {
    case 0...3: return [insert(table, "INSERT", rows: 1 + random.below(6))]
    case 4: return [insert(table, "REPLACE", rows: 1 + random.below(3))]
    case 5: return [insert(table, "INSERT", rows: 2) + " ON DUPLICATE KEY UPDATE v = v + 1, w = 'again'"]
    case 6: return ["UPDATE \(place) SET \(assignments(table)) WHERE \(table.condition(number))"]
    case 7: return ["UPDATE \(place) SET \(assignments(table)) WHERE \(table.slice(number))"]
    case 8: return ["DELETE FROM \(place) WHERE \(table.condition(number))"]
    case 9: return ["DELETE FROM \(place) WHERE \(table.slice(number))"]
    case 10: return [keyChange(table, from: number)]
    case 11: return ["DELETE FROM \(place) WHERE \(table.condition(number))", insert(table, "INSERT", rows: 1)]
    case 12 where table.shape == .text: return ["UPDATE \(place) SET id = UPPER(id) WHERE \(table.slice(number))"]
    case 13, 14: return [overTwoTables(table, number)]
    default: return ["UPDATE \(place) SET v = v, w = w WHERE \(table.slice(number))"]
    }
  }

  /// A statement that changes the rows of two tables, or fills one from another.
  private mutating func overTwoTables(_ table: WorkloadTable, _ number: Int) -> String {
    let others = schema.tables.filter { $0.place != table.place }
    let alike = others.filter { $0.shape == table.shape }
    let joined = others[random.below(others.count)]
    // A few rows of each: servers do not look far for the best way to join them.
    let tables = "\(table.sql) AS l JOIN \(joined.sql) AS r"
    let rows = table.condition(number, of: "l.") + " AND " + joined.condition(number, of: "r.")
    switch random.below(alike.isEmpty ? 2 : 3) {
    case 0:
      return "UPDATE \(tables) SET l.v = l.v + 1, r.w = 'joined', l.w = r.w WHERE \(rows)"
    case 1: return "DELETE l, r FROM \(tables) WHERE \(rows)"
    default:
      let names = (table.keyColumns + ["v", "w"]).joined(separator: ", ")
      return "INSERT IGNORE INTO \(table.sql) (\(names)) SELECT \(names) FROM \(alike[random.below(alike.count)].sql) "
        + "WHERE \(table.slice(number)) LIMIT 40"
    }
  }

  private mutating func insert(_ table: WorkloadTable, _ verb: String, rows: Int) -> String {
    let names = table.keyColumns + ["v", "w"] + table.columns.map { "`\($0.name)`" }
    let values = (0..<rows).map { _ in
      let fixed =
        table.keyValues(random.below(WorkloadTable.keys)) + ["\(random.below(1000))", "'w\(random.below(99))'"]
      return "(" + (fixed + table.columns.map { $0.value(using: &random) }).joined(separator: ", ") + ")"
    }
    return "\(verb) INTO \(table.sql) (\(names.joined(separator: ", "))) VALUES \(values.joined(separator: ", "))"
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
    return "UPDATE \(table.sql) SET \(assigned), v = v + 1 WHERE \(table.condition(number))"
  }
}
