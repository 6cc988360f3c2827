import Glibc
import TestKit
import Testing
import Wire

/// kill -9 of real processes at every step that matters, while the source is being written. Afterwards source and
/// replica are equal, typed and row by row, and the coordinator's counters are true.
@Suite("Faults", .serialized)
struct FaultTests {
  static let rows = 4_000

  private func prepared(_ name: String, on kind: ServerKind = .mariaDB) throws -> (ClusterFixture, Shop) {
    let server = try SourceServer.shared(kind)
    let cluster = try ClusterFixture(name, server: server)
    let shop = Shop(database: cluster.database)
    try shop.create(on: server, rows: Self.rows)
    return (cluster, shop)
  }

  /// The counters of a finished snapshot: every chunk done, none lost, none counted twice.
  private func checkCounters(_ cluster: ClusterFixture) throws {
    let status = try #require(try cluster.status())
    #expect(status.pipeline.tables == 4)
    #expect(status.pipeline.tablesDone == 4)
    for table in status.tables {
      #expect(table.chunksDone == table.chunksPlanned, "\(table.table)")
      #expect(table.percent == 100, "\(table.table)")
    }
  }

  private static let workerKills = [
    "worker.snapshot.write=kill@3", "worker.snapshot.prepared=kill@2", "worker.snapshot.before-commit=kill@3",
    "worker.snapshot.committed=kill@2", "worker.tail.write=kill@4", "worker.tail.prepared=kill@2",
    "worker.tail.before-commit=kill@2", "worker.tail.committed=kill@2",
  ]

  @Test("a worker is killed", .timeLimit(.minutes(5)), arguments: workerKills)
  func workerKilled(failpoints: String) throws {
    let (cluster, shop) = try prepared("worker-kill")
    try cluster.startCoordinator()
    let victim = try cluster.startWorker(slots: 2, failpoints: failpoints)
    let load = BackgroundLoad(shop, server: cluster.server, seed: 1, rows: Self.rows)
    try cluster.submit(cluster.pipelineText())
    #expect(victim.wait(milliseconds: 120_000) == 128 + SIGKILL, "the failpoint was not reached: \(cluster.logs)")
    try cluster.startWorker(slots: 2)
    load.awaitTransactions(300)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  private static let coordinatorKills = [
    "coordinator.plan=kill@2", "journal.before-write=kill@1", "journal.before-write=kill@4",
    "journal.before-write=kill@9", "journal.before-write=kill@25", "journal.before-write=kill@60",
    "journal.before-write=kill@200",
  ]

  @Test(
    "the coordinator is killed in the snapshot and in the tail", .timeLimit(.minutes(5)), arguments: coordinatorKills)
  func coordinatorKilled(failpoints: String) throws {
    let (cluster, shop) = try prepared("coordinator-kill")
    try cluster.startCoordinator(failpoints: failpoints)
    try cluster.startWorker(slots: 2)
    let load = BackgroundLoad(shop, server: cluster.server, seed: 2, rows: Self.rows)
    // The kill may come before the answer: then the pipeline may or may not be in the journal.
    let text = cluster.pipelineText()
    try? cluster.submit(text)
    let victim = try #require(cluster.coordinator)
    #expect(victim.wait(milliseconds: 120_000) == 128 + SIGKILL, "the failpoint was not reached: \(cluster.logs)")
    try cluster.startCoordinator()
    let answers = try eventually(within: ClusterFixture.patience) { try cluster.command(["list"]).status == 0 }
    #expect(answers)
    if try cluster.status() == nil { try cluster.submit(text) }
    load.awaitTransactions(300)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test(
    "the coordinator is killed in a schema change", .timeLimit(.minutes(5)),
    arguments: ["coordinator.schema.before-apply=kill@5", "coordinator.schema.applied=kill@5"])
  func coordinatorKilledInSchemaChange(failpoints: String) throws {
    let (cluster, shop) = try prepared("schema-kill")
    // Four tables are created in the sink first: the fifth step is the added column.
    try cluster.startCoordinator(failpoints: failpoints)
    try cluster.startWorker(slots: 2)
    try cluster.submit(cluster.pipelineText())
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 3, rows: Self.rows)
    load.awaitTransactions(20)
    try cluster.server.execute(
      "ALTER TABLE `\(cluster.database)`.customers ADD COLUMN note VARCHAR(40) NULL DEFAULT 'none'")
    let victim = try #require(cluster.coordinator)
    #expect(victim.wait(milliseconds: 120_000) == 128 + SIGKILL, "the failpoint was not reached: \(cluster.logs)")
    try cluster.startCoordinator()
    load.awaitTransactions(200)
    #expect(load.stop() == nil)
    try cluster.server.execute("UPDATE `\(cluster.database)`.customers SET note = 'after' WHERE id % 10 = 0")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test(
    "the coordinator and all workers are killed again and again", .timeLimit(.minutes(5)),
    arguments: SourceServer.available)
  func everythingKilled(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("everything-kill", on: kind)
    try cluster.startCoordinator()
    let load = BackgroundLoad(shop, server: cluster.server, seed: 4, rows: Self.rows)
    try cluster.submit(cluster.pipelineText())
    var random = SeededRandom(seed: 4)
    for round in 1...6 {
      let worker = try cluster.startWorker(slots: 2)
      load.awaitTransactions(round * 400 + random.below(200))
      worker.kill()
      if round % 2 == 0 {
        cluster.coordinator?.kill()
        try cluster.startCoordinator()
      }
    }
    try cluster.startWorker(slots: 2)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test("a zombie wakes up after its lease", .timeLimit(.minutes(5)), arguments: SourceServer.available)
  func zombie(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("zombie", on: kind)
    try cluster.startCoordinator()
    let zombie = try cluster.startWorker(slots: 2)
    try cluster.submit(cluster.pipelineText())
    let load = BackgroundLoad(shop, server: cluster.server, seed: 5, rows: Self.rows)
    load.awaitTransactions(50)
    zombie.signal(SIGSTOP)
    let heir = try cluster.startWorker(slots: 2)
    let taken = try eventually(within: ClusterFixture.patience) {
      let workers = try cluster.document(["workers"], as: [WorkerStatus].self) ?? []
      return workers.map(\.name).allSatisfy { $0.hasSuffix(":\(heir.pid)") } && workers.count == 1
    }
    #expect(taken, "the stopped worker's lease never ran out")
    load.awaitTransactions(200)
    zombie.signal(SIGCONT)
    load.awaitTransactions(300)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test("the source's connections are killed", .timeLimit(.minutes(5)), arguments: SourceServer.available)
  func connectionsKilled(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("connection-kill", on: kind)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 2)
    let load = BackgroundLoad(shop, server: cluster.server, seed: 6, rows: Self.rows)
    try cluster.submit(cluster.pipelineText(source: ["username": try cluster.ownUser(), "password": "own-secret"]))
    for round in 1...8 {
      load.awaitTransactions(round * 30)
      let own = "SELECT id FROM information_schema.processlist WHERE user = '\(try cluster.ownUser())'"
      for row in try cluster.server.query(own) {
        // A connection may have ended by itself meanwhile.
        if let id = row.first ?? nil { try? cluster.server.execute("KILL \(id)") }
      }
    }
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test("the source is restarted", .timeLimit(.minutes(5)), arguments: SourceServer.available)
  func sourceRestarted(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .durable)
    defer { server.stop() }
    let cluster = try ClusterFixture("source-restart", server: server)
    let shop = Shop(database: cluster.database)
    try shop.create(on: server, rows: Self.rows)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 2)
    try cluster.submit(cluster.pipelineText())
    try server.restart()
    let load = BackgroundLoad(shop, server: server, seed: 7, rows: Self.rows)
    load.awaitTransactions(100)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    server.kill()
    try server.startAgain()
    let second = BackgroundLoad(shop, server: server, seed: 8, rows: Self.rows)
    second.awaitTransactions(100)
    #expect(second.stop() == nil)
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }

  @Test("the replica's disk is full, then has room again", .timeLimit(.minutes(5)), .enabled(if: SmallDisk.isPossible))
  func diskFull() throws {
    let (cluster, shop) = try prepared("disk-full")
    let disk = try SmallDisk(directory: cluster.directory, megabytes: 1)
    defer { disk.remove() }
    cluster.replicaOverride = "\(disk.path)/replica.sqlite"
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 2)
    try cluster.submit(cluster.pipelineText())
    let refused = try eventually(within: ClusterFixture.patience) {
      let splits = try cluster.document(["splits", "shop"], as: [SplitStatus].self) ?? []
      let status = try cluster.status()
      return splits.contains { $0.error != nil } || status?.pipeline.error != nil
    }
    #expect(refused, "nothing noticed the full disk: \(cluster.logs)")
    try disk.grow(megabytes: 200)
    if try cluster.status()?.pipeline.state == "failed" { _ = try cluster.command(["resume", "shop"]) }
    let load = BackgroundLoad(shop, server: cluster.server, seed: 9, rows: Self.rows)
    load.awaitTransactions(50)
    #expect(load.stop() == nil)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try checkCounters(cluster)
  }
}

/// A file system of a few megabytes in memory.
struct SmallDisk {
  let path: String

  /// Mounting needs root.
  static var isPossible: Bool { geteuid() == 0 }

  init(directory: String, megabytes: Int) throws {
    path = "\(directory)/small"
    guard mkdir(path, 0o755) == 0, mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0 else {
      throw ClusterFixture.Problem(description: "cannot mount a tmpfs: \(String(cString: strerror(errno)))")
    }
  }

  func grow(megabytes: Int) throws {
    // MS_REMOUNT of mount(2).
    guard mount("tmpfs", path, "tmpfs", 32, "size=\(megabytes)m") == 0 else {
      throw ClusterFixture.Problem(description: "cannot remount: \(String(cString: strerror(errno)))")
    }
  }

  func remove() { umount2(path, 2) }
}
