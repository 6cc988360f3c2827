import Connector
import Model
import Wire

@testable import Worker

/// What a simulated attempt can reach.
protocol SimulationSurroundings: AnyObject {
  var source: SimulationSource { get }
  var sink: SimulationSink { get }
  /// Milliseconds of the attempt's worker's clock.
  func clock(of attempt: SimulationAttempt) -> Int64
  func leaseIsOver(for attempt: SimulationAttempt) -> Bool
  func report(_ attempt: SimulationAttempt, _ event: Report.Event)
  /// Draws whether a call of the source or the sink fails for a moment.
  func fails() -> Bool
  func draw(_ count: Int) -> Int
  var mutation: SimulationMutation? { get }
  /// Whether tables that come, and were never captured, are told of.
  var announcesNewTables: Bool { get }
  /// Tables that the definition does not name at this moment.
  var unselected: Set<TableID> { get }
}

/// Defects that can be put in, to prove that the simulation sees them.
enum SimulationMutation: CaseIterable {
  case actsBeforeJournaling
  case ignoresLeases
  case skipsFencing
  case takesLostForCommitted
  case ignoresWatermarks
  case goesOnWithoutAdoption
  case ignoresDeliveries
  case losesRemainders
  case followsHalfOfStatements
  case forgetsFormerTables
  /// Two neighbouring chunks become one with the higher, or the lower, of their watermarks.
  case foldsByHighest
  case foldsByLowest
}

/// An attempt as a thing that takes one step at a time: the same deeds in the same order as the worker's attempts.
class SimulationAttempt {
  let id: AttemptID
  let worker: String
  private(set) var orders: [Order.Action] = []
  private(set) var cancelAfterCommit: Bool?
  /// Where the tail ends, if an order has told it.
  var toldEnd: Offset?
  private(set) var isAbandoned = false
  /// Whether it waits for an order, and need not be stepped.
  var isWaiting = false
  /// Whether nothing of it will happen any more.
  private(set) var isOver = false
  var writer: SimulationSink.Writer?
  unowned let world: any SimulationSurroundings
  var rows = 0

  init(_ id: AttemptID, worker: String, world: any SimulationSurroundings) {
    self.id = id
    self.worker = worker
    self.world = world
  }

  /// Milliseconds until the next step.
  var pause: Int64 { Int64(1 + world.draw(60)) }

  /// Whether it believes that it may write at this moment.
  var believesInItself: Bool {
    if isOver || writer == nil { return false }
    if world.mutation == .ignoresLeases { return true }
    return !isAbandoned && cancelAfterCommit != false && !world.leaseIsOver(for: self)
  }

  /// Whether it has made sure that it may write, and the write has not reached the sink yet.
  var isWriteUnderWay: Bool { false }

  /// One step.
  func advance() throws(ConnectorError) {}

  /// Takes a step, and ends when it throws. True when it has ended.
  func step() -> Bool {
    guard !isOver else { return true }
    isWaiting = false
    do {
      try advance()
    } catch {
      close()
      isOver = true
      report(error)
    }
    return isOver
  }

  /// The process is gone: nothing is closed.
  func vanish() { isOver = true }

  func finish() {
    close()
    isOver = true
  }

  private func close() {
    if let writer { world.sink.close(writer) }
  }

  private func report(_ error: ConnectorError) {
    if isAbandoned { return }
    if cancelAfterCommit == false || (error.kind == .cancelled && cancelAfterCommit != nil) {
      return world.report(self, .cancelled)
    }
    world.report(
      self, .failed(Failure(kind: error.kind.rawValue, message: error.message, table: error.table)))
  }

  func checkMayWrite() throws(ConnectorError) {
    if world.mutation == .ignoresLeases { return }
    if world.leaseIsOver(for: self) { throw ConnectorError(.fenced, "the lease is over") }
    if isAbandoned { throw ConnectorError(.fenced, "abandoned") }
    if cancelAfterCommit == false { throw ConnectorError(.cancelled, "cancelled") }
  }

  /// Before a call of the source or the sink: it may fail, and whoever must end interrupts it.
  func checkReachable() throws(ConnectorError) {
    if isAbandoned || cancelAfterCommit == false { throw ConnectorError(.connection, "interrupted") }
    if world.fails() { throw ConnectorError(.transient, "a passing fault") }
  }

  /// The order that answers the last report, if it has come.
  func awaited<R>(_ matches: (Order.Action) -> R?) throws(ConnectorError) -> R? {
    while !orders.isEmpty { if let match = matches(orders.removeFirst()) { return match } }
    if world.mutation != .ignoresLeases {
      if isAbandoned { throw ConnectorError(.fenced, "abandoned") }
      if cancelAfterCommit == false { throw ConnectorError(.cancelled, "cancelled") }
    }
    isWaiting = true
    return nil
  }

  func deliver(_ action: Order.Action) {
    switch action {
    case .cancel(let afterCommit):
      if cancelAfterCommit != false { cancelAfterCommit = afterCommit }
    case .notifyAt(let offset): toldEnd = offset
    case .proceed, .commit, .adopt: orders.append(action)
    }
  }

  func abandon() { isAbandoned = true }

  /// Source rows of a table under a binding as the sink gets them.
  func writes(_ binding: TableBinding, key: Int, row: SimulationSource.Row?, order: Int) -> [SimulationSink.Write] {
    binding.targets.map { target in
      let names = target.schema.columns.map(\.name)
      let known = Set(binding.schema.columns.map(\.name))
      let fitted = row.map { row in row.filter { known.contains($0.key) && names.contains($0.key) } }
      return SimulationSink.Write(
        table: target.id, columns: names, key: key, row: fitted, order: order, generation: 0)
    }
  }
}

/// Reads one chunk: see the worker's `SnapshotAttempt`.
final class SimulationSnapshotAttempt: SimulationAttempt {
  private enum State {
    case opening
    case reading
    case awaitingProceed
    case checkingWrite
    case writing([SimulationSink.Write])
    case preparing
    case awaitingCommit(Committable)
    case committing(Committable)
  }

  private let work: SnapshotWork
  private var state = State.opening
  private var position = 0
  private var left: [SimulationSource.Row] = []
  private var remainder: ChunkRange?

  init(_ id: AttemptID, work: SnapshotWork, worker: String, world: any SimulationSurroundings) {
    self.work = work
    super.init(id, worker: worker, world: world)
  }

  override var isWriteUnderWay: Bool {
    switch state {
    case .writing, .committing: true
    default: false
    }
  }

  override func advance() throws(ConnectorError) {
    switch state {
    case .opening: try openWriter()
    case .reading: try openRead()
    case .awaitingProceed:
      if try awaited({ $0 == .proceed ? true : nil }) != nil { state = .checkingWrite }
    case .checkingWrite: try checkWrite()
    case .writing(let writes):
      guard let writer else { return }
      try world.sink.write(writes, writer)
      rows += writes.count
      state = .checkingWrite
    case .preparing: try prepare()
    case .awaitingCommit(let committable):
      guard try awaited({ $0 == .commit(sequence: committable.sequence) ? true : nil }) != nil else { return }
      try checkMayWrite()
      state = .committing(committable)
    case .committing(let committable): try commit(committable)
    }
  }

  private func openWriter() throws(ConnectorError) {
    try checkMayWrite()
    try checkReachable()
    let writer = try world.sink.open(id)
    self.writer = writer
    if let recovered = writer.recovered, recovered.isFinal {
      world.report(self, .committed(sequence: 0, progress: recovered, recovered: true))
      return finish()
    }
    state = .reading
  }

  private func openRead() throws(ConnectorError) {
    try checkReachable()
    left = try world.source.read(work.binding.table, schema: work.binding.schema, range: work.range)
    remainder = work.range.cut(&left, world)
    position = world.source.end
    if world.sink.guarantees.commitsAlone {
      state = .checkingWrite
    } else {
      world.report(self, .started(low: world.source.offset(position)))
      state = .awaitingProceed
    }
  }

  private func checkWrite() throws(ConnectorError) {
    if left.isEmpty {
      state = .preparing
      return
    }
    try checkMayWrite()
    try checkReachable()
    let batch = left.prefix(2)
    left.removeFirst(batch.count)
    state = .writing(
      batch.flatMap { row in
        writes(work.binding, key: row[work.binding.schema.key] ?? -1, row: row, order: position * 1000 + 999)
      })
  }

  private func prepare() throws(ConnectorError) {
    try checkMayWrite()
    guard let writer else { return }
    let progress = SplitProgress(
      offset: world.source.offset(position), rows: rows, bytes: rows, isFinal: true,
      remainder: world.mutation == .losesRemainders ? nil : remainder)
    let committable = try world.sink.prepare(writer, progress)
    if world.sink.guarantees.commitsAlone {
      state = .committing(committable)
    } else {
      world.report(self, .prepared(committable))
      state = .awaitingCommit(committable)
    }
  }

  private func commit(_ committable: Committable) throws(ConnectorError) {
    guard let writer else { return }
    guard try world.sink.commit(writer, committable) == .committed else {
      throw ConnectorError(.transient, "lost")
    }
    world.report(
      self, .committed(sequence: committable.sequence, progress: committable.progress, recovered: false))
    finish()
  }
}
