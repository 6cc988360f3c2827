import Model

/// What a source connector is: a factory for the three things that are done with a source. One value serves one
/// pipeline; its options have been checked against `SourceFactory.options`.
///
/// Everything that blocks is called on dedicated threads, never on Swift's cooperative pool.
public protocol SourceConnector: Sendable {
  /// How the pipeline starts, from the options.
  var startup: SourceStartup { get }

  /// Checks everything that would bite later: reachability, privileges, log format, retention. Returns warnings.
  /// - Throws: the first problem that makes the pipeline impossible.
  func validate() throws(ConnectorError) -> [String]

  /// The part of `validate` that is about the server alone, for a caller that discovers the tables next: there may be
  /// thousands of them.
  /// - Throws: the first problem that makes the pipeline impossible.
  func validateServer() throws(ConnectorError) -> [String]

  /// What becomes of tables that begin to match the selectors while the pipeline runs.
  var newTables: NewTables { get }

  /// Whether the pipeline captures a table of that name.
  func selects(_ table: TableID) -> Bool

  /// Opens a session for discovery and planning; used by one thread at a time, in the coordinator.
  func openPlanner() throws(ConnectorError) -> any SourcePlanner

  /// Whether `offset` is at or above `end`: whoever has read up to `offset` has passed `end`.
  /// - Throws: `configuration` when a text is no offset of this source.
  func hasPassed(_ offset: Offset, end: Offset) throws(ConnectorError) -> Bool

  /// Prepares to read one chunk. Nothing is sent to the source before `SnapshotReader.open`.
  func makeSnapshotReader(_ request: SnapshotRequest) throws(ConnectorError) -> any SnapshotReader

  /// Prepares to read the log. Nothing is sent to the source before `TailReader.open`.
  func makeTailReader(_ request: TailRequest) throws(ConnectorError) -> any TailReader
}

extension SourceConnector {
  /// Everything, for sources where looking at the tables costs little.
  public func validateServer() throws(ConnectorError) -> [String] { try validate() }
}

extension SourceConnector {
  /// Sources whose options cannot change while a pipeline lives select what they have discovered.
  public func selects(_ table: TableID) -> Bool { true }
}

/// How a pipeline starts.
public enum SourceStartup: Sendable, Hashable {
  /// Chunks first, then the log from the offset taken before the first chunk.
  case initial
  /// Chunks only; the pipeline ends with the last one.
  case snapshotOnly
  /// The log only, from its end at the time of the start.
  case latestOffset
  /// The log only, from the place that the user has named; the planner completes it (`SourcePlanner.startOffset`).
  case specificOffset(Offset)
  /// The log only, from the oldest place that the source still has.
  case earliestOffset
  /// The log only, from the first transaction that ended at or after this instant, in milliseconds since 1970-01-01 UTC.
  case timestamp(Int64)
}

/// What becomes of tables that begin to match the selectors while a pipeline runs.
public enum NewTables: Sendable, Hashable {
  /// They are passed over.
  case ignored
  /// Those that are created or renamed while the log is read are captured from there on, without a snapshot.
  case streamed
  /// They are captured as a whole: with a snapshot where they have rows already, while the tail goes on.
  case snapshotted
}

/// A table as discovery found it.
public struct DiscoveredTable: Hashable, Sendable {
  /// The source's name for it.
  public var id: TableID
  /// Columns and key as they are now.
  public var schema: TableSchema
  /// Columns by which it is chunked, in key order; empty: the table is read as one chunk.
  public var chunkKey: [String]
  /// The server's estimate of the number of rows; for progress only, never for decisions about data.
  public var estimatedRows: Int

  /// Makes one.
  public init(id: TableID, schema: TableSchema, chunkKey: [String], estimatedRows: Int) {
    self.id = id
    self.schema = schema
    self.chunkKey = chunkKey
    self.estimatedRows = estimatedRows
  }
}

/// Some of a table's chunks, in key order, and where to go on.
public struct ChunkPlan: Hashable, Sendable {
  /// Adjacent ranges; the first begins where the last plan ended.
  public var chunks: [ChunkRange]
  /// Opaque to the coordinator, journaled, given to the next call; nil when the table is planned to its end.
  public var cursor: String?

  /// Makes one.
  public init(chunks: [ChunkRange], cursor: String?) {
    self.chunks = chunks
    self.cursor = cursor
  }
}

/// Discovery and planning. Not thread-safe; lives on one thread.
public protocol SourcePlanner: AnyObject {
  /// The log's end at this moment: every change that commits from now on lies above it.
  func currentOffset() throws(ConnectorError) -> Offset

  /// The concrete place where a pipeline that reads the log only begins; asked once, and journaled.
  /// - Throws: `configuration` when the place does not exist; `offsetLost` when the source no longer has it.
  func startOffset(for startup: SourceStartup) throws(ConnectorError) -> Offset

  /// The tables that the pipeline selects, with the schemas that were in force at an offset of the past; sorted by id.
  /// - Throws: `unsupported` when a schema of that time cannot be known; `configuration` when nothing matches.
  func discoverTables(at offset: Offset) throws(ConnectorError) -> [DiscoveredTable]

  /// The tables that the pipeline selects, with schemas; sorted by id.
  /// - Throws: `configuration` when nothing matches.
  func discoverTables() throws(ConnectorError) -> [DiscoveredTable]

  /// The names of the tables that the pipeline selects, sorted; asked for again and again while it runs. None is no
  /// error.
  func listTables() throws(ConnectorError) -> [TableID]

  /// One table's schema as it is now; nil when it does not exist.
  func describe(_ table: TableID) throws(ConnectorError) -> DiscoveredTable?

  /// The next chunks of a table, at most `limit`: lazily, so that reading starts before planning has ended.
  /// `cursor` is nil for the first call. The last chunk of the table is open-ended.
  func planChunks(_ table: DiscoveredTable, cursor: String?, limit: Int) throws(ConnectorError) -> ChunkPlan

  /// The complete plans of those of the tables that are certainly one chunk, asked of the source for many tables at
  /// once. A table that is not in the answer is planned by `planChunks`.
  func planWholeTables(_ tables: [DiscoveredTable]) throws(ConnectorError) -> [TableID: ChunkPlan]

  /// Makes a call that blocks on another thread return soon with `cancelled`. Callable from any thread.
  func interrupt()

  /// Closes the connection.
  func close()
}

extension SourcePlanner {
  /// None are known to be.
  public func planWholeTables(_ tables: [DiscoveredTable]) throws(ConnectorError) -> [TableID: ChunkPlan] { [:] }

  /// Sources that cannot list names alone read the schemas too.
  public func listTables() throws(ConnectorError) -> [TableID] { try discoverTables().map(\.id) }
}

/// What a snapshot reader must read.
public struct SnapshotRequest: Sendable {
  /// Table and schema as the registry has them; what the source has must be the same.
  public var schema: RowSchema
  /// The keys to read.
  public var range: ChunkRange

  /// Makes one.
  public init(schema: RowSchema, range: ChunkRange) {
    self.schema = schema
    self.range = range
  }
}

/// Reads one chunk, once. Not thread-safe but for `interrupt`.
public protocol SnapshotReader: AnyObject {
  /// Opens the consistent read. Returns the low watermark: what is at or below it is certainly visible.
  /// - Throws: `schemaMismatch` when the table is not as the registry has it.
  func open() throws(ConnectorError) -> Offset

  /// Adds rows to `batch` (which the caller has reset to `SnapshotRequest.schema`) until it holds about `byteLimit`
  /// bytes or the chunk is done. Rows are inserts; where the source's watermarks differ, the changes between them
  /// follow as inserts that replace, and deletes. False when there is nothing more.
  func read(into batch: inout RowBatch, byteLimit: Int) throws(ConnectorError) -> Bool

  /// After the last row: the high watermark, which covers everything that was read.
  func finish() throws(ConnectorError) -> Offset

  /// After the last row: the part of the range that was left unread because the chunk had become too big; nil: none.
  /// What was read, and the watermarks, concern the rest of the range alone.
  var remainder: ChunkRange? { get }

  /// Makes a call that blocks on another thread return soon with `cancelled`. Callable from any thread.
  func interrupt()

  /// Ends the read and gives the connection up. Callable at any time, more than once.
  func close()
}

/// A table as a tail reader must treat it.
public struct TailTable: Sendable {
  /// Schema and version in force at the tail's start offset.
  public var schema: RowSchema
  /// Events of this table at or below this offset are passed over undecoded (the lowest watermark of its chunks);
  /// nil: none.
  public var ignoredThrough: Offset?
  /// The table's finished chunks, whose keys have watermarks of their own; empty when there was no snapshot.
  public var chunks: FinishedChunks
  /// What earlier sets of tail splits have delivered: their number was changed, or another table has joined. It is
  /// passed over. Shares are told by the same hash of the key as `TailRequest.shareIndex`.
  public var delivered: [DeliveredShares]

  /// Makes one.
  public init(
    schema: RowSchema, ignoredThrough: Offset?, chunks: FinishedChunks, delivered: [DeliveredShares] = []
  ) {
    self.schema = schema
    self.ignoredThrough = ignoredThrough
    self.chunks = chunks
    self.delivered = delivered
  }

  /// Makes one of chunks that are listed one by one, in any order.
  public init(
    schema: RowSchema, ignoredThrough: Offset?, chunks: [FinishedChunk], delivered: [DeliveredShares] = []
  ) {
    self.init(
      schema: schema, ignoredThrough: ignoredThrough, chunks: FinishedChunks(chunks), delivered: delivered)
  }
}

/// What a tail reader must read.
public struct TailRequest: Sendable {
  /// The first event wanted is the first one above this offset.
  public var start: Offset
  /// The captured tables.
  public var tables: [TailTable]
  /// This split's share of the keys: those with `hash(primary key) mod shareCount == shareIndex`. A table without a key
  /// belongs to share 0 as a whole.
  public var shareIndex: Int
  /// The number of tail splits.
  public var shareCount: Int
  /// A small number that no two running tails of this pipeline share; sources that must present a distinct client
  /// identity (MySQL's server id) derive it from this.
  public var clientIndex: Int
  /// Tables that were captured and are not among `tables` any more, because they were dropped or are read anew: they are
  /// announced when something comes under their names, or when they get others.
  public var formerTables: [TableID]

  /// Makes one.
  public init(
    start: Offset, tables: [TailTable], shareIndex: Int = 0, shareCount: Int = 1, clientIndex: Int = 0,
    formerTables: [TableID] = []
  ) {
    self.formerTables = formerTables
    self.start = start
    self.tables = tables
    self.shareIndex = shareIndex
    self.shareCount = shareCount
    self.clientIndex = clientIndex
  }
}

/// What a tail reader met.
public enum TailStep: Sendable {
  /// The batch holds rows. Hand them on and call again.
  case rows
  /// The table changes at `offset`, which is the place of the change itself; the batch is empty, and everything before
  /// has been handed out. `changes` are in order; `schema` is what they lead to. The reader goes on only after
  /// `TailReader.adopt` for this table.
  ///
  /// A table that is not captured is announced in the same way when it begins to match the pipeline's selectors
  /// (`SourceConnector.newTables`), or comes back after it was dropped: as `createTable` when it is empty there and all
  /// its rows will come from the log, as `replaceTable` when it has rows that the log does not tell. `replaceTable` of a
  /// captured table says the same of a table that has taken its name. `adopt` with a schema captures the table from here
  /// on; with nil its events are passed over.
  case schemaChange(table: TableID, offset: Offset, changes: [SchemaChange], schema: TableSchema)
  /// Nothing arrived for a while, or the log's end was reached; the batch is empty. Time to look at clocks.
  case idle
}

/// Reads the log from an offset on, for ever. Not thread-safe but for `interrupt`.
public protocol TailReader: AnyObject {
  /// Connects and asks for the log.
  /// - Throws: `offsetLost` when the source no longer has it.
  func open() throws(ConnectorError)

  /// Resets `batch` to a table and fills it with rows of that table alone, in log order; returns when another table
  /// follows, the batch holds about `byteLimit` bytes, a schema change is met, or nothing arrives within `wait`
  /// milliseconds. Reconnects by itself after a lost connection, and repeats nothing that it has handed out.
  func next(into batch: inout RowBatch, byteLimit: Int, wait: Int64) throws(ConnectorError) -> TailStep

  /// Confirms a schema change: rows of the table from now on are decoded under `schema`. For a dropped table, nil.
  func adopt(_ schema: RowSchema?, for table: TableID) throws(ConnectorError)

  /// Where a successor would have to start so that it repeats nothing and misses nothing, given that everything handed
  /// out so far is committed. Nil inside a transaction: a commit there must wait for the transaction's end.
  var committableOffset: Offset? { get }

  /// Whether every chunk's watermark has been passed, so that the filter is no longer needed.
  var isPastWatermarks: Bool { get }

  /// The server's time of the last event, in milliseconds since 1970-01-01 UTC; nil before the first one.
  var lastEventMilliseconds: Int64? { get }

  /// Tells the source that everything at or below the offset is durable at the sink; it may give up its log so far.
  func acknowledge(_ offset: Offset) throws(ConnectorError)

  /// Makes a call that blocks on another thread return soon with `cancelled`. Callable from any thread.
  func interrupt()

  /// Gives the connection up. Callable at any time, more than once.
  func close()
}

/// How a source type enters the product: one line in the connector list.
public protocol SourceFactory: Sendable {
  /// The `type` in the pipeline file.
  static var type: String { get }
  /// Every option it knows.
  static var options: [OptionSpec] { get }
  /// Makes the connector from checked options.
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SourceConnector
}

/// What a connector may know about the pipeline it serves.
public struct ConnectorContext: Sendable {
  /// The pipeline's name.
  public var pipeline: String
  /// `pipeline.local-time-zone`, nil for the system's.
  public var localTimeZone: String?
  /// Number of splits that may run at once.
  public var parallelism: Int

  /// Makes one.
  public init(pipeline: String, localTimeZone: String? = nil, parallelism: Int = 1) {
    self.pipeline = pipeline
    self.localTimeZone = localTimeZone
    self.parallelism = parallelism
  }
}
