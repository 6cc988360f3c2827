import Connector
import Model
import SQLiteSink
import TestKit
import Testing

@Suite("sqlite sink: many small tables")
struct SQLiteManyTablesTests {
  private static func table(_ name: String) -> SinkTestTable {
    SinkTestTable(
      name, [("id", .required(.bigint)), ("name", DataType(.varchar(length: 40)))], key: ["id"])
  }

  private static func create(_ tables: [SinkTestTable], _ probe: SQLiteProbe) throws {
    let applier = try probe.makeSink([:]).openSchemaApplier()
    defer { applier.close() }
    try applier.create(tables.map { ($0.id, $0.schema) })
  }

  private static func writer(_ probe: SQLiteProbe, _ split: Int, _ attempt: Int = 1) throws -> any SinkWriter {
    try probe.makeSink([:]).openWriter(AttemptID(pipeline: "p", split: split, attempt: attempt))
  }

  private static func write(_ row: SinkTestRow, _ table: SinkTestTable, to writer: any SinkWriter) throws {
    var batch = RowBatch()
    batch.reset(schema: table.source)
    row.append(to: &batch)
    try writer.write(batch, to: table.sink)
  }

  private static let row = SinkTestRow.insert([1, "x"])
  private static let progress = SplitProgress(offset: Offset("o"), rows: 1, bytes: 1, isFinal: true)

  @Test("tables that are created together are the same as those created one by one, also when done again")
  func createdTogether() throws {
    let probe = try SQLiteProbe()
    let tables = (0..<50).map { Self.table("t\($0)") }
    try Self.create(Array(tables.prefix(10)), probe)
    try Self.create(tables, probe)
    for table in [tables[0], tables[49]] {
      let applier = try probe.makeSink([:]).openSchemaApplier()
      defer { applier.close() }
      // Checks what is there against what is recorded of it.
      try applier.apply(.createTable(table.schema), to: table.id, resulting: table.schema)
    }
  }

  @Test("one that cannot be created is named, and none of its company is there")
  func refused() throws {
    let probe = try SQLiteProbe()
    let other = SinkTestTable("t1", [("id", .required(.bigint)), ("more", DataType(.int))], key: ["id"])
    try Self.create([other], probe)
    let failure = #expect(throws: ConnectorError.self) { try Self.create(["t0", "t1", "t2"].map(Self.table), probe) }
    #expect(failure?.kind == .rejected)
    #expect(failure?.table == other.id)
    let writer = try Self.writer(probe, 1)
    defer { writer.close() }
    #expect(throws: ConnectorError.self) { try Self.write(Self.row, Self.table("t0"), to: writer) }
  }

  @Test("names that SQLite takes for the same are refused")
  func sameNames() throws {
    let failure = #expect(throws: ConnectorError.self) {
      try Self.create([Self.table("t"), Self.table("T")], SQLiteProbe())
    }
    #expect(failure?.kind == .rejected)
  }

  @Test("an interrupt that was meant for an attempt does not reach the next one on its connection")
  func staleInterrupt() throws {
    let probe = try SQLiteProbe()
    let table = Self.table("t")
    try Self.create([table], probe)
    let first = try Self.writer(probe, 1)
    first.close()
    let second = try Self.writer(probe, 2)
    defer { second.close() }
    first.interrupt()
    try Self.write(Self.row, table, to: second)
    #expect(try second.commit(second.prepare(Self.progress)) == .committed)
    // Closed once more, it takes nothing away from the one that has the connection now.
    first.close()
    first.abort()
    #expect(try Self.writer(probe, 2, 2).recovered?.isFinal == true)
  }

  @Test("a first attempt that another one has followed is shut out, although it has claimed nothing")
  func firstAttemptIsFenced() throws {
    let probe = try SQLiteProbe()
    let table = Self.table("t")
    try Self.create([table], probe)
    // The table of progress is there from now on.
    try Self.writer(probe, 9, 2).close()
    let first = try Self.writer(probe, 1)
    defer { first.close() }
    let second = try Self.writer(probe, 1, 2)
    defer { second.close() }
    let failure = #expect(throws: ConnectorError.self) { try Self.write(Self.row, table, to: first) }
    #expect(failure?.kind == .fenced)
    let late = #expect(throws: ConnectorError.self) { try Self.writer(probe, 1).close() }
    #expect(late?.kind == .fenced)
  }
}
