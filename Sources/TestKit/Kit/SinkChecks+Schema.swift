import Connector
import Model

extension SinkConformance {
  /// Applies a change, twice, as after a crash between the change and its report; returns the table after it.
  private static func evolve(
    _ bench: SinkBench, _ table: SinkTestTable, _ change: SchemaChange
  ) throws -> SinkTestTable {
    let next = try table.applying(change)
    try bench.apply(change, table.id, next.schema)
    try bench.apply(change, table.id, next.schema)
    guard case .renameTable(let name) = change else { return next }
    return SinkTestTable(name, next.schema, version: next.source.version)
  }

  static let keyChecks: [SinkCheck] = [
    SinkCheck("a table with another key keeps its rows, and tells them apart by it", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10]), .insert([2, "a", 20])], to: orders)
      var next = try evolve(bench, orders, .alterPrimaryKey(["n", "name"]))
      try bench.commit(
        [.insert([1, "b", 10]), .update([2, "a", 20], [3, "a", 20]), .delete([1, "a", 10])], to: next, split: 2)
      try bench.expect(next, [["1", "b", "10"], ["3", "a", "20"]], "rows under the second key")
      next = try evolve(bench, next, .alterPrimaryKey(["id"]))
      try bench.commit([.insert([3, "c", 30]), .insert([4, "c", 30])], to: next, split: 3)
      try bench.expect(
        next, [["1", "b", "10"], ["3", "c", "30"], ["4", "c", "30"]], "rows under the first key again")
    },
    SinkCheck("a table that loses its key, and gets one again, keeps its rows", needs: [.readable, .keyless]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      var next = try evolve(bench, orders, .alterPrimaryKey([]))
      try bench.commit([.insert([1, "a", 10]), .insert([2, "b", 20])], to: next, split: 2)
      try bench.expect(next, [["1", "a", "10"], ["1", "a", "10"], ["2", "b", "20"]], "rows without a key")
      try bench.commit([.delete([1, "a", 10])], to: next, split: 3)
      next = try evolve(bench, next, .alterPrimaryKey(["id"]))
      try bench.commit([.insert([1, "z", 11])], to: next, split: 4)
      try bench.expect(next, [["1", "z", "11"], ["2", "b", "20"]], "rows with a key again")
    },
    SinkCheck("a renamed table keeps its rows, and the old name is free", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      let next = try evolve(bench, orders, .renameTable(to: TableID(schema: "shop", table: "orders_2")))
      try bench.commit([.insert([2, "b", 20])], to: next, split: 2)
      try bench.expect(next, [["1", "a", "10"], ["2", "b", "20"]], "rows of the renamed table")
      try bench.expect(try bench.probe.hasTable(orders.id), false, "table under the old name")
      try bench.create(orders)
      try bench.expect(orders, [], "rows of a new table under the old name")
      try bench.expect(next, [["1", "a", "10"], ["2", "b", "20"]], "rows of the renamed table beside it")
    },
  ]

  static let schemaChecks: [SinkCheck] = [
    SinkCheck("creating a table again changes nothing", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      try bench.create(orders)
      try bench.expect(orders, [["1", "a", "10"]], "rows after the second creation")
    },
    SinkCheck("every schema change is accepted, also twice") { bench in
      try bench.create(orders)
      var table = try evolve(bench, orders, .addColumns([.init(Column(name: "x", type: DataType(.int)))]))
      table = try evolve(
        bench, table,
        .alterColumnType([.init(Column(name: "x", type: DataType(.bigint)), oldType: DataType(.int))]))
      table = try evolve(bench, table, .renameColumns([.init(from: "x", to: "y")]))
      try bench.commit([.insert([1, "a", 2, 3])], to: table)
      table = try evolve(bench, table, .dropColumns(["y"]))
      table = try evolve(bench, table, .alterPrimaryKey(["id", "name"]))
      table = try evolve(bench, table, .truncateTable)
      table = try evolve(bench, table, .renameTable(to: TableID(schema: "shop", table: "renamed")))
      _ = try evolve(bench, table, .dropTable)
    },
    SinkCheck("truncate empties the table", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      let next = try evolve(bench, orders, .truncateTable)
      try bench.expect(next, [], "rows after truncate")
      try bench.commit([.insert([2, "b", 10])], to: next, split: 2)
      try bench.expect(next, [["2", "b", "10"]], "rows written after truncate")
    },
    SinkCheck("drop removes the table, and it can be created anew", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      _ = try evolve(bench, orders, .dropTable)
      try bench.expect(try bench.probe.hasTable(orders.id), false, "table after drop")
      try bench.create(orders)
      try bench.expect(orders, [], "rows of the table created anew")
    },
  ]

  static let columnChecks: [SinkCheck] = [
    SinkCheck("an added column: old rows have its default, new rows their values", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      let added: [SchemaChange.AddedColumn] = [
        .init(Column(name: "plain", type: DataType(.int)), position: .first),
        .init(
          Column(name: "number", type: .required(.decimal(precision: 8, scale: 2)), defaultValue: "1.5"),
          position: .after("id")),
        .init(Column(name: "word", type: .required(.varchar(length: 20)), defaultValue: "it's 1")),
        .init(Column(name: "at", type: DataType(.timestamp(precision: 3)), defaultValue: "2020-01-02 03:04:05")),
      ]
      let next = try evolve(bench, orders, .addColumns(added))
      try bench.commit([.insert([7, 2, "2.00", "b", 20, "w", 0])], to: next, split: 2)
      try bench.expect(
        next,
        [
          [nil, "1", "1.50", "a", "10", "it's 1", "2020-01-02 03:04:05.000"],
          ["7", "2", "2.00", "b", "20", "w", "1970-01-01 00:00:00.000"],
        ], "rows after added columns")
    },
    SinkCheck("a dropped column is gone, the others stay", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      let next = try evolve(bench, orders, .dropColumns(["name"]))
      try bench.commit([.insert([2, 20])], to: next, split: 2)
      try bench.expect(next, [["1", "10"], ["2", "20"]], "rows after a dropped column")
    },
    SinkCheck("a renamed column keeps its values, also in the key and in case alone", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10])], to: orders)
      var next = try evolve(bench, orders, .renameColumns([.init(from: "name", to: "title")]))
      next = try evolve(bench, next, .renameColumns([.init(from: "id", to: "key"), .init(from: "n", to: "N")]))
      try bench.commit([.insert([2, "b", 20]), .update([1, "a", 10], [1, "c", 11])], to: next, split: 2)
      try bench.expect(next, [["1", "c", "11"], ["2", "b", "20"]], "rows after renamed columns")
    },
    SinkCheck("a wider type keeps the values and takes larger ones", needs: [.readable]) { bench in
      let table = SinkTestTable(
        "wide",
        [
          ("id", .required(.int)), ("n", DataType(.int)), ("d", DataType(.decimal(precision: 5, scale: 1))),
          ("t", DataType(.timestamp(precision: 0))), ("s", DataType(.int)),
        ], key: ["id"])
      try bench.create(table)
      try bench.commit([.insert([1, 5, "1.5", 0, 77]), .insert([2, nil, nil, nil, nil])], to: table)
      let wider: [(String, DataType)] = [
        ("id", .required(.bigint)), ("n", DataType(.bigint)), ("d", DataType(.decimal(precision: 9, scale: 3))),
        ("t", DataType(.timestamp(precision: 3))), ("s", DataType(.varchar(length: 20))),
      ]
      let change = SchemaChange.alterColumnType(
        wider.enumerated().map { index, item in
          .init(Column(name: item.0, type: item.1), oldType: table.schema.columns[index].type)
        })
      let next = try evolve(bench, table, change)
      try bench.commit(
        [.insert([.integer(1 << 40), .integer(1 << 40), "123456.789", 1_001_000, "x"])], to: next, split: 2)
      try bench.expect(
        next,
        [
          ["1", "5", "1.500", "1970-01-01 00:00:00.000", "77"], ["2", nil, nil, nil, nil],
          ["1099511627776", "1099511627776", "123456.789", "1970-01-01 00:00:01.001", "x"],
        ], "rows after altered types")
    },
  ]
}
