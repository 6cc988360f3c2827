import Connector
import Model
import Pipeline
import Testing
import Wire

@testable import Coordinator

/// A cluster machine with one pipeline, told things and asked what it wants.
struct MachineHarness {
  var machine: ClusterMachine
  var now: Int64 = 1_000
  /// Everything the last step said.
  var step = Step()
  /// Every record since the beginning.
  var journal = SimulationJournal()
  let profile: PipelineProfile

  static let orders = TableID(schema: "shop", table: "orders")
  static let sinkOrders = TableID(schema: "sink", table: "orders")
  static let schema = TableSchema(
    columns: [
      Column(name: "id", type: DataType(.bigint, nullable: false)),
      Column(name: "name", type: DataType(.varchar(length: 20))),
    ], primaryKey: ["id"])

  static func settings() -> ClusterMachine.Settings {
    var settings = ClusterMachine.Settings()
    settings.retryLimit = 3
    return settings
  }

  init(
    startup: SourceStartup = .initial, behavior: SchemaChangeBehavior = .evolve, tails: Int = 1,
    visibility: SinkGuarantees.Visibility = .atomic, parallelism: Int? = nil, merges: Bool = false,
    newTables: NewTables = .ignored
  ) {
    profile = PipelineProfile(
      startup: startup, guarantees: SinkGuarantees(visibility: visibility, preparedSurvivesWriter: true),
      behavior: behavior, allows: { _ in true },
      targets: { merges ? [Self.sinkOrders] : [TableID(schema: "sink", table: $0.table)] }, tailCount: tails,
      commitIntervalMilliseconds: 1_000, parallelism: parallelism,
      connectors: ConnectorSpec(
        sourceType: "s", sourceOptions: [:], sinkType: "k", sinkOptions: [:], secrets: [], localTimeZone: nil,
        parallelism: 1), newTables: newTables,
      hasPassed: { Int($0.text) ?? 0 >= Int($1.text) ?? 0 })
    machine = ClusterMachine(settings: Self.settings(), epoch: 1)
  }

  var state: PipelineState? { machine.pipelines["p"] }

  mutating func tell(_ event: ClusterEvent, after milliseconds: Int64 = 1) {
    now += milliseconds
    step = machine.handle(event, now: now)
    journal.write(step.records)
  }

  /// The same coordinator started again on its journal.
  mutating func restart() {
    machine = ClusterMachine(settings: Self.settings(), epoch: machine.epoch + 1)
    machine.restore(journal.load(), profiles: ["p": profile], now: now)
    step = Step()
  }

  // MARK: - What was said

  var jobs: [Job] {
    step.actions.compactMap { action in if case .start(let job) = action { job } else { nil } }
  }

  func messages(to connection: ConnectionID) -> [Message] {
    step.actions.compactMap { action in
      if case .send(connection, let message) = action { message } else { nil }
    }
  }

  func assignments(to connection: ConnectionID) -> [Assignment] {
    messages(to: connection).compactMap { if case .assign(let assignment) = $0 { assignment } else { nil } }
  }

  func orders(to connection: ConnectionID) -> [Order] {
    messages(to: connection).compactMap { if case .order(let order) = $0 { order } else { nil } }
  }

  var answer: String? {
    for case .answer(_, let error) in step.actions { return error ?? "" }
    return nil
  }

  var closed: [ConnectionID] {
    step.actions.compactMap { action in if case .close(let number, _) = action { number } else { nil } }
  }

  // MARK: - Stories

  mutating func submit(untilCaughtUp: Bool = false) {
    let record = PipelineRecord(name: "p", uid: "p.1", definition: "", file: "p.yaml", untilCaughtUp: untilCaughtUp)
    tell(.command(token: 1, .submit(record, profile)))
  }

  mutating func join(_ connection: ConnectionID, _ worker: String, slots: Int, running: [AttemptID] = []) {
    tell(.joined(connection, Join(workerID: worker, name: worker, slots: slots, running: running)))
  }

  mutating func end(_ result: JobResult) throws {
    let id = try #require(state?.jobs.keys.min())
    tell(.jobEnded(id, result))
  }

  /// Submits, discovers and creates tables: the snapshot's first plan is then under way.
  mutating func discover(_ names: [String] = ["orders"], untilCaughtUp: Bool = false) throws {
    submit(untilCaughtUp: untilCaughtUp)
    let tables = names.map {
      DiscoveredTable(
        id: TableID(schema: "shop", table: $0), schema: Self.schema, chunkKey: ["id"], estimatedRows: 10)
    }
    try end(.discovered(tables, before: Offset("10"), after: Offset("11")))
    try end(.schemaApplied)
  }

  /// Plans so many chunks of the table whose turn it is, to its end.
  mutating func plan(chunks: Int) throws {
    let ranges = (0..<chunks).map { number in
      ChunkRange(
        columns: ["id"], lower: number == 0 ? nil : [.integer(Int64(number))],
        upper: number + 1 == chunks ? nil : [.integer(Int64(number + 1))])
    }
    try end(.planned([ChunkPlan(chunks: ranges, cursor: nil)]))
  }

  mutating func report(_ connection: ConnectionID, _ attempt: AttemptID, _ event: Report.Event) {
    tell(.report(connection, Report(attempt: attempt, event: event)))
  }

  static func committable(
    _ attempt: AttemptID, _ sequence: Int, at offset: String, rows: Int = 0, isFinal: Bool, version: Int = 1
  ) -> Committable {
    Committable(
      attempt: attempt, sequence: sequence, label: "l\(sequence)",
      progress: SplitProgress(
        offset: Offset(offset), rows: rows, bytes: rows,
        schemaVersions: isFinal ? [:] : [orders.description: version], isFinal: isFinal))
  }

  /// A tail's commit, from prepared to committed.
  mutating func commit(
    _ connection: ConnectionID, _ attempt: AttemptID, _ sequence: Int, at offset: String, rows: Int = 0,
    isFinal: Bool = false,
    version: Int = 1
  ) {
    let committable = Self.committable(attempt, sequence, at: offset, rows: rows, isFinal: isFinal, version: version)
    report(connection, attempt, .prepared(committable))
    report(connection, attempt, .committed(sequence: sequence, progress: committable.progress, recovered: false))
  }

  /// A pipeline in its tail phase with all tails given to worker `w` on connection 1.
  mutating func reachTail(untilCaughtUp: Bool = false) throws -> [AttemptID] {
    try discover(untilCaughtUp: untilCaughtUp)
    try plan(chunks: 1)
    join(1, "w", slots: 4)
    let chunk = try #require(assignments(to: 1).first?.attempt)
    report(1, chunk, .started(low: Offset("20")))
    commit(1, chunk, 1, at: "20", rows: 7, isFinal: true)
    if untilCaughtUp { try end(.offset(Offset("30"))) }
    return assignments(to: 1).map(\.attempt)
  }
}
