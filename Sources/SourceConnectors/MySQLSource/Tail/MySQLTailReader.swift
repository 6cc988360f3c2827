import Connector
import Model
import Platform

/// Reads the binary log from an offset on.
///
/// One event is looked at at a time; what cannot be dealt with at once (rows of another table than the batch's, a DDL
/// behind rows) is *held* until the next call. Its bytes stay in the connection's buffer meanwhile, as nothing else is
/// read before it is done.
///
/// After a lost connection the log is asked for again from the last complete transaction, and what was handed out of the
/// open one is passed over by its position, so nothing comes twice.
final class MySQLTailReader: TailReader {
  let settings: MySQLSourceSettings
  let request: TailRequest
  var identity: ClientIdentity
  let interrupter: Interrupter
  /// A bounded read ends here (see `GapReplay`).
  let stop: BinlogPosition?
  var connection: TailConnection?
  var maps = TableMapCache()
  var cursor: TailCursor
  var tables: [CapturedTable] = []
  /// Places in `tables` of those that are followed.
  var indexes: [TableID: Int] = [:]
  /// Tables that were captured and are gone, or not followed any more: they are told of when they come back.
  var formerTables: Set<TableID> = []
  /// Tables that this reader has seen go: what is made under their names is new.
  var goneTables: Set<TableID> = []
  /// Tables of which the user was told that they are not captured.
  var notedTables: Set<TableID> = []
  /// What databases give to their tables.
  var databaseDefaults = DatabaseDefaults()
  /// Tables that migrations are making.
  var migrations = OnlineMigrations()
  /// The server's `lower_case_table_names`.
  var nameFolding = 0
  /// The server's `explicit_defaults_for_timestamp`.
  var hasNullableTimestamps = true
  /// The event that waits for the next call.
  var held: BinlogEvent?
  /// Rows of the open transaction that were handed out before the connection was lost end here.
  var handedOutThrough: RowsPlace?
  /// The last rows event that was handed out.
  var lastHandedOut: RowsPlace?
  var xa = XATransactions()
  /// Schema changes that were met and are not adopted yet; the first one is handed out next, or awaited.
  var pendingChanges: [PendingChange] = []
  var isAwaitingAdoption = false
  /// The statement of the pending changes ends its transaction.
  var endsTransactionAfterChanges = false
  var scratch = RowBatch(capacity: 4096)
  var lastArrival = Clock.monotonicMilliseconds()
  /// Something has arrived since `lastArrival` was set.
  var hasHeard = false
  var failures = 0
  var failingSince: Int64?
  var remainingFilters = 0
  private var helper: MySQLClient?
  private let helperInterrupter = Interrupter()
  private(set) var lastEventMilliseconds: Int64?
  /// A bounded read is complete.
  private(set) var hasReachedStop = false
  static let log = Log("mysql")

  /// A schema change as it is handed out.
  struct PendingChange {
    var table: TableID
    var offset: Offset
    var changes: [SchemaChange]
    var schema: TableSchema
    /// The name under which the table goes on.
    var newName: TableID?
  }

  init(
    settings: MySQLSourceSettings, request: TailRequest, serverIDs: [UInt32], interrupter: Interrupter = Interrupter(),
    stop: BinlogPosition? = nil
  ) throws(ConnectorError) {
    guard request.shareCount > 0, (0..<request.shareCount).contains(request.shareIndex) else {
      throw ConnectorError(.bug, "share \(request.shareIndex) of \(request.shareCount)")
    }
    self.settings = settings
    self.request = request
    identity = ClientIdentity(serverIDs)
    self.interrupter = interrupter
    self.stop = stop
    cursor = TailCursor(try MySQLOffset(request.start))
    formerTables = Set(request.formerTables)
  }

  var shareIndex: UInt64 { UInt64(request.shareIndex) }
  var shareCount: UInt64 { UInt64(request.shareCount) }

  // MARK: Connection

  func open() throws(ConnectorError) {
    try connectFirst()
    for table in request.tables {
      let captured = try CapturedTable(
        table, server: cursor.server, options: settings.values, converters: try converters(table.schema))
      indexes[captured.id] = tables.count
      tables.append(captured)
      if captured.filter != nil { remainingFilters += 1 }
    }
    if stop == nil { try readFacts() }
  }

  /// A second connection, for questions about keys and tables.
  func helperClient() throws(ConnectorError) -> MySQLClient {
    if let helper { return helper }
    let client = try MySQLClient.connect(settings.connection, interrupter: helperInterrupter)
    helper = client
    return client
  }

  /// The converters of a schema's character sets.
  func converters(_ schema: RowSchema) throws(ConnectorError) -> [String: TextConverter] {
    try CharsetLoader.converters(for: schema.schema, serverVersion: serverVersion, connect: helperClient)
  }

  /// Gives up a second connection that no longer works, so that the next question opens another one.
  func dropHelper() {
    helper?.close()
    helper = nil
  }

  /// The server's version text, for reading its DDL.
  var serverVersion: String { connection?.facts.version ?? "" }

  // MARK: Steps

  func next(into batch: inout RowBatch, byteLimit: Int, wait: Int64) throws(ConnectorError) -> TailStep {
    guard !isAwaitingAdoption else { throw ConnectorError(.bug, "next before the schema change was adopted") }
    if let schema = batch.schema { batch.reset(schema: schema) }
    if let change = pendingChanges.first {
      isAwaitingAdoption = true
      return .schemaChange(table: change.table, offset: change.offset, changes: change.changes, schema: change.schema)
    }
    let deadline = Clock.monotonicMilliseconds() + wait
    let continues = cursor.hasHandedOut
    var events = 0
    while true {
      if isComplete { return batch.isEmpty ? .idle : .rows }
      guard let event = try receive(hasRows: !batch.isEmpty, deadline: deadline) else {
        return batch.isEmpty ? .idle : .rows
      }
      if try process(event, into: &batch) == .hold {
        held = event
        return .rows
      }
      if cursor.skip != nil { cursor.countSkipped() }
      if let change = pendingChanges.first {
        isAwaitingAdoption = true
        return .schemaChange(table: change.table, offset: change.offset, changes: change.changes, schema: change.schema)
      }
      // A commit is possible here, and if a transaction larger than a batch has ended, the next chance may be far.
      if continues, !cursor.isOpen { return batch.isEmpty ? .idle : .rows }
      // A transaction is completed if it is not far: a batch that ends inside one cannot be committed.
      if batch.byteCount >= byteLimit, !cursor.isOpen || batch.byteCount >= byteLimit + byteLimit / 4 { return .rows }
      events &+= 1
      if events & 255 == 0, Clock.monotonicMilliseconds() >= deadline, batch.isEmpty { return .idle }
    }
  }

  /// Whether a bounded read has come to its end.
  private var isComplete: Bool {
    if hasReachedStop { return true }
    guard let stop, !cursor.isOpen, let boundary = cursor.boundary, boundary >= stop else { return false }
    hasReachedStop = true
    return true
  }

  /// The held event, or the next one; nil when nothing is there before the deadline, or when the caller has rows and
  /// would have to wait.
  private func receive(hasRows: Bool, deadline: Int64) throws(ConnectorError) -> BinlogEvent? {
    if let event = held {
      held = nil
      return event
    }
    // What has arrived already, which is nearly every event of a busy log, needs no clock.
    if xa.replay == nil, let connection, connection.hasBuffered {
      do {
        hasHeard = true
        if let event = try connection.next() { return event }
        return try ended()
      } catch {
        try disconnected(error)
      }
    }
    while true {
      let now = Clock.monotonicMilliseconds()
      guard connection != nil else {
        if hasRows { return nil }
        if try reconnect(within: deadline - now), let event = held {
          held = nil
          return event
        }
        if Clock.monotonicMilliseconds() >= deadline { return nil }
        continue
      }
      if let replay = xa.replay {
        do {
          return try replay.next(milliseconds: hasRows ? 0 : max(0, deadline - now))
        } catch {
          try disconnected(error)
          try checkReplayFailure(error)
          continue
        }
      }
      do {
        return try arrival(hasRows: hasRows, timeout: max(0, deadline - now))
      } catch {
        try disconnected(error)
      }
    }
  }

  /// The next event, or nil when none arrives in time.
  private func arrival(hasRows: Bool, timeout: Int64) throws(ConnectorError) -> BinlogEvent? {
    guard let connection, connection.waitReadable(milliseconds: hasRows ? 0 : timeout) else {
      try interrupter.check()
      let now = Clock.monotonicMilliseconds()
      if hasHeard {
        hasHeard = false
        lastArrival = now
      } else if now - lastArrival > heartbeat * 3 + 10_000 {
        throw ConnectorError(.connection, "the server has been silent for longer than three heartbeats")
      }
      return nil
    }
    hasHeard = true
    if let event = try connection.next() { return event }
    return try ended()
  }

  /// The server has ended its answer, which it does at the end of a bounded read alone.
  private func ended() throws(ConnectorError) -> BinlogEvent? {
    guard stop != nil else { throw ConnectorError(.connection, "the server has ended the log") }
    hasReachedStop = true
    return nil
  }

  enum Outcome {
    case done
    /// The batch must be handed out first.
    case hold
  }

  /// Header of the event at hand.
  var header: BinlogEventHeader { connection?.header ?? BinlogEventHeader() }

  /// Whether the rows event at hand was handed out before the connection was lost.
  var wasHandedOut: Bool {
    guard let through = handedOutThrough else { return false }
    if rowsPlace <= through { return true }
    handedOutThrough = nil
    return false
  }

  /// Where the rows event at hand stands.
  var rowsPlace: RowsPlace {
    RowsPlace(
      file: cursor.fileNumber, position: cursor.position,
      number: xa.replay?.number ?? connection?.payloadIndex ?? 0)
  }

  /// Takes note of the event's time.
  func noteTime() {
    let header = header
    if header.timestamp != 0 { lastEventMilliseconds = Int64(header.timestamp) * 1000 }
  }

  // MARK: What the caller asks and tells

  /// The last complete transaction's end.
  var position: MySQLOffset? { cursor.offset }

  var committableOffset: Offset? { cursor.hasHandedOut ? nil : cursor.offset.offset }

  var isPastWatermarks: Bool {
    guard remainingFilters > 0 else { return true }
    for table in tables where table.filter?.isPassed(by: cursor) ?? false {
      table.filter = nil
      remainingFilters -= 1
    }
    return remainingFilters == 0
  }

  func acknowledge(_ offset: Offset) throws(ConnectorError) {
    // The server keeps its log by age and size; there is nobody to tell.
  }

  func interrupt() {
    interrupter.interrupt()
    helperInterrupter.interrupt()
    xa.interrupter.interrupt()
  }

  func close() {
    held = nil
    xa.replay?.close()
    connection?.close()
    connection = nil
    helper?.close()
    helper = nil
  }

  deinit { close() }
}
