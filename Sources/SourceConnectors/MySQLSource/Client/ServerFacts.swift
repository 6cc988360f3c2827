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

  /// Made by hand.
  init(version: String, isMariaDB: Bool, identity: String, hasGTIDs: Bool) {
    self.version = version
    self.isMariaDB = isMariaDB
    self.identity = identity
    self.hasGTIDs = hasGTIDs
  }

  /// Asks the server. Variables that an old or a managed server does not have are simply missing.
  init(_ client: MySQLClient) throws(ConnectorError) {
    version = client.serverVersion
    isMariaDB = client.isMariaDB
    var variables: [String: String] = [:]
    let rows = try client.query(
      "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uid', 'server_uuid', 'gtid_mode', 'server_id', 'hostname')"
    )
    for row in rows {
      if let name = row.first ?? nil, let value = row.last ?? nil { variables[name.lowercased()] = value }
    }
    let id = variables["server_id"] ?? ""
    let uid = variables["server_uid"] ?? ""
    let nameless = "\(id)@\(variables["hostname"] ?? "")"
    if isMariaDB {
      hasGTIDs = false
      identity = Self.plain(uid.isEmpty ? "/\(nameless)" : "\(uid)/\(id)@")
    } else {
      identity = Self.plain(variables["server_uuid"] ?? nameless)
      hasGTIDs = variables["gtid_mode"]?.uppercased() == "ON"
    }
  }

  /// Without the characters that separate an offset's fields.
  private static func plain(_ text: String) -> String {
    String(text.map { $0 == ";" || $0 == "=" ? "_" : $0 })
  }

  /// What the server understands.
  var release: ServerRelease { ServerRelease(isMariaDB: isMariaDB, version: version) }
}

extension MySQLClient {
  /// The end of the binary log at this moment.
  /// - Throws: `prerequisite` when there is no binary log.
  func logEnd(_ facts: ServerFacts) throws(ConnectorError) -> BinlogPosition {
    let row = try namedRow(facts.release.logStatus)
    guard let file = row?["File"], let position = row?["Position"].flatMap({ UInt64($0) }) else {
      throw ConnectorError(
        .prerequisite, "the server writes no binary log",
        remedy: "start it with log_bin and binlog_format=ROW")
    }
    return BinlogPosition(file: file, position: position)
  }

  /// The first row of the first statement that the server understands.
  func namedRow(_ statements: [String]) throws(ConnectorError) -> [String: String]? {
    for statement in statements.dropLast() {
      do {
        return try namedRow(statement)
      } catch  where error.kind == .bug {
        continue
      }
    }
    return try statements.last.flatMap { statement throws(ConnectorError) in try namedRow(statement) }
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
