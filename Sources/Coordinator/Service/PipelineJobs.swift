import Connector
import Model
import Pipeline
import Platform

/// Runs one pipeline's jobs, one after another, on a thread of its own, and keeps the sessions they need between them.
final class PipelineJobs: Sendable {
  private struct State {
    var queue: [Job] = []
    var isClosed = false
    var interrupt: (@Sendable () -> Void)?
  }

  private let state = Monitor(State())
  private let hasEnded = Monitor(false)
  private let source: any SourceConnector
  private let sink: any SinkConnector
  private let finished: @Sendable (JobID, JobResult) -> Void

  /// Starts the thread. `finished` is called on it. No job runs before the one of `predecessor` that is still under way
  /// has ended: a change of the sink that was given up must not come after one that followed it.
  init(
    after predecessor: PipelineJobs?, source: any SourceConnector, sink: any SinkConnector,
    finished: @escaping @Sendable (JobID, JobResult) -> Void
  ) {
    self.source = source
    self.sink = sink
    self.finished = finished
    _ = DedicatedThread(name: "jobs") { [self] in
      predecessor?.awaitEnd()
      loop()
      hasEnded.update { $0 = true }
    }
  }

  private func awaitEnd() { _ = hasEnded.wait { $0 ? true : nil } }

  /// Adds a job.
  func run(_ job: Job) { state.update { $0.queue.append(job) } }

  /// Ends the thread after the job under way, which is interrupted where it can be.
  func close() {
    let interrupt = state.update { state in
      state.isClosed = true
      state.queue = []
      return state.interrupt
    }
    interrupt?()
  }

  private func loop() {
    var sessions = Sessions(source: source, sink: sink) { [state] interrupt in
      state.withLock { $0.interrupt = interrupt }
    }
    while true {
      let job: Job?? = state.wait { state in
        if !state.queue.isEmpty { return .some(state.queue.removeFirst()) }
        return state.isClosed ? .some(nil) : nil
      }
      guard let job = job ?? nil else { break }
      do {
        finished(job.id, try sessions.run(job.kind))
      } catch {
        sessions.close()
        var shown = error
        shown.message = Secrets.redact(error.message)
        finished(job.id, .failed(shown))
      }
    }
    sessions.close()
  }
}

/// Sessions with both ends, opened when first needed.
private struct Sessions {
  let source: any SourceConnector
  let sink: any SinkConnector
  let setInterrupt: ((@Sendable () -> Void)?) -> Void
  var planner: (any SourcePlanner)?
  var applier: (any SchemaApplier)?
  var committer: (any SinkCommitter)?

  init(
    source: any SourceConnector, sink: any SinkConnector, setInterrupt: @escaping ((@Sendable () -> Void)?) -> Void
  ) {
    self.source = source
    self.sink = sink
    self.setInterrupt = setInterrupt
  }

  mutating func run(_ kind: Job.Kind) throws(ConnectorError) -> JobResult {
    switch kind {
    case .discover: return try discover()
    case .applySchema(let steps): return try apply(steps)
    case .plan(let requests, let limit): return .planned(try plan(requests, limit: limit))
    case .describe(let id):
      let (found, after) = try registered([id])
      return .described(found.first, after: after)
    case .findTables: return .found(try openPlanner().listTables())
    case .register(let ids):
      let (found, after) = try registered(ids)
      return .registered(found, after: after)
    case .currentOffset: return .offset(try openPlanner().currentOffset())
    case .resolve(let committable): return .resolved(try openCommitter().commit(committable))
    }
  }

  private mutating func discover() throws(ConnectorError) -> JobResult {
    let log = Log("coordinator")
    for warning in try source.validateServer() { log.warning("source", ["warning": warning]) }
    for warning in try sink.validate() { log.warning("sink", ["warning": warning]) }
    let planner = try openPlanner()
    switch source.startup {
    case .initial, .snapshotOnly, .latestOffset: break
    case .specificOffset, .earliestOffset, .timestamp:
      let start = try planner.startOffset(for: source.startup)
      return .discovered(try planner.discoverTables(at: start), before: start, after: start)
    }
    // The tables must not change between the reading of their schemas and the offset that the schemas are taken to
    // hold at: they are read again after it, until both readings agree.
    for _ in 0..<5 {
      let before = try planner.currentOffset()
      let tables = try planner.discoverTables()
      let after = try planner.currentOffset()
      let again = try planner.discoverTables()
      if tables.map(\.schema) == again.map(\.schema), tables.map(\.id) == again.map(\.id) {
        // A tail without a snapshot begins where the schemas hold.
        return .discovered(tables, before: source.startup == .latestOffset ? after : before, after: after)
      }
    }
    throw ConnectorError(.transient, "the source's tables change faster than they can be read")
  }

  private mutating func plan(_ requests: [Job.PlanRequest], limit: Int) throws(ConnectorError) -> [ChunkPlan] {
    try hitFailpoint("coordinator.plan")
    let planner = try openPlanner()
    let fresh = requests.filter { $0.cursor == nil }.map(\.table)
    let whole = fresh.count > 1 ? try planner.planWholeTables(fresh) : [:]
    var plans: [ChunkPlan] = []
    var count = 0
    for request in requests {
      if let plan = whole[request.table.id] {
        plans.append(plan)
        continue
      }
      guard plans.isEmpty || count < limit else { break }
      let plan = try planner.planChunks(request.table, cursor: request.cursor, limit: max(1, limit - count))
      count += plan.chunks.count
      plans.append(plan)
    }
    return plans
  }

  /// As in `discover`: the schemas are the same before and after the offset at which they are taken to hold.
  private mutating func registered(
    _ ids: [TableID]
  ) throws(ConnectorError) -> (tables: [DiscoveredTable], after: Offset) {
    let planner = try openPlanner()
    for _ in 0..<5 {
      let tables = try described(ids, planner)
      let after = try planner.currentOffset()
      let again = try described(ids, planner)
      if tables.map(\.schema) == again.map(\.schema), tables.map(\.id) == again.map(\.id) { return (tables, after) }
    }
    throw ConnectorError(.transient, "the source's tables change faster than they can be read")
  }

  private func described(
    _ ids: [TableID], _ planner: any SourcePlanner
  ) throws(ConnectorError) -> [DiscoveredTable] {
    var tables: [DiscoveredTable] = []
    for id in ids { if let found = try planner.describe(id) { tables.append(found) } }
    return tables
  }

  private mutating func apply(_ steps: [SinkStep]) throws(ConnectorError) -> JobResult {
    let applier: any SchemaApplier
    if let open = self.applier { applier = open } else { applier = try sink.openSchemaApplier() }
    self.applier = applier
    var rest = steps[...]
    while let step = rest.first {
      let created = rest.prefix(Self.createdAtOnce).prefix { $0.isCreation }
      let count = max(1, created.count)
      for _ in 0..<count { try hitFailpoint("coordinator.schema.before-apply") }
      if count > 1 {
        try applier.create(created.map { ($0.table, $0.resulting) })
      } else {
        try applier.apply(step.change, to: step.table, resulting: step.resulting)
      }
      for _ in 0..<count { try hitFailpoint("coordinator.schema.applied") }
      rest.removeFirst(count)
    }
    return .schemaApplied
  }

  /// Tables that a sink is asked to create together.
  private static let createdAtOnce = 500

  private mutating func openPlanner() throws(ConnectorError) -> any SourcePlanner {
    if let planner { return planner }
    let opened = try source.openPlanner()
    let handle = PlannerInterrupt(opened)
    setInterrupt { handle.interrupt() }
    planner = opened
    return opened
  }

  private mutating func openCommitter() throws(ConnectorError) -> any SinkCommitter {
    if let committer { return committer }
    let opened = try sink.openCommitter()
    committer = opened
    return opened
  }

  mutating func close() {
    setInterrupt(nil)
    planner?.close()
    applier?.close()
    committer?.close()
    planner = nil
    applier = nil
    committer = nil
  }
}

extension SinkStep {
  /// Whether a table is created, and nothing else.
  fileprivate var isCreation: Bool {
    if case .createTable(let schema) = change { return schema == resulting }
    return false
  }
}

/// Carries a planner to other threads for its one thread-safe method.
///
/// `@unchecked Sendable` is safe: only `interrupt` is called through it, which the protocol declares callable from any
/// thread.
private final class PlannerInterrupt: @unchecked Sendable {
  private let planner: any SourcePlanner

  init(_ planner: any SourcePlanner) { self.planner = planner }

  func interrupt() { planner.interrupt() }
}
