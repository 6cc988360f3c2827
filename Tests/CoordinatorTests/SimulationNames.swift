import Connector
import Model

/// Tables that come, go, come back and change their names.
extension SimulationSource {
  private static let names = (0..<6).map { TableID(schema: "shop", table: "t\($0)") }

  /// Names that are free. `formerOnly`: that have been captured before, and are captured whatever comes.
  private func freeNames(formerOnly: Bool) -> [TableID] {
    Self.names.filter { tables[$0] == nil && (!formerOnly || history[$0] != nil) }
  }

  /// A table is created, comes with rows, takes another one's name, gets another name, is made again.
  func commitComingTable(formerOnly: Bool, _ random: inout SimulationRandom) {
    let free = freeNames(formerOnly: formerOnly)
    nextColumn += 1
    let schema = Self.schema(plain: random.chance(500) ? "a" : "c\(nextColumn)")
    switch random.below(16) {
    case 0..<3:
      if let id = random.pick(free) { bring(id, Table(schema: schema), .createTable(schema)) }
    case 3..<6:
      let taken = Self.names.filter { tables[$0] != nil }
      guard let id = random.pick(random.chance(500) ? free : free + taken) else { return }
      bring(id, filled(schema, rows: random.below(20), &random), .replaceTable(schema))
    case 6..<9: rename(&random)
    case 9..<11: rotate(schema, &random)
    case 11..<13: swap(&random)
    default: makeAgain(schema, &random)
    }
  }

  /// Another name, with or without a column more.
  private func rename(_ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), let new = random.pick(freeNames(formerOnly: false)),
      var table = tables[id]
    else { return }
    var changes: [SchemaChange] = []
    if random.chance(300) {
      let change = added(table.schema, &random)
      Self.apply(change, to: &table)
      changes.append(change)
    }
    move(id, table, to: new, changes)
  }

  private func move(_ id: TableID, _ table: Table, to new: TableID, _ changes: [SchemaChange] = []) {
    tables[id] = nil
    tables[new] = table
    commit([Effect(table: id, changes: changes + [.renameTable(to: new)], schema: table.schema)])
    note(new, table.schema)
  }

  /// A table moves on to another name, and an empty one is made in its place.
  private func rotate(_ schema: TableSchema, _ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), let new = random.pick(freeNames(formerOnly: false)),
      let table = tables[id]
    else { return }
    move(id, table, to: new)
    bring(id, Table(schema: schema), .createTable(schema))
  }

  /// Two tables change places in one statement: what has either name now is another table.
  private func swap(_ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), let other = random.pick(tables.keys.sorted().filter { $0 != id }),
      let first = tables[id], let second = tables[other]
    else { return }
    tables[id] = second
    tables[other] = first
    commit([
      Effect(table: id, changes: [.replaceTable(second.schema)], schema: second.schema),
      Effect(table: other, changes: [.replaceTable(first.schema)], schema: first.schema),
    ])
  }

  /// DROP TABLE and CREATE TABLE of one name, in two statements; sometimes with rows between them and again.
  private func makeAgain(_ schema: TableSchema, _ random: inout SimulationRandom) {
    guard let id = random.pick(tables.keys.sorted()), let table = tables[id] else { return }
    tables[id] = nil
    commit([Effect(table: id, changes: [.dropTable], schema: table.schema)])
    if random.chance(300), !tables.isEmpty { commitRows(&random) }
    bring(id, Table(schema: schema), .createTable(schema))
    if random.chance(300) { commitRows(&random) }
  }

  private func bring(_ id: TableID, _ table: Table, _ change: SchemaChange) {
    tables[id] = table
    commit([Effect(table: id, changes: [change], schema: table.schema)])
  }
}
