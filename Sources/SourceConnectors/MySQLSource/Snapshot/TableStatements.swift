import Connector
import Model
import Platform

/// Finds the last statement in a log file that changed a table, so that a replay can begin behind it.
///
/// A MySQL without GTIDs can only say that what stands in older files is visible in a snapshot, so a replay begins at the
/// file's start. In front of a statement that changes the table stand rows of another schema, or of a table that is gone;
/// they need no replay: the statement waited for every transaction that had changed the table (it takes the table's
/// metadata lock for itself), so they were all committed in the engine when it was logged.
struct TableStatements: Sendable {
  /// A statement and the place behind it.
  private struct Entry: Sendable {
    var end: UInt64
    var statement: DDLStatement
  }

  private let file: String
  /// When the file was made, by its first event, in seconds since 1970: after RESET MASTER there may be another file of
  /// the same name.
  private var created: UInt32?
  /// The file has been read up to here.
  private var through: UInt64 = Self.fileStart
  private var entries: [Entry] = []

  /// The position of a file's first event.
  static let fileStart: UInt64 = 4
  /// Beyond so many statements the file is read from its start again rather than remembered.
  private static let limit = 20_000

  /// Milliseconds in which the server must come to send what it has said to have written.
  static let patience: Int64 = 10_000

  private init(file: String) { self.file = file }

  /// What was found in each server's current log file, by the server's identity: each chunk reads on where another ended.
  private static let found = Monitor<[String: TableStatements]>([:])

  /// The place behind the last statement before `end` that changed the table; the start of `end`'s file if there is none.
  /// - Parameters:
  ///   - foldsTableNames: whether the server's `lower_case_table_names` is not 0.
  ///   - patience: milliseconds until a log that does not reach `end` counts as broken.
  /// - Throws: `transient` when the server ends the log before `end`, or replaces the file; what `LogWalk` throws.
  static func lastPlace(
    of table: TableID, before end: BinlogPosition, server: String, foldsTableNames: Bool, settings: MySQLSourceSettings,
    interrupter: Interrupter, patience: Int64 = Self.patience
  ) throws(ConnectorError) -> BinlogPosition {
    var statements = found.withLock { $0[server] } ?? TableStatements(file: end.file)
    if statements.file != end.file || statements.through > end.position || statements.entries.count > limit {
      statements = TableStatements(file: end.file)
    }
    let deadline = Clock.monotonicMilliseconds() + patience
    var replacements = 0
    var pause: Int64 = 5
    // A server that shuts down, or whose dump is killed, ends the log as if it were whole; and what it has written may be
    // sent only once it is on the disk.
    while true {
      if try !statements.read(to: end.position, server, settings, interrupter) {
        statements = TableStatements(file: end.file)
        replacements += 1
      } else if statements.through >= end.position {
        break
      }
      guard replacements < 2, Clock.monotonicMilliseconds() < deadline else {
        let what = replacements < 2 ? "ended by the server at \(statements.through)" : "replaced while it was read"
        throw ConnectorError(
          .transient, "log file \(end.file) was \(what), before \(end.position)", table: table,
          remedy: "the chunk is read again; if this goes on, look at the server's error log")
      }
      if replacements == 0 {
        try interrupter.pause(milliseconds: pause)
        pause = min(pause * 2, 500)
      }
    }
    found.withLock { [statements] all in all[server] = statements }
    let last = statements.entries.last { entry in
      entry.end <= end.position && entry.statement.endsTransactions(on: table, ignoringCase: foldsTableNames)
    }
    return BinlogPosition(file: end.file, position: last?.end ?? fileStart)
  }

  /// Reads on, to `end` or where the server ends the log; false when the file is another one than the one read before.
  private mutating func read(
    to end: UInt64, _ server: String, _ settings: MySQLSourceSettings, _ interrupter: Interrupter
  ) throws(ConnectorError) -> Bool {
    let start = MySQLOffset(position: BinlogPosition(file: file, position: through), server: server)
    let walk = try LogWalk(settings, interrupter: interrupter, from: start)
    defer { walk.close() }
    var isKnown = false
    while through < end || !isKnown, let event = try walk.next() {
      if walk.cursor.file != file { break }
      if case .formatDescription = event {
        if created != nil, created != walk.header.timestamp { return false }
        created = walk.header.timestamp
        isKnown = true
      }
      if case .query(let query) = event, query.kind == .ddl { note(query, walk) }
      if !walk.cursor.isOpen { through = max(through, walk.cursor.position) }
    }
    // A transaction that did not come to its end is read again.
    while let last = entries.last, last.end > through { entries.removeLast() }
    return true
  }

  private mutating func note(_ query: QueryEvent, _ walk: LogWalk) {
    let dialect = DDLDialect(serverVersion: walk.facts.version, sqlMode: query.sqlMode ?? 0)
    // What cannot be parsed is met again by the replay, which says so if it is about the table.
    let parsed = try? DDLParser.parse(query.sql, defaultSchema: query.schema, dialect: dialect)
    for statement in parsed ?? [] {
      if case .other = statement { continue }
      entries.append(Entry(end: walk.cursor.position, statement: statement))
    }
  }
}

extension DDLStatement {
  /// Whether every transaction that had changed the table was committed before the statement was done.
  fileprivate func endsTransactions(on table: TableID, ignoringCase: Bool) -> Bool {
    switch self {
    // It does nothing, and waits for nobody, where the table was there already.
    case .createTable(let create): !create.ifNotExists && affects(table, ignoringCase: ignoringCase)
    case .alterTable, .truncateTable, .dropTables, .dropDatabase, .renameTables:
      affects(table, ignoringCase: ignoringCase)
    case .defineDatabase, .other: false
    }
  }
}
