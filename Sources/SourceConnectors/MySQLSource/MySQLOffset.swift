import Connector
import Model

/// A place in a MySQL or MariaDB binary log: file and position, and where the server has them the executed GTIDs.
///
/// As text: `file=binlog.000003;pos=1234;gtid=…;domains=…;server=…`. On MySQL with `gtid_mode=ON` the GTID set alone
/// decides how two places compare, so that a pipeline can follow a failover; file and position are then for people. On
/// MariaDB file and position decide between places of one server (`server` is its identity), and the last GTIDs of the
/// replication domains between places of different ones. Everywhere else file and position decide, within one server.
struct MySQLOffset: Hashable, Sendable {
  /// File and position; nil for a start that the user gave as a GTID set.
  var position: BinlogPosition?
  /// Every transaction at or below this place (MySQL with GTIDs).
  var gtids: GTIDSet?
  /// The last transaction of each replication domain (MariaDB).
  var mariaDB: MariaDBGTIDPosition?
  /// Identity of the server that file and position belong to; empty: not known, any.
  var server: String
  /// What the user wants passed over behind this place; nil once it has been.
  var skip: StartSkip?
  /// Tables that migrations were making at this place (see `OnlineMigrations`); nil: none. It does not count in
  /// comparisons.
  var migrations: String?

  /// Makes one.
  init(
    position: BinlogPosition?, gtids: GTIDSet? = nil, mariaDB: MariaDBGTIDPosition? = nil, server: String = "",
    skip: StartSkip? = nil
  ) {
    self.position = position
    self.gtids = gtids
    self.mariaDB = mariaDB
    self.server = server
    self.skip = skip
  }

  /// Reads the text of an offset.
  /// - Throws: `configuration` when it is no offset of this source.
  init(_ offset: Offset) throws(ConnectorError) {
    var fields: [Substring: String] = [:]
    for part in offset.text.split(separator: ";", omittingEmptySubsequences: true) {
      guard let equals = part.firstIndex(of: "=") else { throw Self.malformed(offset) }
      fields[part[..<equals]] = String(part[part.index(after: equals)...])
    }
    self.init(position: nil, server: fields["server"] ?? "")
    if let file = fields["file"] {
      guard let position = fields["pos"].flatMap({ UInt64($0) }), BinlogFile.number(of: file) != nil else {
        throw Self.malformed(offset)
      }
      self.position = BinlogPosition(file: file, position: position)
    }
    do {
      if let text = fields["gtid"] { gtids = try GTIDSet(parsing: text) }
      if let text = fields["domains"] { mariaDB = try MariaDBGTIDPosition(parsing: text) }
    } catch {
      throw error.connectorError(offset: offset)
    }
    if position == nil, gtids == nil, mariaDB == nil { throw Self.malformed(offset) }
    migrations = fields["migrations"]
    skip = StartSkip(
      events: fields["skip-events"].flatMap { Int($0) } ?? 0, rows: fields["skip-rows"].flatMap { Int($0) } ?? 0)
  }

  private static func malformed(_ offset: Offset) -> ConnectorError {
    ConnectorError(
      .configuration, "not an offset of a MySQL source", offset: offset,
      remedy: "it looks like file=binlog.000003;pos=1234")
  }

  /// The canonical text.
  var offset: Offset {
    var parts: [String] = []
    if let position { parts.append("file=\(position.file);pos=\(position.position)") }
    if let gtids { parts.append("gtid=\(gtids)") }
    if let mariaDB { parts.append("domains=\(mariaDB)") }
    if !server.isEmpty { parts.append("server=\(server)") }
    if let skip { parts.append("skip-events=\(skip.events);skip-rows=\(skip.rows)") }
    if let migrations { parts.append("migrations=\(migrations)") }
    return Offset(parts.joined(separator: ";"))
  }

  /// Whether this place is at or above the other one.
  /// - Throws: `offsetLost` when the two belong to different servers and have no GTIDs to compare.
  func covers(_ other: MySQLOffset) throws(ConnectorError) -> Bool {
    if let gtids, let others = other.gtids { return gtids.contains(others) }
    if let position, let others = other.position, isSameServer(as: other) { return position >= others }
    if let mariaDB, let others = other.mariaDB { return mariaDB.contains(others) }
    throw ConnectorError(
      .offsetLost, "binlog positions of different servers cannot be compared: \(offset) and \(other.offset)",
      remedy: "start the pipeline anew, or point it at the server it was started with")
  }

  /// Whether file and position of both belong to one server, as far as is known.
  func isSameServer(as other: MySQLOffset) -> Bool {
    server.isEmpty || other.server.isEmpty || server == other.server
  }
}

/// The options skip-events and skip-rows, as Debezium means them: a transaction's first event (BEGIN) begins the count of
/// events; those beyond the transaction's end are counted from the next one's beginning. Of the first rows event that is
/// then read, the first rows are passed over.
struct StartSkip: Hashable, Sendable {
  /// Events still to be passed over, from the beginning of the next transaction.
  var events: Int
  /// Row changes of the rows event behind them, an update counting as one.
  var rows: Int

  /// Nil when nothing is to be passed over.
  init?(events: Int, rows: Int) {
    guard events > 0 || rows > 0 else { return nil }
    self.events = max(0, events)
    self.rows = max(0, rows)
  }
}

/// Names of binary log files.
enum BinlogFile {
  /// The number at the end of a file's name; nil when there is none.
  static func number(of file: String) -> UInt64? {
    guard let dot = file.lastIndex(of: ".") else { return nil }
    return UInt64(file[file.index(after: dot)...])
  }
}
