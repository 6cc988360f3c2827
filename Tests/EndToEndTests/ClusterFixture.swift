import FoundationEssentials
import Glibc
import Model
import Platform
import TestKit
import Wire

/// A coordinator and workers as real processes, on a directory of their own, with one pipeline from a database of the
/// shared server into a SQLite file.
final class ClusterFixture {
  let directory: String
  let server: SourceServer
  let database: String
  private(set) var coordinator: ChildProcess?
  private(set) var workers: [ChildProcess] = []
  private var started = 0
  private var port = 0

  /// What a test's wait for an outcome is bounded by, in seconds: far above what is needed, so that only a hang fails.
  static let patience = 120.0

  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  init(_ name: String, server: SourceServer) throws {
    self.server = server
    database = "\(name.replacing("-", with: "_"))_\(ProcessIdentity.randomHex(bytes: 3))"
    directory = try TestFiles.makeDirectory(name)
  }

  deinit {
    for worker in workers { worker.kill() }
    coordinator?.kill()
    TestFiles.remove(directory)
  }

  /// Keeps a copy of the fixture's files, for looking at them after a failure.
  func keep(_ place: String) throws {
    TestFiles.remove(place)
    try TestFiles.copy(directory, to: place)
  }

  var replica: String { "\(directory)/replica.sqlite" }
  var replicaOverride: String?
  /// The server that the replica is compared with, where it is not the one that the pipeline began with.
  var comparedServer: SourceServer?
  /// Tables that are compared, by their bare names; nil: all of them.
  var comparedTables: [String]?
  /// Beginnings of tables' full names that the pipeline does not capture: the replica must have none of them.
  var notCaptured: [String] = []
  static var binary: String { "\(TestFiles.productsDirectory)/tidegate" }

  // MARK: - Processes

  /// Starts the coordinator and waits until it listens. A restart takes the same port, so that workers find it.
  func startCoordinator(failpoints: String = "", lease: String = "2s") throws {
    started += 1
    var environment = ["SHOP_PASSWORD": SourceServer.account]
    if !failpoints.isEmpty { environment["TIDEGATE_FAILPOINTS"] = failpoints }
    let process = try ChildProcess(
      Self.binary,
      [
        "coordinator", "--listen", "127.0.0.1:\(port)", "--data-dir", "\(directory)/data", "--lease", lease,
      ], environment: environment, directory: directory, name: "coordinator\(started)")
    coordinator = process
    guard port == 0 else { return }
    let listens = eventually(within: Self.patience) {
      if let found = Self.listeningPort(in: process.errorOutput + process.output) { port = found }
      return port != 0 || !process.isRunning
    }
    guard listens, port != 0 else { throw Problem(description: "no coordinator: \(process.errorOutput)") }
  }

  private static func listeningPort(in text: String) -> Int? {
    guard let range = text.firstRange(of: "127.0.0.1:") else { return nil }
    let digits = text[range.upperBound...].prefix { $0.isNumber }
    return Int(digits)
  }

  @discardableResult
  func startWorker(slots: Int = 2, failpoints: String = "") throws -> ChildProcess {
    started += 1
    let worker = try ChildProcess(
      Self.binary, ["worker", "--join", "127.0.0.1:\(port)", "--slots", String(slots)],
      environment: failpoints.isEmpty ? [:] : ["TIDEGATE_FAILPOINTS": failpoints], directory: directory,
      name: "worker\(started)")
    workers.append(worker)
    return worker
  }

  // MARK: - The pipeline

  func pipelineText(
    source: [String: String] = [:], sink: [String: String] = [:], pipeline: [String: String] = [:], extra: String = ""
  ) -> String {
    var sourceOptions = [
      "type": "mysql", "hostname": "127.0.0.1", "port": String(server.port), "username": SourceServer.account,
      "password": "${env:SHOP_PASSWORD}", "tables": "\(database).\\.*", "server-id": Self.serverIDs(),
      "scan.incremental.snapshot.chunk.size": "400", "server-time-zone": "UTC",
    ]
    sourceOptions.merge(source) { $1 }
    var sinkOptions = ["type": "sqlite", "path": replicaOverride ?? replica]
    sinkOptions.merge(sink) { $1 }
    var settings = ["name": "shop", "schema.change.behavior": "evolve", "commit.interval": "200ms"]
    settings.merge(pipeline) { $1 }
    func block(_ title: String, _ values: [String: String]) -> String {
      "\(title):\n" + values.sorted { $0.key < $1.key }.map { "  \($0.key): '\($0.value)'\n" }.joined()
    }
    return block("source", sourceOptions) + block("sink", sinkOptions) + block("pipeline", settings) + extra
  }

  private static let lastServerID = Monitor(10_000)

  /// A range of server ids that no other test uses.
  static func serverIDs() -> String {
    let first = lastServerID.withLock { last in
      defer { last += 50 }
      return last
    }
    return "\(first)-\(first + 49)"
  }

  func submit(_ text: String) throws {
    let file = "\(directory)/pipeline.yaml"
    try TestFiles.write(file, text)
    let result = try command(["submit", file])
    guard result.status == 0 else { throw Problem(description: "submit: \(result.error)") }
  }

  struct CommandResult {
    var status: Int32
    var output: String
    var error: String
  }

  /// Runs the command line against the coordinator.
  func command(_ arguments: [String]) throws -> CommandResult {
    started += 1
    let process = try ChildProcess(
      Self.binary, arguments, environment: ["TIDEGATE_COORDINATOR": "127.0.0.1:\(port)"], directory: directory,
      name: "command\(started)")
    guard let status = process.wait(milliseconds: 60_000) else {
      process.kill()
      throw Problem(description: "\(arguments) did not end")
    }
    defer { for path in [process.outputPath, process.errorPath] { unlink(path) } }
    return CommandResult(status: status, output: process.output, error: process.errorOutput)
  }

  /// A document of the command line; nil while the coordinator cannot answer.
  func document<T: Decodable>(_ arguments: [String], as type: T.Type) throws -> T? {
    let result = try command(arguments + ["--json"])
    guard result.status == 0 else { return nil }
    return try JSONDecoder().decode(T.self, from: Data(result.output.utf8))
  }

  func status() throws -> PipelineStatus? { try document(["status", "shop"], as: PipelineStatus.self) }

  /// Waits until the pipeline is in one of the states.
  /// - Throws: when it fails first (unless that is wanted), or never gets there.
  func awaitState(_ states: String...) throws {
    var last = "no answer"
    let reached = try eventually(within: Self.patience) {
      guard let status = try status() else { return false }
      last = "\(status.pipeline.state) \(status.pipeline.error ?? "")"
      if status.pipeline.state == "failed", !states.contains("failed") { throw Problem(description: last) }
      return states.contains(status.pipeline.state)
    }
    guard reached else { throw Problem(description: "waited for \(states), state is \(last)\n\(logs)") }
  }

  /// Waits until source and replica are equal, row by row and typed.
  /// - Throws: the differences when they stay.
  func awaitEqual() throws {
    var last = ""
    let equal = try eventually(within: Self.patience) {
      if let status = try status(), status.pipeline.state == "failed" {
        throw Problem(description: "failed: \(status.pipeline.error ?? "")\n\(logs)")
      }
      last = differences()
      return last.isEmpty
    }
    guard equal else { throw Problem(description: "source and replica differ:\n\(last)\n\(logs)") }
  }

  /// An account of this test's own, whose connections can be told from all others.
  func ownUser() throws -> String {
    let name = "u_\(database.suffix(12))"
    try server.execute("CREATE USER IF NOT EXISTS '\(name)'@'%' IDENTIFIED BY 'own-secret'")
    let monitor = server.kind == .mariaDB ? ", BINLOG MONITOR" : ""
    try server.execute("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT\(monitor) ON *.* TO '\(name)'@'%'")
    return name
  }

  /// What differs between source and replica at this moment; empty when nothing does.
  func differences() -> String {
    var request = ComparisonRequest(
      host: "127.0.0.1", port: UInt16((comparedServer ?? server).port), user: SourceServer.account,
      password: SourceServer.account,
      databases: [database], tables: comparedTables, replica: replicaOverride ?? replica)
    request.leftOut = notCaptured
    do {
      let results = try Comparison.run(request)
      return results.filter { $0.differences > 0 || $0.sourceRows != $0.replicaRows }
        .map {
          "\($0.table): \($0.sourceRows) and \($0.replicaRows) rows, \($0.differences) differences, \($0.examples)"
        }
        .joined(separator: "\n")
    } catch {
      return "\(error)"
    }
  }

  /// The ends of all logs, for a failure's message.
  var logs: String {
    ([coordinator].compactMap { $0 } + workers)
      .map { "--- \($0.errorPath)\n" + $0.errorOutput.split(separator: "\n").suffix(25).joined(separator: "\n") }
      .joined(separator: "\n")
  }
}

/// Writes random transactions until it is told to stop, on a connection and thread of its own.
final class BackgroundLoad: Sendable {
  private let state = Monitor((stop: false, done: false, transactions: 0, error: String?.none))

  init(_ shop: Shop, server: SourceServer, seed: UInt64, rows: Int) {
    let state = state
    _ = DedicatedThread(name: "load") {
      var random = SeededRandom(seed: seed)
      do {
        let session = try SourceConnection(server)
        defer { session.close() }
        while !state.withLock({ $0.stop }) {
          do {
            for statement in shop.randomTransaction(using: &random, rows: rows) { try session.query(statement) }
          } catch let error as SourceServerError where error.description.hasPrefix("Deadlock") {
            // Two writers met: the server has rolled this transaction back.
            continue
          }
          state.update { $0.transactions += 1 }
        }
      } catch {
        state.update { $0.error = "\(error)" }
      }
      state.update { $0.done = true }
    }
  }

  /// Waits until so many transactions have been written.
  func awaitTransactions(_ count: Int) {
    _ = state.wait(milliseconds: 120_000) { $0.transactions >= count || $0.done ? true : nil }
  }

  /// Ends the load; the message of what stopped it early, if anything did.
  func stop() -> String? {
    state.update { $0.stop = true }
    return state.wait { $0.done ? .some($0.error) : nil } ?? nil
  }
}
