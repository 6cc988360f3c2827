import TestKit
import Testing
import Wire

/// The source's server is lost in the middle of a pipeline, and its replica takes its place under another address.
@Suite("Failover", .serialized)
struct FailoverTests {
  private func follow(_ replica: SourceServer, _ primary: SourceServer) throws {
    let account = SourceServer.account
    let reset = primary.kind == .mariaDB ? "RESET MASTER" : "RESET BINARY LOGS AND GTIDS"
    // What each has done on its own would be in no common history.
    for server in [primary, replica] { try server.execute(reset) }
    switch primary.kind {
    case .mariaDB:
      try replica.execute(
        """
        CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=\(primary.port), MASTER_USER='\(account)',
          MASTER_PASSWORD='\(account)', MASTER_USE_GTID=slave_pos; START SLAVE
        """)
    case .mySQL:
      try replica.execute(
        """
        CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=\(primary.port), SOURCE_USER='\(account)',
          SOURCE_PASSWORD='\(account)', SOURCE_AUTO_POSITION=1, SOURCE_SSL=1; START REPLICA
        """)
    }
  }

  private func awaitReplica(_ replica: SourceServer, _ primary: SourceServer) throws {
    switch primary.kind {
    case .mariaDB:
      let end = try primary.query("SELECT @@global.gtid_binlog_pos").first?[0] ?? ""
      #expect(try replica.query("SELECT MASTER_GTID_WAIT('\(end)', 60)") == [["0"]])
    case .mySQL:
      let end = try primary.query("SELECT @@global.gtid_executed").first?[0] ?? ""
      #expect(try replica.query("SELECT WAIT_FOR_EXECUTED_GTID_SET('\(end)', 60)") == [["0"]])
    }
  }

  @Test("a pipeline goes on at the replica", .timeLimit(.minutes(4)), arguments: SourceServer.available)
  func replicaTakesOver(on kind: ServerKind) throws {
    let primary = try SourceServer(kind, .durable)
    defer { primary.stop() }
    let updates = kind == .mariaDB ? "--log-slave-updates=ON" : "--log-replica-updates=ON"
    let replica = try SourceServer(kind, .argument("--server-id=2"), .argument(updates))
    defer { replica.stop() }
    try follow(replica, primary)
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
    try awaitReplica(replica, primary)
    primary.kill()
    try replica.execute(kind == .mariaDB ? "STOP SLAVE" : "STOP REPLICA")
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
