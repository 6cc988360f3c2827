internal import CSQLite
import FoundationEssentials
import Glibc
import Model
import Platform

/// The journal in a SQLite file of the coordinator's data directory: write-ahead log, full synchronisation, one
/// transaction for each list of records. Bodies are JSON, so that an engineer can read them with the sqlite3 shell.
///
/// One thread only. The directory is locked: a second coordinator on it is refused.
final class SQLiteJournal: Journal {
  /// Raised when the form of the records changes.
  private static let formatVersion = 2
  /// Earlier forms, which are brought up to date when they are read (`ClusterMachine.restore`).
  private static let readableFormats = "1"

  let epoch: Int64
  private let path: String
  private var database: OpaquePointer?
  private var lock: Int32
  private var statements: [String: OpaquePointer] = [:]
  private let encoder = JSONEncoder()
  private let decoder = JSONDecoder()

  /// Opens or creates the journal, and counts this start.
  /// - Throws: when the directory cannot be used or belongs to a running coordinator.
  init(directory: String) throws(JournalError) {
    path = directory + "/journal.sqlite"
    lock = try Self.lock(directory)
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else {
      let reason = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(handle)
      Glibc.close(lock)
      throw JournalError(description: "cannot open \(path): \(reason)")
    }
    database = handle
    encoder.outputFormatting = [.sortedKeys]
    do {
      epoch = try Self.prepare(handle, path)
    } catch {
      sqlite3_close_v2(handle)
      Glibc.close(lock)
      throw error
    }
  }

  private static func lock(_ directory: String) throws(JournalError) -> Int32 {
    if mkdir(directory, 0o700) != 0, errno != EEXIST {
      throw JournalError(description: "cannot create \(directory): \(String(cString: strerror(errno)))")
    }
    let descriptor = FileLock.openAndLock(directory + "/lock")
    guard descriptor >= 0 else {
      throw JournalError(
        description: "\(directory) is in use by another coordinator, or cannot be written — choose another --data-dir")
    }
    return descriptor
  }

  private static func prepare(_ handle: OpaquePointer?, _ path: String) throws(JournalError) -> Int64 {
    let schema = """
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -2000;
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS pipelines (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS tables (
        pipeline TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (pipeline, id)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS splits (
        pipeline TEXT, number INTEGER, state TEXT NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (pipeline, number)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS folded (
        pipeline TEXT, id TEXT, number INTEGER, body TEXT NOT NULL, pieces BLOB NOT NULL,
        PRIMARY KEY (pipeline, id, number)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS schemas (
        pipeline TEXT, id TEXT, version INTEGER, body TEXT NOT NULL, PRIMARY KEY (pipeline, id, version)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS sink_tables (
        pipeline TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (pipeline, id)) WITHOUT ROWID;
      INSERT INTO meta VALUES ('format', \(formatVersion)) ON CONFLICT DO UPDATE SET value = \(formatVersion)
        WHERE value IN (\(readableFormats));
      INSERT INTO meta VALUES ('epoch', 1) ON CONFLICT DO UPDATE SET value = value + 1;
      COMMIT;
      """
    guard sqlite3_exec(handle, schema, nil, nil, nil) == SQLITE_OK else {
      throw JournalError(description: "cannot use \(path): \(String(cString: sqlite3_errmsg(handle)))")
    }
    let format = number(handle, "SELECT value FROM meta WHERE key = 'format'")
    guard format == Int64(formatVersion) else {
      throw JournalError(
        description:
          "\(path) is of format \(format), this version reads \(formatVersion) — use the version that wrote it")
    }
    return number(handle, "SELECT value FROM meta WHERE key = 'epoch'")
  }

  private static func number(_ handle: OpaquePointer?, _ sql: String) -> Int64 {
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, sqlite3_step(statement) == SQLITE_ROW
    else { return -1 }
    return sqlite3_column_int64(statement, 0)
  }

  // MARK: - Reading

  func load() throws(JournalError) -> [JournalRecord] {
    var records: [JournalRecord] = []
    for body in try rows("SELECT '', body FROM pipelines") { records.append(.putPipeline(try decode(body.1))) }
    for body in try rows("SELECT pipeline, body FROM tables") {
      records.append(.putTable(pipeline: body.0, try decode(body.1)))
    }
    for body in try rows("SELECT pipeline, body FROM schemas") {
      records.append(.putSchema(pipeline: body.0, try decode(body.1)))
    }
    for body in try rows("SELECT pipeline, body FROM sink_tables") {
      records.append(.putSinkTable(pipeline: body.0, try decode(body.1)))
    }
    // Oldest first: each record begins where the one before it ends.
    for row in try rows("SELECT pipeline, body, pieces FROM folded ORDER BY pipeline, id, number") {
      records.append(.putFolded(pipeline: row.pipeline, try folded(row)))
    }
    for body in try rows("SELECT pipeline, body FROM splits") {
      records.append(.putSplit(pipeline: body.0, try decode(body.1)))
    }
    return records
  }

  private typealias Row = (pipeline: String, body: [UInt8], pieces: [UInt8])

  private func rows(_ sql: String) throws(JournalError) -> [Row] {
    let statement = try prepared(sql)
    defer { sqlite3_reset(statement) }
    var result: [Row] = []
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW:
        let pipeline = sqlite3_column_text(statement, 0).map { String(cString: $0) } ?? ""
        let hasPieces = sqlite3_column_count(statement) > 2
        result.append((pipeline, bytes(statement, 1), hasPieces ? bytes(statement, 2) : []))
      case SQLITE_DONE: return result
      default: throw failure("read")
      }
    }
  }

  private func bytes(_ statement: OpaquePointer, _ column: Int32) -> [UInt8] {
    let count = Int(sqlite3_column_bytes(statement, column))
    return [UInt8](UnsafeRawBufferPointer(start: sqlite3_column_blob(statement, column), count: count))
  }

  private func folded(_ row: Row) throws(JournalError) -> FoldedChunks {
    let body: FoldedBody = try decode(row.body)
    guard let record = body.record(row.pieces) else {
      throw JournalError(
        description:
          "\(path) holds damaged chunks of \(body.table) — restore it from a backup, or submit the pipelines "
          + "again")
    }
    return record
  }

  private func decode<T: Decodable>(_ body: [UInt8]) throws(JournalError) -> T {
    do {
      return try decoder.decode(T.self, from: Data(body))
    } catch {
      throw JournalError(
        description:
          "\(path) holds a damaged \(T.self) — restore it from a backup, or submit the pipelines again: \(error)")
    }
  }

  // MARK: - Writing

  func write(_ records: [JournalRecord]) throws(JournalError) {
    guard !records.isEmpty else { return }
    do {
      try failpoint("journal.before-write")
    } catch {
      throw JournalError(description: error.description)
    }
    try execute("BEGIN IMMEDIATE", [])
    do {
      for record in records { try put(record) }
      try execute("COMMIT", [])
    } catch {
      sqlite3_exec(database, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  private func put(_ record: JournalRecord) throws(JournalError) {
    switch record {
    case .putPipeline(let pipeline):
      try execute("INSERT OR REPLACE INTO pipelines VALUES (?, ?)", [.text(pipeline.name), try body(pipeline)])
    case .putTable(let pipeline, let table):
      try execute(
        "INSERT OR REPLACE INTO tables VALUES (?, ?, ?)", [.text(pipeline), key(table.id), try body(table)])
    case .putSplit(let pipeline, let split):
      try execute(
        "INSERT OR REPLACE INTO splits VALUES (?, ?, ?, ?)",
        [.text(pipeline), .integer(split.number), .text(split.state.rawValue), try body(split)])
    case .removeSplit(let pipeline, let number):
      try execute("DELETE FROM splits WHERE pipeline = ? AND number = ?", [.text(pipeline), .integer(number)])
    case .putFolded(let pipeline, let record):
      try execute(
        "INSERT OR REPLACE INTO folded VALUES (?, ?, ?, ?, ?)",
        [
          .text(pipeline), key(record.table), .integer(record.number), try body(FoldedBody(record)),
          .blob(record.chunks.bytes),
        ])
    case .removeFolded(let pipeline, let table):
      try execute("DELETE FROM folded WHERE pipeline = ? AND id = ?", [.text(pipeline), key(table)])
    case .putSchema(let pipeline, let schema):
      try execute(
        "INSERT OR REPLACE INTO schemas VALUES (?, ?, ?, ?)",
        [.text(pipeline), key(schema.table), .integer(schema.version), try body(schema)])
    case .putSinkTable(let pipeline, let table):
      try execute(
        "INSERT OR REPLACE INTO sink_tables VALUES (?, ?, ?)", [.text(pipeline), key(table.id), try body(table)])
    case .removePipeline(let name):
      for table in ["tables", "splits", "folded", "schemas", "sink_tables"] {
        try execute("DELETE FROM \(table) WHERE pipeline = ?", [.text(name)])
      }
      try execute("DELETE FROM pipelines WHERE name = ?", [.text(name)])
    }
  }

  private enum Value {
    case text(String)
    case integer(Int)
    case blob([UInt8])
  }

  /// A table id as a key: JSON, since dots may be part of a name.
  private func key(_ id: TableID) -> Value {
    .text("[" + id.parts.map { JSONText.quoted($0) }.joined(separator: ",") + "]")
  }

  private func body<T: Encodable>(_ value: T) throws(JournalError) -> Value {
    do {
      return .text(String(decoding: try encoder.encode(value), as: UTF8.self))
    } catch {
      throw JournalError(description: "cannot write a \(T.self) to \(path): \(error)")
    }
  }

  private func execute(_ sql: String, _ values: [Value]) throws(JournalError) {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    // SQLITE_TRANSIENT: SQLite copies the text before the call returns.
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    for (index, value) in values.enumerated() {
      let position = Int32(index + 1)
      let status =
        switch value {
        case .text(let text): sqlite3_bind_text(statement, position, text, Int32(text.utf8.count), transient)
        case .integer(let number): sqlite3_bind_int64(statement, position, Int64(number))
        // An empty list has no address, which would bind NULL; there is none here.
        case .blob(let bytes): sqlite3_bind_blob64(statement, position, bytes, UInt64(bytes.count), transient)
        }
      guard status == SQLITE_OK else { throw failure("write") }
    }
    guard sqlite3_step(statement) == SQLITE_DONE else { throw failure("write") }
  }

  private func prepared(_ sql: String) throws(JournalError) -> OpaquePointer {
    if let statement = statements[sql] { return statement }
    var statement: OpaquePointer?
    guard sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
      let statement
    else { throw failure("use") }
    statements[sql] = statement
    return statement
  }

  private func failure(_ verb: String) -> JournalError {
    JournalError(
      description: "cannot \(verb) \(path): \(String(cString: sqlite3_errmsg(database))) — "
        + "make room or repair the disk, then start the coordinator again on the same directory")
  }

  func close() {
    for statement in statements.values { sqlite3_finalize(statement) }
    statements = [:]
    sqlite3_close_v2(database)
    database = nil
    if lock >= 0 { Glibc.close(lock) }
    lock = -1
  }
}

/// What is readable of folded chunks; the chunks themselves are packed.
private struct FoldedBody: Codable {
  var table: TableID
  var number: Int
  var splits: Int
  var rows: Int
  var columns: [String]
  var lower: [KeyPart]?

  init(_ record: FoldedChunks) {
    table = record.table
    number = record.number
    splits = record.splits
    rows = record.rows
    columns = record.chunks.columns
    lower = record.chunks.lower
  }

  func record(_ pieces: [UInt8]) -> FoldedChunks? {
    PackedChunks(columns: columns, lower: lower, bytes: pieces).map {
      FoldedChunks(table: table, number: number, splits: splits, rows: rows, chunks: $0)
    }
  }
}
