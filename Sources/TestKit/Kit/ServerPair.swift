/// A primary and a replica that writes what it replicates to its own log: what one needs in order to lose a server.
public struct ServerPair: Sendable {
  /// The server that is written to.
  public let primary: SourceServer
  /// The server that follows it.
  public let replica: SourceServer

  /// Starts both, and lets the replica follow.
  /// - Throws: when a server does not come up or refuses.
  public init(_ kind: ServerKind) throws {
    primary = try SourceServer(kind, .durable)
    let updates = kind == .mariaDB ? "--log-slave-updates=ON" : "--log-replica-updates=ON"
    replica = try SourceServer(kind, .argument("--server-id=2"), .argument(updates))
    let reset = kind == .mariaDB ? "RESET MASTER" : "RESET BINARY LOGS AND GTIDS"
    // What each has done on its own would be in no common history.
    for server in [primary, replica] { try server.execute(reset) }
    let account = SourceServer.account
    switch kind {
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

  /// Waits until the replica has what the primary has.
  /// - Throws: when that takes longer than a minute.
  public func follow() throws {
    let result: [[String?]]
    switch primary.kind {
    case .mariaDB:
      let end = try primary.query("SELECT @@global.gtid_binlog_pos").first?[0] ?? ""
      result = try replica.query("SELECT MASTER_GTID_WAIT('\(end)', 60)")
    case .mySQL:
      let end = try primary.query("SELECT @@global.gtid_executed").first?[0] ?? ""
      result = try replica.query("SELECT WAIT_FOR_EXECUTED_GTID_SET('\(end)', 60)")
    }
    guard result == [["0"]] else { throw SourceServerError("the replica does not follow: \(result)") }
  }

  /// The replica becomes a server of its own.
  /// - Throws: when it refuses.
  public func promote() throws {
    try replica.execute(primary.kind == .mariaDB ? "STOP SLAVE" : "STOP REPLICA")
  }

  /// Ends both.
  public func stop() {
    primary.stop()
    replica.stop()
  }
}
