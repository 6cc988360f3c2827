import Connector

/// Options that are meant for the libraries of a JVM: `jdbc.properties.*` and `debezium.*`. What has a counterpart here
/// is used; for each of the others there is one warning that says why it has no effect. Values are never shown.
struct ForeignOptions {
  private let options: Options
  private let jdbc: [String: String]
  private let debezium: [String: String]
  /// Names that have been asked for, without their prefixes.
  private var used: Set<String> = []
  /// What the user should know.
  private(set) var warnings: [String] = []

  init(_ options: Options) {
    self.options = options
    jdbc = options.group(Self.jdbcPrefix)
    debezium = options.group(Self.debeziumPrefix)
  }

  private static let jdbcPrefix = "jdbc.properties."
  private static let debeziumPrefix = "debezium."

  /// A property of the JDBC driver.
  mutating func jdbc(_ name: String) -> String? {
    used.insert(Self.jdbcPrefix + name)
    return jdbc[name]
  }

  /// A property of Debezium.
  mutating func debezium(_ name: String) -> String? {
    used.insert(Self.debeziumPrefix + name)
    return debezium[name]
  }

  /// A property of the JDBC driver that is true or false.
  /// - Throws: `configuration` when it is neither.
  mutating func jdbcFlag(_ name: String) throws(ConnectorError) -> Bool? {
    try Self.flag(jdbc(name), Self.jdbcPrefix + name)
  }

  /// A property of Debezium that is true or false.
  /// - Throws: `configuration` when it is neither.
  mutating func debeziumFlag(_ name: String) throws(ConnectorError) -> Bool? {
    try Self.flag(debezium(name), Self.debeziumPrefix + name)
  }

  private static func flag(_ text: String?, _ name: String) throws(ConnectorError) -> Bool? {
    switch text?.lowercased() {
    case nil: return nil
    case "true", "yes": return true
    case "false", "no": return false
    default: throw ConnectorError(.configuration, "option \(name) is neither true nor false")
    }
  }

  /// A number of milliseconds.
  /// - Throws: `configuration` when it is none.
  mutating func jdbcMilliseconds(_ name: String) throws(ConnectorError) -> Int64? {
    guard let text = jdbc(name) else { return nil }
    guard let value = Int64(text), value >= 0 else {
      throw ConnectorError(.configuration, "option \(Self.jdbcPrefix)\(name) is no number of milliseconds")
    }
    return value
  }

  /// Adds a warning of its own.
  mutating func warn(_ text: String) { warnings.append(text) }

  /// One warning for each property that nothing has asked for.
  mutating func warnOfTheRest() {
    for name in jdbc.keys.sorted() where !used.contains(Self.jdbcPrefix + name) {
      let reason = Self.jdbcReasons[name.lowercased()] ?? "there is no JDBC driver, and the property has no counterpart"
      warnings.append("option \(Self.jdbcPrefix)\(name) has no effect: \(reason)")
    }
    for name in debezium.keys.sorted() where !used.contains(Self.debeziumPrefix + name) {
      let reason =
        Self.debeziumReasons[name.lowercased()] ?? "Debezium is not used, and the property has no counterpart"
      warnings.append("option \(Self.debeziumPrefix)\(name) has no effect: \(reason)")
    }
  }

  private static let jdbcReasons: [String: String] = [
    "characterencoding": "text is always exchanged as utf8mb4",
    "useunicode": "text is always exchanged as utf8mb4",
    "connectioncollation": "text is always exchanged as utf8mb4",
    "servertimezone": "sessions run in UTC, and a TIMESTAMP is an instant",
    "connectiontimezone": "sessions run in UTC, and a TIMESTAMP is an instant",
    "forceconnectiontimezonetosession": "sessions run in UTC, and a TIMESTAMP is an instant",
    "zerodatetimebehavior": "zero dates are treated as the page of types says",
    "tinyint1isbit": "the option treat-tinyint1-as-boolean.enabled decides",
    "yearisdatetype": "YEAR is INT",
    "usecursorfetch": "rows are streamed",
    "defaultfetchsize": "rows are streamed",
    "usecompression": "connections are not compressed",
    "rewritebatchedstatements": "nothing is written to the source",
    "autoreconnect": "lost connections are made again by the source itself",
    "maxreconnects": "the option connect.max-retries decides",
    "tcpkeepalive": "it is always on",
    "useinformationschema": "tables are read from information_schema always",
    "nullcatalogmeanscurrent": "names of tables are always written with their database",
    "user": "the option username decides", "password": "the option password decides",
  ]

  private static let typesReason = "types are mapped as the page of types says"
  private static let debeziumReasons: [String: String] = [
    "snapshot.mode": "the option scan.startup.mode decides",
    "decimal.handling.mode": typesReason, "binary.handling.mode": typesReason, "time.precision.mode": typesReason,
    "bigint.unsigned.handling.mode": typesReason, "converters": typesReason,
    "max.queue.size": "buffers are bounded in bytes", "max.queue.size.in.bytes": "buffers are bounded in bytes",
    "max.batch.size": "buffers are bounded in bytes", "poll.interval.ms": "events are handed on as they come",
    "min.row.count.to.stream.results": "rows are always streamed", "snapshot.fetch.size": "rows are always streamed",
    "connect.keep.alive": "the server's heartbeats show that a connection is alive",
    "connect.keep.alive.interval.ms": "the server's heartbeats show that a connection is alive",
    "heartbeat.interval.ms": "the option heartbeat.interval decides",
    "connect.timeout.ms": "the option connect.timeout decides",
    "database.server.id": "the option server-id decides",
    "table.include.list": "the option tables decides", "table.whitelist": "the option tables decides",
    "table.exclude.list": "the option tables.exclude decides", "table.blacklist": "the option tables.exclude decides",
    "database.include.list": "the option tables decides", "database.exclude.list": "the option tables.exclude decides",
    "gtid.source.includes": "transactions of every server are read",
    "gtid.source.excludes": "transactions of every server are read",
    "include.schema.changes": "the options include.schema.changes and exclude.schema.changes of the sink decide",
    "include.query": "statements are not carried", "provide.transaction.metadata": "transactions are not marked",
    "tombstones.on.delete": "the sink's format decides", "database.history": "the coordinator keeps the schemas",
    "database.history.instance.name": "the coordinator keeps the schemas",
    "database.user": "the option username decides", "database.password": "the option password decides",
    "database.hostname": "the option hostname decides", "database.port": "the option port decides",
    "database.server.name": "no topics are named after it",
  ]
}
