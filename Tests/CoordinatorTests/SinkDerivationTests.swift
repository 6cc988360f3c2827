import Model
import Pipeline
import Testing

@testable import Coordinator

@Suite("What a sink table does when its source table changes")
struct SinkDerivationTests {
  private static let id = Column(name: "id", type: DataType(.bigint, nullable: false))
  private static let name = Column(name: "name", type: DataType(.varchar(length: 9), nullable: false))
  private static let schema = TableSchema(columns: [id, name], primaryKey: ["id"])
  private static let more = Column(name: "more", type: DataType(.int, nullable: false))
  private static let target = TableID(table: "t")

  private func derive(
    _ behavior: SchemaChangeBehavior, _ changes: [SchemaChange], from schema: TableSchema = Self.schema,
    without excluded: Set<String> = []
  ) throws -> [SchemaChange] {
    try SinkDerivation(behavior: behavior, allows: { !excluded.contains($0) })
      .steps(for: changes, of: Self.target, current: schema).map(\.change)
  }

  private static func nullable(_ column: Column, as name: String? = nil) -> Column {
    var column = column
    column.type = column.type.nullable(true)
    if let name { column.name = name }
    return column
  }

  @Test("Evolve passes every change on as it is")
  func evolve() throws {
    let changes: [SchemaChange] = [
      .addColumns([.init(Self.more, position: .after("id"))]), .renameColumns([.init(from: "name", to: "label")]),
      .alterColumnType([.init(Column(name: "more", type: DataType(.bigint)), oldType: DataType(.int))]),
      .dropColumns(["label"]), .truncateTable, .dropTable,
    ]
    #expect(try derive(.evolve, changes) == changes)
    #expect(try derive(.tryEvolve, changes) == changes)
    #expect(try derive(.ignore, changes).isEmpty)
  }

  @Test("Each step carries the schema after it")
  func resulting() throws {
    let steps = try SinkDerivation(behavior: .evolve, allows: { _ in true }).steps(
      for: [.addColumns([.init(Self.more, position: .first)]), .dropColumns(["name"])], of: Self.target,
      current: Self.schema)
    #expect(steps.map { $0.resulting.columns.map(\.name) } == [["more", "id", "name"], ["more", "id"]])
  }

  @Test("What an excluded change has left out is not missed later")
  func excluded() throws {
    let changes: [SchemaChange] = [
      .addColumns([.init(Self.more)]),
      .addColumns([.init(Self.nullable(Self.more, as: "last"), position: .after("more"))]),
      .dropColumns(["more", "name"]), .renameColumns([.init(from: "more", to: "less")]),
    ]
    #expect(try derive(.evolve, changes, without: ["add.column"]) == [.dropColumns(["name"])])
    let second = changes[1]
    #expect(
      try derive(.evolve, [second]) == [.addColumns([.init(Self.nullable(Self.more, as: "last"), position: .last)])])
  }

  @Test("A column that is there already is not added again")
  func repeated() throws {
    #expect(
      try derive(.evolve, [.addColumns([.init(Self.name), .init(Self.more)])]) == [.addColumns([.init(Self.more)])])
  }

  @Test("Lenient loses nothing: columns come last and nullable, none goes")
  func lenient() throws {
    #expect(
      try derive(.lenient, [.addColumns([.init(Self.more, position: .first)])])
        == [.addColumns([.init(Self.nullable(Self.more), position: .last)])])
    #expect(
      try derive(.lenient, [.dropColumns(["name"])])
        == [.alterColumnType([.init(Self.nullable(Self.name), oldType: Self.name.type)])])
    #expect(
      try derive(.lenient, [.renameColumns([.init(from: "name", to: "label")])]) == [
        .alterColumnType([.init(Self.nullable(Self.name), oldType: Self.name.type)]),
        .addColumns([.init(Self.nullable(Self.name, as: "label"), position: .last)]),
      ])
    #expect(try derive(.lenient, [.truncateTable, .dropTable]).isEmpty)
  }

  @Test("Exception forbids everything but the creation of tables")
  func exception() throws {
    #expect(try derive(.exception, [.createTable(Self.schema)]) == [.createTable(Self.schema)])
    #expect(throws: SinkDerivation.Forbidden.self) { try derive(.exception, [.truncateTable]) }
    #expect(try derive(.exception, [.truncateTable], without: ["truncate.table"]).isEmpty)
  }
}
