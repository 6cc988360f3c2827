import Glibc
import TestKit

/// The kinds of schema changes of the workload.
enum WorkloadDDL: String, CaseIterable, Sendable {
  case addColumn, dropColumn, modifyColumn, renameColumn, changeColumn, severalClauses, index, truncate, nothing
  case renameTable, swapTables, shiftTables, putAside, takeBack, exchangeAside
  case recreateTable, createTable, dropTables, replaceTable, changeKey

  /// Whether it changes tables as wholes, after which they are mostly read anew.
  private var concernsTables: Bool {
    switch self {
    case .addColumn, .dropColumn, .modifyColumn, .renameColumn, .changeColumn, .severalClauses: false
    case .index, .truncate, .nothing: false
    default: true
    }
  }

  /// What a server's workload uses. The environment's `TIDEGATE_WORKLOAD_CHANGES` names others, for narrowing a failure
  /// down: kinds, separated by commas.
  static func supported(_ kind: ServerKind) -> [WorkloadDDL] {
    let all = allCases.filter { kind == .mariaDB || $0 != .replaceTable }
    guard let given = getenv("TIDEGATE_WORKLOAD_CHANGES").map({ String(cString: $0) }), !given.isEmpty else {
      return all
    }
    let named = given.split(separator: ",").compactMap { WorkloadDDL(rawValue: String($0)) }
    return allCases.filter(named.contains)
  }

  /// One of the kinds; what concerns tables as wholes is rarer, since it takes a while.
  static func random(_ kinds: [WorkloadDDL], using random: inout SeededRandom) -> WorkloadDDL {
    let tables = kinds.filter(\.concernsTables)
    let columns = kinds.filter { !$0.concernsTables }
    let chosen = columns.isEmpty || (!tables.isEmpty && random.below(4) == 0) ? tables : columns
    return chosen[random.below(chosen.count)]
  }

  /// The statements that change the table at `index`, each with the schema that it leads to; none where the change is
  /// not possible now.
  func statements(
    _ schema: WorkloadSchema, _ index: Int, using random: inout SeededRandom
  ) -> [WorkloadStatement] {
    if concernsTables { return tableStatements(schema, index, using: &random) }
    var schema = schema
    let name = schema.tables[index].sql
    switch self {
    case .nothing: return [WorkloadStatement(sql: withoutEffect(schema.tables[index], using: &random), schema: schema)]
    case .truncate: return [WorkloadStatement(sql: "TRUNCATE TABLE \(name)", schema: schema)]
    case .index:
      let number = schema.nextNumber()
      return ["ALTER TABLE \(name) ADD INDEX i\(number) (v)", "DROP INDEX i\(number) ON \(name)"].map {
        WorkloadStatement(sql: $0, schema: schema)
      }
    default: break
    }
    let count = self == .severalClauses ? 2 + random.below(3) : 1
    var clauses: [String] = []
    var touched: Set<String> = []
    for _ in 0..<count {
      if let clause = clause(&schema.tables[index], &touched, using: &random) { clauses.append(clause) }
    }
    if clauses.isEmpty { return [] }
    return [WorkloadStatement(sql: "ALTER TABLE \(name) \(clauses.joined(separator: ", "))", schema: schema)]
  }

  /// A statement about the table that changes neither columns nor rows.
  private func withoutEffect(_ table: WorkloadTable, using random: inout SeededRandom) -> String {
    switch random.below(4) {
    case 0:
      let shape = WorkloadTable.Shape.allCases[random.below(WorkloadTable.Shape.allCases.count)]
      return WorkloadTable(shape, table.place).create("CREATE TABLE IF NOT EXISTS")
    case 1: return "ALTER TABLE \(table.sql) COMMENT 'number \(random.below(100))'"
    case 2: return "ALTER TABLE \(table.sql) ENGINE=InnoDB"
    default: return "DROP TABLE IF EXISTS `t_never`"
    }
  }

  /// One clause of an ALTER TABLE. Several clauses of a statement touch different columns.
  private func clause(
    _ table: inout WorkloadTable, _ touched: inout Set<String>, using random: inout SeededRandom
  ) -> String? {
    let candidates = table.columns.indices.filter { !touched.contains(table.columns[$0].name) }
    let kinds: [WorkloadDDL] = [.addColumn, .dropColumn, .modifyColumn, .renameColumn, .changeColumn]
    let kind = self == .severalClauses ? kinds[random.below(kinds.count)] : self
    guard kind != .addColumn, table.columns.count < 12, !candidates.isEmpty else {
      if kind != .addColumn, table.columns.count >= 12, let first = candidates.first {
        return drop(&table, first, &touched)
      }
      return table.columns.count < 12 ? add(&table, &touched, using: &random) : nil
    }
    let chosen = candidates[random.below(candidates.count)]
    switch kind {
    case .dropColumn: return drop(&table, chosen, &touched)
    case .modifyColumn: return modify(&table, chosen, &touched, using: &random)
    case .renameColumn: return rename(&table, chosen, &touched, using: &random)
    default: return change(&table, chosen, &touched, using: &random)
    }
  }

  private func add(
    _ table: inout WorkloadTable, _ touched: inout Set<String>, using random: inout SeededRandom
  ) -> String {
    let column = table.newColumn(using: &random)
    touched.insert(column.name)
    table.columns.append(column)
    let places = ["", "", " FIRST", " AFTER v", " AFTER w"]
    return "ADD COLUMN `\(column.name)` \(column.definition)\(places[random.below(places.count)])"
  }

  private func drop(_ table: inout WorkloadTable, _ index: Int, _ touched: inout Set<String>) -> String {
    let name = table.columns.remove(at: index).name
    touched.insert(name)
    return "DROP COLUMN `\(name)`"
  }

  /// Widens a column's type, when it can be widened; else its place changes.
  private func widen(_ column: inout WorkloadColumn, using random: inout SeededRandom) {
    let wider = column.type.widened
    guard !wider.isEmpty else { return }
    column.type = wider[random.below(wider.count)]
    if !column.type.mayHaveDefault { column.defaultValue = nil }
  }

  private func modify(
    _ table: inout WorkloadTable, _ index: Int, _ touched: inout Set<String>, using random: inout SeededRandom
  ) -> String {
    widen(&table.columns[index], using: &random)
    let column = table.columns[index]
    touched.insert(column.name)
    let place = random.below(3) == 0 ? " AFTER v" : ""
    return "MODIFY COLUMN `\(column.name)` \(column.definition)\(place)"
  }

  private func rename(
    _ table: inout WorkloadTable, _ index: Int, _ touched: inout Set<String>, using random: inout SeededRandom
  ) -> String {
    let old = table.columns[index].name
    let new = table.newColumn(using: &random).name
    table.columns[index].name = new
    touched.formUnion([old, new])
    return "RENAME COLUMN `\(old)` TO `\(new)`"
  }

  private func change(
    _ table: inout WorkloadTable, _ index: Int, _ touched: inout Set<String>, using random: inout SeededRandom
  ) -> String {
    let old = table.columns[index].name
    widen(&table.columns[index], using: &random)
    table.columns[index].name = table.newColumn(using: &random).name
    let column = table.columns[index]
    touched.formUnion([old, column.name])
    return "CHANGE COLUMN `\(old)` `\(column.name)` \(column.definition)"
  }
}
