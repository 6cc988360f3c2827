import CMySQL
import Connector
import Model

/// An error as the client library reports it: number and text.
struct MySQLFault {
  /// The server's (1000 and above) or the client library's (2000 to 2999) error number.
  var code: UInt32
  /// The text that came with it.
  var text: String

  /// What the handle reports for its last call.
  init(_ handle: UnsafeMutablePointer<MYSQL>) {
    code = mysql_errno(handle)
    text = mysql_error(handle).map { String(cString: $0) } ?? ""
  }

  /// Makes one by hand.
  init(code: UInt32, text: String) {
    self.code = code
    self.text = text
  }

  /// As an error of the connector. `doing` says what was being done, in the form "reading table shop.orders".
  func error(_ doing: String, table: TableID? = nil) -> ConnectorError {
    let kind = Self.kind(code: code, text: text)
    return ConnectorError(
      kind, "\(doing): \(text) (error \(code))", table: table,
      remedy: code == 2026 ? Self.tlsRemedy(text) : Self.remedy(kind, code: code))
  }

  /// Whether the library says that nobody has answered. What a server says itself, whatever it is, is an answer; and a
  /// name that cannot be looked up says nothing about the server.
  var isSilence: Bool { [2002, 2003, 2006, 2012, 2013, 2055].contains(code) }

  /// Error numbers that stand for a connection that is gone or could not be made.
  private static let connection: Set<UInt32> = [
    1040, 1053, 1077, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1203, 1317, 1927, 2000, 2001,
    2002, 2003, 2004, 2005, 2006, 2012, 2013, 2048, 2055, 3032, 3169, 4031,
  ]
  private static let permission: Set<UInt32> = [
    1044, 1045, 1130, 1131, 1132, 1133, 1142, 1143, 1227, 1251, 1370, 1396, 1698, 1820, 1862, 1873, 3118, 3159, 4151,
  ]
  private static let configuration: Set<UInt32> = [1049, 1115, 1193, 1231, 1273, 1298, 2059, 2061]
  // 1176: an index that was to be used is gone.
  private static let schema: Set<UInt32> = [1054, 1051, 1146, 1176, 1412, 1932]
  private static let resource: Set<UInt32> = [1021, 1037, 1038, 1041]

  private static func kind(code: UInt32, text: String) -> ConnectorError.Kind {
    // 4052 (MariaDB): another reader has the same server id; MySQL says so with error 1236.
    if code == 1236 || code == 4052 { return binlogKind(text) }
    if code == 2026 { return tlsKind(text) }
    // 1789: the purged transactions are needed; 1373: the log file is not in the index.
    // 1945, 1951, 1955 (MariaDB): the GTID asked for is not in the log.
    if [1789, 1373, 1945, 1951, 1955].contains(code) { return .offsetLost }
    if connection.contains(code) { return .connection }
    if permission.contains(code) { return .permission }
    if configuration.contains(code) { return .configuration }
    if schema.contains(code) { return .schemaMismatch }
    if resource.contains(code) { return .resource }
    if code == 1064 { return .bug }
    return .transient
  }

  /// Error 2026 covers every failure of TLS: certificates stay wrong, broken connections do not.
  private static func tlsKind(_ text: String) -> ConnectorError.Kind {
    let text = text.lowercased()
    let lasting = [
      "certificate", "is required", "no such file", "verif", "unknown ca", "key values mismatch", "no start line",
      "unsupported protocol", "no shared cipher", "handshake failure", "wrong version", "permission denied",
    ]
    return lasting.contains { text.contains($0) } ? .configuration : .connection
  }

  private static func tlsRemedy(_ text: String) -> String {
    let text = text.lowercased()
    if text.contains("validation of ssl server certificate") {
      return "the certificate does not carry the hostname: use the name that it carries, or ssl.mode: verify-ca"
    }
    if text.contains("self-signed") || text.contains("self signed") || text.contains("local issuer") {
      return "the option ssl.ca must name the authority that signed the server's certificate"
    }
    return "check the options ssl.mode, ssl.ca, ssl.cert and ssl.key against the server's settings"
  }

  /// Whether the server has ended a reader of the log because another one came with the same server id.
  static func isIdentityClash(_ error: ConnectorError) -> Bool {
    error.kind == .connection && isIdentityClash(error.message.lowercased())
  }

  private static func isIdentityClash(_ text: String) -> Bool {
    text.contains("same server_uuid") || text.contains("same server_id") || text.contains("zombie")
  }

  /// Error 1236 covers every way in which a binlog dump can fail; the text says which.
  private static func binlogKind(_ text: String) -> ConnectorError.Kind {
    let text = text.lowercased()
    let lost = [
      "could not find", "purged", "impossible position", "not in the binlog", "not in the server's binlog",
      "not in the master's binlog", "not in the source's binlog",
      "missing", "before the requested", "beyond", "diverged", "more gtids than", "read past", "client requested",
    ]
    if lost.contains(where: { text.contains($0) }) { return .offsetLost }
    if isIdentityClash(text) { return .connection }
    if text.contains("bogus data") || text.contains("checksum") || text.contains("corrupt") { return .corrupt }
    return .transient
  }

  private static func remedy(_ kind: ConnectorError.Kind, code: UInt32) -> String? {
    switch (kind, code) {
    case (.offsetLost, _):
      "the server's binary log does not have this place (any more): take a new snapshot, and raise "
        + "binlog_expire_logs_seconds; after a failover, check that the new primary has every transaction"
    case (.connection, 1236), (.connection, 4052):
      "another replication client uses this server id: give every pipeline its own server-id range"
    case (.permission, 1045):
      "check username and password, and whether the account must show a certificate (ssl.cert, ssl.key)"
    case (.permission, 1130): "the account may not connect from this host"
    case (.permission, _):
      "grant the account SELECT, REPLICATION CLIENT (MariaDB: BINLOG MONITOR) and REPLICATION SLAVE"
    case (.configuration, 2059), (.configuration, 2061):
      "the account's authentication plugin needs an encrypted connection: set ssl.mode: required"
    case (.connection, 2002), (.connection, 2003), (.connection, 2005): "check hostname, port and the network"
    case (.schemaMismatch, _): "the table was changed while it was read; the chunk is read again"
    default: nil
    }
  }
}
