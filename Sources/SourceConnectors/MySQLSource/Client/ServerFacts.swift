import Connector
import Model

/// What a session needs to know about its server.
struct ServerFacts: Sendable, Hashable {
  /// The version as the server calls itself.
  var version: String
  /// Whether it is a MariaDB.
  var isMariaDB: Bool
  /// What tells this server from every other one: MySQL's `server_uuid`, MariaDB's `server_uid` with its `server_id`.
  var identity: String
  /// MySQL: whether every transaction has a GTID (`gtid_mode=ON`).
  var hasGTIDs: Bool

  /// Asks the server.
  init(_ client: MySQLClient) throws(ConnectorError) {
    version = client.serverVersion
    isMariaDB = client.isMariaDB
    if isMariaDB {
      hasGTIDs = false
      let uid = try client.query("SHOW GLOBAL VARIABLES LIKE 'server_uid'").first?.last ?? nil
      let id =
        try client.scalar("SELECT CONCAT(@@global.server_id, '@', IF('' = '\(uid ?? "")', @@hostname, ''))") ?? ""
      identity = Self.plain((uid ?? "") + "/" + id)
    } else {
      identity = Self.plain(try client.scalar("SELECT @@global.server_uuid") ?? "")
      hasGTIDs = try client.scalar("SELECT @@global.gtid_mode") == "ON"
    }
  }

  /// Without the characters that separate an offset's fields.
  private static func plain(_ text: String) -> String {
    String(text.map { $0 == ";" || $0 == "=" ? "_" : $0 })
  }

  /// Major and minor version, of the real server behind a `5.5.5-` prefix.
  var number: (major: Int, minor: Int) {
    var text = version[...]
    if isMariaDB, text.hasPrefix("5.5.5-") { text = text.dropFirst(6) }
    let parts = text.split(separator: ".").prefix(2).map { part in Int(part.prefix { $0.isNumber }) ?? 0 }
    return (parts.first ?? 0, parts.count > 1 ? parts[1] : 0)
  }

  /// The statement that shows the end of the binary log.
  var logStatusStatement: String {
    !isMariaDB && number >= (8, 2) ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS"
  }
}

extension MySQLClient {
  /// The end of the binary log at this moment.
  /// - Throws: `prerequisite` when there is no binary log.
  func logEnd(_ facts: ServerFacts) throws(ConnectorError) -> BinlogPosition {
    let row = try namedRow(facts.logStatusStatement)
    guard let file = row?["File"], let position = row?["Position"].flatMap({ UInt64($0) }) else {
      throw ConnectorError(
        .prerequisite, "the server writes no binary log",
        remedy: "start it with log_bin and binlog_format=ROW")
    }
    return BinlogPosition(file: file, position: position)
  }

  /// The GTIDs of every transaction that is committed; nil where the server has none.
  func executedGTIDs(_ facts: ServerFacts) throws(ConnectorError) -> GTIDSet? {
    guard facts.hasGTIDs else { return nil }
    let text = try scalar("SELECT @@global.gtid_executed") ?? ""
    do {
      return try GTIDSet(parsing: text)
    } catch {
      throw error.connectorError()
    }
  }

  /// The log's end as an offset. GTIDs are taken first, so the set is never ahead of the position.
  func currentOffset(_ facts: ServerFacts) throws(ConnectorError) -> MySQLOffset {
    if facts.isMariaDB { return try currentMariaDBOffset(facts) }
    let gtids = try executedGTIDs(facts)
    return MySQLOffset(position: try logEnd(facts), gtids: gtids, server: facts.identity)
  }

  /// The position and the domains that belong to it. A group of transactions enters the GTID state and the file under
  /// one lock, which the question for the file's end takes too: if the state was the same before and after that
  /// question, it is the one at that end.
  private func currentMariaDBOffset(_ facts: ServerFacts) throws(ConnectorError) -> MySQLOffset {
    var position = try logEnd(facts)
    for _ in 0..<10 {
      let before = try scalar("SELECT @@global.gtid_binlog_pos")
      position = try logEnd(facts)
      let after = try scalar("SELECT @@global.gtid_binlog_pos")
      if before == after { return try mariaDBOffset(position, domains: before, facts) }
    }
    // The server counts them itself, which makes it read the file.
    let name = SQLText.string(position.file)
    return try mariaDBOffset(
      position, domains: try scalar("SELECT BINLOG_GTID_POS(\(name), \(position.position))"), facts)
  }

  /// An offset of MariaDB; without domains where the server does not tell them.
  func mariaDBOffset(
    _ position: BinlogPosition, domains text: String?, _ facts: ServerFacts
  ) throws(ConnectorError) -> MySQLOffset {
    do {
      let domains = try text.map { text throws(BinlogError) in try MariaDBGTIDPosition(parsing: text) }
      return MySQLOffset(position: position, mariaDB: domains, server: facts.identity)
    } catch {
      throw error.connectorError()
    }
  }
}
