/// The JSON documents that the coordinator answers operators with, and that `--json` prints unchanged. Field names are
/// stable: a field is never renamed or reused; new ones may be added. Times are milliseconds; a field that has no value
/// is left out.

/// A pipeline as `list` shows it, and the head of `status`.
public struct PipelineSummary: Codable, Sendable, Hashable {
  /// The pipeline's name.
  public var name: String
  /// `planning`, `snapshot`, `tail`, `pausing`, `paused`, `stopping`, `stopped`, `finished`, `failed`.
  public var state: String
  /// Source type.
  public var source: String
  /// Sink type.
  public var sink: String
  /// Captured tables.
  public var tables: Int
  /// Tables whose snapshot is complete.
  public var tablesDone: Int
  /// Rows of committed snapshot chunks and running ones.
  public var snapshotRows: Int
  /// Row changes written by the tail.
  public var tailRows: Int
  /// Snapshot splits that may run at once.
  public var snapshotParallelism: Int
  /// What stopped it, when it has failed.
  public var error: String?

  /// Makes one.
  public init(
    name: String, state: String, source: String, sink: String, tables: Int, tablesDone: Int, snapshotRows: Int,
    tailRows: Int, snapshotParallelism: Int, error: String? = nil
  ) {
    self.name = name
    self.state = state
    self.source = source
    self.sink = sink
    self.tables = tables
    self.tablesDone = tablesDone
    self.snapshotRows = snapshotRows
    self.tailRows = tailRows
    self.snapshotParallelism = snapshotParallelism
    self.error = error
  }
}

/// What `status` shows.
public struct PipelineStatus: Codable, Sendable, Hashable {
  /// The pipeline.
  public var pipeline: PipelineSummary
  /// The progress of its snapshot over all tables; nil where only the head was asked for.
  public var snapshot: SnapshotStatus?
  /// Its tables, sorted by name; where fewer were asked for than there are, those being read come before the others.
  public var tables: [TableStatus]
  /// Its tail; nil before the tail has begun.
  public var tail: TailStatus?

  /// Makes one.
  public init(
    pipeline: PipelineSummary, snapshot: SnapshotStatus? = nil, tables: [TableStatus], tail: TailStatus?
  ) {
    self.pipeline = pipeline
    self.snapshot = snapshot
    self.tables = tables
    self.tail = tail
  }
}

/// A pipeline's snapshot as a whole.
public struct SnapshotStatus: Codable, Sendable, Hashable {
  /// 0 to 100 over all tables, each weighed by its estimated rows; 100 only when all are done.
  public var percent: Double
  /// Rows a second of all snapshot splits over the last seconds.
  public var rowsPerSecond: Double
  /// Seconds to go at the present rate; nil when nothing moves or nothing is left.
  public var etaSeconds: Double?

  /// Makes one.
  public init(percent: Double, rowsPerSecond: Double, etaSeconds: Double?) {
    self.percent = percent
    self.rowsPerSecond = rowsPerSecond
    self.etaSeconds = etaSeconds
  }
}

/// One table, also what `tables` lists.
public struct TableStatus: Codable, Sendable, Hashable {
  /// The source table.
  public var table: String
  /// The sink tables, comma separated.
  public var target: String
  /// `waiting`, `creating`, `reading`, `restarting`, `joining` (read, and about to be taken in by the tail), `done`,
  /// `tail`, `dropped`, `pruned`.
  public var state: String
  /// Chunks committed.
  public var chunksDone: Int
  /// Chunks planned so far.
  public var chunksPlanned: Int
  /// Whether planning has come to the table's end.
  public var planned: Bool
  /// Rows committed by chunks, and those of running attempts.
  public var rows: Int
  /// The server's estimate.
  public var estimatedRows: Int
  /// Rows a second over the last seconds.
  public var rowsPerSecond: Double
  /// 0 to 100: by chunks when planning has ended, else by the estimate, and below 100 until done.
  public var percent: Double
  /// Seconds to go at the present rate; nil when unknown.
  public var etaSeconds: Double?
  /// The registry's version of the source schema.
  public var schemaVersion: Int

  /// Makes one.
  public init(
    table: String, target: String, state: String, chunksDone: Int, chunksPlanned: Int, planned: Bool, rows: Int,
    estimatedRows: Int, rowsPerSecond: Double, percent: Double, etaSeconds: Double?, schemaVersion: Int
  ) {
    self.table = table
    self.target = target
    self.state = state
    self.chunksDone = chunksDone
    self.chunksPlanned = chunksPlanned
    self.planned = planned
    self.rows = rows
    self.estimatedRows = estimatedRows
    self.rowsPerSecond = rowsPerSecond
    self.percent = percent
    self.etaSeconds = etaSeconds
    self.schemaVersion = schemaVersion
  }
}

/// The tail of a pipeline.
public struct TailStatus: Codable, Sendable, Hashable {
  /// The last committed offset, of the split that is furthest behind.
  public var offset: String
  /// Milliseconds between now and the source's time of the last event, 0 when everything has been read.
  public var lagMilliseconds: Int64?
  /// Whether the source's log has been read to its end.
  public var idle: Bool
  /// Row changes written.
  public var rows: Int
  /// Row changes a second over the last seconds.
  public var rowsPerSecond: Double
  /// Number of tail splits.
  public var splits: Int
  /// Tail splits that are asked for, where the slots do not suffice for them.
  public var splitsWanted: Int?
  /// Counts the sets of tail splits that followed each other, from 0.
  public var generation: Int?

  /// Makes one.
  public init(
    offset: String, lagMilliseconds: Int64?, idle: Bool, rows: Int, rowsPerSecond: Double, splits: Int,
    splitsWanted: Int? = nil, generation: Int? = nil
  ) {
    self.splitsWanted = splitsWanted
    self.generation = generation
    self.offset = offset
    self.lagMilliseconds = lagMilliseconds
    self.idle = idle
    self.rows = rows
    self.rowsPerSecond = rowsPerSecond
    self.splits = splits
  }
}

/// One split, as `splits` lists it.
public struct SplitStatus: Codable, Sendable, Hashable {
  /// The split's number.
  public var split: Int
  /// `snapshot` or `tail`.
  public var kind: String
  /// The table of a snapshot split.
  public var table: String?
  /// The range of a snapshot split, the share of a tail split.
  public var range: String
  /// `pending`, `assigned`, `running`, `prepared`, `committed`, `waiting` (for a retry), `failed`.
  public var state: String
  /// The current or last attempt, 0 before the first.
  public var attempt: Int
  /// The worker's name.
  public var worker: String?
  /// Rows of the current or committed attempt.
  public var rows: Int
  /// Bytes of the current or committed attempt.
  public var bytes: Int
  /// Low watermark of the first attempt (snapshot).
  public var lowWatermark: String?
  /// High watermark (snapshot), or last committed offset (tail).
  public var highWatermark: String?
  /// Milliseconds since the split came into its present state.
  public var ageMilliseconds: Int64
  /// Why the last attempt failed.
  public var error: String?

  /// Makes one.
  public init(
    split: Int, kind: String, table: String?, range: String, state: String, attempt: Int, worker: String?, rows: Int,
    bytes: Int, lowWatermark: String?, highWatermark: String?, ageMilliseconds: Int64, error: String?
  ) {
    self.split = split
    self.kind = kind
    self.table = table
    self.range = range
    self.state = state
    self.attempt = attempt
    self.worker = worker
    self.rows = rows
    self.bytes = bytes
    self.lowWatermark = lowWatermark
    self.highWatermark = highWatermark
    self.ageMilliseconds = ageMilliseconds
    self.error = error
  }
}

/// One worker, as `workers` lists it.
public struct WorkerStatus: Codable, Sendable, Hashable {
  /// `host:pid`.
  public var name: String
  /// Its random identity.
  public var id: String
  /// `connected`, or `lost` while its lease runs out.
  public var state: String
  /// Splits it can run at once.
  public var slots: Int
  /// Attempts it is running, `pipeline/split#attempt`.
  public var running: [String]
  /// Milliseconds since its last heartbeat.
  public var heartbeatAgeMilliseconds: Int64

  /// Makes one.
  public init(
    name: String, id: String, state: String, slots: Int, running: [String], heartbeatAgeMilliseconds: Int64
  ) {
    self.name = name
    self.id = id
    self.state = state
    self.slots = slots
    self.running = running
    self.heartbeatAgeMilliseconds = heartbeatAgeMilliseconds
  }
}

/// One version of a table's schema, as `schema` lists it.
public struct SchemaStatus: Codable, Sendable, Hashable {
  /// The source table.
  public var table: String
  /// Counted from 1.
  public var version: Int
  /// Where in the log it came into force; nil for the one found at the start.
  public var offset: String?
  /// Tags of the changes that led to it.
  public var changes: [String]
  /// The columns.
  public var columns: [ColumnStatus]
  /// The key's columns.
  public var primaryKey: [String]

  /// One column.
  public struct ColumnStatus: Codable, Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Its type, `DECIMAL(10,2) NOT NULL`.
    public var type: String
    /// The source's own type.
    public var nativeType: String
    /// Makes one.
    public init(name: String, type: String, nativeType: String) {
      self.name = name
      self.type = type
      self.nativeType = nativeType
    }
  }

  /// Makes one.
  public init(
    table: String, version: Int, offset: String?, changes: [String], columns: [ColumnStatus], primaryKey: [String]
  ) {
    self.table = table
    self.version = version
    self.offset = offset
    self.changes = changes
    self.columns = columns
    self.primaryKey = primaryKey
  }
}
