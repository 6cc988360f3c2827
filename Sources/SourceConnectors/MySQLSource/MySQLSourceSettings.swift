import Connector
import Model

/// The source's options, read.
struct MySQLSourceSettings: Sendable {
  var connection: ConnectionSettings
  var tables: TableSelector
  var excluded: TableSelector?
  var startup: SourceStartup
  /// Server ids that readers of the log may take; nil: random.
  var serverIDs: ClosedRange<UInt32>?
  /// Rows of a chunk, where the user says so.
  var chunkRows: Int?
  /// Bytes of rows, as row batches hold them, beyond which a chunk is ended while it is read. It does not apply to chunks
  /// whose rows the user gives.
  var largestChunkBytes = 128 << 20
  /// Columns to chunk by, first match wins.
  var chunkKeys: [ChunkKeyRule]
  /// Range of (max − min + 1) / rows in which integer keys are split evenly.
  var evenFactor: ClosedRange<Double>
  var values: ValueOptions
  var includesComments: Bool
  /// What becomes of tables that begin to match while the pipeline runs.
  var newTables: NewTables
  /// Whether the tables of gh-ost and the like are migrations of captured ones.
  var followsMigrations: Bool
  /// Places `file:position` of statements that are passed over.
  var skippedStatements: Set<String>
  /// Milliseconds.
  var heartbeatInterval: Int64
  var parallelism: Int
  /// What is passed over in the log.
  var skippedOperations: SkippedOperations
  /// What the user should know about the options given.
  var warnings: [String]

  /// A table pattern and the column by which its tables are chunked.
  struct ChunkKeyRule: Sendable {
    var selector: TableSelector
    var column: String
  }

  /// Reads the options.
  init(_ options: Options, context: ConnectorContext) throws(ConnectorError) {
    var foreign = ForeignOptions(options)
    connection = try Self.connection(options, &foreign)
    skippedOperations = try Self.skippedOperations(foreign.debezium("skipped.operations"))
    Self.checkFailureModes(&foreign)
    try Self.checkMetadata(options["metadata.list"], &foreign)
    tables = try TableSelector(try options.text("tables"))
    if let text = options["tables.exclude"], !text.isEmpty { excluded = try TableSelector(text) }
    startup = try Self.startup(options)
    serverIDs = try Self.serverIDs(options["server-id"])
    if options["scan.incremental.snapshot.chunk.size"] != nil {
      chunkRows = try options.integer("scan.incremental.snapshot.chunk.size")
    }
    chunkKeys = try Self.chunkKeys(options["scan.incremental.snapshot.chunk.key-column"])
    evenFactor = try Self.evenFactor(options)
    values = ValueOptions(
      treatTinyint1AsBoolean: try options.boolean("treat-tinyint1-as-boolean.enabled"),
      usesCompactJSON: try options.boolean("use.legacy.json.format"),
      isLossless: try options.boolean("types.lossless"),
      movesShortYears: try foreign.debeziumFlag("enable.time.adjuster") ?? true)
    includesComments =
      try options.boolean("include-comments.enabled")
      || foreign.debezium("include.schema.comments")?.lowercased() == "true"
    newTables = try Self.newTables(options)
    followsMigrations = try options.boolean("scan.parse.online.schema.changes.enabled")
    skippedStatements = try Self.skippedStatements(options["ddl.skip"])
    guard try options.boolean("schema-change.enabled") else {
      throw ConnectorError(
        .configuration,
        "schema-change.enabled: false is not supported: rows are decoded under the table's current schema",
        remedy: "set schema.change.behavior: ignore in the pipeline's options")
    }
    heartbeatInterval = try options.milliseconds("heartbeat.interval")
    parallelism = context.parallelism
    Self.checkStartup(options, startup, &foreign)
    foreign.warnOfTheRest()
    warnings = foreign.warnings
  }

  /// Whether the pipeline reads the table.
  func selects(_ table: TableID) -> Bool {
    tables.matches(table) && !(excluded?.matches(table) ?? false)
      && !(followsMigrations && MigrationTable.matches(table))
  }

  private static func skippedStatements(_ text: String?) throws(ConnectorError) -> Set<String> {
    var places: Set<String> = []
    for part in (text ?? "").split(separator: ",") {
      let place = String(part.filter { $0 != " " })
      guard let colon = place.lastIndex(of: ":"), UInt64(place[place.index(after: colon)...]) != nil,
        BinlogFile.number(of: String(place[..<colon])) != nil
      else {
        throw ConnectorError(
          .configuration, "option ddl.skip has something that is no place of a binary log: \(part)",
          remedy: "write file:position as the error about the statement has them, such as binlog.000003:1234")
      }
      places.insert(place)
    }
    return places
  }

  private static func newTables(_ options: Options) throws(ConnectorError) -> NewTables {
    let snapshotted = try options.boolean("scan.newly-added-table.enabled")
    let streamed = try options.boolean("scan.binlog.newly-added-table.enabled")
    if snapshotted, streamed {
      throw ConnectorError(
        .configuration,
        "scan.newly-added-table.enabled and scan.binlog.newly-added-table.enabled exclude each other",
        remedy: "keep the first one for new tables with their rows, the second one for their changes alone")
    }
    return snapshotted ? .snapshotted : streamed ? .streamed : .ignored
  }

  private static func startup(_ options: Options) throws(ConnectorError) -> SourceStartup {
    let mode = try options.text("scan.startup.mode").lowercased()
    switch mode {
    case "initial": return .initial
    case "snapshot": return .snapshotOnly
    case "latest-offset": return .latestOffset
    case "earliest-offset": return .earliestOffset
    case "specific-offset": return .specificOffset(try specificOffset(options).offset)
    case "timestamp":
      guard options["scan.startup.timestamp-millis"] != nil else {
        throw ConnectorError(
          .configuration, "scan.startup.mode timestamp needs a time", remedy: "give scan.startup.timestamp-millis")
      }
      return .timestamp(Int64(try options.integer("scan.startup.timestamp-millis")))
    default:
      throw ConnectorError(
        .configuration, "scan.startup.mode \(mode) is not known",
        remedy: "use initial, snapshot, latest-offset, earliest-offset, specific-offset or timestamp")
    }
  }

  /// Options of a startup mode that is not the one chosen.
  private static func checkStartup(_ options: Options, _ startup: SourceStartup, _ foreign: inout ForeignOptions) {
    var unused = options.given.filter { $0.hasPrefix("scan.startup.") && $0 != "scan.startup.mode" }
    switch startup {
    case .specificOffset: unused = unused.filter { !$0.hasPrefix("scan.startup.specific-offset.") }
    case .timestamp: unused.remove("scan.startup.timestamp-millis")
    case .initial, .snapshotOnly, .latestOffset, .earliestOffset: break
    }
    for name in unused.sorted() { foreign.warn("option \(name) has no effect in this scan.startup.mode") }
  }

  private static func specificOffset(_ options: Options) throws(ConnectorError) -> MySQLOffset {
    let prefix = "scan.startup.specific-offset."
    func count(_ name: String) throws(ConnectorError) -> Int {
      options[prefix + name] == nil ? 0 : try options.integer(prefix + name)
    }
    let skip = StartSkip(events: try count("skip-events"), rows: try count("skip-rows"))
    if let text = options[prefix + "gtid-set"] {
      do {
        if text.contains(":") { return MySQLOffset(position: nil, gtids: try GTIDSet(parsing: text), skip: skip) }
        return MySQLOffset(position: nil, mariaDB: try MariaDBGTIDPosition(parsing: text), skip: skip)
      } catch {
        throw ConnectorError(.configuration, "option \(prefix)gtid-set: \(error)")
      }
    }
    guard let file = options[prefix + "file"], options[prefix + "pos"] != nil else {
      throw ConnectorError(
        .configuration, "scan.startup.mode specific-offset needs a place",
        remedy: "give \(prefix)file and \(prefix)pos, or \(prefix)gtid-set")
    }
    guard BinlogFile.number(of: file) != nil else {
      throw ConnectorError(.configuration, "option \(prefix)file is no binary log file's name: \(file)")
    }
    let position = UInt64(clamping: max(4, try options.integer(prefix + "pos")))
    return MySQLOffset(position: BinlogPosition(file: file, position: position), skip: skip)
  }

  static func serverIDs(_ text: String?) throws(ConnectorError) -> ClosedRange<UInt32>? {
    guard let text, !text.isEmpty else { return nil }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { part in
      UInt32(part.filter { $0 != " " })
    }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first > 0, first <= last else {
      throw ConnectorError(
        .configuration, "option server-id is neither a number nor a range: \(text)", remedy: "write 5401 or 5401-5408")
    }
    return first...last
  }

  private static func chunkKeys(_ text: String?) throws(ConnectorError) -> [ChunkKeyRule] {
    var rules: [ChunkKeyRule] = []
    for part in (text ?? "").split(separator: ";") {
      guard let colon = part.lastIndex(of: ":") else {
        throw ConnectorError(
          .configuration, "option scan.incremental.snapshot.chunk.key-column lacks a colon: \(part)",
          remedy: "write database.table:column")
      }
      var column = part[part.index(after: colon)...]
      while column.first == " " { column.removeFirst() }
      while column.last == " " { column.removeLast() }
      rules.append(ChunkKeyRule(selector: try TableSelector(String(part[..<colon])), column: String(column)))
    }
    return rules
  }

  private static func evenFactor(_ options: Options) throws(ConnectorError) -> ClosedRange<Double> {
    func bound(_ side: String) throws(ConnectorError) -> Double {
      let key = "chunk-key.even-distribution.factor.\(side)-bound"
      let older = "split-key.even-distribution.factor.\(side)-bound"
      let fallback = options.given.contains(key) ? nil : options[older]
      let text: String
      if let fallback { text = fallback } else { text = try options.text(key) }
      guard let value = Double(text), value.isFinite, value > 0 else {
        throw ConnectorError(.configuration, "option \(key) is no positive number: \(text)")
      }
      return value
    }
    let lower = try bound("lower")
    let upper = try bound("upper")
    guard lower <= upper else {
      throw ConnectorError(.configuration, "the even-distribution factor's lower bound is above its upper bound")
    }
    return lower...upper
  }
}
