import BlackholeSink
import Connector
import Model
import Synchronization
import TestKit
import Testing
import ValuesSink

private final class Collected: Sendable {
  private let blocks = Mutex<[[UInt8]]>([])
  func add(_ block: [UInt8]) -> Bool {
    blocks.withLock { $0.append(block) }
    return true
  }
  var all: [[UInt8]] { blocks.withLock { $0 } }
  var lines: [String] {
    String(decoding: all.joined(), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
  }
}

private func batch(_ rows: [SinkTestRow], _ table: SinkTestTable) -> RowBatch {
  var batch = RowBatch()
  batch.reset(schema: table.source)
  for row in rows { row.append(to: &batch) }
  return batch
}

private let progress = SplitProgress(offset: Offset("o"), rows: 0, bytes: 0, isFinal: false)

@Suite("values sink") struct ValuesSinkTests {
  static let table = SinkTestTable(
    "orders",
    [
      ("id", .required(.bigint)), ("name", DataType(.varchar(length: 9))), ("at", DataType(.timestamp(precision: 3))),
      ("ok", DataType(.boolean)), ("raw", DataType(.bytes)), ("d", DataType(.double)),
    ], key: ["id"])

  @Test("events in the reference's form") func events() throws {
    let collected = Collected()
    let sink = ValuesSink(output: { collected.add($0) })
    let schema = TableSchema(
      columns: [
        Column(name: "id", type: .required(.bigint)),
        Column(name: "name", type: DataType(.varchar(length: 9)), comment: "who", defaultValue: "x"),
      ], primaryKey: ["id", "name"])
    let id = TableID(schema: "shop", table: "orders")
    let applier = try sink.openSchemaApplier()
    let changes: [SchemaChange] = [
      .createTable(schema), .addColumns([.init(Column(name: "n", type: DataType(.int)), position: .after("id"))]),
      .alterColumnType([.init(Column(name: "n", type: DataType(.bigint)), oldType: DataType(.int))]),
      .renameColumns([.init(from: "n", to: "m")]), .dropColumns(["m", "o"]), .truncateTable, .dropTable,
    ]
    for change in changes { try applier.apply(change, to: id, resulting: schema) }
    applier.close()
    #expect(
      collected.lines == [
        "CreateTableEvent{tableId=shop.orders, schema=columns={`id` BIGINT NOT NULL,`name` VARCHAR(9) 'who' 'x'}, "
          + "primaryKeys=id;name, options=()}",
        "AddColumnEvent{tableId=shop.orders, addedColumns=[ColumnWithPosition{column=`n` INT, position=AFTER, "
          + "existedColumnName=id}]}",
        "AlterColumnTypeEvent{tableId=shop.orders, typeMapping={n=BIGINT}, oldTypeMapping={n=INT}}",
        "RenameColumnEvent{tableId=shop.orders, nameMapping={n=m}}",
        "DropColumnEvent{tableId=shop.orders, droppedColumnNames=[m, o]}", "TruncateTableEvent{tableId=shop.orders}",
        "DropTableEvent{tableId=shop.orders}", "",
      ])
  }

  @Test("rows, one line each, at the latest with prepare") func rows() throws {
    let collected = Collected()
    let writer = try ValuesSink(output: { collected.add($0) })
      .openWriter(AttemptID(pipeline: "p", split: 1, attempt: 1))
    let first: [SinkTestValue] = [1, "a\nb", 1_595_008_822_500_000, 1, .bytes([1, 2, 3]), .double(0.5)]
    let second: [SinkTestValue] = [1, nil, nil, nil, nil, .double(.nan)]
    try writer.write(batch([.insert(first), .update(first, second), .delete(second)], Self.table), to: Self.table.sink)
    #expect(collected.all.isEmpty)
    let committable = try writer.prepare(progress)
    let one = "[1, a\\nb, 2020-07-17T18:00:22.5, true, AQID, 0.5]"
    let two = "[1, null, null, null, null, NaN]"
    #expect(
      collected.lines == [
        "DataChangeEvent{tableId=shop.orders, before=[], after=\(one), op=INSERT, meta=()}",
        "DataChangeEvent{tableId=shop.orders, before=\(one), after=\(two), op=UPDATE, meta=()}",
        "DataChangeEvent{tableId=shop.orders, before=\(two), after=[], op=DELETE, meta=()}", "",
      ])
    #expect(try writer.commit(committable) == .committed)
  }

  @Test("blocks hold whole lines, and abort drops what has not been printed") func blocks() throws {
    let collected = Collected()
    let writer = try ValuesSink(output: { collected.add($0) })
      .openWriter(AttemptID(pipeline: "p", split: 1, attempt: 1))
    let row: [SinkTestValue] = [1, "name", 0, 1, .bytes([]), .double(1)]
    try writer.write(batch(Array(repeating: .insert(row), count: 3000), Self.table), to: Self.table.sink)
    #expect(collected.all.count > 1)
    #expect(collected.all.allSatisfy { $0.last == 0x0a })
    let printed = collected.lines.count
    writer.abort()
    _ = try writer.prepare(progress)
    #expect(collected.lines.count == printed && printed < 3000)
  }

  @Test("options") func options() throws {
    func make(_ values: [String: String]) throws -> any SinkConnector {
      try ValuesSinkFactory.make(
        Options(values, specs: ValuesSinkFactory.options), context: ConnectorContext(pipeline: "p"))
    }
    let strict = try make(["error.on.schema.change": "true", "print.enabled": "false"]).openSchemaApplier()
    let id = TableID(table: "t")
    try strict.apply(.createTable(Self.table.schema), to: id, resulting: Self.table.schema)
    #expect(throws: ConnectorError.self) { try strict.apply(.dropTable, to: id, resulting: Self.table.schema) }
    #expect(throws: ConnectorError.self) { try make(["print.enabled": "maybe"]) }
  }

  @Test("a closed stdout is an error") func closed() throws {
    let writer = try ValuesSink(output: { _ in false }).openWriter(AttemptID(pipeline: "p", split: 1, attempt: 1))
    try writer.write(batch([.insert([1, nil, nil, nil, nil, nil])], Self.table), to: Self.table.sink)
    #expect(throws: ConnectorError.self) { try writer.prepare(progress) }
  }
}

@Suite("blackhole sink") struct BlackholeSinkTests {
  @Test("messages and bytes are counted, across writers and up to the prepare") func counts() throws {
    let sink = BlackholeSink()
    let table = SinkTestTable("t", [("id", DataType(.int))], key: ["id"])
    let insert = "{\"before\":null,\"after\":{\"id\":1},\"op\":\"c\",\"source\":{\"db\":\"shop\",\"table\":\"t\"}}"
    let update =
      "{\"before\":{\"id\":1},\"after\":{\"id\":2},\"op\":\"u\",\"source\":{\"db\":\"shop\",\"table\":\"t\"}}"
    for split in 1...2 {
      let writer = try sink.openWriter(AttemptID(pipeline: "p", split: split, attempt: 1))
      let rows = Array(repeating: SinkTestRow.insert([1]), count: 2000) + [.update([1], [2])]
      try writer.write(batch(rows, table), to: table.sink)
      let bytes = insert.utf8.count * 2000 + update.utf8.count
      #expect(try writer.prepare(progress).payload == "messages=2001 bytes=\(bytes)")
      #expect(sink.totals.messages == 2001 * split && sink.totals.bytes == bytes * split)
      try writer.write(batch(rows, table), to: table.sink)
      writer.abort()
      #expect(try writer.prepare(progress).payload == "messages=2001 bytes=\(bytes)")
      writer.close()
    }
    #expect(sink.totals.messages == 4002)
  }
}
