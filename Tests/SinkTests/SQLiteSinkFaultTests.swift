import Connector
import Foundation
import Model
import Platform
import SQLiteSink
import TestKit
import Testing

private let table = SinkTestTable(
  "t", [("k", .required(.varchar(length: 9))), ("v", DataType(.int)), ("w", DataType(.string))], key: ["k"])

private func batch(_ rows: [SinkTestRow]) -> RowBatch {
  var batch = RowBatch()
  batch.reset(schema: table.source)
  for row in rows { row.append(to: &batch) }
  return batch
}

private func progress(_ offset: Int) -> SplitProgress {
  SplitProgress(offset: Offset("\(offset)"), rows: offset, bytes: offset, isFinal: false)
}

@Suite("sqlite sink: faults") struct SQLiteSinkFaultTests {
  private func open(_ probe: SQLiteProbe, _ attempt: Int, _ more: [String: String] = [:]) throws -> any SinkWriter {
    try probe.makeSink(more).openWriter(AttemptID(pipeline: "p", split: 1, attempt: attempt))
  }

  private func create(_ probe: SQLiteProbe) throws {
    let applier = try probe.makeSink().openSchemaApplier()
    defer { applier.close() }
    try applier.apply(.createTable(table.schema), to: table.id, resulting: table.schema)
  }

  @Test("a random workload with crashes, against a dictionary", arguments: 0..<24 as Range<UInt64>)
  func model(_ seed: UInt64) throws {
    var random = SeededRandom(seed)
    let probe = try SQLiteProbe(seed % 2 == 0 ? [:] : ["table.create.without-rowid": "true", "synchronous": "normal"])
    try create(probe)
    var committed: [String: [SinkTestValue]] = [:]
    var current = committed
    var attempt = 1
    var offset = 0
    var committedOffset: Int?
    var writer = try open(probe, attempt)
    for _ in 0..<150 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6:
        let rows = (0..<Int.random(in: 1...8, using: &random)).map { _ in Self.step(&current, &random) }
        try writer.write(batch(rows), to: table.sink)
      case 6..<8:
        offset += 1
        let committable = try writer.prepare(progress(offset))
        #expect(try writer.commit(committable) == .committed)
        (committed, committedOffset) = (current, offset)
      case 8:
        writer.abort()
        current = committed
      default:
        if Bool.random(using: &random) { _ = try writer.prepare(progress(offset + 1)) }
        writer.close()
        attempt += 1
        writer = try open(probe, attempt)
        #expect(writer.recovered?.offset.text == committedOffset.map(String.init))
        current = committed
      }
    }
    writer.close()
    let found = try probe.rows(of: table.id, schema: table.schema)
    let wanted = committed.values.map { row in row.map(Self.text) }
    #expect(Set(found) == Set(wanted) && found.count == wanted.count, "seed \(seed)")
  }

  private static func text(_ value: SinkTestValue) -> String? {
    switch value {
    case .integer(let number): "\(number)"
    case .text(let text): text
    default: nil
    }
  }

  /// One change that the model allows, made in the model.
  private static func step(_ model: inout [String: [SinkTestValue]], _ random: inout SeededRandom) -> SinkTestRow {
    func row(_ key: String) -> [SinkTestValue] {
      let word: SinkTestValue =
        Bool.random(using: &random)
        ? .null : .text(String(repeating: "w", count: Int.random(in: 0..<300, using: &random)))
      return [.text(key), .integer(Int64.random(in: -5...5, using: &random)), word]
    }
    let key = "k\(Int.random(in: 0..<12, using: &random))"
    guard let old = model[key] else {
      let new = row(key)
      model[key] = new
      return .insert(new)
    }
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      model[key] = nil
      return .delete(old)
    case 1:
      let free = (0..<12).map { "k\($0)" }.first { model[$0] == nil } ?? key
      let new = row(free)
      model[key] = nil
      model[free] = new
      return .update(old, new)
    default:
      let new = row(key)
      model[key] = new
      return .update(old, new)
    }
  }

  @Test("a writer that cannot have the lock gives up after busy.timeout, and works later") func busy() throws {
    let probe = try SQLiteProbe(["busy.timeout": "200ms"])
    try create(probe)
    let writer = try open(probe, 1)
    defer { writer.close() }
    let other = try Replica(probe.path)
    try other.run("BEGIN IMMEDIATE")
    expectError(.transient) { try writer.write(batch([.insert(["a", 1, nil])]), to: table.sink) }
    try other.run("COMMIT")
    writer.abort()
    try writer.write(batch([.insert(["a", 1, nil])]), to: table.sink)
    #expect(try writer.commit(writer.prepare(progress(1))) == .committed)
  }

  @Test("interrupt ends a wait for the lock") func interrupt() throws {
    let probe = try SQLiteProbe(["busy.timeout": "1h"])
    try create(probe)
    let other = try Replica(probe.path)
    let writer = try open(probe, 1)
    try other.run("BEGIN IMMEDIATE")
    writer.interrupt()
    expectError(.cancelled) { try writer.write(batch([.insert(["a", 1, nil])]), to: table.sink) }
    writer.close()
    try other.run("COMMIT")
  }

  @Test("a damaged file, a foreign file, a missing directory, a removed file") func files() throws {
    let probe = try SQLiteProbe()
    try Data("this is no database, whatever its name says, and it is long enough".utf8)
      .write(to: URL(fileURLWithPath: probe.path))
    expectError(.corrupt) { try open(probe, 1).close() }
    expectError(.corrupt) { _ = try probe.makeSink().validate() }
    let missing = try SQLiteSinkFactory.make(
      Options(["path": probe.directory.file("no/such/replica.db")], specs: SQLiteSinkFactory.options),
      context: ConnectorContext(pipeline: "p"))
    expectError(.permission) { _ = try missing.validate() }
    expectError(.permission) { try missing.openCommitter().close() }
    let gone = try SQLiteProbe()
    try create(gone)
    let writer = try open(gone, 1)
    defer { writer.close() }
    try FileManager.default.removeItem(atPath: gone.path)
    expectError(.rejected) { try writer.write(batch([.insert(["a", 1, nil])]), to: table.sink) }
  }

  @Test("validate creates nothing, and warns") func validate() throws {
    let probe = try SQLiteProbe()
    #expect(try probe.makeSink().validate().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: probe.path))
    #expect(try probe.makeSink(["synchronous": "normal"]).validate().count == 1)
    try create(probe)
    #expect(try probe.makeSink().validate().isEmpty)
    expectError(.configuration) {
      _ = try SQLiteSinkFactory.make(
        Options(["path": ":memory:"], specs: SQLiteSinkFactory.options), context: ConnectorContext(pipeline: "p"))
    }
  }

  @Test("an update whose halves are apart is a defect and leaves nothing") func torn() throws {
    let probe = try SQLiteProbe()
    try create(probe)
    let writer = try open(probe, 1)
    defer { writer.close() }
    for operation in [RowOperation.updateBefore, .updateAfter] {
      var rows = batch([.insert(["a", 1, nil])])
      rows.beginRow(operation)
      rows.set(0, text: "b")
      rows.endRow()
      expectError(.bug) { try writer.write(rows, to: table.sink) }
      expectError(.bug) { _ = try writer.prepare(progress(1)) }
      writer.abort()
    }
    #expect(try writer.commit(writer.prepare(progress(1))) == .committed)
    #expect(try probe.rows(of: table.id, schema: table.schema).isEmpty)
  }

  @Test("a writer that keeps writing lets others in, long before busy.timeout") func fairness() throws {
    let probe = try SQLiteProbe(["busy.timeout": "60s", "synchronous": "normal"])
    try create(probe)
    let stop = Monitor(false)
    let failures = Monitor<[String]>([])
    let commits = Monitor(0)
    let greedy = DedicatedThread(name: "greedy") {
      do {
        let writer = try probe.makeSink().openWriter(AttemptID(pipeline: "p", split: 2, attempt: 1))
        defer { writer.close() }
        var number = 0
        let rows = batch((0..<200).map { .insert([.text("g\($0)"), 1, nil]) })
        while !stop.withLock({ $0 }) {
          number += 1
          for _ in 0..<5 { try writer.write(rows, to: table.sink) }
          _ = try writer.commit(writer.prepare(progress(number)))
          commits.update { $0 += 1 }
        }
      } catch {
        failures.update { $0.append("\(error)") }
      }
    }
    let writer = try open(probe, 1, ["busy.timeout": "20s"])
    var passedBy: [Int] = []
    for number in 1...40 {
      // Only when the other writer is at it again is there somebody to wait for.
      let before = commits.withLock { $0 }
      _ = commits.wait(milliseconds: 20_000) { $0 > before ? true : nil }
      let asked = commits.withLock { $0 }
      try writer.write(batch([.insert(["mine", .integer(Int64(number)), nil])]), to: table.sink)
      passedBy.append(commits.withLock { $0 } - asked)
      #expect(try writer.commit(writer.prepare(progress(number))) == .committed)
    }
    writer.close()
    stop.update { $0 = true }
    greedy.join()
    // The transaction that is under way comes first; without a queue hundreds do.
    #expect((passedBy.max() ?? 0) <= 10, "\(passedBy)")
    #expect(failures.withLock { $0 }.isEmpty)
  }

  @Test("each connection to one file counts: progress is per pipeline") func pipelines() throws {
    let probe = try SQLiteProbe()
    for name in ["one", "two"] {
      let attempt = AttemptID(pipeline: name, split: 1, attempt: 1)
      let writer = try probe.makeSink().openWriter(attempt)
      #expect(writer.recovered == nil)
      #expect(try writer.commit(writer.prepare(progress(name.utf8.count))) == .committed)
      writer.close()
    }
  }
}
