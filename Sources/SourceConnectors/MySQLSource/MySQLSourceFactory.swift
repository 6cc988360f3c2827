import Connector
import Model

/// The source type `mysql`: MySQL and MariaDB servers.
public enum MySQLSourceFactory: SourceFactory {
  /// `mysql`.
  public static let type = "mysql"

  /// Every option of Flink CDC's MySQL pipeline connector, and the few of this product.
  public static let options: [OptionSpec] =
    connectionOptions + tableOptions + snapshotOptions + startupOptions + otherOptions

  private static let connectionOptions: [OptionSpec] = [
    OptionSpec("hostname", required: true, "Name or address of the server."),
    OptionSpec("port", .integer(1...65535), default: "3306", "TCP port of the server."),
    OptionSpec("username", required: true, "Account to connect with."),
    OptionSpec("password", required: true, secret: true, "The account's password."),
    OptionSpec(
      "connect.timeout", .duration, default: "30s", "How long one attempt to connect may take; at least 250 ms."),
    OptionSpec("connect.max-retries", .integer(0...1000), default: "3", "How often a failed attempt is repeated."),
    OptionSpec(
      "connection.pool.size", .integer(1...10000), default: nil,
      support: .ignored(reason: "every split has one connection of its own"), "JDBC connection pool."),
    OptionSpec(
      "server-id", .text,
      "One number or a range a-b; every running reader takes one. Without it: random from 5400 to 6400."),
    OptionSpec(
      "server-time-zone",
      support: .ignored(
        reason: "sessions run in UTC and the log holds UTC, so a TIMESTAMP is the same instant in every zone"),
      "The zone of the server's sessions."),
    OptionSpec(
      "ssl.mode", .choice(ConnectionSettings.TLSMode.allCases.map(\.rawValue)), default: "preferred",
      "disabled, preferred (encrypted if the server can), required, verify-ca or verify-identity."),
    OptionSpec(
      "ssl.ca", .text, "File with trusted certificates, PEM."),
    OptionSpec(
      "ssl.cert", .text, "File with the client's certificate, PEM."),
    OptionSpec(
      "ssl.key", .text, "File with the client's key, PEM."),
    OptionSpec(
      "jdbc.properties.", .text,
      "Properties of the JDBC driver: those for TLS and timeouts are used, each of the others is warned of."),
    OptionSpec(
      "debezium.", .text, "Properties for Debezium: those with a counterpart are used, each of the others is warned of."
    ),
  ]

  private static let tableOptions: [OptionSpec] = [
    OptionSpec("tables", required: true, "Tables to read: regular expressions database.table, separated by commas."),
    OptionSpec(
      "tables.exclude", .text, "Tables not to read, in the same form; subtracted from `tables`."),
    OptionSpec(
      "schema-change.enabled", .boolean, default: "true",
      "Must be true; schema.change.behavior decides what becomes of changes."),
    OptionSpec(
      "include-comments.enabled", .boolean, default: "false", "Whether table and column comments are carried."),
    OptionSpec(
      "treat-tinyint1-as-boolean.enabled", .boolean, default: "true",
      "Whether TINYINT(1) and BIT(1) are BOOLEAN; every number but 0 is true."),
    OptionSpec(
      "metadata.list", .text, "Metadata of rows: op_ts. Accepted with a warning, as only transforms could use it."),
    OptionSpec(
      "use.legacy.json.format", .boolean, default: "true",
      "Whether the text of MySQL's JSON has no blanks behind colons and commas, in the snapshot as in the log; false "
        + "keeps the server's spacing."),
    OptionSpec(
      "types.lossless", .boolean, default: "false",
      "Refuses what would lose information: zero dates (else NULL or 1970-01-01), numbers but 0 and 1 in a BOOLEAN, "
        + "ENUM and SET with an empty member. Dates keep short years, spatial values the direction of their rings."),
    OptionSpec(
      "scan.newly-added-table.enabled", .boolean, default: "false",
      "Whether tables that begin to match later are captured, with a snapshot of the rows they have."),
    OptionSpec(
      "scan.binlog.newly-added-table.enabled", .boolean, default: "false",
      "Whether tables that are created later are captured, without a snapshot."),
    OptionSpec(
      "scan.parse.online.schema.changes.enabled", .boolean, default: "false",
      "Whether a table that gh-ost, pt-online-schema-change or Vitess puts in another's place is its new form."),
    OptionSpec(
      "ddl.skip", .text,
      "Statements to pass over, as file:position of the binary log, separated by commas. What they change is not followed."
    ),
  ]

  private static let snapshotOptions: [OptionSpec] = [
    OptionSpec(
      "scan.incremental.snapshot.chunk.size", .integer(2...Int(Int32.max)),
      "Rows of a chunk. Without it chunks are about 32 MB, and at most 250,000 rows."),
    OptionSpec(
      "scan.incremental.snapshot.chunk.key-column", .text,
      "Columns to chunk by, `database.table:column` separated by semicolons; the table is a regular expression, and "
        + "an index must begin with the column."),
    OptionSpec(
      "scan.snapshot.fetch.size", .integer(1...Int(Int32.max)), default: nil,
      support: .ignored(reason: "rows are streamed"), "JDBC fetch size."),
    OptionSpec(
      "scan.incremental.snapshot.backfill.skip", .boolean, default: nil,
      support: .ignored(reason: "chunks are read at an exact place of the log"), "Skips the catch-up of each chunk."),
    OptionSpec(
      "scan.incremental.snapshot.unbounded-chunk-first.enabled", .boolean, default: nil,
      support: .ignored(reason: "a chunk that has grown too big is cut while it is read"),
      "Order of the open-ended chunks."),
    OptionSpec(
      "scan.incremental.close-idle-reader.enabled", .boolean, default: nil,
      support: .ignored(reason: "slots are free as soon as a split has ended"), "Closes idle readers."),
    OptionSpec(
      "chunk-meta.group.size", .integer(1...Int(Int32.max)), default: nil,
      support: .ignored(reason: "chunks are not sent through a job manager"), "Chunks per message."),
    OptionSpec(
      "chunk-key.even-distribution.factor.upper-bound", default: "1000.0", "Above this, keys are not split evenly."),
    OptionSpec(
      "chunk-key.even-distribution.factor.lower-bound", default: "0.05", "Below this, keys are not split evenly."),
    OptionSpec(
      "split-key.even-distribution.factor.upper-bound", .text, "Older name of the upper bound."),
    OptionSpec(
      "split-key.even-distribution.factor.lower-bound", .text, "Older name of the lower bound."),
  ]

  private static let startupOptions: [OptionSpec] = [
    OptionSpec(
      "scan.startup.mode",
      .choice(["initial", "snapshot", "latest-offset", "specific-offset", "earliest-offset", "timestamp"]),
      default: "initial", "initial, snapshot, latest-offset, earliest-offset, specific-offset or timestamp."),
    OptionSpec(
      "scan.startup.specific-offset.file", .text, "Binary log file to start in."),
    OptionSpec("scan.startup.specific-offset.pos", .integer(0...Int.max), "Position in that file."),
    OptionSpec(
      "scan.startup.specific-offset.gtid-set", .text, "GTIDs that are already known; the log is read from there."),
    OptionSpec(
      "scan.startup.specific-offset.skip-events", .integer(0...Int.max),
      "Events to pass over behind the place, counted from the next transaction's BEGIN, which is the first one."),
    OptionSpec(
      "scan.startup.specific-offset.skip-rows", .integer(0...Int.max),
      "Row changes to pass over at the front of the first rows event behind that."),
    OptionSpec(
      "scan.startup.timestamp-millis", .integer(0...Int.max),
      "For the mode timestamp: what was committed at or after this instant is read; milliseconds since 1970-01-01 UTC."),
  ]

  private static let otherOptions: [OptionSpec] = [
    OptionSpec(
      "heartbeat.interval", .duration, default: "30s",
      "Longest silence of the log connection; the server's heartbeats move the offset while tables are idle.")
  ]

  /// Makes the connector.
  /// - Throws: `configuration` for values that contradict each other or cannot be read.
  public static func make(
    _ options: Options, context: ConnectorContext
  ) throws(ConnectorError) -> any SourceConnector {
    MySQLSourceConnector(settings: try MySQLSourceSettings(options, context: context))
  }
}
