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
///   counts them: `MYSQL_BIN_LOG::m_atomic_prep_xids` must be 0), so whatever stands in an older file is visible. A
///   statement in the file that changed the table serves as well (see `TableStatements`).
///
/// The high one is the log's end after the snapshot was opened: what is visible was logged before it became visible.
/// `read` then replays the events between the two over the chunk's rows, for the chunk's keys alone. Rows of a table
/// without a key cannot be replaced; there the snapshot is opened again until nothing of the table lies between the two.
final class MySQLSnapshotReader: SnapshotReader {
  private let settings: MySQLSourceSettings
  private let request: SnapshotRequest
  private let table: TableID
  private let columns: [KeyColumn]
  private let interrupter = Interrupter()
  private var decoders: [TextValueDecoder] = []
  private var session: SnapshotSession?
  private var cut: ChunkCut?
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
    return try SnapshotSession.open(settings.connection, interrupter) { session throws(ConnectorError) in
      try open(session)
    }
  }

  private func open(_ session: SnapshotSession) throws(ConnectorError) -> Offset {
    let client = session.client
    let low = try openSnapshot(session)
    // The statement takes the table's metadata lock for the length of the transaction: from now on no DDL can come. If
    // one came since the registry saw the table, the description differs from the registry's; if one came since the
    // snapshot was opened, the read of the older snapshot fails as well (error 1412).
    try client.execute("SELECT 1 FROM \(SQLText.table(table)) LIMIT 0", table: table)
    let catalog = TableCatalog(client: client, facts: session.facts, settings: settings)
    guard let found = try catalog.layout(of: table) else {
      throw ConnectorError(.schemaMismatch, "the table no longer exists", table: table)
    }
    if let difference = SchemaComparison.difference(registry: request.schema.schema, server: found.schema) {
      throw ConnectorError(
        .schemaMismatch, "the table is not as the registry has it: \(difference)", table: table,
        remedy: "the chunk is read again once the registry has learned of the change")
    }
    let types = try nativeTypes(client)
    decoders = try makeDecoders(types)
    stream = try client.stream(try selectStatement(types, found.indexes), table: table)
    self.session = session
    return low.offset
  }

  /// Opens the snapshot and sets the high watermark, or the replay that leads to it.
  private func openSnapshot(_ session: SnapshotSession) throws(ConnectorError) -> MySQLOffset {
    if session.facts.isMariaDB {
      try session.client.execute(Self.begin)
      let exact = try snapshotPosition(session.client, session.facts)
      high = exact
      return exact
    }
    var attempt = 0
    while true {
      let (low, gap) = try bracketSnapshot(session)
      if let end = GapReplay.end(withoutReplayFrom: low, to: gap.target) {
        high = end
        return low
      }
      guard request.schema.keyIndexes.isEmpty else {
        self.gap = gap
        return low
      }
      defer { gap.close() }
      if try !gap.findsChange(interrupter) {
        high = gap.end
        return low
      }
      attempt += 1
      // Without GTIDs the bracket begins with the file: another try soon would find the same change.
      guard attempt < Self.attempts, low.gtids != nil else {
        throw ConnectorError(
          .transient, "a table without a key was changed each time when its snapshot was opened", table: table,
          remedy: "give the table a key; or turn on GTIDs or run FLUSH BINARY LOGS, and do not write to it meanwhile")
      }
      try session.client.execute("COMMIT")
      try interrupter.pause(milliseconds: min(5 << Int64(min(attempt, 7)), 500))
    }
  }

  private static let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
  /// How often the snapshot of a table without a key is opened: for about twenty seconds.
  private static let attempts = 50

  private func bracketSnapshot(_ session: SnapshotSession) throws(ConnectorError) -> (MySQLOffset, GapReplay) {
    let (client, facts) = (session.client, session.facts)
    let gtids = try client.executedGTIDs(facts)
    let before = try client.logEnd(facts)
    try client.execute(Self.begin)
    let after = try client.logEnd(facts)
    var start = before
    if gtids == nil {
      start = try TableStatements.lastPlace(
        of: table, before: before, server: facts.identity,
        foldsTableNames: try CatalogFacts(client: client).nameFolding() != 0, settings: settings,
        interrupter: interrupter)
    }
    let low = MySQLOffset(position: start, gtids: gtids, server: facts.identity)
    return (low, GapReplay(settings: settings, request: request, low: low, end: after))
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

  private func nativeTypes(_ client: MySQLClient) throws(ConnectorError) -> [MySQLColumnType] {
    let converters = try CharsetLoader.converters(
      for: request.schema.schema, serverVersion: client.serverVersion
    ) { () throws(ConnectorError) in client }
    do {
      return try MySQLColumnType.types(of: request.schema.schema, converters: converters)
    } catch {
      throw error.connectorError(table: table)
    }
  }

  private func makeDecoders(_ types: [MySQLColumnType]) throws(ConnectorError) -> [TextValueDecoder] {
    var decoders: [TextValueDecoder] = []
    for (index, column) in request.schema.columns.enumerated() {
      do {
        decoders.append(
          try TextValueDecoder(
            type: types[index], column: column, options: settings.values,
            isKey: request.schema.keyIndexes.contains(index)))
      } catch {
        throw error.connectorError(table: table)
      }
    }
    return decoders
  }

  /// Prepares the cut, and gives the statement that reads the rows.
  private func selectStatement(
    _ types: [MySQLColumnType], _ indexes: [TableIndex]
  ) throws(ConnectorError) -> String {
    let statement = try SnapshotStatement(request, columns, types: types, indexes)
    // A cut goes by the key as it comes from the server, which must be text then, not bytes of a character set.
    let comesAsText = columns.allSatisfy { key in
      request.schema.schema.index(of: key.column.name).map { types[$0].snapshotConverter == nil } ?? true
    }
    guard statement.isOrdered, comesAsText else { return statement.text }
    cut = ChunkCut(
      columns, schema: request.schema.schema, rows: ChunkPlanner.largestRows(settings),
      bytes: settings.chunkRows == nil ? settings.largestChunkBytes : .max
    ) { [settings, interrupter] left, right throws(ConnectorError) in
      try Self.differ(left, right, settings, interrupter)
    }
    return statement.text
  }

  /// Asks the server whether two values are different; the chunk's own connection is busy with the rows.
  private static func differ(
    _ left: String, _ right: String, _ settings: MySQLSourceSettings, _ interrupter: Interrupter
  ) throws(ConnectorError) -> Bool {
    let own = Interrupter()
    return try SnapshotSession.open(settings.connection, own) { session throws(ConnectorError) in
      try interrupter.check()
      let answer = try session.client.scalar("SELECT \(left) <> \(right)")
      session.leave()
      return answer == "1"
    }
  }

  func read(into batch: inout RowBatch, byteLimit: Int) throws(ConnectorError) -> Bool {
    if isClosed { throw ConnectorError(.cancelled, "the read was closed", table: table) }
    if let stream {
      if try readRows(stream, into: &batch, byteLimit: byteLimit) { return true }
      try endRows(stream)
      if gap == nil { return false }
    }
    guard let gap else { return false }
    if try gap.read(into: &batch, byteLimit: byteLimit, interrupter: interrupter) { return true }
    high = gap.end
    self.gap = nil
    return false
  }

  /// The metadata lock must not outlive the rows.
  private func endRows(_ stream: MySQLStream) throws(ConnectorError) {
    if let remainder {
      gap?.range.upper = remainder.lower
      // The rest of the rows is on its way.
      interrupter.sever()
    }
    stream.close()
    self.stream = nil
    guard let session else { return }
    self.session = nil
    if remainder != nil { return session.close() }
    try session.client.execute("COMMIT")
    session.leave()
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
    let (rows, bytes) = (batch.count, batch.byteCount)
    defer { cut?.count(rows: batch.count - rows, bytes: batch.byteCount - bytes) }
    let due = cut?.isDue ?? false ? cut : nil
    while batch.byteCount < byteLimit {
      guard let row = try stream.next("reading chunk \(request.range)", table: table) else { return false }
      if let due, let key = try due.boundary(row.values, row.lengths) {
        remainder = ChunkRange(columns: request.range.columns, lower: key, upper: request.range.upper)
        return false
      }
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
        let key = KeyText.of(request.schema) { column in
          row.values[column].map { UnsafeRawBufferPointer(start: $0, count: Int(row.lengths[column])) }
        }
        throw error.inRow(key: key).connectorError(table: table)
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
    session?.close()
    session = nil
  }

  deinit { close() }
}
