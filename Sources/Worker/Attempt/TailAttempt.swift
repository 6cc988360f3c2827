import Connector
import Model
import Platform
import Wire

/// Runs one attempt at a tail split on the calling thread: read the log, write, commit every interval, stop at schema
/// changes until the registry has answered.
struct TailAttempt {
  private let context: AttemptContext
  private let work: TailWork
  private let source: any SourceConnector
  private let writer: any SinkWriter
  private let reader: any TailReader
  private var tables: [TableID: BoundTable] = [:]
  /// Tables that have another version than when the present set of tail splits began, by id text; 0: gone.
  private var changedVersions: [String: Int]
  private var lastCommit = Clock.monotonicMilliseconds()
  private var committedOffset: Offset
  private var uncommittedRows = 0
  private var uncommittedBytes = 0
  /// The last end that was told and has been passed.
  private var passedEnd: Offset?
  private var isPastWatermarks = false

  /// Bytes of rows handed to the sink at once.
  private static let batchBytes = 256 * 1024
  /// So many written bytes make a commit due before its time: a sink's transaction stays bounded.
  private static let bytesPerCommit = 64 * 1024 * 1024
  /// An offset that advances without rows is committed at most this often (milliseconds).
  private static let idleCommitInterval: Int64 = 5_000

  /// Opens the sink's writer and prepares the reader.
  init(context: AttemptContext, work: TailWork, source: any SourceConnector, sink: any SinkConnector)
    throws(ConnectorError)
  {
    try context.checkMayWrite()
    self.context = context
    self.work = work
    changedVersions = work.changedVersions
    self.source = source
    let writer = try sink.openWriter(context.attempt)
    self.writer = writer
    committedOffset = writer.recovered?.offset ?? work.start
    for table in work.tables { tables[table.binding.table] = BoundTable(table.binding) }
    if let recovered = writer.recovered, let wrong = Self.disagreement(recovered, work) {
      writer.close()
      throw ConnectorError(
        .bug, "the sink's progress is of another schema version than the journal's", table: wrong,
        offset: recovered.offset, remedy: "report this; the pipeline must be submitted again")
    }
    let request = TailRequest(
      start: committedOffset,
      tables: work.tables.compactMap { item in
        BoundTable(item.binding).asTailTable(item)
      }, shareIndex: work.shareIndex, shareCount: work.shareCount, clientIndex: work.shareIndex,
      formerTables: work.formerTables)
    do {
      reader = try source.makeTailReader(request)
    } catch {
      writer.close()
      throw error
    }
    context.mailbox.withLock {
      // An order may have come while the writer was being opened: it is newer than the assignment.
      if $0.notifyAt == nil { $0.notifyAt = work.notifyAt }
      $0.offset = committedOffset
    }
  }

  /// A table whose version in the sink's own progress is not the one that the coordinator gave.
  private static func disagreement(_ recovered: SplitProgress, _ work: TailWork) -> TableID? {
    if recovered.schemaVersions == work.changedVersions { return nil }
    for item in work.tables {
      let id = item.binding.table.description
      let version = recovered.schemaVersions[id] ?? (work.changedVersions[id] == nil ? item.binding.version : nil)
      if version != item.binding.version { return item.binding.table }
    }
    return nil
  }

  /// Runs until it is told to end.
  /// - Throws: what ended it; the caller reports it.
  mutating func run() throws(ConnectorError) {
    defer {
      context.clearSourceInterrupt()
      context.clearSinkInterrupt()
      reader.close()
      writer.close()
    }
    context.onInterrupt(source: InterruptHandle(tail: reader))
    context.onInterrupt(sink: InterruptHandle(writer: writer))
    try reader.open()
    try checkCaughtUp()
    var batch = RowBatch(capacity: Self.batchBytes + Self.batchBytes / 4)
    while true {
      let step = try reader.next(into: &batch, byteLimit: Self.batchBytes, wait: pause)
      var atEnd = false
      switch step {
      case .rows: try write(batch)
      case .schemaChange(let table, let offset, let changes, let schema):
        try change(table, offset, changes, schema)
      case .idle:
        atEnd = true
        noteIdle(true)
        try checkCaughtUp()
      }
      if isCommitDue(atEnd: atEnd) { try commit() }
      if context.shouldEnd, reader.committableOffset != nil {
        if reader.committableOffset != committedOffset || uncommittedRows > 0 { try commit() }
        throw ConnectorError(.cancelled, "attempt \(context.attempt) was told to end after its commit")
      }
    }
  }

  /// Whether somebody waits for this tail to have caught up.
  private var isAwaited: Bool { context.mailbox.withLock { $0.notifyAt != nil && $0.notifyAt != passedEnd } }

  /// How long the reader may wait for an event: until the next commit is due, and never long.
  private var pause: Int64 {
    // Whoever was told that the end has been passed ends this attempt next, and should not have to wait for it.
    if isAwaited || passedEnd != nil { return 5 }
    guard uncommittedRows > 0 else { return 100 }
    return max(1, min(100, lastCommit + work.commitIntervalMilliseconds - Clock.monotonicMilliseconds()))
  }

  private mutating func write(_ batch: borrowing RowBatch) throws(ConnectorError) {
    if batch.isEmpty { return }
    guard let table = batch.schema?.table, let bound = tables[table] else {
      throw ConnectorError(.bug, "the source handed out rows of a table that is not captured")
    }
    try context.checkMayWrite()
    try hitFailpoint("worker.tail.write")
    for target in bound.targets { try writer.write(batch, to: target) }
    uncommittedRows += batch.count
    uncommittedBytes += batch.byteCount
    context.count(rows: batch.changeCount, bytes: batch.byteCount)
    noteIdle(false)
  }

  private func noteIdle(_ isIdle: Bool) {
    let last = reader.lastEventMilliseconds
    context.mailbox.withLock {
      $0.isIdle = isIdle
      $0.lastEventMilliseconds = last
    }
  }

  // MARK: - Commits

  private func isCommitDue(atEnd: Bool) -> Bool {
    guard let offset = reader.committableOffset, offset != committedOffset else { return false }
    if uncommittedBytes >= Self.bytesPerCommit { return true }
    // Somebody waits for the end that the reader has come to.
    if atEnd, isAwaited { return true }
    let interval =
      uncommittedRows > 0
      ? work.commitIntervalMilliseconds : max(Self.idleCommitInterval, work.commitIntervalMilliseconds)
    return Clock.monotonicMilliseconds() >= lastCommit + interval
  }

  private mutating func commit() throws(ConnectorError) {
    guard let offset = reader.committableOffset else {
      throw ConnectorError(.bug, "a commit inside a transaction of the source")
    }
    let written = context.written
    let progress = SplitProgress(
      offset: offset, rows: written.rows, bytes: written.bytes, schemaVersions: changedVersions, isFinal: false)
    try context.checkMayWrite()
    let committable = try writer.prepare(progress)
    try hitFailpoint("worker.tail.prepared")
    context.report(.prepared(committable))
    try context.awaitOrder { $0 == .commit(sequence: committable.sequence) ? () : nil }
    try hitFailpoint("worker.tail.before-commit")
    try context.checkMayWrite()
    guard try writer.commit(committable) == .committed else {
      throw ConnectorError(.transient, "the sink has lost what attempt \(context.attempt) prepared")
    }
    try hitFailpoint("worker.tail.committed")
    context.report(.committed(sequence: committable.sequence, progress: progress, recovered: false))
    uncommittedRows = 0
    uncommittedBytes = 0
    committedOffset = offset
    lastCommit = Clock.monotonicMilliseconds()
    context.mailbox.withLock { $0.offset = offset }
    try reader.acknowledge(offset)
    try checkCaughtUp()
    if !isPastWatermarks, reader.isPastWatermarks {
      isPastWatermarks = true
      context.report(.pastWatermarks)
    }
  }

  private mutating func checkCaughtUp() throws(ConnectorError) {
    guard let end = context.mailbox.withLock({ $0.notifyAt }), end != passedEnd else { return }
    guard try source.hasPassed(committedOffset, end: end) else { return }
    passedEnd = end
    context.report(.caughtUp(end: end))
  }

  // MARK: - Schema changes

  private mutating func change(_ table: TableID, _ offset: Offset, _ changes: [SchemaChange], _ schema: TableSchema)
    throws(ConnectorError)
  {
    // Between two changes of one statement nothing is committed: a successor meets the statement as a whole again, and
    // must have the versions from before it.
    if uncommittedRows > 0 || reader.committableOffset != committedOffset { try commit() }
    try hitFailpoint("worker.tail.schema-change")
    context.report(.schemaChange(table: table, offset: offset, changes: changes, schema: schema))
    let binding: TableBinding?? = try context.awaitOrder { action in
      if case .adopt(table, offset, let binding) = action { return .some(binding) }
      return nil
    }
    tables[table] = nil
    changedVersions[table.description] = 0
    if let adopted = binding ?? nil {
      // A renamed table goes on under another name.
      let bound = BoundTable(adopted)
      tables[adopted.table] = bound
      changedVersions[adopted.table.description] = adopted.version
      try reader.adopt(bound.schema, for: table)
    } else {
      try reader.adopt(nil, for: table)
    }
  }
}

extension BoundTable {
  /// The table as a tail reader wants it.
  func asTailTable(_ work: TailTableWork) -> TailTable {
    TailTable(schema: schema, ignoredThrough: work.ignoredThrough, chunks: work.chunks, delivered: work.delivered)
  }
}
