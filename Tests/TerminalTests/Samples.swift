import FoundationEssentials
import Platform
import Terminal
import Wire

/// Documents as a coordinator answers them.
enum Samples {
  static func pipeline(state: String = "snapshot", error: String? = nil, tablesDone: Int = 1) -> PipelineSummary {
    PipelineSummary(
      name: "shop", state: state, source: "mysql", sink: "sqlite", tables: 3, tablesDone: tablesDone,
      snapshotRows: 1_234_567, tailRows: 0, snapshotParallelism: 4, error: error)
  }

  static let orders = TableStatus(
    table: "shop.orders", target: "orders", state: "reading", chunksDone: 12, chunksPlanned: 40, planned: false,
    rows: 1_200_000, estimatedRows: 2_000_000, rowsPerSecond: 98_765, percent: 60, etaSeconds: 8.1, schemaVersion: 1)
  static let customers = TableStatus(
    table: "shop.customers", target: "customers", state: "done", chunksDone: 3, chunksPlanned: 3, planned: true,
    rows: 34_567, estimatedRows: 34_000, rowsPerSecond: 0, percent: 100, etaSeconds: nil, schemaVersion: 2)
  static let items = TableStatus(
    table: "shop.items", target: "items", state: "waiting", chunksDone: 0, chunksPlanned: 0, planned: false, rows: 0,
    estimatedRows: 500_000, rowsPerSecond: 0, percent: 0, etaSeconds: nil, schemaVersion: 1)

  static let tail = TailStatus(
    offset: "binlog.000003:4711", lagMilliseconds: 1234, idle: false, rows: 5000, rowsPerSecond: 345.6, splits: 1)

  static func status(
    state: String = "snapshot", tail: TailStatus? = nil, error: String? = nil, tablesDone: Int = 1
  ) -> PipelineStatus {
    PipelineStatus(
      pipeline: pipeline(state: state, error: error, tablesDone: tablesDone),
      snapshot: SnapshotStatus(percent: 48.72, rowsPerSecond: 98_765, etaSeconds: 13.2),
      tables: [customers, items, orders], tail: tail)
  }

  static let splits = [
    SplitStatus(
      split: 17, kind: "snapshot", table: "shop.orders", range: "id [8097, 16193)", state: "committed", attempt: 2,
      worker: "db7:4711", rows: 8096, bytes: 1_048_576, lowWatermark: "binlog.000003:100",
      highWatermark: "binlog.000003:120", ageMilliseconds: 12_345, error: nil),
    SplitStatus(
      split: 18, kind: "tail", table: nil, range: "0 of 1", state: "waiting", attempt: 3, worker: nil, rows: 0,
      bytes: 0,
      lowWatermark: nil, highWatermark: nil, ageMilliseconds: 800, error: "connection lost"),
  ]

  static let workers = [
    WorkerStatus(
      name: "db7:4711", id: "9f3c", state: "connected", slots: 4, running: ["shop/17#2", "shop/18#1"],
      heartbeatAgeMilliseconds: 850),
    WorkerStatus(name: "db8:12", id: "77aa", state: "lost", slots: 2, running: [], heartbeatAgeMilliseconds: 61_000),
  ]

  static let schemas = [
    SchemaStatus(
      table: "shop.orders", version: 1, offset: nil, changes: [],
      columns: [
        .init(name: "id", type: "BIGINT NOT NULL", nativeType: "bigint(20)"),
        .init(name: "total", type: "DECIMAL(10,2)", nativeType: "decimal(10,2)"),
      ], primaryKey: ["id"]),
    SchemaStatus(
      table: "shop.orders", version: 2, offset: "binlog.000003:900", changes: ["add.column"],
      columns: [.init(name: "id", type: "BIGINT NOT NULL", nativeType: "bigint(20)")], primaryKey: ["id"]),
  ]

  static func json(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }
}

/// A coordinator that answers from a script and remembers what it was asked.
final class ScriptedChannel: AdminChannel {
  private var script: [Result<AdminReply, CommandFailure>]
  private(set) var asked: [AdminRequest] = []
  /// Called after each question, with the number of questions so far.
  var afterAsking: (Int) -> Void = { _ in }

  init(_ script: [Result<AdminReply, CommandFailure>]) { self.script = script }

  convenience init(_ replies: [AdminReply]) { self.init(replies.map { .success($0) }) }

  func ask(_ request: AdminRequest) throws(CommandFailure) -> AdminReply {
    asked.append(request)
    defer { afterAsking(asked.count) }
    guard !script.isEmpty else { throw CommandFailure(what: "test", "asked more often than the script has answers") }
    return try script.removeFirst().get()
  }
}

/// A console that keeps what is printed.
final class Paper: Sendable {
  private let text = Monitor<(output: String, error: [String])>(("", []))

  var output: String { text.withLock { $0.output } }
  var errors: [String] { text.withLock { $0.error } }

  func console(terminal: Bool = false, colour: Bool = false, height: Int? = nil) -> Console {
    Console(
      output: { [text] written in
        text.withLock { $0.output += written }
        return true
      },
      error: { [text] line in text.withLock { $0.error.append(line) } }, outputIsTerminal: terminal,
      errorIsTerminal: terminal, colour: colour, height: { height })
  }
}
