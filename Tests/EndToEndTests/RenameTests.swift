import Glibc
import Platform
import TestKit
import Testing

/// Captured tables that get other names while the pipeline runs and rows are written.
@Suite("Renames", .serialized)
struct RenameTests {
  /// What is done to the tables `orders` (with a key), `lines` (without) and `other`; `$O` is a database that the
  /// pipeline does not read.
  enum Scenario: String, CaseIterable, Sendable {
    /// To a name that is captured.
    case within
    /// To a name that is not.
    case away
    /// The same, and back.
    case awayAndBack
    /// Two tables change places.
    case swap
    /// A table takes the name of one that moves on, in one statement.
    case chain
    /// A table moves on, and an empty one is made under its name.
    case rotation
    /// Columns change with the name.
    case withColumns
    /// The name is taken at once by an empty table.
    case replacedByEmpty

    var statements: [String] {
      switch self {
      case .within: ["RENAME TABLE orders TO bestellungen, `lines` TO zeilen"]
      case .away: ["RENAME TABLE orders TO $O.orders", "RENAME TABLE `lines` TO $O.`lines`"]
      case .awayAndBack: ["RENAME TABLE orders TO $O.orders", "RENAME TABLE $O.orders TO orders"]
      case .swap: ["RENAME TABLE orders TO aside, other TO orders, aside TO other"]
      case .chain: ["RENAME TABLE orders TO archive, other TO orders"]
      case .rotation: ["RENAME TABLE orders TO archive; CREATE TABLE orders LIKE archive"]
      case .withColumns: ["ALTER TABLE orders ADD COLUMN extra INT NOT NULL DEFAULT 7, RENAME TO bestellungen"]
      case .replacedByEmpty:
        ["CREATE TABLE fresh LIKE orders", "RENAME TABLE orders TO $O.orders, fresh TO orders"]
      }
    }

    /// Names that rows are written to, whether or not they exist at the moment.
    static let names = ["orders", "`lines`", "other", "bestellungen", "zeilen", "archive"]
  }

  /// Writes to whatever tables there are, until it is told to stop.
  private final class Writer: Sendable {
    private let state = Monitor((stop: false, done: false, written: 0, error: String?.none))

    init(_ server: SourceServer, database: String) {
      let state = state
      _ = DedicatedThread(name: "writer") {
        var random = SeededRandom(seed: 31)
        do {
          let session = try SourceConnection(server, database: database)
          defer { session.close() }
          while !state.withLock({ $0.stop }) {
            let name = Scenario.names[random.below(Scenario.names.count)]
            let id = 1 + random.below(900)
            let text = [
              "INSERT INTO \(name) (id, v) VALUES (\(id), 'new') ON DUPLICATE KEY UPDATE v = 'again'",
              "UPDATE \(name) SET v = 'changed \(random.below(1000))' WHERE id = \(id)",
              "UPDATE IGNORE \(name) SET id = \(1 + random.below(900)) WHERE id = \(id)",
              "DELETE FROM \(name) WHERE id = \(id)",
            ][random.below(4)]
            do {
              try session.query(text)
              state.update { $0.written += 1 }
            } catch let error as SourceServerError where error.description.contains("doesn't exist") {
              continue
            }
          }
        } catch {
          state.update { $0.error = "\(error)" }
        }
        state.update { $0.done = true }
      }
    }

    /// Waits for so many more writes.
    func awaitMore(_ count: Int) {
      let now = state.withLock { $0.written }
      _ = state.wait(milliseconds: 120_000) { $0.written >= now + count || $0.done ? true : nil }
    }

    func stop() -> String? {
      state.update { $0.stop = true }
      return state.wait { $0.done ? .some($0.error) : nil } ?? nil
    }
  }

  private func prepared(_ kind: ServerKind) throws -> ClusterFixture {
    let server = try SourceServer.shared(kind)
    let cluster = try ClusterFixture("rename", server: server)
    let database = cluster.database
    try server.execute("CREATE DATABASE `\(database)`; CREATE DATABASE `\(database)_off`")
    for (name, key) in [("orders", " PRIMARY KEY"), ("`lines`", ""), ("other", " PRIMARY KEY")] {
      try server.execute("CREATE TABLE \(name) (id INT NOT NULL\(key), v VARCHAR(40))", database: database)
      let rows = (1...300).map { "(\($0), '\(name.filter(\.isLetter)) \($0)')" }.joined(separator: ", ")
      try server.execute("INSERT INTO \(name) VALUES \(rows)", database: database)
    }
    return cluster
  }

  private func rename(_ scenario: Scenario, _ cluster: ClusterFixture, _ writer: Writer) throws {
    for statement in scenario.statements {
      let text = statement.replacing("$O", with: "`\(cluster.database)_off`")
      try cluster.server.execute(text, database: cluster.database)
      writer.awaitMore(40)
    }
  }

  private func finish(_ cluster: ClusterFixture, _ writer: Writer) throws {
    writer.awaitMore(60)
    #expect(writer.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
  }

  private struct Case: CustomTestStringConvertible, Sendable {
    var kind: ServerKind
    var scenario: Scenario
    var testDescription: String { "\(scenario.rawValue) on \(kind)" }
  }

  private static let cases = SourceServer.available.flatMap { kind in
    Scenario.allCases.map { Case(kind: kind, scenario: $0) }
  }

  @Test("tables are renamed under load", .timeLimit(.minutes(4)), arguments: cases)
  private func underLoad(_ test: Case) throws {
    let cluster = try prepared(test.kind)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 3)
    try cluster.submit(cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "100"]))
    try cluster.awaitState("tail")
    let writer = Writer(cluster.server, database: cluster.database)
    writer.awaitMore(50)
    try rename(test.scenario, cluster, writer)
    try finish(cluster, writer)
  }

  @Test(
    "a worker is killed when it meets the name", .timeLimit(.minutes(4)),
    arguments: [Scenario.within, .away, .awayAndBack, .swap, .chain, .rotation, .withColumns])
  func workerKilled(_ scenario: Scenario) throws {
    let cluster = try prepared(.mariaDB)
    try cluster.startCoordinator()
    let victim = try cluster.startWorker(slots: 3, failpoints: "worker.tail.schema-change=kill@1")
    try cluster.submit(cluster.pipelineText(pipeline: ["tail.parallelism": "2"]))
    try cluster.awaitState("tail")
    let writer = Writer(cluster.server, database: cluster.database)
    writer.awaitMore(50)
    try rename(scenario, cluster, writer)
    #expect(victim.wait(milliseconds: 120_000) == 128 + SIGKILL, "the failpoint was not reached: \(cluster.logs)")
    try cluster.startWorker(slots: 3)
    try finish(cluster, writer)
  }

  private static let coordinatorKills = [Scenario.within, .away, .withColumns].flatMap { scenario in
    ["coordinator.schema.before-apply=kill@1", "coordinator.schema.applied=kill@1", "journal.before-write=kill@3"].map {
      (scenario, $0)
    }
  }

  @Test("the coordinator is killed at the name", .timeLimit(.minutes(4)), arguments: coordinatorKills)
  func coordinatorKilled(_ scenario: Scenario, failpoints: String) throws {
    let cluster = try prepared(.mariaDB)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 3)
    try cluster.submit(cluster.pipelineText())
    try cluster.awaitState("tail")
    cluster.coordinator?.kill()
    try cluster.startCoordinator(failpoints: failpoints)
    let victim = try #require(cluster.coordinator)
    let writer = Writer(cluster.server, database: cluster.database)
    try rename(scenario, cluster, writer)
    #expect(victim.wait(milliseconds: 120_000) == 128 + SIGKILL, "the failpoint was not reached: \(cluster.logs)")
    try cluster.startCoordinator()
    try finish(cluster, writer)
  }
}
