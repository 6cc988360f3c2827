import CSQLite
import Foundation
import Model
import Testing

@testable import Coordinator

/// A directory of its own for each test, gone with it.
private final class Directory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "tidegate-journal-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Runs SQL on the journal's file beside the journal.
  func execute(_ sql: String) {
    var handle: OpaquePointer?
    defer { sqlite3_close(handle) }
    #expect(sqlite3_open(path + "/journal.sqlite", &handle) == SQLITE_OK)
    #expect(sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK)
  }
}

@Suite("Journal in SQLite")
struct SQLiteJournalTests {
  @Test("Every kind of record with any content comes back after reopening", arguments: 1...40)
  func roundTrip(seed: Int) throws {
    let directory = try Directory()
    var random = RandomRecords(seed: seed)
    let records = random.records()
    let journal = try SQLiteJournal(directory: directory.path)
    try journal.write(records)
    journal.close()
    let again = try SQLiteJournal(directory: directory.path)
    defer { again.close() }
    #expect(Set(try again.load()) == Set(records))
    if case .putPipeline? = try again.load().first {} else { Issue.record("pipelines come first") }
    // A put replaces; writing the same again changes nothing.
    try again.write(records)
    #expect(Set(try again.load()) == Set(records))
  }

  @Test("Folded chunks come back in their order, before any split, and go with their table")
  func foldedChunks() throws {
    let directory = try Directory()
    let journal = try SQLiteJournal(directory: directory.path)
    let (first, second) = (TableID(table: "t"), TableID(schema: "a", table: "t"))
    func record(_ table: TableID, _ number: Int) throws -> JournalRecord {
      let piece = PackedChunks.Piece(
        lower: [.integer(Int64(number))], upper: [.integer(Int64(number + 1))], low: Offset("a"), high: Offset("b"))
      let chunks = try #require(PackedChunks(columns: ["id"], [piece]))
      return .putFolded(
        pipeline: "p", FoldedChunks(table: table, number: number, splits: 3, rows: 9, chunks: chunks))
    }
    let numbers = [10, 9, 2, 0, 1, 3, 4, 5, 6, 7, 8, 11]
    for number in numbers { try journal.write([try record(first, number), try record(second, number)]) }
    try journal.write([.putSplit(pipeline: "p", SplitRecord(number: 1, kind: .tail(share: 0)))])
    let found = try journal.load()
    let wanted = try [second, first].map { table in try (0..<12).map { try record(table, $0) } }
    #expect(
      Array(found.prefix(24)) == wanted.flatMap(\.self) || Array(found.prefix(24)) == wanted.reversed().flatMap(\.self))
    try journal.write([.removeFolded(pipeline: "p", table: first)])
    #expect(try journal.load().count == 13)
    journal.close()
    directory.execute("UPDATE folded SET pieces = x'07'")
    let again = try SQLiteJournal(directory: directory.path)
    defer { again.close() }
    let failure = #expect(throws: JournalError.self) { try again.load() }
    #expect(failure?.description.contains("damaged chunks of a.t") == true)
  }

  @Test("Removing a split removes it alone, removing a pipeline removes all of it")
  func removal() throws {
    let directory = try Directory()
    let journal = try SQLiteJournal(directory: directory.path)
    defer { journal.close() }
    let splits = (1...3).map { SplitRecord(number: $0, kind: .tail(share: $0)) }
    let pipelines = ["p", "q"].map {
      PipelineRecord(name: $0, uid: "\($0).1", definition: "", file: "", untilCaughtUp: false)
    }
    for pipeline in pipelines {
      try journal.write([.putPipeline(pipeline)] + splits.map { .putSplit(pipeline: pipeline.name, $0) })
    }
    try journal.write([.removeSplit(pipeline: "p", number: 2)])
    #expect(try journal.load().count == 7)
    try journal.write([.removePipeline("p")])
    #expect(
      Set(try journal.load())
        == Set([.putPipeline(pipelines[1])] + splits.map { .putSplit(pipeline: "q", $0) }))
  }

  @Test("Each start counts; a second coordinator on the same directory is refused")
  func epochAndLock() throws {
    let directory = try Directory()
    for epoch in 1...3 as ClosedRange<Int64> {
      let journal = try SQLiteJournal(directory: directory.path)
      #expect(journal.epoch == epoch)
      let refusal = #expect(throws: JournalError.self) { try SQLiteJournal(directory: directory.path) }
      #expect(refusal?.description.contains("another coordinator") == true)
      journal.close()
    }
  }

  @Test("A list of records is written as a whole or not at all")
  func failedWrite() throws {
    let directory = try Directory()
    let journal = try SQLiteJournal(directory: directory.path)
    defer { journal.close() }
    let before = SplitRecord(number: 1, kind: .tail(share: 0))
    try journal.write([.putSplit(pipeline: "p", before)])
    directory.execute(
      "CREATE TRIGGER full BEFORE INSERT ON tables BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
    var after = before
    after.attempt = 5
    let table = TableRecord(id: TableID(table: "t"), targets: [], chunkKey: [], estimatedRows: 0, version: 1)
    let failure = #expect(throws: JournalError.self) {
      try journal.write([.putSplit(pipeline: "p", after), .putTable(pipeline: "p", table)])
    }
    #expect(failure?.description.contains("disk is full") == true)
    #expect(try journal.load() == [.putSplit(pipeline: "p", before)])
    directory.execute("DROP TRIGGER full")
    try journal.write([.putSplit(pipeline: "p", after)])
    #expect(try journal.load() == [.putSplit(pipeline: "p", after)])
  }

  @Test("A damaged body is an error that names the file", arguments: ["{", "[]", #"{"number":"x"}"#, "", "null"])
  func damage(body: String) throws {
    let directory = try Directory()
    let journal = try SQLiteJournal(directory: directory.path)
    try journal.write([.putSplit(pipeline: "p", SplitRecord(number: 1, kind: .tail(share: 0)))])
    journal.close()
    directory.execute("UPDATE splits SET body = '\(body)'")
    let again = try SQLiteJournal(directory: directory.path)
    defer { again.close() }
    let failure = #expect(throws: JournalError.self) { try again.load() }
    #expect(failure?.description.contains("journal.sqlite") == true)
  }

  @Test("A journal of another format, and a file that is none, are refused")
  func foreignFiles() throws {
    let directory = try Directory()
    try SQLiteJournal(directory: directory.path).close()
    directory.execute("UPDATE meta SET value = 99 WHERE key = 'format'")
    let refusal = #expect(throws: JournalError.self) { try SQLiteJournal(directory: directory.path) }
    #expect(refusal?.description.contains("format 99") == true)
    let other = try Directory()
    try String(repeating: "no database ", count: 1000).write(
      toFile: other.path + "/journal.sqlite", atomically: false, encoding: .utf8)
    #expect(throws: JournalError.self) { try SQLiteJournal(directory: other.path) }
  }
}

/// Records with random content.
private struct RandomRecords {
  var random: SimulationRandom

  init(seed: Int) { random = SimulationRandom(seed: seed) }

  mutating func text() -> String {
    let pieces = ["a", "ü", "'", "\"", "\\", "\u{1}", "日本", ".", "\n", " ", "$1", "😀", ""]
    return (0..<random.below(6)).map { _ in random.pick(pieces) ?? "" }.joined()
  }

  mutating func maybe<T>(_ body: (inout RandomRecords) -> T) -> T? { random.chance(500) ? body(&self) : nil }

  mutating func number() -> Int { Int(truncatingIfNeeded: random.next() >> UInt64(random.below(64))) }

  mutating func id(_ number: Int) -> TableID {
    TableID(namespace: maybe { $0.text() }, schema: maybe { $0.text() }, table: "\(number)" + text())
  }

  mutating func schema() -> TableSchema {
    let kinds: [DataType.Kind] = [
      .bigint, .decimal(precision: 10, scale: 2), .varchar(length: 7), .timestamp(precision: 6),
      .array(DataType(.int)), .bytes,
    ]
    let columns = (0..<random.below(5)).map { index in
      Column(
        name: "c\(index)" + text(), type: DataType(random.pick(kinds) ?? .int, nullable: random.chance(500)),
        comment: maybe { $0.text() }, defaultValue: maybe { $0.text() }, nativeType: text())
    }
    return TableSchema(columns: columns, primaryKey: columns.prefix(1).map(\.name), comment: maybe { $0.text() })
  }

  mutating func change() -> SchemaChange {
    let column = Column(name: text(), type: DataType(.int))
    return random.pick([
      .createTable(schema()), .addColumns([.init(column, position: .after(text()))]), .dropColumns([text(), text()]),
      .alterColumnType([.init(column, oldType: DataType(.string))]), .renameColumns([.init(from: text(), to: text())]),
      .truncateTable, .dropTable,
    ]) ?? .dropTable
  }

  mutating func progress() -> SplitProgress {
    SplitProgress(
      offset: Offset(text()), rows: number(), bytes: number(), schemaVersions: ["a.b": number(), text(): 2],
      isFinal: random.chance(500))
  }

  mutating func split(_ number: Int) -> SplitRecord {
    let parts: [KeyPart] = [.integer(.min), .unsigned(.max), .text(text()), .bytes([0, 255])]
    let range = ChunkRange(columns: [text()], lower: maybe { _ in parts }, upper: maybe { _ in parts })
    var split = SplitRecord(
      number: number, kind: random.chance(500) ? .tail(share: 3) : .snapshot(table: id(number), range: range))
    split.state = random.pick([.pending, .assigned, .running, .prepared, .resolving, .committed]) ?? .pending
    split.attempt = self.number()
    split.worker = maybe { $0.text() }
    split.firstLow = maybe { Offset($0.text()) }
    split.progress = maybe { $0.progress() }
    split.committable = maybe {
      Committable(
        attempt: AttemptID(pipeline: $0.text(), split: number, attempt: 2), sequence: 4, label: $0.text(),
        progress: $0.progress(), payload: $0.text())
    }
    split.progressAttempt = maybe { $0.number() }
    split.lastError = maybe { $0.text() }
    return split
  }

  mutating func folded(_ table: TableID, _ number: Int) -> FoldedChunks? {
    let bounds = (0..<random.below(5)).map { _ in [KeyPart.integer(Int64(self.number())), .text(text())] }
    let all: [[KeyPart]?] = [maybe { _ in [.unsigned(7), .bytes([])] }] + bounds + [nil]
    let pieces = zip(all, all.dropFirst()).map { lower, upper in
      PackedChunks.Piece(lower: lower, upper: upper, low: Offset(text()), high: Offset("a:\(self.number())"))
    }
    return PackedChunks(columns: [text(), text()], pieces).map {
      FoldedChunks(table: table, number: number, splits: self.number(), rows: self.number(), chunks: $0)
    }
  }

  mutating func records() -> [JournalRecord] {
    var pipeline = PipelineRecord(
      name: "p" + text(), uid: text(), definition: text(), file: text(), untilCaughtUp: true)
    pipeline.phase = random.pick([.planning, .snapshot, .tail, .finished]) ?? .tail
    pipeline.intent = random.pick([.run, .pause, .stop, .drop]) ?? .run
    pipeline.error = maybe { $0.text() }
    pipeline.endOffset = maybe { Offset($0.text()) }
    pipeline.snapshotParallelism = maybe { $0.number() }
    var records: [JournalRecord] = [.putPipeline(pipeline)]
    for index in 0..<4 {
      var table = TableRecord(
        id: id(index), targets: [id(index)], chunkKey: [text()], estimatedRows: number(), version: number())
      table.cursor = maybe { $0.text() }
      table.registeredAt = maybe { Offset($0.text()) }
      records.append(.putTable(pipeline: pipeline.name, table))
      records.append(.putSplit(pipeline: pipeline.name, split(index)))
      let steps = (0..<random.below(3)).map { _ in SinkStep(table: id(0), change: change(), resulting: schema()) }
      records.append(
        .putSchema(
          pipeline: pipeline.name,
          SchemaRecord(
            table: table.id, version: index, offset: maybe { Offset($0.text()) }, changes: [change()],
            schema: schema(), sinkSteps: steps, isApplied: random.chance(500))))
      records.append(.putSinkTable(pipeline: pipeline.name, SinkTableRecord(id: id(index), schema: schema())))
      for number in 0..<random.below(3) {
        folded(table.id, number).map { records.append(.putFolded(pipeline: pipeline.name, $0)) }
      }
    }
    return records
  }
}
