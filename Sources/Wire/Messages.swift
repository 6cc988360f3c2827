import Model

/// Everything that coordinator, workers and command line say to each other after the handshake. `proto/tidegate.proto`
/// has the same messages on the wire; `MessageCodec` translates.
public enum Message: Sendable, Hashable {
  // Worker to coordinator.
  case join(Join)
  case heartbeat(Heartbeat)
  case report(Report)
  case leave

  // Coordinator to worker.
  case joined(Joined)
  case heartbeatAck(HeartbeatAck)
  case assign(Assignment)
  case order(Order)
  /// Part of an assignment; a connection puts them together, nobody else meets it.
  case moreTables(MoreTables)

  // Command line to coordinator, and back.
  case adminRequest(AdminRequest)
  case adminReply(AdminReply)
}

/// A worker offers its slots. Sent once on every connection, again after a reconnect.
public struct Join: Sendable, Hashable {
  /// Random, made when the process starts: the same worker after a reconnect, another one after a restart.
  public var workerID: String
  /// For people: `host:pid`.
  public var name: String
  /// Splits it can run at once.
  public var slots: Int
  /// Attempts that it is running at this moment.
  public var running: [AttemptID]

  /// Makes one.
  public init(workerID: String, name: String, slots: Int, running: [AttemptID]) {
    self.workerID = workerID
    self.name = name
    self.slots = slots
    self.running = running
  }
}

/// The coordinator has accepted a worker.
public struct Joined: Sendable, Hashable {
  /// Counts the coordinator's starts on its data directory; never falls.
  public var epoch: Int64
  /// How long a heartbeat's lease lasts, counted by the worker from the moment it sent the heartbeat.
  public var leaseMilliseconds: Int64
  /// How often the worker sends heartbeats.
  public var heartbeatMilliseconds: Int64

  /// Makes one.
  public init(epoch: Int64, leaseMilliseconds: Int64, heartbeatMilliseconds: Int64) {
    self.epoch = epoch
    self.leaseMilliseconds = leaseMilliseconds
    self.heartbeatMilliseconds = heartbeatMilliseconds
  }
}

/// Renews the worker's lease and tells how far its attempts are.
public struct Heartbeat: Sendable, Hashable {
  /// Rises with every heartbeat of a connection.
  public var sequence: Int64
  /// One entry for each running attempt.
  public var attempts: [AttemptProgress]

  /// Makes one.
  public init(sequence: Int64, attempts: [AttemptProgress]) {
    self.sequence = sequence
    self.attempts = attempts
  }
}

/// How far an attempt is, for people: nothing is decided by it.
public struct AttemptProgress: Sendable, Hashable {
  /// Which attempt.
  public var attempt: AttemptID
  /// Rows written since the attempt began.
  public var rows: Int
  /// Bytes written since the attempt began.
  public var bytes: Int
  /// Tail: the last committed offset.
  public var offset: Offset?
  /// Tail: the server's time of the last event, milliseconds since 1970-01-01 UTC.
  public var lastEventMilliseconds: Int64?
  /// Tail: whether the reader has nothing left to read at this moment.
  public var isIdle: Bool

  /// Makes one.
  public init(
    attempt: AttemptID, rows: Int, bytes: Int, offset: Offset? = nil, lastEventMilliseconds: Int64? = nil,
    isIdle: Bool = false
  ) {
    self.attempt = attempt
    self.rows = rows
    self.bytes = bytes
    self.offset = offset
    self.lastEventMilliseconds = lastEventMilliseconds
    self.isIdle = isIdle
  }
}

/// The coordinator has heard a heartbeat.
public struct HeartbeatAck: Sendable, Hashable {
  /// The heartbeat's sequence.
  public var sequence: Int64

  /// Makes one.
  public init(sequence: Int64) { self.sequence = sequence }
}

/// A split is given to a worker.
public struct Assignment: Sendable, Hashable {
  /// Split and attempt.
  public var attempt: AttemptID
  /// The source and the sink.
  public var connectors: ConnectorSpec
  /// What to do.
  public var work: SplitWork

  /// Makes one.
  public init(attempt: AttemptID, connectors: ConnectorSpec, work: SplitWork) {
    self.attempt = attempt
    self.connectors = connectors
    self.work = work
  }
}

/// Source and sink with resolved options: it holds secrets and must not be logged.
public struct ConnectorSpec: Sendable, Hashable {
  /// The source's `type`.
  public var sourceType: String
  /// Options that the pipeline file gives, `${…}` resolved.
  public var sourceOptions: [String: String]
  /// The sink's `type`.
  public var sinkType: String
  /// Options that the pipeline file gives, `${…}` resolved.
  public var sinkOptions: [String: String]
  /// Texts that must not be shown, beside the values of password options.
  public var secrets: [String]
  /// `pipeline.local-time-zone`.
  public var localTimeZone: String?
  /// Splits of this pipeline that may run at once.
  public var parallelism: Int

  /// Makes one.
  public init(
    sourceType: String, sourceOptions: [String: String], sinkType: String, sinkOptions: [String: String],
    secrets: [String], localTimeZone: String?, parallelism: Int
  ) {
    self.sourceType = sourceType
    self.sourceOptions = sourceOptions
    self.sinkType = sinkType
    self.sinkOptions = sinkOptions
    self.secrets = secrets
    self.localTimeZone = localTimeZone
    self.parallelism = parallelism
  }
}

/// A source table under one schema version, and the sink tables that its rows go to.
public struct TableBinding: Sendable, Hashable {
  /// The source table.
  public var table: TableID
  /// The registry's version.
  public var version: Int
  /// The source schema of that version.
  public var schema: TableSchema
  /// Where rows go; several when a pipeline routes one table to many.
  public var targets: [Target]

  /// A sink table and its schema.
  public struct Target: Sendable, Hashable {
    /// The sink's name for it.
    public var id: TableID
    /// Its schema, as the registry has evolved it.
    public var schema: TableSchema
    /// Makes one.
    public init(id: TableID, schema: TableSchema) {
      self.id = id
      self.schema = schema
    }
  }

  /// Makes one.
  public init(table: TableID, version: Int, schema: TableSchema, targets: [Target]) {
    self.table = table
    self.version = version
    self.schema = schema
    self.targets = targets
  }
}

/// What an attempt must do.
public enum SplitWork: Sendable, Hashable {
  case snapshot(SnapshotWork)
  case tail(TailWork)
}

/// Read one chunk.
public struct SnapshotWork: Sendable, Hashable {
  /// The table.
  public var binding: TableBinding
  /// The keys.
  public var range: ChunkRange

  /// Makes one.
  public init(binding: TableBinding, range: ChunkRange) {
    self.binding = binding
    self.range = range
  }
}

/// Read the log.
public struct TailWork: Sendable, Hashable {
  /// Where to start.
  public var start: Offset
  /// The captured tables.
  public var tables: [TailTableWork]
  /// This split's share of the keys.
  public var shareIndex: Int
  /// Number of shares.
  public var shareCount: Int
  /// Report `caughtUp` once this has been passed and committed.
  public var notifyAt: Offset?
  /// How often to commit.
  public var commitIntervalMilliseconds: Int64
  /// Tables that were captured and are not among `tables` any more: dropped, or read anew.
  public var formerTables: [TableID]
  /// What the split's last commit said of versions (`SplitProgress.schemaVersions`).
  public var changedVersions: [String: Int]

  /// Makes one.
  public init(
    start: Offset, tables: [TailTableWork], shareIndex: Int, shareCount: Int, notifyAt: Offset?,
    commitIntervalMilliseconds: Int64, formerTables: [TableID] = [], changedVersions: [String: Int] = [:]
  ) {
    self.formerTables = formerTables
    self.changedVersions = changedVersions
    self.start = start
    self.tables = tables
    self.shareIndex = shareIndex
    self.shareCount = shareCount
    self.notifyAt = notifyAt
    self.commitIntervalMilliseconds = commitIntervalMilliseconds
  }
}

/// Some of a tail's tables: an assignment of thousands is sent in parts.
public struct MoreTables: Sendable, Hashable {
  /// The attempt whose assignment follows.
  public var attempt: AttemptID
  /// The tables, in order.
  public var tables: [TailTableWork]

  /// Makes one.
  public init(attempt: AttemptID, tables: [TailTableWork]) {
    self.attempt = attempt
    self.tables = tables
  }
}

/// A table of a tail split.
public struct TailTableWork: Sendable, Hashable {
  /// The table under the version in force at the start.
  public var binding: TableBinding
  /// Events at or below this are passed over.
  public var ignoredThrough: Offset?
  /// Finished chunks with watermarks of their own.
  public var chunks: FinishedChunks
  /// What earlier sets of tail splits have delivered; passed over.
  public var delivered: [DeliveredShares]

  /// Makes one.
  public init(
    binding: TableBinding, ignoredThrough: Offset?, chunks: FinishedChunks, delivered: [DeliveredShares] = []
  ) {
    self.binding = binding
    self.ignoredThrough = ignoredThrough
    self.chunks = chunks
    self.delivered = delivered
  }
}

/// What a worker reports of an attempt.
public struct Report: Sendable, Hashable {
  /// Which attempt.
  public var attempt: AttemptID
  /// What happened.
  public var event: Event

  /// What can happen to an attempt.
  public enum Event: Sendable, Hashable {
    /// The snapshot read is open; nothing has been written. The worker waits for `Order.proceed`.
    case started(low: Offset)
    /// Written and prepared. The worker waits for `Order.commit`.
    case prepared(Committable)
    /// Visible in the sink. For a snapshot split, the end; `recovered`: an earlier attempt had done it.
    case committed(sequence: Int, progress: SplitProgress, recovered: Bool)
    /// A table changes; all before is committed. The worker waits for `Order.adopt`.
    case schemaChange(table: TableID, offset: Offset, changes: [SchemaChange], schema: TableSchema)
    /// The tail has committed at or beyond this end, of which it was told.
    case caughtUp(end: Offset)
    /// The tail has passed every chunk's watermark and committed; the chunks are no longer needed.
    case pastWatermarks
    /// The attempt has ended without result, nothing of it will become visible any more.
    case failed(Failure)
    /// The attempt has ended because the coordinator asked for it.
    case cancelled
  }

  /// Makes one.
  public init(attempt: AttemptID, event: Event) {
    self.attempt = attempt
    self.event = event
  }
}

/// An error as it travels.
public struct Failure: Sendable, Hashable {
  /// `ConnectorError.Kind`'s name.
  public var kind: String
  /// What happened.
  public var message: String
  /// To which table.
  public var table: TableID?
  /// Where in the log.
  public var offset: Offset?
  /// What to do.
  public var remedy: String?

  /// Makes one.
  public init(kind: String, message: String, table: TableID? = nil, offset: Offset? = nil, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    self.table = table
    self.offset = offset
    self.remedy = remedy
  }
}

/// What the coordinator tells a running attempt.
public struct Order: Sendable, Hashable {
  /// Which attempt.
  public var attempt: AttemptID
  /// What to do.
  public var action: Action

  /// What an attempt can be told.
  public enum Action: Sendable, Hashable {
    /// The low watermark is journaled: rows may be written.
    case proceed
    /// The committable of this sequence is journaled: commit it.
    case commit(sequence: Int)
    /// The schema change at `offset` is done: go on with this binding; nil: the table is gone.
    case adopt(table: TableID, offset: Offset, binding: TableBinding?)
    /// Commit what is written if `afterCommit`, then stop and report `cancelled`.
    case cancel(afterCommit: Bool)
    /// Report `caughtUp` once this offset has been passed and committed.
    case notifyAt(Offset)
  }

  /// Makes one.
  public init(attempt: AttemptID, action: Action) {
    self.attempt = attempt
    self.action = action
  }
}

/// A question or command of an operator.
public struct AdminRequest: Sendable, Hashable {
  /// `submit`, `list`, `status`, `tables`, `splits`, `workers`, `schema`, `scale`, `pause`, `resume`, `stop`, `drop`.
  public var verb: String
  /// The pipeline's name, empty where the verb has none.
  public var pipeline: String
  /// The verb's arguments by name; `submit` has `definition` (the YAML text) and `file` (its name, for messages).
  public var arguments: [String: String]

  /// Makes one.
  public init(verb: String, pipeline: String = "", arguments: [String: String] = [:]) {
    self.verb = verb
    self.pipeline = pipeline
    self.arguments = arguments
  }
}

/// The answer.
public struct AdminReply: Sendable, Hashable {
  /// 0 done, 1 the work failed, 2 wrong usage; the command line ends with it.
  public var status: Int
  /// One line for the operator when `status` is not 0.
  public var error: String
  /// A JSON document (see `AdminDocuments.swift`), empty when there is none.
  public var json: String

  /// Makes one.
  public init(status: Int, error: String = "", json: String = "") {
    self.status = status
    self.error = error
    self.json = json
  }
}
