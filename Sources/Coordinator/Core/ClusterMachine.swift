import Connector
import Model
import Wire

/// Every decision of the coordinator: planning, assignment, leases, attempts, the schema barrier, and what to journal
/// when. A value without I/O or clock: the shell tells it what happened and when (monotonic milliseconds), makes the
/// step's records durable, and then carries the step's actions out.
///
/// Rules that everything else rests on (design, section 4):
/// - An attempt is given to one worker; the split is given away again only after the worker has reported the attempt's
///   end, or has left, or its lease has run out. A worker counts its lease from the moment it *sent* a heartbeat and
///   stops writing when it is over; the machine counts from the moment it *received* it, so it always waits longer.
/// - A commit is ordered only after the committable is journaled. What became of a committable whose writer is gone is
///   found out from the sink before the split is read again.
/// - A schema change is applied when every tail split has arrived at it with everything before it committed.
public struct ClusterMachine: Sendable {
  /// Times in milliseconds.
  public struct Settings: Sendable, Hashable {
    /// How long a heartbeat's lease lasts.
    public var lease: Int64 = 10_000
    /// How much longer the machine waits than the lease, for clocks that run at different speeds.
    public var leaseMargin: Int64 = 1_000
    /// How often workers send heartbeats.
    public var heartbeat: Int64 = 2_000
    /// Failures in a row after which a pipeline stops.
    public var retryLimit = 10
    /// First pause before a retry; doubles with each failure in a row.
    public var retryPause: Int64 = 500
    /// Longest pause before a retry.
    public var longestRetryPause: Int64 = 30_000
    /// How long a pause or stop waits for chunks to end before it cancels them.
    public var grace: Int64 = 10_000
    /// How often a source is asked for new tables.
    public var discovery: Int64 = 30_000
    /// How long a tail split waits for a slot before the tail does with fewer splits.
    public var starvation: Int64 = 5_000
    /// How long a tail with a single slot leaves it to chunks.
    public var yield: Int64 = 20_000
    /// Small chunks that a worker is given for each of its slots beyond those that run: it begins the next one without
    /// waiting for the journal.
    public var chunksAhead = 4
    /// Rows up to which a table is taken for small, by the server's estimate.
    public var smallTable = 10_000
    /// Finished splits of a pipeline whose records are kept; what goes beyond is folded.
    public var keptChunks = 256
    /// Finished splits of a table that are folded together while it is read.
    public var chunksPerFold = 64
    /// How long a table waits for others before it joins the tail alone.
    public var joinDelay: Int64 = 10_000

    /// The defaults.
    public init() {}
  }

  /// A worker as far as the machine knows it.
  struct WorkerState: Sendable {
    var name: String
    var slots: Int
    var connection: ConnectionID?
    /// When its lease is certainly over.
    var leaseEnds: Int64
    var lastHeard: Int64
    /// It gets no split before that.
    var restsUntil: Int64 = 0
  }

  /// Times.
  public let settings: Settings
  /// Counts the coordinator's starts on its journal.
  public let epoch: Int64
  var workers: [String: WorkerState] = [:]
  var connections: [ConnectionID: String] = [:]
  var pipelines: [String: PipelineState] = [:]
  /// Names by uid.
  var names: [String: String] = [:]
  var nextJob: JobID = 1
  /// The time of the event that is being handled.
  var now: Int64 = 0
  var step = Step()

  /// A machine with nothing to do.
  public init(settings: Settings, epoch: Int64) {
    self.settings = settings
    self.epoch = epoch
  }

  /// Folds one event in and says what follows from it.
  public mutating func handle(_ event: ClusterEvent, now: Int64) -> Step {
    self.now = max(self.now, now)
    switch event {
    case .tick: break
    case .joined(let connection, let join): workerJoined(connection, join)
    case .heartbeat(let connection, let heartbeat): heard(connection, heartbeat)
    case .report(let connection, let report): reported(connection, report)
    case .left(let connection): workerLeft(connection)
    case .disconnected(let connection): disconnected(connection)
    case .jobEnded(let id, let result): jobEnded(id, result)
    case .undeliverable(let attempt, let isAssignment, let problem): undeliverable(attempt, isAssignment, problem)
    case .command(let token, let command): commanded(token, command)
    }
    return finishStep()
  }

  /// The moment at which `tick` is next needed even if nothing else happens.
  public var nextDeadline: Int64? {
    var deadlines: [Int64] = workers.values.flatMap { [$0.leaseEnds, $0.restsUntil] }
    for pipeline in pipelines.values {
      if let graceEnds = pipeline.graceEnds { deadlines.append(graceEnds) }
      deadlines += pipeline.notBefore.values
      if pipeline.jobsNotBefore > now { deadlines.append(pipeline.jobsNotBefore) }
      if pipeline.generationNotBefore > now { deadlines.append(pipeline.generationNotBefore) }
      if pipeline.yieldsUntil > now { deadlines.append(pipeline.yieldsUntil) }
      if pipeline.nextDiscovery > now, pipeline.looksForTables { deadlines.append(pipeline.nextDiscovery) }
      if let since = pipeline.joiningSince { deadlines.append(since + settings.joinDelay) }
      for split in pipeline.tails where split.state == .pending {
        deadlines.append((pipeline.since[split.number] ?? now) + settings.starvation)
      }
    }
    return deadlines.filter { $0 > now }.min()
  }

  private mutating func finishStep() -> Step {
    expireLeases()
    for name in pipelines.keys.sorted() { advance(name) }
    for name in pipelines.keys.sorted() { yieldToChunks(name) }
    assignSplits()
    for name in pipelines.keys.sorted() { step.records += pipelines[name]?.drainRecords() ?? [] }
    defer { step = Step() }
    return step
  }

  // MARK: - What the parts of the machine share

  mutating func note(_ level: Note.Level, _ message: String, _ fields: [String: String] = [:]) {
    step.actions.append(.note(Note(level, message, fields)))
  }

  mutating func startJob(_ pipeline: String, _ kind: Job.Kind) {
    let id = nextJob
    nextJob += 1
    pipelines[pipeline]?.jobs[id] = kind
    step.actions.append(.start(Job(id: id, pipeline: pipeline, kind: kind)))
  }

  mutating func order(_ pipeline: String, _ split: SplitRecord, _ action: Order.Action) {
    guard let state = pipelines[pipeline], let worker = split.worker, let connection = workers[worker]?.connection
    else { return }
    let attempt = AttemptID(pipeline: state.record.uid, split: split.number, attempt: split.attempt)
    step.actions.append(.send(connection, .order(Order(attempt: attempt, action: action))))
  }

  /// Stops a pipeline with an error that waiting cannot mend; its attempts are cancelled.
  mutating func fail(_ pipeline: String, _ reason: String) {
    guard pipelines[pipeline]?.record.error == nil else { return }
    pipelines[pipeline]?.change { $0.error = reason }
    note(.error, "pipeline failed", ["pipeline": pipeline, "error": reason])
    cancelAll(pipeline, afterCommit: false)
  }

  /// Tells every running attempt of a pipeline to end.
  mutating func cancelAll(_ pipeline: String, afterCommit: Bool) {
    guard let splits = pipelines[pipeline]?.heldSplits else { return }
    for split in splits { cancel(pipeline, split, afterCommit: afterCommit) }
  }

  /// Tells one attempt to end, unless it has been told the same or worse already.
  mutating func cancel(_ pipeline: String, _ split: SplitRecord, afterCommit: Bool) {
    if let told = pipelines[pipeline]?.cancelled[split.number], told == false || afterCommit { return }
    pipelines[pipeline]?.cancelled[split.number] = afterCommit
    order(pipeline, split, .cancel(afterCommit: afterCommit))
  }

  /// The pause before a retry after that many failures in a row.
  func pause(afterFailures failures: Int) -> Int64 {
    let doubled = settings.retryPause << Int64(min(max(failures - 1, 0), 16))
    return min(doubled, settings.longestRetryPause)
  }
}
