import Connector
import Foundation
import Model
import SQLiteSink
import TestKit
import Testing

private let pipeline = "conformance"
private let orders = SinkTestTable(
  "orders", [("id", .required(.bigint)), ("name", DataType(.varchar(length: 40)))], key: ["id"])

extension SQLiteProbe {
  fileprivate func apply(_ change: SchemaChange, _ table: SinkTestTable, _ more: [String: String] = [:]) throws {
    let applier = try makeSink(more).openSchemaApplier()
    defer { applier.close() }
    try applier.apply(change, to: table.id, resulting: table.schema)
  }

  fileprivate func create(_ table: SinkTestTable) throws { try apply(.createTable(table.schema), table) }

  fileprivate func writer(_ split: Int = 1, _ attempt: Int = 1, _ more: [String: String] = [:]) throws -> any SinkWriter
  {
    try makeSink(more).openWriter(AttemptID(pipeline: pipeline, split: split, attempt: attempt))
  }

  fileprivate func commit(_ rows: [SinkTestRow], _ table: SinkTestTable, split: Int = 1) throws {
    let writer = try writer(split)
    defer { writer.close() }
    try writer.write(rows, table)
    #expect(try writer.commit(writer.prepare(progress())) == .committed)
  }
}

extension SinkWriter {
  fileprivate func write(_ rows: [SinkTestRow], _ table: SinkTestTable) throws {
    var batch = RowBatch()
    batch.reset(schema: table.source)
    for row in rows { row.append(to: &batch) }
    try write(batch, to: table.sink)
  }
}

private func progress(_ offset: String = "o") -> SplitProgress {
  SplitProgress(offset: Offset(offset), rows: 1, bytes: 1, isFinal: false)
}

@Suite("sqlite sink") struct SQLiteSinkTests {
  @Test("what is in the file of another name, type or key is refused") func existing() throws {
    for sql in [
      "CREATE TABLE \"shop.orders\" (id INTEGER PRIMARY KEY, title TEXT)",
      "CREATE TABLE \"shop.orders\" (id INTEGER PRIMARY KEY, name VARCHAR)",
      "CREATE TABLE \"shop.orders\" (id INTEGER, name TEXT)",
      "CREATE TABLE \"shop.orders\" (id INTEGER PRIMARY KEY, name TEXT, more TEXT)",
    ] {
      let probe = try SQLiteProbe()
      try Replica(probe.path, create: true).run(sql)
      expectError(.rejected) { try probe.create(orders) }
    }
    let probe = try SQLiteProbe()
    try Replica(probe.path, create: true).run("CREATE TABLE \"shop.orders\" (ID INTEGER PRIMARY KEY, name TEXT)")
    try probe.create(orders)
    try probe.commit([.insert([1, "a"])], orders)
    #expect(try probe.rows(of: orders.id, schema: orders.schema) == [["1", "a"]])
  }

  @Test("a table created with other digits is another table") func otherDigits() throws {
    let probe = try SQLiteProbe()
    try probe.create(
      SinkTestTable("t", [("id", .required(.int)), ("at", DataType(.timestamp(precision: 0)))], key: ["id"]))
    let finer = SinkTestTable("t", [("id", .required(.int)), ("at", DataType(.timestamp(precision: 6)))], key: ["id"])
    expectError(.rejected) { try probe.create(finer) }
  }

  @Test("names: full id, last part, and what may not be one") func names() throws {
    let probe = try SQLiteProbe(["table.name": "table"])
    try probe.create(orders)
    try probe.commit([.insert([1, "a"])], orders)
    #expect(try Replica(probe.path).rows("SELECT name FROM orders") == [[.text("a")]])
    let twin = SinkTestTable(TableID(schema: "other", table: "orders"), orders.schema)
    expectError(.rejected) { try probe.create(twin) }
    for name in ["_tidegate_progress", "sqlite_x"] {
      expectError(.rejected) { try probe.create(SinkTestTable(TableID(table: name), orders.schema)) }
    }
    let odd = SinkTestTable(
      TableID(schema: "a\"b", table: "c'd ; --"),
      TableSchema(
        columns: [Column(name: "x\"y", type: .required(.int)), Column(name: "select", type: DataType(.int))],
        primaryKey: ["x\"y"]))
    let quoted = try SQLiteProbe()
    try quoted.create(odd)
    try quoted.commit([.insert([1, 2]), .update([1, 2], [3, 4]), .delete([9, 9])], odd)
    #expect(try Replica(quoted.path).rows("SELECT * FROM \"a\"\"b.c'd ; --\"") == [[.integer(3), .integer(4)]])
  }

  @Test("columns that SQLite cannot tell apart are refused") func columnsByCase() throws {
    let probe = try SQLiteProbe()
    expectError(.unsupported) {
      try probe.create(SinkTestTable("t", [("a", .required(.int)), ("A", DataType(.int))], key: ["a"]))
    }
    expectError(.unsupported) {
      try probe.create(
        SinkTestTable("t", [("rowid", DataType(.int)), ("oid", DataType(.int)), ("_rowid_", DataType(.int))]))
    }
    let two = SinkTestTable("t", [("rowid", DataType(.int)), ("oid", DataType(.int))])
    try probe.create(two)
    try probe.commit([.insert([1, 2]), .insert([1, 2]), .delete([1, 2])], two)
    #expect(try probe.rows(of: two.id, schema: two.schema) == [["1", "2"]])
  }

  @Test("a table without a key says so when the row to change is not there") func missingRow() throws {
    let probe = try SQLiteProbe()
    let table = SinkTestTable("log", [("a", DataType(.int)), ("b", DataType(.varchar(length: 9)))])
    try probe.create(table)
    try probe.commit([.insert([1, "x"])], table)
    for row in [SinkTestRow.update([1, "y"], [2, "y"]), .delete([nil, "x"]), .delete([1, nil])] {
      let writer = try probe.writer(2)
      defer { writer.close() }
      expectError(.rejected) { try writer.write([.insert([5, "kept?"]), row], table) }
    }
    #expect(try probe.rows(of: table.id, schema: table.schema) == [["1", "x"]])
  }

  @Test("a table of a thousand columns without a key") func manyColumns() throws {
    let probe = try SQLiteProbe()
    let table = SinkTestTable("wide", (0..<1010).map { ("c\($0)", DataType(.int)) })
    try probe.create(table)
    let row = (0..<1010).map { SinkTestValue.integer(Int64($0)) }
    var other = row
    other[1009] = .null
    try probe.commit([.insert(row), .update(row, other), .delete(other)], table)
    #expect(try probe.rows(of: table.id, schema: table.schema).isEmpty)
  }

  @Test("numbers that SQLite has no room for: NaN stays NaN, infinities stay infinite") func notFinite() throws {
    let probe = try SQLiteProbe()
    let table = SinkTestTable("f", [("id", .required(.int)), ("d", DataType(.double))], key: ["id"])
    try probe.create(table)
    try probe.commit([.insert([1, .double(.nan)]), .insert([2, .double(.infinity)]), .insert([3, .null])], table)
    let found = try Replica(probe.path).rows("SELECT d FROM \"shop.f\" ORDER BY id")
    #expect(found == [[.text("NaN")], [.real(.infinity)], [.null]])
  }

  @Test("values of another type than the sink's column are converted exactly or refused") func widened() throws {
    let probe = try SQLiteProbe()
    let sink = SinkTestTable(
      "t",
      [
        ("id", .required(.varchar(length: 20))), ("d", DataType(.decimal(precision: 10, scale: 3))),
        ("t", DataType(.timestamp(precision: 6))), ("s", DataType(.string)),
      ], key: ["id"])
    try probe.create(sink)
    func source(_ id: DataType.Kind, _ d: DataType.Kind, _ t: DataType.Kind, _ s: DataType.Kind) -> RowSchema {
      SinkTestTable("t", [("id", .required(id)), ("d", DataType(d)), ("t", DataType(t)), ("s", DataType(s))]).source
    }
    func write(_ schema: RowSchema, _ values: [SinkTestValue], _ split: Int) throws {
      var batch = RowBatch()
      batch.reset(schema: schema)
      SinkTestRow.insert(values).append(to: &batch)
      let writer = try probe.writer(split)
      defer { writer.close() }
      try writer.write(batch, to: SinkTable(id: sink.id, schema: sink.schema, source: schema))
      #expect(try writer.commit(writer.prepare(progress())) == .committed)
    }
    try write(source(.bigint, .int, .timestamp(precision: 0), .time(precision: 0)), [7, 5, 1_000_000, 1_000_000], 1)
    try write(source(.string, .decimal(precision: 5, scale: 1), .date, .date), ["x", "1.5", 1, 1], 2)
    expectError(.rejected) { try write(source(.string, .double, .date, .date), ["y", .double(0.5), 1, 1], 3) }
    #expect(
      try probe.rows(of: sink.id, schema: sink.schema).sorted { ($0[0] ?? "") < ($1[0] ?? "") } == [
        ["7", "5.000", "1970-01-01 00:00:01.000000", "00:00:01"],
        ["x", "1.500", "1970-01-02 00:00:00.000000", "1970-01-02"],
      ])
  }

  @Test("a type that cannot be changed exactly leaves the table as it was") func impossibleChange() throws {
    let probe = try SQLiteProbe()
    try probe.create(orders)
    try probe.commit([.insert([1, "12"]), .insert([2, "twelve"])], orders)
    let change = SchemaChange.alterColumnType([
      .init(Column(name: "name", type: DataType(.int)), oldType: DataType(.varchar(length: 40)))
    ])
    expectError(.rejected) { try probe.apply(change, orders.applying(change)) }
    #expect(try Set(probe.rows(of: orders.id, schema: orders.schema)) == [["1", "12"], ["2", "twelve"]])
    try probe.commit([.delete([2, "twelve"])], orders, split: 2)
    try probe.apply(change, orders.applying(change))
    #expect(try Replica(probe.path).rows("SELECT name FROM \"shop.orders\"") == [[.integer(12)]])
  }

  @Test("a rebuild keeps indexes and views, a dropped key column is refused") func rebuild() throws {
    let probe = try SQLiteProbe()
    try probe.create(orders)
    try probe.commit([.insert([1, "1"])], orders)
    try Replica(probe.path).run(
      "CREATE INDEX mine ON \"shop.orders\" (name); CREATE VIEW v AS SELECT name AS x FROM \"shop.orders\"")
    let change = SchemaChange.alterColumnType([
      .init(Column(name: "name", type: DataType(.bigint)), oldType: DataType(.varchar(length: 40)))
    ])
    try probe.apply(change, orders.applying(change))
    let replica = try Replica(probe.path)
    #expect(try replica.rows("SELECT x FROM v") == [[.integer(1)]])
    #expect(try replica.rows("SELECT count(*) FROM sqlite_schema WHERE name = 'mine'") == [[.integer(1)]])
    let drop = SchemaChange.dropColumns(["id"])
    expectError(.unsupported) { try probe.apply(drop, orders.applying(drop)) }
  }

  @Test("a default that rows in the replica cannot be given is refused") func badDefault() throws {
    let probe = try SQLiteProbe()
    try probe.create(orders)
    for (type, value) in [
      (DataType.Kind.int, "now"), (.timestampLTZ(precision: 0), "2020-01-01 00:00:00"), (.date, "2020-13-01"),
    ] {
      let change = SchemaChange.addColumns([.init(Column(name: "x", type: DataType(type), defaultValue: value))])
      expectError(.unsupported) { try probe.apply(change, orders.applying(change)) }
    }
    #expect(try Replica(probe.path).rows("SELECT count(*) FROM pragma_table_info('shop.orders')") == [[.integer(2)]])
  }

  @Test("a replica can be read while it is written, and whatever is written stays one transaction") func readers()
    throws
  {
    let probe = try SQLiteProbe()
    try probe.create(orders)
    try probe.commit([.insert([1, "a"])], orders)
    let reader = try Replica(probe.path)
    try reader.run("BEGIN")
    #expect(try reader.rows("SELECT count(*) FROM \"shop.orders\"") == [[.integer(1)]])
    try probe.commit([.insert([2, "b"]), .insert([3, "c"])], orders, split: 2)
    #expect(try reader.rows("SELECT count(*) FROM \"shop.orders\"") == [[.integer(1)]])
    try reader.run("COMMIT")
    #expect(try reader.rows("SELECT count(*) FROM \"shop.orders\"") == [[.integer(3)]])
  }
}
