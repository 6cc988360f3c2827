import Connector
import Model

extension SinkConformance {
  static let orders = SinkTestTable(
    "orders", [("id", .required(.bigint)), ("name", DataType(.varchar(length: 40))), ("n", DataType(.int))],
    key: ["id"])

  static let rowChecks: [SinkCheck] = [
    SinkCheck("rows of every operation are accepted") { bench in
      try bench.create(orders)
      try bench.commit(
        [.insert([1, "a", 10]), .update([1, "a", 10], [1, "b", nil]), .delete([1, "b", nil])], to: orders)
    },
    SinkCheck("an insert is there after the commit", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10]), .insert([2, nil, -5])], to: orders)
      try bench.expect(orders, [["1", "a", "10"], ["2", nil, "-5"]], "rows after two inserts")
    },
    SinkCheck("an insert replaces the row with its key", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10]), .insert([1, "b", nil])], to: orders)
      try bench.commit([.insert([1, "c", 3]), .insert([2, "d", 4])], to: orders, split: 2)
      try bench.expect(orders, [["1", "c", "3"], ["2", "d", "4"]], "rows after inserts of one key")
    },
    SinkCheck("a delete removes the row, and one that is not there is no error", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10]), .insert([2, "b", 20])], to: orders)
      try bench.commit([.delete([1, "a", 10]), .delete([3, "z", nil])], to: orders, split: 2)
      try bench.expect(orders, [["2", "b", "20"]], "rows after a delete")
    },
    SinkCheck("an update changes the row, or adds it where it is missing", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit(
        [.insert([1, "a", 10]), .update([1, "a", 10], [1, "b", 11]), .update([2, "x", 1], [2, "y", 2])], to: orders)
      try bench.expect(orders, [["1", "b", "11"], ["2", "y", "2"]], "rows after updates")
    },
    SinkCheck("an update of the key moves the row", needs: [.readable]) { bench in
      try bench.create(orders)
      try bench.commit([.insert([1, "a", 10]), .insert([2, "b", 20]), .insert([3, "c", 30])], to: orders)
      try bench.commit(
        [.update([1, "a", 10], [9, "a", 11]), .update([2, "b", 20], [3, "b", 21])], to: orders, split: 2)
      try bench.expect(orders, [["9", "a", "11"], ["3", "b", "21"]], "rows after updates of keys")
    },
    SinkCheck("keys of several columns count as a whole, in key order", needs: [.readable]) { bench in
      let table = SinkTestTable(
        "pairs",
        [("v", DataType(.int)), ("b", .required(.varchar(length: 9))), ("a", .required(.int))], key: ["a", "b"])
      try bench.create(table)
      try bench.commit(
        [
          .insert([1, "x", 1]), .insert([2, "y", 1]), .insert([3, "x", 2]), .delete([2, "y", 1]),
          .update([3, "x", 2], [4, "X", 2]), .insert([5, "x", 1]),
        ], to: table)
      try bench.expect(table, [["5", "x", "1"], ["4", "X", "2"]], "rows of a table with a composite key")
    },
    SinkCheck("a key that changes in case alone is another key", needs: [.readable]) { bench in
      let table = SinkTestTable("words", [("w", .required(.varchar(length: 9)))], key: ["w"])
      try bench.create(table)
      try bench.commit([.insert(["a"]), .insert(["10"]), .insert(["010"]), .update(["a"], ["A"])], to: table)
      try bench.expect(table, [["A"], ["10"], ["010"]], "rows of a table of texts")
    },
    SinkCheck("a table without a key: one equal row at a time", needs: [.readable, .keyless]) { bench in
      let table = SinkTestTable("log", [("a", DataType(.int)), ("b", DataType(.varchar(length: 9)))])
      try bench.create(table)
      try bench.commit([.insert([1, "x"]), .insert([1, "x"]), .insert([1, nil]), .insert([nil, nil])], to: table)
      try bench.expect(table, [["1", "x"], ["1", "x"], ["1", nil], [nil, nil]], "equal rows are all kept")
      try bench.commit(
        [.delete([1, "x"]), .update([1, nil], [2, nil]), .update([nil, nil], [nil, "n"])], to: table, split: 2)
      try bench.expect(table, [["1", "x"], ["2", nil], [nil, "n"]], "rows after one delete and two updates")
    },
    SinkCheck("columns are matched by name, and those without a source are NULL", needs: [.readable]) { bench in
      try bench.create(orders)
      let other = RowSchema(
        table: TableID(schema: "old", table: "orders"), version: 7,
        schema: TableSchema(
          columns: [
            Column(name: "extra", type: DataType(.int)), Column(name: "n", type: DataType(.int)),
            Column(name: "id", type: .required(.bigint)),
          ], primaryKey: ["id"]))
      let target = SinkTable(id: orders.id, schema: orders.schema, source: other)
      var batch = RowBatch()
      batch.reset(schema: other)
      SinkTestRow.insert([5, 6, 7]).append(to: &batch)
      let writer = try bench.writer()
      try writer.write(batch, to: target)
      try bench.commit(writer)
      writer.close()
      try bench.expect(orders, [["7", nil, "6"]], "a row of a source with other columns")
    },
  ]
}
