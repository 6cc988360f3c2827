import TestKit

/// One statement that changes tables, and what the schema is once the server has done it.
struct WorkloadStatement: Sendable {
  var sql: String
  var schema: WorkloadSchema
}

extension WorkloadDDL {
  /// Changes that concern tables as wholes: the statements, each with the schema it leads to; none where the change is
  /// not possible now.
  func tableStatements(
    _ schema: WorkloadSchema, _ index: Int, using random: inout SeededRandom
  ) -> [WorkloadStatement] {
    var schema = schema
    let sql: String?
    switch self {
    case .recreateTable: return recreate(schema, index, using: &random)
    case .renameTable: sql = rename(&schema, index, using: &random)
    case .swapTables: sql = swap(&schema, index, using: &random)
    case .shiftTables: sql = shift(&schema, index, using: &random)
    case .putAside: sql = putAside(&schema, index, using: &random)
    case .takeBack: sql = takeBack(&schema, using: &random)
    case .exchangeAside: sql = exchange(&schema, index, using: &random)
    case .createTable: sql = create(&schema, using: &random)
    case .replaceTable: sql = replace(&schema, index, using: &random)
    case .dropTables: sql = drop(&schema, index, using: &random)
    default: sql = changeKey(&schema, index, using: &random)
    }
    return sql.map { [WorkloadStatement(sql: $0, schema: schema)] } ?? []
  }

  /// Most tables that there are at a time.
  private static let mostTables = 9

  // MARK: Names

  private typealias Pair = (from: WorkloadTable.Place, to: WorkloadTable.Place)

  private func statement(_ pairs: [Pair]) -> String {
    "RENAME TABLE " + pairs.map { "\($0.from.sql) TO \($0.to.sql)" }.joined(separator: ", ")
  }

  private func renamed(_ schema: inout WorkloadSchema, _ pairs: [Pair]) -> String {
    schema.rename(pairs)
    return statement(pairs)
  }

  private func passing(_ schema: inout WorkloadSchema) -> WorkloadTable.Place {
    .init(name: "passing_\(schema.nextNumber())")
  }

  private func rename(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String {
    let from = schema.tables[index].place
    let to = schema.freeName(using: &random)
    switch random.below(4) {
    case 0:
      schema.rename([(from, to)])
      return "ALTER TABLE \(from.sql) RENAME TO \(to.sql)"
    case 1 where schema.tables[index].columns.count < 12:
      let column = schema.tables[index].newColumn(using: &random)
      schema.tables[index].columns.append(column)
      schema.rename([(from, to)])
      return "ALTER TABLE \(from.sql) ADD COLUMN `\(column.name)` \(column.definition), RENAME \(to.sql)"
    default: return renamed(&schema, [(from, to)])
    }
  }

  /// Another captured table, more often than not one of the same shape: rows of the two could be taken for each other's.
  private func other(_ schema: WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> Int? {
    let others = schema.captured.filter { $0 != index }
    let alike = others.filter { schema.tables[$0].shape == schema.tables[index].shape }
    let chosen = alike.isEmpty || random.below(3) == 0 ? others : alike
    return chosen.isEmpty ? nil : chosen[random.below(chosen.count)]
  }

  private func swap(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    guard let other = other(schema, index, using: &random) else { return nil }
    let (first, second) = (schema.tables[index].place, schema.tables[other].place)
    let passing = passing(&schema)
    return renamed(&schema, [(first, passing), (second, first), (passing, second)])
  }

  /// A table takes another one's name, which goes on under a third one.
  private func shift(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    guard let other = other(schema, index, using: &random) else { return nil }
    let (first, second) = (schema.tables[index].place, schema.tables[other].place)
    return renamed(&schema, [(second, schema.freeName(using: &random)), (first, second)])
  }

  private func putAside(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    guard schema.captured.count > 4 else { return nil }
    let from = schema.tables[index].place
    let to = schema.asideName(using: &random)
    guard random.below(3) == 0 else { return renamed(&schema, [(from, to)]) }
    schema.rename([(from, to)])
    return "ALTER TABLE \(from.sql) RENAME AS \(to.sql)"
  }

  private func takeBack(_ schema: inout WorkloadSchema, using random: inout SeededRandom) -> String? {
    guard let back = schema.aside.first, let name = schema.nameForNewTable(using: &random) else { return nil }
    return renamed(&schema, [(schema.tables[back].place, name)])
  }

  /// A table that is not captured takes the name of one that is, as migrations do.
  private func exchange(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    guard let back = schema.aside.last else { return nil }
    let (inside, outside) = (schema.tables[index].place, schema.tables[back].place)
    if random.below(2) == 0 {
      return renamed(&schema, [(inside, schema.asideName(using: &random)), (outside, inside)])
    }
    let passing = passing(&schema)
    return renamed(&schema, [(inside, passing), (outside, inside), (passing, outside)])
  }

  // MARK: Creation

  /// A fresh table of a shape with some columns of its own.
  private func fresh(
    _ shape: WorkloadTable.Shape, _ place: WorkloadTable.Place, using random: inout SeededRandom
  ) -> WorkloadTable {
    var table = WorkloadTable(shape, place)
    for _ in 0..<random.below(4) { table.columns.append(table.newColumn(using: &random)) }
    return table
  }

  /// A table made with these words: empty, like another one, or with another one's rows.
  private func made(
    _ words: String, _ schema: WorkloadSchema, _ place: WorkloadTable.Place, using random: inout SeededRandom
  ) -> (sql: String, table: WorkloadTable) {
    let models = schema.tables.filter { $0.place != place }
    let model = models[random.below(models.count)]
    switch random.below(4) {
    case 0:
      var table = model
      table.place = place
      return ("\(words) \(place.sql) LIKE \(model.sql)", table)
    case 1:
      var table = fresh(model.shape, place, using: &random)
      table.columns.removeAll(where: \.isDemanded)
      let names = (table.keyColumns + ["v", "w"]).joined(separator: ", ")
      return (
        "\(table.create(words)) IGNORE SELECT \(names) FROM \(model.sql) "
          + "WHERE \(model.slice(random.below(WorkloadTable.keys)))", table
      )
    default:
      let shapes = WorkloadTable.Shape.allCases
      let table = fresh(shapes[random.below(shapes.count)], place, using: &random)
      return (table.create(words), table)
    }
  }

  private func create(_ schema: inout WorkloadSchema, using random: inout SeededRandom) -> String? {
    let inside = random.below(6) == 0 ? nil : schema.nameForNewTable(using: &random)
    guard schema.tables.count < Self.mostTables else { return nil }
    let place = inside ?? schema.asideName(using: &random)
    let words = random.below(4) == 0 ? "CREATE TABLE IF NOT EXISTS" : "CREATE TABLE"
    let made = made(words, schema, place, using: &random)
    schema.add(made.table)
    return made.sql
  }

  private func replace(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    let made = made("CREATE OR REPLACE TABLE", schema, schema.tables[index].place, using: &random)
    schema.tables[index] = made.table
    return made.sql
  }

  private func recreate(
    _ schema: WorkloadSchema, _ index: Int, using random: inout SeededRandom
  ) -> [WorkloadStatement] {
    let place = schema.tables[index].place
    var without = schema
    without.remove(index)
    let made = made("CREATE TABLE", without, place, using: &random)
    var with = without
    with.add(made.table)
    return [
      WorkloadStatement(sql: "DROP TABLE \(place.sql)", schema: without),
      WorkloadStatement(sql: made.sql, schema: with),
    ]
  }

  private func drop(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    guard schema.captured.count > 5 else { return nil }
    var places = [schema.tables[index].place]
    schema.remove(index)
    if schema.captured.count > 5, random.below(2) == 0 {
      let second = schema.captured[random.below(schema.captured.count)]
      places.append(schema.tables[second].place)
      schema.remove(second)
    }
    let names = places.map(\.sql).joined(separator: ", ")
    return random.below(3) == 0 ? "DROP TABLE IF EXISTS \(names), `t_never`" : "DROP TABLE \(names)"
  }

  private func changeKey(_ schema: inout WorkloadSchema, _ index: Int, using random: inout SeededRandom) -> String? {
    let table = schema.tables[index]
    guard table.shape != .none else { return nil }
    let keys: [WorkloadTable.Key] = [.primary, .reversed, .withValue, .unique, .none].filter { $0 != table.key }
    return schema.tables[index].changeKey(to: keys[random.below(keys.count)])
  }
}
