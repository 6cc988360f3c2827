import TestKit
import Testing
import Wire

/// Tail splits whose number changes, and tables that join while the tail goes on, with real processes.
@Suite("Sets of tail splits", .serialized)
struct TailSetTests {
  @Test(
    "the tail is scaled up and down under load, a worker is killed, tables come and are read meanwhile",
    .timeLimit(.minutes(4)))
  func scaleAndJoin() throws {
    let server = try SourceServer.shared()
    let cluster = try ClusterFixture("sets", server: server)
    let shop = Shop(database: cluster.database)
    try shop.create(on: server, rows: 1000)
    try cluster.startCoordinator()
    let first = try cluster.startWorker(slots: 3)
    try cluster.startWorker(slots: 3)
    try cluster.submit(
      cluster.pipelineText(
        source: ["scan.newly-added-table.enabled": "true", "scan.incremental.snapshot.chunk.size": "100"]))
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: server, seed: 21, rows: 1000)
    for (index, count) in [3, 1, 2, 4].enumerated() {
      load.awaitTransactions((index + 1) * 40)
      #expect(try cluster.command(["scale", "shop", "--tail", "\(count)"]).status == 0)
      if index == 1 {
        try server.execute("CREATE TABLE `\(cluster.database)`.late (id INT PRIMARY KEY, v VARCHAR(40))")
        let rows = (1...700).map { "(\($0), 'early')" }.joined(separator: ", ")
        try server.execute("INSERT INTO `\(cluster.database)`.late VALUES \(rows)")
        // The source is asked for new tables at once.
        #expect(try cluster.command(["resume", "shop"]).status == 0)
      }
      if index == 2 { first.kill() }
      let reached = try eventually(within: ClusterFixture.patience) {
        try cluster.status()?.tail?.splits == count
      }
      #expect(reached, "\(count) splits: \(cluster.logs)")
      if index == 2 { try cluster.startWorker(slots: 3) }
    }
    let joined = try eventually(within: ClusterFixture.patience) {
      let late = try cluster.status()?.tables.first { $0.table.hasSuffix(".late") }
      if late?.state != "tail" {
        try server.execute("UPDATE `\(cluster.database)`.late SET v = UUID() WHERE id % 7 = 0")
      }
      return late?.state == "tail"
    }
    #expect(joined, "\(cluster.logs)")
    try server.execute("DELETE FROM `\(cluster.database)`.late WHERE id % 5 = 0")
    #expect(load.stop() == nil)
    try cluster.awaitEqual()
  }
}
