import Model

/// What the journal keeps: the coordinator's whole state, one record an entity. Everything else (connections, leases,
/// jobs under way, rates) is made anew after a restart.

/// A pipeline as submitted, and how far it has come.
public struct PipelineRecord: Sendable, Hashable, Codable {
  /// The phases of a pipeline's life, in order.
  public enum Phase: String, Sendable, Codable {
    /// Tables are being discovered and created in the sink.
    case planning
    /// Chunks are being read.
    case snapshot
    /// The log is being read.
    case tail
    /// Everything that was asked for is done.
    case finished
  }

  /// What the operator wants.
  public enum Intent: String, Sendable, Codable {
    case run, pause, stop
    /// It goes as soon as nothing of it is in a worker's hands.
    case drop
  }

  /// The name, unique in a coordinator.
  public var name: String
  /// Name and a random suffix: unique for ever, so that what an earlier pipeline of the same name left in a sink is
  /// never taken for this one's. The `pipeline` of every `AttemptID`.
  public var uid: String
  /// The pipeline file's text, sealed: literal secrets replaced by references.
  public var definition: String
  /// The file's name, for messages.
  public var file: String
  /// How far it has come.
  public var phase: Phase
  /// What the operator wants.
  public var intent: Intent
  /// Snapshot splits that may run at once; nil: as many as there are slots.
  public var snapshotParallelism: Int?
  /// Where the present set of tail splits starts: at first, the log's end before the first chunk was read.
  public var startOffset: Offset?
  /// Where a pipeline that runs only until it has caught up ends; known once the tail is created.
  public var endOffset: Offset?
  /// Whether the pipeline ends once it has caught up.
  public var untilCaughtUp: Bool
  /// Number of the next split.
  public var nextSplit: Int
  /// What stopped it; nil unless it has failed.
  public var error: String?
  /// Rows that the tail has committed.
  public var tailRows: Int
  /// Tail splits that the operator wants; nil: as many as the definition says.
  public var tailParallelism: Int?
  /// Number of the present set of tail splits, counted from 0; nil: 0.
  public var generation: Int?
  /// Whether commits of the tail say of which tables the version has changed (`TableRecord.tailVersion`); nil: they list
  /// the versions of all tables, as earlier releases did.
  public var listsChangedVersions: Bool?
  /// Where earlier sets of tail splits have ended, as long as the present one may meet what they have delivered.
  public var ended: [EndedGeneration]?

  /// A pipeline that has just been submitted.
  public init(name: String, uid: String, definition: String, file: String, untilCaughtUp: Bool) {
    self.name = name
    self.uid = uid
    self.definition = definition
    self.file = file
    self.phase = .planning
    self.intent = .run
    self.untilCaughtUp = untilCaughtUp
    self.nextSplit = 1
    self.tailRows = 0
  }
}

/// A set of tail splits that was replaced by another one.
public struct EndedGeneration: Sendable, Hashable, Codable {
  /// Its number.
  public var number: Int
  /// Where each share has ended.
  public var shares: DeliveredShares

  /// Makes one.
  public init(number: Int, shares: DeliveredShares) {
    self.number = number
    self.shares = shares
  }
}

/// A captured table.
public struct TableRecord: Sendable, Hashable, Codable {
  /// The stages of a table.
  public enum State: String, Sendable, Codable {
    /// Its sink table does not exist yet.
    case creating
    /// Chunks are planned and read.
    case reading
    /// Its schema changed while chunks were read: running attempts end, then it is read again from its beginning.
    case restarting
    /// All chunks are committed; the tail, which runs already, has yet to take the table in.
    case joining
    /// All chunks are committed, or there was no snapshot.
    case done
    /// It was dropped at the source.
    case dropped
    /// It exists, but the pipeline does not capture it any more.
    case pruned
  }

  /// The source table.
  public var id: TableID
  /// The sink tables.
  public var targets: [TableID]
  /// Its stage.
  public var state: State
  /// Columns by which it is chunked.
  public var chunkKey: [String]
  /// The server's estimate.
  public var estimatedRows: Int
  /// The planner's cursor; nil before the first call and after the last.
  public var cursor: String?
  /// Whether chunks have been planned to the table's end.
  public var isPlanned: Bool
  /// The newest version of its schema.
  public var version: Int
  /// The version under which its chunks are read and the tail begins.
  public var firstVersion: Int
  /// The log's end after its schema was read and before its first chunk: nothing below concerns this table.
  public var registeredAt: Offset?
  /// Chunks and rows whose splits have been folded into this record.
  public var foldedChunks: Int
  /// Rows of folded chunks.
  public var foldedRows: Int
  /// The set of tail splits that was the first to have this table from its start; nil: the tail does not have it, or
  /// has met it in the log since the present set began.
  public var tailedSince: Int?
  /// The version under which the present set of tail splits has begun with the table; nil: without it. What commits of the
  /// tail say of versions is in terms of this. It stays when the table goes.
  public var tailVersion: Int?
  /// Whether the sink table holds rows of another table and must be made anew before the chunks are read.
  public var needsNewSinkTable: Bool?

  /// A table that has just been discovered.
  public init(id: TableID, targets: [TableID], chunkKey: [String], estimatedRows: Int, version: Int) {
    self.id = id
    self.targets = targets
    self.state = .creating
    self.chunkKey = chunkKey
    self.estimatedRows = estimatedRows
    self.isPlanned = false
    self.version = version
    self.firstVersion = version
    self.foldedChunks = 0
    self.foldedRows = 0
  }
}

/// The unit of assignment, retry and commit.
public struct SplitRecord: Sendable, Hashable, Codable {
  /// What the split covers.
  public enum Kind: Sendable, Hashable, Codable {
    case snapshot(table: TableID, range: ChunkRange)
    case tail(share: Int)
  }

  /// Where the split stands.
  public enum State: String, Sendable, Codable {
    /// To be given to a worker.
    case pending
    /// Given to a worker; nothing is known of it yet.
    case assigned
    /// The read is open.
    case running
    /// The sink holds what `committable` says, invisible; it must be committed.
    case prepared
    /// The writer of the committable is gone; the coordinator finds out what became of it.
    case resolving
    /// Done (snapshot splits).
    case committed
  }

  /// Unique within the pipeline for ever.
  public var number: Int
  /// What it covers.
  public var kind: Kind
  /// Where it stands.
  public var state: State
  /// The current or last attempt, 0 before the first.
  public var attempt: Int
  /// Identity of the worker that has the current attempt.
  public var worker: String?
  /// Low watermark of the first attempt that opened its read.
  public var firstLow: Offset?
  /// What the current attempt has prepared.
  public var committable: Committable?
  /// The last commit: for a snapshot split its result, for a tail split where the next attempt starts.
  public var progress: SplitProgress?
  /// The attempt that `progress` is of (tail splits, whose rows are counted attempt by attempt).
  public var progressAttempt: Int?
  /// Failed attempts since the last commit.
  public var failures: Int
  /// Why the last attempt failed.
  public var lastError: String?
  /// Whether the last attempt was given up without word from its worker: something of it may still be on its way to the
  /// sink, which only the next attempt at this split shuts out.
  public var isAdrift: Bool?

  /// A split that has just been planned.
  public init(number: Int, kind: Kind) {
    self.number = number
    self.kind = kind
    self.state = .pending
    self.attempt = 0
    self.failures = 0
  }

  /// Whether a worker has it, as far as the coordinator knows.
  public var isHeld: Bool { state == .assigned || state == .running || state == .prepared }

  /// The table of a snapshot split.
  public var table: TableID? {
    if case .snapshot(let table, _) = kind { return table }
    return nil
  }
}

/// One version of a source table's schema.
public struct SchemaRecord: Sendable, Hashable, Codable {
  /// The source table.
  public var table: TableID
  /// Counted from 1.
  public var version: Int
  /// Where in the log it came into force; nil for one that was read from the catalog.
  public var offset: Offset?
  /// What led to it.
  public var changes: [SchemaChange]
  /// Columns and key at the source.
  public var schema: TableSchema
  /// What the sink must do before rows of this version are written, in order; empty once it is done.
  public var sinkSteps: [SinkStep]
  /// Whether the sink has done it.
  public var isApplied: Bool
  /// Whether the tail passes the table over from here on, other than by a drop; nil: no.
  public var leavesTail: Bool?
  /// The name under which the table goes on from here; nil: its own.
  public var successor: TableID?
  /// How many of the steps the sink has certainly done; nil: none.
  public var appliedSteps: Int?

  /// Makes one.
  public init(
    table: TableID, version: Int, offset: Offset?, changes: [SchemaChange], schema: TableSchema,
    sinkSteps: [SinkStep], isApplied: Bool
  ) {
    self.table = table
    self.version = version
    self.offset = offset
    self.changes = changes
    self.schema = schema
    self.sinkSteps = sinkSteps
    self.isApplied = isApplied
  }
}

/// One change of one sink table.
public struct SinkStep: Sendable, Hashable {
  /// The sink table.
  public var table: TableID
  /// The change.
  public var change: SchemaChange
  /// The sink table's schema after it.
  public var resulting: TableSchema

  /// Makes one.
  public init(table: TableID, change: SchemaChange, resulting: TableSchema) {
    self.table = table
    self.change = change
    self.resulting = resulting
  }
}

extension SinkStep: Codable {
  private enum CodingKeys: String, CodingKey {
    case table, change, resulting
  }

  /// Reads one.
  /// - Throws: what the decoder throws.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    table = try values.decode(TableID.self, forKey: .table)
    change = try values.decode(SchemaChange.self, forKey: .change)
    if case .createTable(let schema) = change, !values.contains(.resulting) {
      resulting = schema
    } else {
      resulting = try values.decode(TableSchema.self, forKey: .resulting)
    }
  }

  /// Writes one; the schema of a table that is created stands there once.
  /// - Throws: what the encoder throws.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(table, forKey: .table)
    try values.encode(change, forKey: .change)
    if case .createTable(resulting) = change { return }
    try values.encode(resulting, forKey: .resulting)
  }
}

/// A sink table as it is now.
public struct SinkTableRecord: Sendable, Hashable, Codable {
  /// The sink's name for it.
  public var id: TableID
  /// Its columns and key.
  public var schema: TableSchema
  /// Whether it was dropped; nil: no.
  public var isGone: Bool?

  /// Makes one.
  public init(id: TableID, schema: TableSchema) {
    self.id = id
    self.schema = schema
  }
}

/// A change of the journal. A `put` replaces the record of the same identity.
public enum JournalRecord: Sendable, Hashable {
  case putPipeline(PipelineRecord)
  case putTable(pipeline: String, TableRecord)
  case putSplit(pipeline: String, SplitRecord)
  case removeSplit(pipeline: String, number: Int)
  /// Records of one table are loaded in the order of their numbers, before any split.
  case putFolded(pipeline: String, FoldedChunks)
  /// All of the table's.
  case removeFolded(pipeline: String, table: TableID)
  case putSchema(pipeline: String, SchemaRecord)
  case putSinkTable(pipeline: String, SinkTableRecord)
  case removePipeline(String)
}
