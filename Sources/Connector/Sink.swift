import Model

/// What a sink connector is. One value serves one pipeline; its options have been checked against
/// `SinkFactory.options`.
///
/// Everything that blocks is called on dedicated threads, never on Swift's cooperative pool.
public protocol SinkConnector: Sendable {
  /// What the sink promises; the coordinator's rules follow from it.
  var guarantees: SinkGuarantees { get }

  /// Checks that the sink can be reached and written. Returns warnings.
  /// - Throws: the first problem that makes the pipeline impossible.
  func validate() throws(ConnectorError) -> [String]

  /// Opens a session for schema changes; used by one thread at a time, in the coordinator.
  func openSchemaApplier() throws(ConnectorError) -> any SchemaApplier

  /// Opens a writer for one attempt at one split, and fences every earlier attempt at it.
  /// - Throws: `fenced` when a later attempt has been here already.
  func openWriter(_ attempt: AttemptID) throws(ConnectorError) -> any SinkWriter

  /// Opens a session that finishes what other processes have prepared.
  func openCommitter() throws(ConnectorError) -> any SinkCommitter
}

/// What a sink promises.
public struct SinkGuarantees: Sendable, Hashable {
  /// What of an attempt can be seen before its commit.
  public enum Visibility: Sendable, Hashable {
    /// Nothing: rows become visible together at the commit, or never.
    case atomic
    /// Rows become visible as they are written; writing them again by key changes nothing.
    case idempotent
    /// Rows become visible as they are written, and once more when they are written again.
    case appending
  }

  /// What of an attempt can be seen before its commit.
  public var visibility: Visibility
  /// Whether what is prepared outlives the process that prepared it (two-phase commit). If not, a committable whose
  /// writer died is lost and the split is read again.
  public var preparedSurvivesWriter: Bool
  /// Whether an attempt at a chunk may commit although the coordinator has not noted what it has prepared: nothing of it
  /// is visible before (`atomic`), and whoever opens a writer for a later attempt finds the commit in `recovered`, or
  /// would do nothing wrong by committing the same rows once more. Small chunks then need one note in the journal
  /// less for each of their steps.
  public var commitsAlone: Bool

  /// Makes one.
  public init(visibility: Visibility, preparedSurvivesWriter: Bool, commitsAlone: Bool = false) {
    self.visibility = visibility
    self.preparedSurvivesWriter = preparedSurvivesWriter
    self.commitsAlone = commitsAlone
  }
}

/// A sink table as the registry has it, and how a source table's rows fit into it.
public final class SinkTable: Sendable {
  /// The sink's name for it.
  public let id: TableID
  /// The sink's columns and key.
  public let schema: TableSchema
  /// The version of the source schema that `columnMap` belongs to.
  public let sourceVersion: Int
  /// For each sink column the position of the source column that fills it; nil: NULL.
  public let columnMap: [Int?]
  /// Whether source and sink columns are the same, in the same order.
  public let isIdentity: Bool

  /// Fits a source schema to a sink table: columns by name.
  public init(id: TableID, schema: TableSchema, source: RowSchema) {
    self.id = id
    self.schema = schema
    self.sourceVersion = source.version
    self.columnMap = schema.columns.map { source.schema.index(of: $0.name) }
    self.isIdentity =
      schema.columns.count == source.columns.count && columnMap.enumerated().allSatisfy { $0.offset == $0.element }
  }
}

/// What became of a committable.
public enum CommitOutcome: Sendable, Hashable {
  /// Its rows are visible, now or already before.
  case committed
  /// Its rows are not and never will be visible: the split is read again from the last commit.
  case lost
}

/// Writes one attempt's rows. Not thread-safe; lives on one thread.
public protocol SinkWriter: AnyObject {
  /// What this split had committed before this attempt began, as the sink itself knows it; nil where it cannot know, or
  /// nothing was committed. It wins over the journal, which may lag behind by one commit.
  var recovered: SplitProgress? { get }

  /// Writes a batch. Rows are in the order of the source's log; an `updateBefore` is directly followed by its
  /// `updateAfter`. Inserts replace a row with the same key; a delete of a row that is not there is no error.
  /// Tables without a key: an insert appends, update and delete change exactly one equal row.
  func write(_ batch: borrowing RowBatch, to table: SinkTable) throws(ConnectorError)

  /// Makes what was written since the last commit ready: what follows can only be `commit` or `abort`.
  func prepare(_ progress: SplitProgress) throws(ConnectorError) -> Committable

  /// Makes it visible. The outcome `lost` cannot come from the writer that prepared it, but after a fault.
  /// - Throws: `fenced` when a later attempt has taken over; nothing of this one became visible then.
  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome

  /// Drops everything that is not committed. Callable at any time.
  func abort()

  /// Makes a wait (for a lock, for a busy server) on the writer's thread, now or later, end soon with `cancelled`.
  /// Callable from any thread.
  func interrupt()

  /// Gives the session up; drops what is not committed. Callable at any time, more than once.
  func close()
}

extension SinkWriter {
  /// For writers that never wait long: nothing to do.
  public func interrupt() {}
}

/// Finishes what other processes have prepared; used by any worker or the coordinator.
public protocol SinkCommitter: AnyObject {
  /// Makes a committable's rows visible if they are not yet. Idempotent.
  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome

  /// Drops what was prepared under the committable's label. Idempotent; a commit that has happened stays.
  func abort(_ committable: Committable) throws(ConnectorError)

  /// Labels of this pipeline that are prepared and neither committed nor aborted.
  func lingeringLabels(pipeline: String) throws(ConnectorError) -> [String]

  /// Gives the session up.
  func close()
}

/// Applies schema changes to the sink. Not thread-safe; lives on one thread.
public protocol SchemaApplier: AnyObject {
  /// Applies a change to a sink table. Idempotent: a change that has been applied already, by an earlier call that
  /// nobody lived to hear about, succeeds. `schema` is the sink table's schema after the change.
  /// - Throws: `unsupported` when the sink cannot do this change, `rejected` when it refuses.
  func apply(_ change: SchemaChange, to table: TableID, resulting schema: TableSchema) throws(ConnectorError)

  /// Creates tables: the same as `apply` with `createTable` for one after the other, for sinks that can make many at
  /// once at less cost. After a failure some of them may be there.
  /// - Throws: as `apply`.
  func create(_ tables: [(id: TableID, schema: TableSchema)]) throws(ConnectorError)

  /// Gives the session up.
  func close()
}

extension SchemaApplier {
  /// One table after the other.
  public func create(_ tables: [(id: TableID, schema: TableSchema)]) throws(ConnectorError) {
    for table in tables { try apply(.createTable(table.schema), to: table.id, resulting: table.schema) }
  }
}

/// How a sink type enters the product: one line in the connector list.
public protocol SinkFactory: Sendable {
  /// The `type` in the pipeline file.
  static var type: String { get }
  /// Every option it knows.
  static var options: [OptionSpec] { get }
  /// Makes the connector from checked options.
  static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector
}
