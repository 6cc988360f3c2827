import Connector
import Glibc
import Model

/// The `sqlite` sink type.
public enum SQLiteSinkFactory: SinkFactory {
  /// `sqlite`.
  public static let type = "sqlite"

  /// Every option of the sink.
  public static let options: [OptionSpec] = [
    OptionSpec(
      "path", required: true, "The database file; every worker and the coordinator must reach it by this path."),
    OptionSpec(
      "table.name", .choice(["full", "table"]), default: "full",
      "Name of a table in the file: the whole id (`shop.orders`) or its last part (`orders`)."),
    OptionSpec(
      "table.create.strict", .boolean, default: "false",
      "Creates tables as STRICT: SQLite then refuses values of another storage class, also those that others write."),
    OptionSpec(
      "table.create.without-rowid", .boolean, default: "false",
      "Creates tables with a key as WITHOUT ROWID: smaller for keys that are no single integer."),
    OptionSpec(
      "busy.timeout", .duration, default: "5 min",
      "How long to wait for the file's write lock before the attempt is given up and tried again."),
    OptionSpec(
      "synchronous", .choice(["full", "normal"]), default: "full",
      "`full`: a commit survives a power failure. `normal`: it survives the end of any process, not a power failure."),
    OptionSpec("cache.size", .size, default: "8mb", "Page cache of each connection (a slot has one)."),
    OptionSpec("max.size", .size, "Upper limit of the file; a commit that would need more fails as on a full disk."),
  ]

  /// Makes the connector; opens nothing.
  /// - Throws: `configuration` when an option has no value of its type.
  public static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    SQLiteSink(try SQLiteSettings(options))
  }
}

/// The options, read.
struct SQLiteSettings: Sendable, Hashable {
  var path: String
  var usesFullNames = true
  var isStrict = false
  var isWithoutRowID = false
  var busyMilliseconds: Int64 = 300_000
  var synchronous = "FULL"
  var cacheBytes = 8 << 20
  var maxBytes: Int?

  init(path: String) { self.path = path }

  init(_ options: Options) throws(ConnectorError) {
    path = try options.text("path")
    usesFullNames = try options.text("table.name").lowercased() == "full"
    isStrict = try options.boolean("table.create.strict")
    isWithoutRowID = try options.boolean("table.create.without-rowid")
    busyMilliseconds = try options.milliseconds("busy.timeout")
    synchronous = try options.text("synchronous").lowercased() == "normal" ? "NORMAL" : "FULL"
    cacheBytes = try options.bytes("cache.size")
    if options["max.size"] != nil { maxBytes = try options.bytes("max.size") }
    if path.isEmpty || path.utf8.contains(0) || path == ":memory:" || path.hasPrefix("file:") {
      throw ConnectorError(
        .configuration, "option path is no path of a file: \(path)", remedy: "give the path of the database file")
    }
  }

  /// The name of a table in the file.
  /// - Throws: `rejected` for a name that SQLite or this sink keeps for itself.
  func tableName(_ id: TableID) throws(ConnectorError) -> String {
    let name = usesFullNames ? id.description : id.table
    let lowered = name.lowercased()
    if lowered.hasPrefix("sqlite_") || lowered.hasPrefix("_tidegate_") || name.utf8.contains(0) {
      throw ConnectorError(
        .rejected, "\(name) cannot be the name of a table in the replica", table: id,
        remedy: "route the table to another name")
    }
    return name
  }
}

/// A replica in one SQLite file, which anyone can query while it is written.
public struct SQLiteSink: SinkConnector {
  let settings: SQLiteSettings

  init(_ settings: SQLiteSettings) { self.settings = settings }

  /// Rows and progress are in one transaction (`atomic`), which dies with its process; the progress tells the next
  /// attempt what was committed (`commitsAlone`).
  public var guarantees: SinkGuarantees {
    SinkGuarantees(visibility: .atomic, preparedSurvivesWriter: false, commitsAlone: true)
  }

  /// Checks that the file, or the directory where it will be, can be written. Creates nothing.
  public func validate() throws(ConnectorError) -> [String] {
    var warnings: [String] = []
    if !settings.path.hasPrefix("/") {
      warnings.append(
        "path \(settings.path) is relative: coordinator and workers must be started in the same directory")
    }
    if settings.synchronous == "NORMAL" {
      warnings.append("synchronous is normal: a power failure may take the last commits of the replica")
    }
    if access(settings.path, F_OK) == 0 {
      let database = try SQLiteDatabase(settings)
      defer { database.close() }
      _ = try database.text("SELECT count(*) FROM sqlite_schema")
    } else {
      try checkDirectory()
    }
    return warnings
  }

  private func checkDirectory() throws(ConnectorError) {
    let slash = settings.path.lastIndex(of: "/")
    let directory = slash.map { $0 == settings.path.startIndex ? "/" : String(settings.path[..<$0]) } ?? "."
    guard access(directory, W_OK | X_OK) == 0 else {
      throw ConnectorError(
        .permission, "\(settings.path) cannot be created: \(String(cString: strerror(errno)))",
        remedy: "let \(directory) exist, and let the user of the worker write to it")
    }
  }

  /// Opens a session for schema changes.
  public func openSchemaApplier() throws(ConnectorError) -> any SchemaApplier {
    SQLiteSchemaApplier(try SQLiteDatabase(settings))
  }

  /// Claims the split for the attempt in a short transaction of its own (the first attempt at a split, which has nobody
  /// to shut out, claims it with its first commit), and returns its writer.
  /// - Throws: `fenced` when a later attempt has claimed it; `transient` when the write lock stays taken for
  ///   `busy.timeout`.
  public func openWriter(_ attempt: AttemptID) throws(ConnectorError) -> any SinkWriter {
    try SQLiteWriter(IdleDatabases.take(settings), attempt)
  }

  /// Opens a session that looks up what was committed.
  public func openCommitter() throws(ConnectorError) -> any SinkCommitter {
    SQLiteCommitter(try SQLiteDatabase(settings))
  }
}

/// SQL text of names and values.
enum SQLText {
  /// A name in double quotes.
  static func name(_ name: String) -> String { quoted(name, "\"") }

  /// A text in single quotes.
  static func literal(_ text: String) -> String { quoted(text, "'") }

  private static func quoted(_ text: String, _ quote: Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView([quote])
    for scalar in text.unicodeScalars {
      result.append(scalar)
      if scalar == quote { result.append(scalar) }
    }
    result.append(quote)
    return String(result)
  }
}
