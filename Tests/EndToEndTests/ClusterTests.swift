import Glibc
import TestKit
import Testing
import Wire

/// The main job and the operator's commands, with real processes.
@Suite("Cluster", .serialized)
struct ClusterTests {
  private func prepared(
    _ name: String, rows: Int, on kind: ServerKind = .mariaDB
  ) throws -> (ClusterFixture, Shop) {
    let server = try SourceServer.shared(kind)
    let cluster = try ClusterFixture(name, server: server)
    let shop = Shop(database: cluster.database)
    try shop.create(on: server, rows: rows)
    return (cluster, shop)
  }

  @Test(
    "one process: snapshot and catch up, then once more with nothing to do", .timeLimit(.minutes(3)),
    arguments: SourceServer.available)
  func runUntilCaughtUp(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("run", rows: 3000, on: kind)
    let file = "\(cluster.directory)/pipeline.yaml"
    try TestFiles.write(file, cluster.pipelineText(source: ["password": SourceServer.account]))
    let load = BackgroundLoad(shop, server: cluster.server, seed: 11, rows: 3000)
    load.awaitTransactions(20)
    let arguments = ["run", file, "--slots", "2", "--data-dir", "\(cluster.directory)/data"]
    let first = try cluster.command(arguments + ["--until", "caught-up"])
    #expect(first.status == 0, "\(first.error)")
    load.awaitTransactions(100)
    #expect(load.stop() == nil)
    // A pipeline of a fresh data directory writes over what the first has left.
    let fresh = ["run", file, "--slots", "2", "--until", "caught-up"]
    let second = try cluster.command(fresh)
    #expect(second.status == 0, "\(second.error)")
    #expect(!(first.error + second.error).contains("password=\(SourceServer.account)"))
  }

  @Test("snapshot only ends by itself", .timeLimit(.minutes(3)))
  func snapshotOnly() throws {
    let (cluster, _) = try prepared("snapshot", rows: 2000)
    let file = "\(cluster.directory)/pipeline.yaml"
    let text = cluster.pipelineText(source: ["password": SourceServer.account, "scan.startup.mode": "snapshot"])
    try TestFiles.write(file, text)
    let result = try cluster.command(["run", file, "--slots", "2", "--until", "snapshot"])
    #expect(result.status == 0, "\(result.error)")
    #expect(cluster.differences() == "")
  }

  @Test(
    "schema changes of all kinds reach the replica in order", .timeLimit(.minutes(3)), arguments: SourceServer.available
  )
  func schemaChanges(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("ddl", rows: 1000, on: kind)
    try cluster.startCoordinator()
    try cluster.startWorker()
    try cluster.submit(cluster.pipelineText())
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 12, rows: 1000)
    let table = "`\(cluster.database)`.customers"
    let changes = [
      "ALTER TABLE \(table) ADD COLUMN a INT NOT NULL DEFAULT 7, ADD COLUMN b VARCHAR(10) NULL AFTER name",
      "UPDATE \(table) SET b = 'set', a = id WHERE id % 3 = 0", "ALTER TABLE \(table) CHANGE b c VARCHAR(30) NULL",
      "ALTER TABLE \(table) MODIFY a BIGINT NOT NULL DEFAULT 8",
      "UPDATE \(table) SET a = a + 5000000000 WHERE id % 5 = 0",
      "ALTER TABLE \(table) RENAME COLUMN c TO d", "UPDATE \(table) SET d = 'renamed' WHERE id % 7 = 0",
      "ALTER TABLE \(table) DROP COLUMN d, ADD INDEX extra (a)",
      "ALTER TABLE \(table) ADD COLUMN e DECIMAL(9,3) NULL FIRST",
      "UPDATE \(table) SET e = id / 8 WHERE id % 2 = 0",
      "ALTER TABLE \(table) ADD COLUMN f INT NOT NULL, ADD COLUMN g VARCHAR(9) NOT NULL, ADD COLUMN h DECIMAL(8,3) NOT NULL",
      "ALTER TABLE \(table) ADD COLUMN i ENUM('x','y') NOT NULL, ADD COLUMN j DATE NOT NULL DEFAULT '2020-02-02'",
      "ALTER TABLE \(table) MODIFY COLUMN j DATE NULL, ADD COLUMN k TIMESTAMP NULL, ADD COLUMN l BLOB NULL",
    ]
    for (index, change) in changes.enumerated() {
      load.awaitTransactions((index + 1) * 15)
      try cluster.server.execute(change)
    }
    #expect(load.stop() == nil)
    try cluster.awaitEqual()
    let versions = try #require(
      try cluster.document(["schema", "shop", "--table", "\(cluster.database).customers"], as: [SchemaStatus].self))
    #expect(versions.count >= 7)
    try cluster.server.execute("TRUNCATE TABLE \(table)")
    try cluster.server.execute("INSERT IGNORE INTO \(table) (name, created) VALUES ('after', NOW(6))")
    try cluster.awaitEqual()
    try cluster.server.execute("DROP TABLE `\(cluster.database)`.order_lines")
    try cluster.server.execute("INSERT INTO `\(cluster.database)`.events VALUES (NOW(3), 'last', NULL)")
    try cluster.awaitEqual()
    let dropped = try cluster.status()?.tables.first { $0.table.hasSuffix(".order_lines") }
    #expect(dropped?.state == "dropped")
  }

  @Test(
    "the tail is shared by two splits on two workers, schema changes and a killed worker included",
    .timeLimit(.minutes(3)), arguments: SourceServer.available)
  func sharedTail(on kind: ServerKind) throws {
    let (cluster, shop) = try prepared("shares", rows: 1000, on: kind)
    try cluster.startCoordinator()
    let first = try cluster.startWorker(slots: 1)
    try cluster.startWorker(slots: 1)
    try cluster.submit(cluster.pipelineText(pipeline: ["tail.parallelism": "2"]))
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 14, rows: 1000)
    load.awaitTransactions(50)
    let table = "`\(cluster.database)`.customers"
    try cluster.server.execute("ALTER TABLE \(table) ADD COLUMN share INT NOT NULL DEFAULT 1")
    load.awaitTransactions(100)
    first.kill()
    try cluster.startWorker(slots: 1)
    try cluster.server.execute("ALTER TABLE \(table) MODIFY share BIGINT NOT NULL DEFAULT 2, ADD COLUMN other INT NULL")
    load.awaitTransactions(200)
    #expect(load.stop() == nil)
    try cluster.awaitEqual()
    let tails = try #require(try cluster.document(["splits", "shop"], as: [SplitStatus].self)).filter {
      $0.kind == "tail"
    }
    #expect(tails.count == 2)
    #expect(tails.allSatisfy { $0.rows > 0 })
  }

  @Test("scale, pause and resume a running snapshot; stop and drop", .timeLimit(.minutes(4)))
  func operatorCommands() throws {
    let (cluster, _) = try prepared("operator", rows: 20_000)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 4)
    try cluster.submit(
      cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "100"], pipeline: ["parallelism": "1"]))
    let scaled = try #require(
      try cluster.document(["scale", "shop", "--snapshot-parallelism", "4"], as: PipelineSummary.self))
    #expect(scaled.name == "shop" && scaled.snapshotParallelism == 4)
    let status = try #require(try cluster.status())
    #expect(status.pipeline.snapshotParallelism == 4)
    #expect(try cluster.command(["pause", "shop"]).status == 0)
    try cluster.awaitState("paused", "tail")
    let workers = try #require(try cluster.document(["workers"], as: [WorkerStatus].self))
    #expect(workers.count == 1)
    #expect(workers.allSatisfy { $0.running.isEmpty })
    #expect(try cluster.command(["resume", "shop"]).status == 0)
    #expect(try cluster.command(["scale", "shop", "--snapshot-parallelism", "2"]).status == 0)
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    #expect(try cluster.command(["drop", "shop"]).status == 1, "a running pipeline is not dropped")
    #expect(try cluster.command(["stop", "shop"]).status == 0)
    try cluster.awaitState("stopped")
    #expect(try cluster.command(["drop", "shop"]).status == 0)
    let gone = try eventually(within: 30) {
      try cluster.document(["list"], as: [PipelineSummary].self)?.isEmpty == true
    }
    #expect(gone)
  }

  @Test("a table changes while its chunks are read", .timeLimit(.minutes(3)), arguments: SourceServer.available)
  func schemaChangeInSnapshot(on kind: ServerKind) throws {
    let (cluster, _) = try prepared("restart", rows: 10_000, on: kind)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 1)
    try cluster.submit(cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "50"]))
    let reading = try eventually(within: ClusterFixture.patience) {
      let table = try cluster.status()?.tables.first { $0.table.hasSuffix(".customers") }
      return (table?.chunksDone ?? 0) > 3
    }
    #expect(reading)
    try cluster.server.execute(
      "ALTER TABLE `\(cluster.database)`.customers ADD COLUMN z INT NULL DEFAULT 3, DROP COLUMN rating")
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    // The tail has passed the change's place in the log by the time that this arrives.
    try cluster.server.execute("UPDATE `\(cluster.database)`.customers SET z = 4 WHERE id % 3 = 0")
    try cluster.awaitEqual()
  }

  @Test("a table is emptied while its chunks are read", .timeLimit(.minutes(3)))
  func truncateInSnapshot() throws {
    let (cluster, _) = try prepared("truncate", rows: 6_000)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 1)
    try cluster.submit(cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "50"]))
    let reading = try eventually(within: ClusterFixture.patience) {
      let table = try cluster.status()?.tables.first { $0.table.hasSuffix(".customers") }
      return (table?.chunksDone ?? 0) > 3
    }
    #expect(reading)
    try cluster.server.execute("TRUNCATE TABLE `\(cluster.database)`.customers")
    try cluster.server.execute(
      "INSERT INTO `\(cluster.database)`.customers (id, name, created) SELECT seq, 'new', NOW(6) FROM seq_1_to_6000",
      database: cluster.database)
    // Chunks from before and after belong to no state that ever was: the table is read again while the tail goes on,
    // though there is but one slot for both.
    try cluster.awaitState("tail")
    let isReadAgain = try eventually(within: ClusterFixture.patience) {
      let table = try cluster.status()?.tables.first { $0.table.hasSuffix(".customers") }
      return table?.state == "tail" && (table?.schemaVersion ?? 0) > 1
    }
    #expect(isReadAgain, "\(cluster.logs)")
    try cluster.awaitEqual()
  }

  @Test("a worker that is told to stop commits and leaves; another goes on", .timeLimit(.minutes(3)))
  func gracefulLeave() throws {
    let (cluster, shop) = try prepared("leave", rows: 4000)
    try cluster.startCoordinator(lease: "60s")
    let first = try cluster.startWorker()
    try cluster.submit(cluster.pipelineText())
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 13, rows: 4000)
    load.awaitTransactions(30)
    first.signal(SIGTERM)
    #expect(first.wait(milliseconds: 30_000) == 0, "\(first.errorOutput)")
    try cluster.startWorker()
    load.awaitTransactions(80)
    #expect(load.stop() == nil)
    // With a lease of a minute, only a worker that has left in order is replaced at once.
    try cluster.awaitEqual()
    let coordinator = try #require(cluster.coordinator)
    coordinator.signal(SIGTERM)
    #expect(coordinator.wait(milliseconds: 30_000) == 0, "\(coordinator.errorOutput)")
  }

  @Test("no secret is shown or journaled", .timeLimit(.minutes(3)))
  func secrets() throws {
    let (cluster, _) = try prepared("secrets", rows: 100)
    try cluster.server.execute("CREATE USER 's_\(cluster.database)'@'%' IDENTIFIED BY 'hunter2-literal'")
    try cluster.server.execute("GRANT ALL ON *.* TO 's_\(cluster.database)'@'%'")
    try cluster.startCoordinator()
    try cluster.startWorker()
    try cluster.submit(
      cluster.pipelineText(source: ["username": "s_\(cluster.database)", "password": "hunter2-literal"]))
    try cluster.awaitState("tail")
    for arguments in [["status", "shop"], ["splits", "shop"], ["list"], ["workers"], ["schema", "shop"]] {
      #expect(!(try cluster.command(arguments + ["--json"]).output.contains("hunter2-literal")))
    }
    for process in [cluster.coordinator].compactMap({ $0 }) + cluster.workers {
      #expect(!process.errorOutput.contains("hunter2-literal"))
    }
    for file in ["journal.sqlite", "journal.sqlite-wal"] {
      #expect(!TestFiles.read("\(cluster.directory)/data/\(file)").contains("hunter2-literal"), "\(file)")
    }
  }
}
