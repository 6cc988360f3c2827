import Connector
import Model
import Pipeline
import Wire

/// A connection of a worker, as the shell numbers them; never reused.
public typealias ConnectionID = Int

/// Something that happened, told to the cluster machine by its shell.
public enum ClusterEvent: Sendable {
  /// Time has passed.
  case tick
  /// A worker offers its slots on a connection.
  case joined(ConnectionID, Join)
  /// A worker is alive.
  case heartbeat(ConnectionID, Heartbeat)
  /// A worker reports of an attempt.
  case report(ConnectionID, Report)
  /// A worker has ended its attempts and goes.
  case left(ConnectionID)
  /// A connection has broken; its worker may come back.
  case disconnected(ConnectionID)
  /// A job has ended.
  case jobEnded(JobID, JobResult)
  /// A message about an attempt cannot be sent, whoever it is for: it is larger than the protocol allows, or breaks
  /// another limit of it. `isAssignment`: nobody has heard of the attempt.
  case undeliverable(AttemptID, isAssignment: Bool, problem: String)
  /// An operator wants something. The machine's answer is the action `answer` with the same token.
  case command(token: Int, Command)
}

/// What an operator can want of the machine.
public enum Command: Sendable {
  case submit(PipelineRecord, PipelineProfile)
  case scale(pipeline: String, snapshotParallelism: Int)
  case scaleTail(pipeline: String, parallelism: Int)
  case pause(pipeline: String)
  /// `untilCaughtUp`: whether the pipeline ends once it has caught up with where the source is now; nil: as before.
  /// The definition, where it is another one than before.
  case resume(pipeline: String, PipelineProfile, untilCaughtUp: Bool? = nil, ChangedDefinition? = nil)
  case stop(pipeline: String)
  case drop(pipeline: String, force: Bool)

  /// The name of the pipeline that it is about.
  var pipeline: String {
    switch self {
    case .submit(let record, _): record.name
    case .scale(let name, _), .scaleTail(let name, _), .pause(let name), .resume(let name, _, _, _), .stop(let name),
      .drop(let name, _):
      name
    }
  }
}

/// A definition that an operator has sent along with `resume`.
public struct ChangedDefinition: Sendable, Hashable {
  /// The pipeline file's text, sealed.
  public var text: String
  /// The file's name, for messages.
  public var file: String
}

/// Number of a job, unique for the life of the process.
public typealias JobID = Int

/// Work that blocks on a source or a sink; the shell runs a pipeline's jobs one after another on a thread of its own.
public struct Job: Sendable, Hashable {
  /// The number.
  public var id: JobID
  /// The pipeline's name.
  public var pipeline: String
  /// What to do.
  public var kind: Kind

  /// What a job can do.
  public enum Kind: Sendable, Hashable {
    /// Validate both ends, take the log's end, discover tables, take the log's end again.
    case discover
    /// Carry out changes of sink tables, in order.
    case applySchema([SinkStep])
    /// Plan the next chunks of tables, in this order, until there are so many.
    case plan([PlanRequest], limit: Int)
    /// The names of the tables that the pipeline selects.
    case findTables
    /// Read the schemas of tables that are new, and the log's end after them.
    case register([TableID])
    /// Read a table's schema again, and the log's end after it.
    case describe(TableID)
    /// The log's end at this moment.
    case currentOffset
    /// Find out what became of a committable whose writer is gone, and commit it if it can be.
    case resolve(Committable)
  }

  /// A table of which chunks are wanted.
  public struct PlanRequest: Sendable, Hashable {
    /// The table as it is registered.
    public var table: DiscoveredTable
    /// Where its planning goes on.
    public var cursor: String?
  }

  /// Makes one.
  public init(id: JobID, pipeline: String, kind: Kind) {
    self.id = id
    self.pipeline = pipeline
    self.kind = kind
  }
}

/// What a job came to.
public enum JobResult: Sendable {
  /// `before` was taken before the tables were read, `after` after.
  case discovered([DiscoveredTable], before: Offset, after: Offset)
  case schemaApplied
  /// The plans of the first tables that were asked for, at least of one.
  case planned([ChunkPlan])
  case described(DiscoveredTable?, after: Offset)
  /// The tables that there are.
  case found([TableID])
  /// Those of the new tables that exist; `after` was taken after they were read.
  case registered([DiscoveredTable], after: Offset)
  case offset(Offset)
  case resolved(CommitOutcome)
  case failed(ConnectorError)
}

/// Something the shell must do, after the step's records are durable.
public enum Action: Sendable {
  case send(ConnectionID, Message)
  /// Close a worker's connection: it has broken the protocol.
  case close(ConnectionID, reason: String)
  case start(Job)
  /// A pipeline has left this coordinator: its threads and sessions can go.
  case forget(pipeline: String)
  /// The answer to a command: nil when it was accepted, otherwise why not.
  case answer(token: Int, error: String?)
  /// A line for the log.
  case note(Note)
}

/// A line for the log, made by the machine, which has no logger.
public struct Note: Sendable, Hashable {
  /// How loud.
  public enum Level: Sendable, Hashable { case info, warning, error }
  /// How loud.
  public var level: Level
  /// A constant text.
  public var message: String
  /// Its data.
  public var fields: [String: String]

  /// Makes one.
  public init(_ level: Level, _ message: String, _ fields: [String: String] = [:]) {
    self.level = level
    self.message = message
    self.fields = fields
  }
}

/// What one event leads to: records first, durable together, then the actions in order.
public struct Step: Sendable {
  /// What must be durable before anything else happens.
  public var records: [JournalRecord] = []
  /// What then happens.
  public var actions: [Action] = []

  /// Nothing.
  public init() {}
}

/// What the machine knows of a pipeline's definition; made from the file, never journaled.
public struct PipelineProfile: Sendable {
  /// How it starts.
  public var startup: SourceStartup
  /// What its sink promises.
  public var guarantees: SinkGuarantees
  /// `pipeline.schema.change.behavior`.
  public var behavior: SchemaChangeBehavior
  /// Whether a kind of schema change reaches the sink, by tag.
  public var allows: @Sendable (String) -> Bool
  /// The sink tables of a source table.
  public var targets: @Sendable (TableID) -> [TableID]
  /// Why a table cannot be routed; nil when it can.
  public var routeProblem: @Sendable (TableID) -> String?
  /// Number of tail splits.
  public var tailCount: Int
  /// How often a tail commits.
  public var commitIntervalMilliseconds: Int64
  /// `pipeline.parallelism`, where the file gives it.
  public var parallelism: Int?
  /// What workers need.
  public var connectors: ConnectorSpec
  /// What becomes of tables that begin to match.
  public var newTables: NewTables
  /// Whether the pipeline captures a table of that name.
  public var selects: @Sendable (TableID) -> Bool
  /// Whether the first offset is at or above the second one; nil where the source cannot tell.
  public var hasPassed: @Sendable (Offset, Offset) -> Bool?

  /// Makes one.
  public init(
    startup: SourceStartup, guarantees: SinkGuarantees, behavior: SchemaChangeBehavior,
    allows: @escaping @Sendable (String) -> Bool, targets: @escaping @Sendable (TableID) -> [TableID], tailCount: Int,
    commitIntervalMilliseconds: Int64, parallelism: Int?, connectors: ConnectorSpec,
    newTables: NewTables = .ignored, selects: @escaping @Sendable (TableID) -> Bool = { _ in true },
    hasPassed: @escaping @Sendable (Offset, Offset) -> Bool?,
    routeProblem: @escaping @Sendable (TableID) -> String? = { _ in nil }
  ) {
    self.startup = startup
    self.guarantees = guarantees
    self.behavior = behavior
    self.allows = allows
    self.targets = targets
    self.tailCount = tailCount
    self.commitIntervalMilliseconds = commitIntervalMilliseconds
    self.parallelism = parallelism
    self.connectors = connectors
    self.newTables = newTables
    self.selects = selects
    self.hasPassed = hasPassed
    self.routeProblem = routeProblem
  }
}
