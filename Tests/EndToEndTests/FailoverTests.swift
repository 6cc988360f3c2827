import TestKit
import Testing
import Wire

/// The source's server is lost in the middle of a pipeline, and its replica takes its place under another address.
@Suite("Failover", .serialized)
struct FailoverTests {
  @Test("a pipeline goes on at the replica", .timeLimit(.minutes(4)), arguments: SourceServer.available)
  func replicaTakesOver(on kind: ServerKind) throws {
    let servers = try ServerPair(kind)
    defer { servers.stop() }
    let (primary, replica) = (servers.primary, servers.replica)
    let cluster = try ClusterFixture("failover", server: primary)
    let shop = Shop(database: cluster.database)
    try shop.create(on: primary, rows: 600)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 2)
    let ids = ClusterFixture.serverIDs()
    try cluster.submit(cluster.pipelineText(source: ["server-id": ids]))
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: primary, seed: 51, rows: 600)
    load.awaitTransactions(60)
    #expect(load.stop() == nil)
    // Beyond the chunks' watermarks, which on MariaDB are positions of this server.
    try cluster.awaitEqual()
    let second = BackgroundLoad(shop, server: primary, seed: 52, rows: 600)
    second.awaitTransactions(60)
    #expect(second.stop() == nil)
    try servers.follow()
    primary.kill()
    try servers.promote()
    try replica.execute("FLUSH BINARY LOGS")
    let third = BackgroundLoad(shop, server: replica, seed: 53, rows: 600)
    third.awaitTransactions(40)
    try TestFiles.write(
      "\(cluster.directory)/moved.yaml",
      cluster.pipelineText(source: ["server-id": ids, "port": String(replica.port)]))
    let result = try cluster.command(["resume", "shop", "--file", "\(cluster.directory)/moved.yaml"])
    #expect(result.status == 0, "\(result.error)")
    third.awaitTransactions(90)
    #expect(third.stop() == nil)
    cluster.comparedServer = replica
    try cluster.awaitEqual()
    #expect(try cluster.status()?.pipeline.state == "tail")
  }
}
