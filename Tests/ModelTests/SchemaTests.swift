import Model
import Testing

@Suite("Schemas, and what changes make of them")
struct SchemaTests {
  private static func column(_ name: String, _ kind: DataType.Kind = .int) -> Column {
    Column(name: name, type: DataType(kind))
  }

  private static let schema = TableSchema(columns: [column("id"), column("Name"), column("age")], primaryKey: ["id"])

  private func names(after change: SchemaChange) throws -> [String] {
    try Self.schema.applying(change).columns.map(\.name)
  }

  @Test("Added columns go where they are told to")
  func adding() throws {
    let new = Self.column("new")
    #expect(try names(after: .addColumns([.init(new)])) == ["id", "Name", "age", "new"])
    #expect(try names(after: .addColumns([.init(new, position: .first)])) == ["new", "id", "Name", "age"])
    #expect(try names(after: .addColumns([.init(new, position: .after("name"))])) == ["id", "Name", "new", "age"])
    #expect(try names(after: .addColumns([.init(new, position: .before("id"))])) == ["new", "id", "Name", "age"])
    #expect(
      try names(after: .addColumns([.init(new), .init(Self.column("next"), position: .after("new"))]))
        == ["id", "Name", "age", "new", "next"])
  }

  @Test("The key follows renamed and dropped columns; names are found whatever their case")
  func keys() throws {
    let renamed = try Self.schema.applying(.renameColumns([.init(from: "ID", to: "key")]))
    #expect(renamed.primaryKey == ["key"] && renamed.keyIndexes == [0])
    let dropped = try Self.schema.applying(.dropColumns(["ID", "NAME"]))
    #expect(dropped.primaryKey.isEmpty && dropped.columns.map(\.name) == ["age"])
    let recased = try Self.schema.applying(.renameColumns([.init(from: "name", to: "NAME")]))
    #expect(recased.columns.map(\.name) == ["id", "NAME", "age"])
    let altered = try Self.schema.applying(
      .alterColumnType([.init(Self.column("NAME", .string), oldType: DataType(.int))]))
    #expect(altered.columns[1] == Self.column("Name", .string))
  }

  @Test("Truncating and dropping leave the columns; creating replaces them")
  func wholeTables() throws {
    #expect(try Self.schema.applying(.truncateTable) == Self.schema)
    #expect(try Self.schema.applying(.dropTable) == Self.schema)
    let other = TableSchema(columns: [Self.column("x")], primaryKey: [])
    #expect(try Self.schema.applying(.createTable(other)) == other)
  }

  @Test(
    "A change that does not fit is an error",
    arguments: [
      .addColumns([.init(column("NAME"))]), .addColumns([.init(column("new"), position: .after("none"))]),
      .renameColumns([.init(from: "none", to: "x")]), .renameColumns([.init(from: "age", to: "name")]),
      .dropColumns(["none"]), .alterColumnType([.init(column("none"), oldType: DataType(.int))]),
    ] as [SchemaChange])
  func misfits(change: SchemaChange) {
    #expect(throws: SchemaChangeMismatch.self) { try Self.schema.applying(change) }
  }

  @Test("Dates agree with counting day by day, over three thousand years")
  func civilTime() {
    var year = 0
    var month = 1
    var day = 1
    var days = CivilTime.days(year: year, month: month, day: day)
    #expect(days == -719_528)
    #expect(CivilTime.days(year: 1970, month: 1, day: 1) == 0)
    var wrong = 0
    while year < 3000 {
      if CivilTime.days(year: year, month: month, day: day) != days { wrong += 1 }
      if CivilTime.date(days: days) != (year, month, day) { wrong += 1 }
      days += 1
      day += 1
      let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
      let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      if CivilTime.daysInMonth(year: year, month: month) != lengths[month - 1] { wrong += 1 }
      if day > lengths[month - 1] {
        day = 1
        month += 1
      }
      if month > 12 {
        month = 1
        year += 1
      }
    }
    #expect(wrong == 0)
    #expect(CivilTime.date(days: -719_529) == (-1, 12, 31))
  }

  @Test("Ranges and attempts as people read them")
  func descriptions() {
    #expect(ChunkRange.everything.description == "all rows")
    let one = ChunkRange(columns: ["id"], lower: [.integer(-5)], upper: nil)
    #expect(one.description == "id [-5, …)")
    let two = ChunkRange(columns: ["a", "b"], lower: nil, upper: [.text("x"), .bytes([1, 255])])
    #expect(two.description == "(a, b) […, ('x', 0x01ff))")
    #expect(AttemptID(pipeline: "shop", split: 17, attempt: 2).description == "shop/17#2")
    #expect(TableID(namespace: "n", schema: "s", table: "t").description == "n.s.t")
  }
}
