import Connector
import Model
import MySQLSource
import Platform
import TestKit
import Testing

/// A database of a test's own on the shared server, and a connector that reads it.
struct SourceFixture {
  let server: SourceServer
  let database: String

  /// Makes the database and runs the statements in it.
  init(
    _ name: String, on kind: ServerKind = .mariaDB, server: SourceServer? = nil, _ statements: String...
  ) throws {
    self.server = try server ?? SourceServer.shared(kind)
    database = "\(name)_\(UInt32.random(in: 0...UInt32.max))"
    try self.server.execute("CREATE DATABASE \(database)")
    for statement in statements { try execute(statement) }
  }

  func execute(_ sql: String) throws { try server.execute(sql, database: database) }

  func query(_ sql: String) throws -> [[String?]] { try server.query(sql, database: database) }

  func connection() throws -> SourceConnection { try SourceConnection(server, database: database) }

  func table(_ name: String) -> TableID { TableID(schema: database, table: name) }

  /// Where the last connector's server ids begin. Tests run at the same time, and readers of the log with one id would
  /// end each other's connections.
  private static let serverIDs = Monitor(10_000)

  /// A connector for all tables of the database, unless the options say otherwise.
  func connector(
    _ options: [String: String] = [:], parallelism: Int = 1, namesServerIDs: Bool = true
  ) throws -> any SourceConnector {
    var values = [
      "hostname": "127.0.0.1", "port": "\(server.port)", "username": SourceServer.account,
      "password": SourceServer.account, "tables": "\(database).\\.*", "heartbeat.interval": "200ms",
    ]
    if namesServerIDs {
      values["server-id"] = Self.serverIDs.update { first in
        first += 64
        return "\(first)-\(first + 63)"
      }
    }
    values.merge(options) { _, given in given }
    let checked = Options(values, specs: MySQLSourceFactory.options)
    return try MySQLSourceFactory.make(checked, context: ConnectorContext(pipeline: "test", parallelism: parallelism))
  }
}

/// A row's values as text, for comparing; nil: NULL.
struct TestRow: Hashable, CustomStringConvertible {
  var operation: RowOperation
  var values: [String?]
  var key: [String?]

  init(_ row: RowView, _ schema: RowSchema) {
    operation = row.operation
    values = schema.physical.indices.map { Self.value(row, $0, schema) }
    key = schema.keyIndexes.isEmpty ? values : schema.keyIndexes.map { Self.value(row, $0, schema) }
  }

  private static func value(_ row: RowView, _ column: Int, _ schema: RowSchema) -> String? {
    if row.isNull(column) { return nil }
    switch schema.physical[column] {
    case .integer: return "\(row.integer(column))"
    case .float32: return "\(row.float(column))"
    case .float64: return "\(row.double(column))"
    case .bytes:
      return schema.columns[column].type.isCharacter
        ? row.text(column) : row.bytes(column).map { String($0, radix: 16) }.joined(separator: " ")
    }
  }

  var description: String { "\(operation)(\(values.map { $0 ?? "NULL" }.joined(separator: ", ")))" }
}

/// What a sink would hold: rows by key, or a multiset for tables without a key.
struct TestReplica {
  private(set) var rows: [[String?]: [String?]] = [:]
  private(set) var bag: [[String?]: Int] = [:]
  private(set) var problems: [String] = []
  let hasKey: Bool

  init(hasKey: Bool = true) { self.hasKey = hasKey }

  /// Applies a chunk's row. MySQL's chunks may end with changes that the rows contain already: they replace.
  mutating func load(_ row: TestRow) {
    let before = problems
    apply(row)
    if hasKey { problems = before }
  }

  /// Applies a row; whatever does not fit what is there is a problem: an insert of a key that exists, a change of a row
  /// that is missing or looks different.
  mutating func apply(_ row: TestRow) {
    guard hasKey else { return applyWithoutKey(row) }
    switch row.operation {
    case .insert:
      if rows[row.key] != nil { problems.append("there already: \(row)") }
      rows[row.key] = row.values
    case .updateAfter: rows[row.key] = row.values
    case .updateBefore, .delete:
      if rows[row.key] != row.values { problems.append("\(row), but there is \(rows[row.key] ?? [])") }
      if row.operation == .delete { rows[row.key] = nil }
    }
  }

  private mutating func applyWithoutKey(_ row: TestRow) {
    switch row.operation {
    case .insert, .updateAfter: bag[row.values, default: 0] += 1
    case .delete, .updateBefore:
      if let count = bag[row.values], count > 0 {
        bag[row.values] = count == 1 ? nil : count - 1
      } else {
        problems.append("no row to remove: \(row)")
      }
    }
  }
}

extension RowBatch {
  /// The rows as text.
  borrowing func testRows() -> [TestRow] {
    guard let schema else { return [] }
    var rows: [TestRow] = []
    forEachRow { rows.append(TestRow($0, schema)) }
    return rows
  }
}

/// A table read by chunks.
struct SnapshotResult {
  var chunks: [FinishedChunk] = []
  var rows: [[TestRow]] = []
  var allRows: [TestRow] { rows.flatMap { $0 } }
}

extension SourceConnector {
  /// Discovers one table.
  func discover(_ table: TableID) throws -> DiscoveredTable {
    let planner = try openPlanner()
    defer { planner.close() }
    guard let found = try planner.describe(table) else { throw SourceServerError("no table \(table)") }
    return found
  }

  /// All chunks of a table, planned `limit` at a time.
  func plan(_ table: DiscoveredTable, limit: Int = 3) throws -> [ChunkRange] {
    let planner = try openPlanner()
    defer { planner.close() }
    var chunks: [ChunkRange] = []
    var cursor: String?
    repeat {
      let plan = try planner.planChunks(table, cursor: cursor, limit: limit)
      chunks += plan.chunks
      cursor = plan.cursor
    } while cursor != nil
    return chunks
  }

  /// Reads one chunk.
  func read(_ range: ChunkRange, of schema: RowSchema, byteLimit: Int = 4096) throws -> (FinishedChunk, [TestRow]) {
    let reader = try makeSnapshotReader(SnapshotRequest(schema: schema, range: range))
    defer { reader.close() }
    _ = try reader.open()
    var batch = RowBatch()
    var rows: [TestRow] = []
    var more = true
    while more {
      batch.reset(schema: schema)
      more = try reader.read(into: &batch, byteLimit: byteLimit)
      rows += batch.testRows()
    }
    let watermark = try reader.finish()
    var read = range
    if let remainder = reader.remainder {
      #expect(remainder.upper == range.upper && remainder.lower != nil)
      read.upper = remainder.lower
    }
    return (FinishedChunk(range: read, watermark: watermark), rows)
  }

  /// Reads a table chunk by chunk; `between` runs before each chunk.
  func snapshot(
    _ table: DiscoveredTable, _ schema: RowSchema, between: (Int) throws -> Void = { _ in }
  ) throws -> SnapshotResult {
    var result = SnapshotResult()
    for planned in try plan(table) {
      var range = planned
      while true {
        try between(result.chunks.count)
        let (chunk, rows) = try read(range, of: schema)
        result.chunks.append(chunk)
        result.rows.append(rows)
        // The chunk was cut: what was left unread is a chunk of its own.
        if chunk.range.upper == range.upper { break }
        range.lower = chunk.range.upper
      }
    }
    return result
  }

  /// The log's end.
  func endOffset() throws -> Offset {
    let planner = try openPlanner()
    defer { planner.close() }
    return try planner.currentOffset()
  }

  /// Opens a tail for tables.
  func tail(_ request: TailRequest) throws -> any TailReader {
    let reader = try makeTailReader(request)
    try reader.open()
    return reader
  }

  /// A tail of one table without snapshot, from `start`.
  func tail(_ schema: RowSchema, from start: Offset, share: Int = 0, of shares: Int = 1) throws -> any TailReader {
    try tail(
      TailRequest(
        start: start, tables: [TailTable(schema: schema, ignoredThrough: nil, chunks: [])], shareIndex: share,
        shareCount: shares, clientIndex: share))
  }
}

extension SourceConnector {
  /// Whether an offset is at or above another one.
  func hasPassed(_ offset: Offset, _ end: Offset) throws -> Bool { try hasPassed(offset, end: end) }
}

extension TailReader {
  /// Reads until the reader's place is at or above `end`; schema changes are adopted as version 2, 3 …, and reported.
  func readThrough(
    _ end: Offset, connector: any SourceConnector, byteLimit: Int = 4096,
    onChange: (TableID, [SchemaChange], TableSchema) -> Void = { _, _, _ in },
    onStep: (Offset?) throws -> Void = { _ in },
    onRow: (TestRow) -> Void
  ) throws {
    var batch = RowBatch()
    var version = 1
    let deadline = Clock.monotonicMilliseconds() + 60_000
    while true {
      switch try next(into: &batch, byteLimit: byteLimit, wait: 50) {
      case .rows: for row in batch.testRows() { onRow(row) }
      case .schemaChange(let table, _, let changes, let schema):
        onChange(table, changes, schema)
        version += 1
        let dropped = changes.contains(.dropTable)
        try adopt(dropped ? nil : RowSchema(table: table, version: version, schema: schema), for: table)
      case .idle: break
      }
      let offset = committableOffset
      try onStep(offset)
      if let offset, try connector.hasPassed(offset, end: end) { return }
      guard Clock.monotonicMilliseconds() < deadline else {
        throw SourceServerError("the tail did not reach \(end), it is at \(offset?.text ?? "an open transaction")")
      }
    }
  }

  /// All rows up to `end`.
  func rows(through end: Offset, connector: any SourceConnector, byteLimit: Int = 4096) throws -> [TestRow] {
    var rows: [TestRow] = []
    try readThrough(end, connector: connector, byteLimit: byteLimit) { rows.append($0) }
    return rows
  }
}

/// Interrupts a reader from another thread as soon as the server shows that its statement waits.
///
/// `@unchecked Sendable`: `interrupt` is the one call of a reader that any thread may make, and the connection is used by
/// the started thread alone.
final class Stopper: @unchecked Sendable {
  private let reader: any SnapshotReader
  private var connection: SourceConnection?

  init(_ reader: any SnapshotReader) { self.reader = reader }

  func whenBlocked(_ connection: SourceConnection, on pattern: String) -> DedicatedThread {
    self.connection = connection
    return DedicatedThread(name: "stopper") {
      let sql =
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for%' AND INFO LIKE '\(pattern)' "
        + "AND ID <> CONNECTION_ID()"
      while let rows = try? self.connection?.query(sql), rows.first?.first == "0" {}
      self.reader.interrupt()
    }
  }
}
