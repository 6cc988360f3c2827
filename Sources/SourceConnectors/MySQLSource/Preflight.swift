import Connector
import Model

/// Checks, before a pipeline starts, everything about the server that would stop it later.
struct Preflight {
  let client: MySQLClient
  let facts: ServerFacts
  let settings: MySQLSourceSettings
  private var warnings: [String] = []

  init(client: MySQLClient, facts: ServerFacts, settings: MySQLSourceSettings) {
    self.client = client
    self.facts = facts
    self.settings = settings
  }

  /// Returns warnings. `tables`: whether to look at the tables as well.
  /// - Throws: the first problem that makes the pipeline impossible.
  mutating func run(tables: Bool = true) throws(ConnectorError) -> [String] {
    warnings += settings.warnings
    try checkVersion()
    let variables = try readVariables()
    try checkBinlog(variables)
    try checkPrivileges()
    checkRetention(variables)
    checkServerIDs()
    if !tables { return warnings }
    let planner = MySQLPlanner(settings: settings, client: client, interrupter: Interrupter(), facts: facts)
    warnings += try planner.discover().warnings
    return warnings
  }

  private func checkVersion() throws(ConnectorError) {
    guard facts.release.isReadable else {
      throw ConnectorError(
        .prerequisite, "the server's version \(facts.version) is too old",
        remedy: "MySQL 5.6 or MariaDB 10.2 is the oldest that can be read")
    }
  }

  private func readVariables() throws(ConnectorError) -> [String: String] {
    let names = [
      "log_bin", "binlog_format", "binlog_row_image", "binlog_row_value_options", "log_slave_updates",
      "log_replica_updates", "read_only", "expire_logs_days", "binlog_expire_logs_seconds", "gtid_mode",
      "encrypt_binlog", "binlog_encryption", "binlog_legacy_event_pos",
    ]
    let list = names.map { SQLText.string($0) }.joined(separator: ", ")
    var variables: [String: String] = [:]
    for row in try client.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN (\(list))") {
      if let name = row.first ?? nil, let value = row.last ?? nil { variables[name.lowercased()] = value.uppercased() }
    }
    return variables
  }

  private mutating func checkBinlog(_ variables: [String: String]) throws(ConnectorError) {
    func require(_ name: String, _ wanted: String, _ remedy: String) throws(ConnectorError) {
      guard let value = variables[name], value != wanted else { return }
      throw ConnectorError(.prerequisite, "the server has \(name) = \(value), but \(wanted) is needed", remedy: remedy)
    }
    try require("log_bin", "ON", "start the server with log_bin and a server_id")
    try require(
      "binlog_format", "ROW", "SET GLOBAL binlog_format = 'ROW', set it in the server's file, and reconnect writers")
    try require(
      "binlog_row_image", "FULL",
      "SET GLOBAL binlog_row_image = 'FULL', set it in the server's file, and reconnect writers")
    try require("binlog_row_value_options", "", "SET GLOBAL binlog_row_value_options = ''")
    guard try isReplica() else { return }
    let logsUpdates = variables["log_replica_updates"] ?? variables["log_slave_updates"] ?? "ON"
    if logsUpdates != "ON" && logsUpdates != "1" {
      throw ConnectorError(
        .prerequisite, "the server is a replica and does not write what it replicates to its own binary log",
        remedy: "set log_slave_updates (MySQL 8.0.26 and later: log_replica_updates) and restart it")
    }
    if !facts.hasGTIDs, !facts.isMariaDB {
      warnings.append(
        "the server is a replica: after a failover the pipeline must be started anew, as it uses positions")
    }
  }

  private func isReplica() throws(ConnectorError) -> Bool {
    do {
      return try client.namedRow(facts.release.replicaStatus) != nil
    } catch  where error.kind == .permission {
      // MariaDB asks for a privilege of its own (REPLICA MONITOR); without it the check is left out.
      return false
    }
  }

  private func checkPrivileges() throws(ConnectorError) {
    // Asking for the log's end is the check for REPLICATION CLIENT (BINLOG MONITOR).
    do {
      _ = try client.logEnd(facts)
    } catch  where error.kind == .permission {
      let name = facts.isMariaDB ? "BINLOG MONITOR" : "REPLICATION CLIENT"
      throw ConnectorError(
        .permission, "the account \(settings.connection.user) lacks the privilege \(name)",
        remedy: "GRANT \(name) ON *.* TO the account")
    }
    let grants = try client.query("SHOW GRANTS").compactMap { $0.first ?? nil }.map { $0.uppercased() }
    let global = grants.filter { $0.contains(" ON *.* ") }.joined(separator: "\n")
    // A role's privileges are not in the list; the server refuses the dump itself then.
    let mayHaveRoles = grants.contains { !$0.contains(" ON ") }
    let names = ["REPLICATION SLAVE", "REPLICATION REPLICA", "ALL PRIVILEGES"]
    guard mayHaveRoles || names.contains(where: { global.contains($0) }) else {
      throw ConnectorError(
        .permission, "the account \(settings.connection.user) lacks the privilege REPLICATION SLAVE",
        remedy: "GRANT REPLICATION SLAVE ON *.* TO the account")
    }
  }

  private mutating func checkRetention(_ variables: [String: String]) {
    let seconds = variables["binlog_expire_logs_seconds"].flatMap { Double($0) } ?? 0
    let days = variables["expire_logs_days"].flatMap { Double($0) } ?? 0
    let retention = max(seconds, days * 86_400)
    if retention > 0, retention < 86_400 {
      warnings.append(
        "the server keeps its binary logs for \(Int(retention)) s only: a pipeline that pauses longer must start anew; "
          + "raise binlog_expire_logs_seconds")
    }
  }

  private mutating func checkServerIDs() {
    if let range = settings.serverIDs {
      if range.count < settings.parallelism {
        warnings.append("server-id has \(range.count) numbers for a parallelism of \(settings.parallelism)")
      }
    } else {
      warnings.append("server-id is not given: a random number from 5400 to 6400 may meet another replication client")
    }
  }
}
