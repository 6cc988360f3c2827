import Connector
import Model

/// Reads one chunk in a consistent snapshot and says exactly which part of the log the rows contain.
///
/// MariaDB tells the log position of a snapshot (`Binlog_snapshot_file`, `Binlog_snapshot_position`), so there low and
/// high watermark are the same. MySQL does not; there the watermarks bracket the moment at which the snapshot was opened:
///
/// - with GTIDs the low one is `gtid_executed` before the snapshot was opened: a GTID gets into that set only after its
///   transaction is committed in the engine, so it is certainly visible;
/// - without GTIDs it is the *start of the binlog file* that is current before the snapshot is opened. The log's end
///   itself would be wrong: a transaction is written to the log first and becomes visible in the engine a little later.
///   But the server rotates the log only when every transaction in the old file has been committed in the engine (it
///   counts them: `MYSQL_BIN_LOG::m_atomic_prep_xids` must be 0), so whatever stands in an older file is visible.
///
/// The high one is the log's end after the snapshot was opened: what is visible was logged before it became visible.
/// `read` then replays the events between the two over the chunk's rows, for the chunk's keys alone.
final class MySQLSnapshotReader: SnapshotReader {
  private let settings: MySQLSourceSettings
  private let request: SnapshotRequest
  private let table: TableID
  private let columns: [KeyColumn]
  private let interrupter = Interrupter()
  private var decoders: [TextValueDecoder] = []
  private var client: MySQLClient?
  private var stream: MySQLStream?
  private var gap: GapReplay?
  private var low: MySQLOffset?
  private var high: MySQLOffset?
  private var isClosed = false
  private(set) var remainder: ChunkRange?

  /// Prepares the read; nothing is sent to the server before `open`.
  init(settings: MySQLSourceSettings, request: SnapshotRequest) throws(ConnectorError) {
    self.settings = settings
    self.request = request
    self.table = request.schema.table
    self.columns = try MySQLPlanner.keyColumns(
      request.range.columns, of: request.schema.schema, table: request.schema.table)
  }

  func open() throws(ConnectorError) -> Offset {
    let client = try MySQLClient.connect(settings.connection, interrupter: interrupter)
    self.client = client
    let facts = try ServerFacts(client)
    let catalog = TableCatalog(client: client, facts: facts, settings: settings)
    // Before: if the table is altered from here on, the description below will differ from the registry's, or the read
    // of the older snapshot fails (error 1412).
    try compareSchema(catalog)
    let low = try openSnapshot(client, facts)
    // The statement takes the table's metadata lock for the length of the transaction: from now on no DDL can come.
    try client.execute("SELECT 1 FROM \(SQLText.table(table)) LIMIT 0", table: table)
    try compareSchema(catalog)
    self.low = low
    decoders = try makeDecoders()
    stream = try client.stream(try selectStatement(), table: table)
    return low.offset
  }

  private func compareSchema(_ catalog: TableCatalog) throws(ConnectorError) {
    guard let found = try catalog.describe(table) else {
      throw ConnectorError(.schemaMismatch, "the table no longer exists", table: table)
    }
    if let difference = SchemaComparison.difference(registry: request.schema.schema, server: found.schema) {
      throw ConnectorError(
        .schemaMismatch, "the table is not as the registry has it: \(difference)", table: table,
        remedy: "the chunk is read again once the registry has learned of the change")
    }
  }

  private func openSnapshot(_ client: MySQLClient, _ facts: ServerFacts) throws(ConnectorError) -> MySQLOffset {
    try client.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
    if facts.isMariaDB {
      try client.execute(begin)
      let exact = try snapshotPosition(client, facts)
      high = exact
      return exact
    }
    let gtids = try client.executedGTIDs(facts)
    let before = try client.logEnd(facts)
    try client.execute(begin)
    let after = try client.logEnd(facts)
    let start = gtids == nil ? BinlogPosition(file: before.file, position: 4) : before
    let low = MySQLOffset(position: start, gtids: gtids, server: facts.identity)
    gap = GapReplay(settings: settings, request: request, low: low, end: after)
    return low
  }

  /// MariaDB's exact log position of the open snapshot.
  private func snapshotPosition(_ client: MySQLClient, _ facts: ServerFacts) throws(ConnectorError) -> MySQLOffset {
    var values: [String: String] = [:]
    for row in try client.query("SHOW STATUS LIKE 'Binlog_snapshot_%'") {
      if let name = row.first ?? nil, let value = row.last ?? nil { values[name.lowercased()] = value }
    }
    guard let file = values["binlog_snapshot_file"], BinlogFile.number(of: file) != nil,
      let position = values["binlog_snapshot_position"].flatMap({ UInt64($0) })
    else {
      throw ConnectorError(
        .prerequisite, "the server does not tell the log position of a snapshot", table: table,
        remedy: "start it with log_bin and binlog_format=ROW")
    }
    return MySQLOffset(position: BinlogPosition(file: file, position: position), server: facts.identity)
  }

  private func nativeTypes() throws(ConnectorError) -> [MySQLColumnType] {
    do {
      return try MySQLColumnType.types(of: request.schema.schema)
    } catch {
      throw error.connectorError(table: table)
    }
  }

  private func makeDecoders() throws(ConnectorError) -> [TextValueDecoder] {
    var decoders: [TextValueDecoder] = []
    for (type, column) in zip(try nativeTypes(), request.schema.columns) {
      do {
        decoders.append(try TextValueDecoder(type: type, column: column))
      } catch {
        throw error.connectorError(table: table)
      }
    }
    return decoders
  }

  private func selectStatement() throws(ConnectorError) -> String {
    let list = zip(try nativeTypes(), request.schema.columns).map { type, column in
      type.selectExpression(quotedName: SQLText.name(column.name))
    }
    var sql = "SELECT \(list.joined(separator: ", ")) FROM \(SQLText.table(table))"
    if let condition = try KeySQL.condition(request.range, columns) { sql += " WHERE \(condition)" }
    return sql
  }

  func read(into batch: inout RowBatch, byteLimit: Int) throws(ConnectorError) -> Bool {
    if isClosed { throw ConnectorError(.cancelled, "the read was closed", table: table) }
    if let stream {
      if try readRows(stream, into: &batch, byteLimit: byteLimit) { return true }
      stream.close()
      self.stream = nil
      try endTransaction()
      if gap == nil { return false }
    }
    guard let gap else { return false }
    if try gap.read(into: &batch, byteLimit: byteLimit, interrupter: interrupter) { return true }
    high = gap.end
    self.gap = nil
    return false
  }

  /// The metadata lock must not outlive the rows.
  private func endTransaction() throws(ConnectorError) {
    try client?.execute("COMMIT")
    client?.close()
    client = nil
  }

  private func readRows(
    _ stream: MySQLStream, into batch: inout RowBatch, byteLimit: Int
  ) throws(ConnectorError) -> Bool {
    let width = decoders.count
    guard stream.width == width else {
      throw ConnectorError(.schemaMismatch, "the server sent \(stream.width) columns instead of \(width)", table: table)
    }
    // The decoders are reached through plain memory: an array's element would be copied, strings and all, for each value.
    let plan = UnsafeMutablePointer<TextValueDecoder>.allocate(capacity: width)
    plan.initialize(from: decoders, count: width)
    defer {
      plan.deinitialize(count: width)
      plan.deallocate()
    }
    while batch.byteCount < byteLimit {
      guard let row = try stream.next("reading chunk \(request.range)", table: table) else { return false }
      batch.beginRow(.insert)
      do {
        var column = 0
        while column < width {
          if let value = row.values[column] {
            let bytes = UnsafeRawBufferPointer(start: value, count: Int(truncatingIfNeeded: row.lengths[column]))
            try plan[column].decode(bytes, column: column, into: &batch)
          }
          column &+= 1
        }
      } catch {
        throw error.connectorError(table: table)
      }
      batch.endRow()
    }
    return true
  }

  func finish() throws(ConnectorError) -> Offset {
    guard stream == nil, gap == nil, let high else {
      throw ConnectorError(.bug, "finish before the last row", table: table)
    }
    return high.offset
  }

  func interrupt() { interrupter.interrupt() }

  func close() {
    isClosed = true
    // An unfinished result would have to be read to its end before the connection is usable; shutting the socket down
    // spares that.
    if stream != nil { interrupter.interrupt() }
    stream?.close()
    stream = nil
    gap?.close()
    client?.close()
    client = nil
  }

  deinit { close() }
}
