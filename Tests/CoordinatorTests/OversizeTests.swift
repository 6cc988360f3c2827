import Connector
import Foundation
import Model
import Pipeline
import Platform
import Testing
import Wire

@testable import Coordinator

/// A source of one very wide table, which is never read.
private struct WideSource: SourceConnector {
  static let table = TableID(schema: "shop", table: "wide")
  let startup = SourceStartup.latestOffset
  let newTables = NewTables.ignored

  func validate() throws(ConnectorError) -> [String] { [] }
  func openPlanner() throws(ConnectorError) -> any SourcePlanner { WidePlanner() }
  func hasPassed(_ offset: Offset, end: Offset) throws(ConnectorError) -> Bool { true }
  func makeSnapshotReader(_ request: SnapshotRequest) throws(ConnectorError) -> any SnapshotReader {
    throw ConnectorError(.unsupported, "nothing is read")
  }
  func makeTailReader(_ request: TailRequest) throws(ConnectorError) -> any TailReader {
    throw ConnectorError(.unsupported, "nothing is read")
  }
}

private final class WidePlanner: SourcePlanner {
  private var tables: [DiscoveredTable] {
    let columns = (0..<400).map { Column(name: "column_\($0)", type: DataType(.bigint)) }
    let schema = TableSchema(columns: columns, primaryKey: ["column_0"])
    return [DiscoveredTable(id: WideSource.table, schema: schema, chunkKey: [], estimatedRows: 1)]
  }

  func currentOffset() throws(ConnectorError) -> Offset { Offset("1") }
  func startOffset(for startup: SourceStartup) throws(ConnectorError) -> Offset { Offset("1") }
  func discoverTables(at offset: Offset) throws(ConnectorError) -> [DiscoveredTable] { tables }
  func discoverTables() throws(ConnectorError) -> [DiscoveredTable] { tables }
  func describe(_ table: TableID) throws(ConnectorError) -> DiscoveredTable? { tables[0] }
  func planChunks(_ table: DiscoveredTable, cursor: String?, limit: Int) throws(ConnectorError) -> ChunkPlan {
    throw ConnectorError(.unsupported, "nothing is planned")
  }
  func interrupt() {}
  func close() {}
}

private enum WideSourceFactory: SourceFactory {
  static let type = "wide"
  static let options: [OptionSpec] = []
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SourceConnector {
    WideSource()
  }
}

/// A sink that makes tables and nothing else.
private struct IdleSink: SinkConnector {
  let guarantees = SinkGuarantees(visibility: .atomic, preparedSurvivesWriter: true)

  func validate() throws(ConnectorError) -> [String] { [] }
  func openSchemaApplier() throws(ConnectorError) -> any SchemaApplier { IdleApplier() }
  func openWriter(_ attempt: AttemptID) throws(ConnectorError) -> any SinkWriter {
    throw ConnectorError(.unsupported, "nothing is written")
  }
  func openCommitter() throws(ConnectorError) -> any SinkCommitter {
    throw ConnectorError(.unsupported, "nothing is committed")
  }
}

private final class IdleApplier: SchemaApplier {
  func apply(_ change: SchemaChange, to table: TableID, resulting: TableSchema) throws(ConnectorError) {}
  func interrupt() {}
  func close() {}
}

private enum IdleSinkFactory: SinkFactory {
  static let type = "idle"
  static let options: [OptionSpec] = []
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    IdleSink()
  }
}

@Suite("What does not fit a message", .timeLimit(.minutes(2)))
struct OversizeTests {
  @Test("The pipeline stops with an error, and its split is not given away again")
  func machine() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.tell(.undeliverable(tail, isAssignment: true, problem: "a frame of 9 bytes is over the limit of 8"))
    let error = try #require(cluster.journal.pipelines["p"]?.error)
    #expect(error.contains("a frame of 9 bytes is over the limit of 8"))
    #expect(error.contains("have them read in larger chunks"))
    #expect(cluster.journal.splits[tail.split]?.state == .pending)
    for _ in 0..<5 {
      cluster.tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])), after: 1_000)
      #expect(cluster.assignments(to: 1).isEmpty)
    }
    // An order that cannot be sent: the attempt runs, and is told to end.
    var other = MachineHarness()
    let running = try other.reachTail()[0]
    other.commit(1, running, 1, at: "40")
    other.tell(.undeliverable(running, isAssignment: false, problem: "too large"))
    #expect(other.orders(to: 1).map(\.action) == [.cancel(afterCommit: false)])
    #expect(other.journal.splits[running.split]?.isHeld == true)
    other.report(1, running, .cancelled)
    #expect(other.assignments(to: 1).isEmpty)
  }

  @Test("A coordinator that cannot tell a worker of a table says so, once, and goes on")
  func service() throws {
    let directory = NSTemporaryDirectory() + "tidegate-oversize-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var options = CoordinatorOptions(
      listen: try Endpoint(parse: "127.0.0.1:0"), dataDirectory: directory, token: nil,
      registry: ConnectorRegistry(sources: [WideSourceFactory.self], sinks: [IdleSinkFactory.self]))
    options.frameLimit = 2_000
    let coordinator = try CoordinatorService(options)
    defer { coordinator.stop() }
    let endpoint = try Endpoint(parse: "127.0.0.1:\(coordinator.boundPort)")
    let admin = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
    func ask(_ verb: String, _ arguments: [String: String] = [:]) throws -> AdminReply {
      let pipeline = verb == "submit" ? "" : "wide"
      try admin.send(.adminRequest(AdminRequest(verb: verb, pipeline: pipeline, arguments: arguments)))
      guard case .adminReply(let reply) = try admin.receive().message else { throw WireError.closed }
      return reply
    }
    let definition = "source:\n  type: wide\nsink:\n  type: idle\npipeline:\n  name: wide\n"
    #expect(try ask("submit", ["definition": definition]).error == "")
    let worker = try FrameConnection.connect(to: endpoint, role: .worker, token: nil)
    defer { worker.close() }
    try worker.send(.join(Join(workerID: "w", name: "w", slots: 2, running: [])))
    let heard = Monitor<[Message]>([])
    _ = DedicatedThread(name: "worker") {
      while let message = try? worker.receive().message { heard.update { $0.append(message) } }
    }
    var status = ""
    let deadline = Clock.monotonicMilliseconds() + 30_000
    while !status.contains("over the limit of 2000"), Clock.monotonicMilliseconds() < deadline {
      status = try ask("status").json
      try worker.send(.heartbeat(Heartbeat(sequence: 1, attempts: [])))
      _ = heard.wait(milliseconds: 20) { _ in nil as Bool? }
    }
    #expect(status.contains("\"failed\""))
    #expect(status.contains("have them read in larger chunks"))
    // The connection is as good as before, and nothing was given away.
    #expect(heard.withLock { $0.contains { if case .heartbeatAck = $0 { true } else { false } } })
    #expect(heard.withLock { !$0.contains { if case .assign = $0 { true } else { false } } })
  }
}
