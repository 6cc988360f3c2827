import Glibc
import TestKit

/// The kinds of schema changes of the workload.
enum WorkloadDDL: String, CaseIterable, Sendable {
  case addColumn, dropColumn, modifyColumn, renameColumn, changeColumn, severalClauses, index, truncate
  case renameTable, swapTables, recreateTable, changeKey

  /// What the workload uses; a kind is added here when it is supported. The environment's `TIDEGATE_WORKLOAD_CHANGES`
  /// names others, for narrowing a failure down: kinds, separated by commas.
  static let supported: [WorkloadDDL] = {
    if let given = getenv("TIDEGATE_WORKLOAD_CHANGES") {
      return String(cString: given).split(separator: ",").compactMap { WorkloadDDL(rawValue: String($0)) }
    }
    let columns: [WorkloadDDL] = [
      .addColumn, .addColumn, .dropColumn, .modifyColumn, .renameColumn, .changeColumn, .severalClauses, .index,
      .truncate,
    ]
    // What changes tables as wholes makes them be read anew, which takes most of a short round: it has tests of its own,
    // and a place in the long workload.
    return columns + (getenv("TIDEGATE_WORKLOAD_SECONDS") == nil ? [] : [.recreateTable, .changeKey])
  }()

  /// Changes the model of the table at `index`; the statements that do the same on the server.
  func apply(
    to tables: inout [WorkloadTable], _ index: Int, made: inout Int, using random: inout SeededRandom
  ) -> [String] {
    switch self {
    case .renameTable, .swapTables, .recreateTable, .changeKey:
      return applyToTable(&tables, index, made: &made, using: &random)
    case .truncate: return ["TRUNCATE TABLE `\(tables[index].name)`"]
    case .index:
      made += 1
      let table = "`\(tables[index].name)`"
      return ["ALTER TABLE \(table) ADD INDEX i\(made) (v)", "DROP INDEX i\(made) ON \(table)"]
    default: break
    }
    let count = self == .severalClauses ? 2 + random.below(3) : 1
    var clauses: [String] = []
    var touched: Set<String> = []
    for _ in 0..<count {
      if let clause = clause(&tables[index], &touched, using: &random) { clauses.append(clause) }
    }
    return clauses.isEmpty ? [] : ["ALTER TABLE `\(tables[index].name)` \(clauses.joined(separator: ", "))"]
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

extension WorkloadDDL {
  /// Changes that concern the table as a whole.
  fileprivate func applyToTable(
    _ tables: inout [WorkloadTable], _ index: Int, made: inout Int, using random: inout SeededRandom
  ) -> [String] {
    made += 1
    let name = tables[index].name
    switch self {
    case .renameTable:
      tables[index].name = "t_renamed\(made)"
      return ["RENAME TABLE `\(name)` TO `t_renamed\(made)`"]
    case .swapTables:
      let chosen = (index + 1 + random.below(tables.count - 1)) % tables.count
      // Tables of one shape, where there are two: their rows could be taken for each other's.
      let other = tables.indices.first { $0 != index && tables[$0].key == tables[index].key } ?? chosen
      let second = tables[other].name
      (tables[index].name, tables[other].name) = (second, name)
      return ["RENAME TABLE `\(name)` TO `swap\(made)`, `\(second)` TO `\(name)`, `swap\(made)` TO `\(second)`"]
    case .recreateTable:
      tables[index].columns = []
      tables[index].isKeyReversed = false
      return ["DROP TABLE `\(name)`", tables[index].create]
    default:
      guard tables[index].key == .integer else { return [] }
      // Both keys hold whatever rows there may be.
      tables[index].isKeyReversed.toggle()
      let key = tables[index].isKeyReversed ? "v, id" : "id, v"
      return ["ALTER TABLE `\(name)` DROP PRIMARY KEY, ADD PRIMARY KEY (\(key))"]
    }
  }
}
