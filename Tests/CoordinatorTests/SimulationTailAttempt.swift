import Connector
import Model
import Wire

@testable import Coordinator
@testable import Worker

/// Reads the log: see the worker's `TailAttempt`.
final class SimulationTailAttempt: SimulationAttempt {
  private enum Goal {
    case go
    case end
    case report(SimulationReader.SchemaStep)
  }

  private enum State {
    case opening
    case reading
    case writing([SimulationSink.Write])
    case afterStep
    case committing(Goal)
    case awaitingCommit(Committable, Goal)
    case landing(Committable, Goal)
    case awaitingAdoption(SimulationReader.SchemaStep)
  }

  private let work: TailWork
  private var state = State.opening
  private var reader: SimulationReader
  private var bindings: [TableID: TableBinding] = [:]
  private var versions: [String: Int]
  private var committed: Int
  private var uncommittedRows = 0
  private var lastCommit: Int64 = 0
  private var passedEnd: Offset?
  private var end: Offset? { toldEnd ?? work.notifyAt }
  private var isPastWatermarks = false

  init(_ id: AttemptID, work: TailWork, worker: String, world: any SimulationSurroundings) {
    self.work = work
    versions = work.changedVersions
    committed = Int(work.start.text) ?? 0
    reader = SimulationReader(work, from: 0, announcesAll: world.announcesNewTables, unselected: world.unselected)
    super.init(id, worker: worker, world: world)
    for table in work.tables { bindings[table.binding.table] = table.binding }
  }

  override var pause: Int64 {
    if case .reading = state, reader.position >= world.source.end, uncommittedRows == 0 { return 250 }
    return super.pause
  }

  override var isWriteUnderWay: Bool {
    switch state {
    case .writing, .landing: true
    default: false
    }
  }

  override func advance() throws(ConnectorError) {
    switch state {
    case .opening: try open()
    case .reading: try read()
    case .writing(let writes):
      guard let writer else { return }
      try world.sink.write(writes, writer)
      uncommittedRows += writes.count
      rows += writes.count
      state = .afterStep
    case .afterStep: try look()
    case .committing(let goal): try prepare(goal)
    case .awaitingCommit(let committable, let goal):
      guard try awaited({ $0 == .commit(sequence: committable.sequence) ? true : nil }) != nil else { return }
      try checkMayWrite()
      state = .landing(committable, goal)
    case .landing(let committable, let goal): try land(committable, goal)
    case .awaitingAdoption(let step): try adopt(step)
    }
  }

  private func open() throws(ConnectorError) {
    try checkMayWrite()
    try checkReachable()
    let writer = try world.sink.open(id)
    self.writer = writer
    if let recovered = writer.recovered { committed = Int(recovered.offset.text) ?? 0 }
    for item in work.tables {
      let name = item.binding.table.description
      if let recovered = writer.recovered?.schemaVersions, recovered[name] != work.changedVersions[name] {
        throw ConnectorError(.bug, "the sink's progress is of another schema version than the journal's")
      }
    }
    var work = work
    if world.mutation == .forgetsFormerTables { work.formerTables = [] }
    for index in work.tables.indices {
      if world.mutation == .ignoresDeliveries { work.tables[index].delivered = [] }
      work.tables[index].chunks = misfolded(work.tables[index].chunks)
    }
    reader = SimulationReader(
      work, from: committed, announcesAll: world.announcesNewTables, unselected: world.unselected)
    reader.mutation = world.mutation
    lastCommit = world.clock(of: self)
    checkCaughtUp()
    state = .reading
  }

  /// What a coordinator would send that folds chunks of different watermarks.
  private func misfolded(_ chunks: FinishedChunks) -> FinishedChunks {
    let takesHighest = world.mutation == .foldsByHighest
    guard takesHighest || world.mutation == .foldsByLowest else { return chunks }
    var result: [FinishedChunk] = []
    for chunk in chunks {
      guard let last = result.last, last.range.upper == chunk.range.lower else {
        result.append(chunk)
        continue
      }
      let isHigher = Int(chunk.watermark.text) ?? 0 > Int(last.watermark.text) ?? 0
      result[result.count - 1].range.upper = chunk.range.upper
      if isHigher == takesHighest { result[result.count - 1].watermark = chunk.watermark }
    }
    return FinishedChunks(result)
  }

  private func read() throws(ConnectorError) {
    try checkReachable()
    switch try reader.next(world.source, ignoresWatermarks: world.mutation == .ignoresWatermarks) {
    case .idle: state = .afterStep
    case .rows(let events):
      var writes: [SimulationSink.Write] = []
      for event in events {
        guard let binding = bindings[event.table] else { throw ConnectorError(.bug, "rows of an unknown table") }
        writes += self.writes(binding, key: event.key, row: event.row, order: event.order)
      }
      if writes.isEmpty {
        state = .afterStep
      } else {
        try checkMayWrite()
        state = .writing(writes)
      }
    case .schemaChange(let step):
      if uncommittedRows > 0 || reader.committable != committed {
        state = .committing(.report(step))
      } else {
        announce(step)
      }
    }
  }

  /// What the real attempt looks at after each step of its reader.
  private func look() throws(ConnectorError) {
    state = .reading
    if isCommitDue { state = .committing(.go) }
    if cancelAfterCommit != nil, let offset = reader.committable {
      state = .committing(.end)
      if offset == committed && uncommittedRows == 0 { throw ConnectorError(.cancelled, "told to end") }
    }
  }

  private var isCommitDue: Bool {
    guard let offset = reader.committable, offset != committed else { return false }
    let waiting = end != nil && end != passedEnd && uncommittedRows == 0
    let interval =
      uncommittedRows > 0 || waiting ? work.commitIntervalMilliseconds : max(5000, work.commitIntervalMilliseconds)
    return world.clock(of: self) >= lastCommit + interval
  }

  private func prepare(_ goal: Goal) throws(ConnectorError) {
    guard let offset = reader.committable, let writer else { throw ConnectorError(.bug, "a commit in a transaction") }
    let progress = SplitProgress(
      offset: world.source.offset(offset), rows: rows, bytes: rows, schemaVersions: versions, isFinal: false)
    try checkMayWrite()
    try checkReachable()
    let committable = try world.sink.prepare(writer, progress)
    world.report(self, .prepared(committable))
    state = .awaitingCommit(committable, goal)
  }

  private func land(_ committable: Committable, _ goal: Goal) throws(ConnectorError) {
    guard let writer else { return }
    guard try world.sink.commit(writer, committable) == .committed else { throw ConnectorError(.transient, "lost") }
    world.report(
      self, .committed(sequence: committable.sequence, progress: committable.progress, recovered: false))
    uncommittedRows = 0
    committed = Int(committable.progress.offset.text) ?? 0
    lastCommit = world.clock(of: self)
    checkCaughtUp()
    if !isPastWatermarks, reader.isPastWatermarks {
      isPastWatermarks = true
      world.report(self, .pastWatermarks)
    }
    switch goal {
    case .go: state = .reading
    case .end: throw ConnectorError(.cancelled, "told to end")
    case .report(let step): announce(step)
    }
  }

  private func checkCaughtUp() {
    guard let end, end != passedEnd, committed >= Int(end.text) ?? 0 else { return }
    passedEnd = end
    world.report(self, .caughtUp(end: end))
  }

  private func announce(_ step: SimulationReader.SchemaStep) {
    world.report(
      self,
      .schemaChange(
        table: step.table, offset: world.source.offset(step.position), changes: step.changes, schema: step.schema))
    state = .awaitingAdoption(step)
  }

  private func adopt(_ step: SimulationReader.SchemaStep) throws(ConnectorError) {
    let offset = world.source.offset(step.position)
    var binding: TableBinding?
    if world.mutation != .goesOnWithoutAdoption {
      let answer: TableBinding?? = try awaited { action in
        if case .adopt(step.table, offset, let binding) = action { return .some(binding) }
        return nil
      }
      guard let answer else { return }
      binding = answer
    } else if var own = bindings[step.table] {
      own.schema = step.schema
      own.version += 1
      own.targets = own.targets.map { .init(id: $0.id, schema: step.schema) }
      binding = own
    }
    bindings[step.table] = nil
    versions[step.table.description] = 0
    if let binding {
      bindings[binding.table] = binding
      versions[binding.table.description] = binding.version
    }
    reader.adopt(binding, step)
    state = .afterStep
  }
}

/// The model of a source's tail reader.
struct SimulationReader {
  struct SchemaStep {
    var table: TableID
    var position: Int
    var changes: [SchemaChange]
    var schema: TableSchema
  }

  struct Event {
    var table: TableID
    var key: Int
    var row: SimulationSource.Row?
    var order: Int
  }

  enum Step {
    case idle
    case rows([Event])
    case schemaChange(SchemaStep)
  }

  private struct Table {
    var schema: TableSchema
    var ignoredThrough: Int
    var chunks: [FinishedChunk]
    var delivered: [[Int]]

    /// Chunks that were read after the place.
    func containing(_ place: Int) -> Int { chunks.count { place <= Int($0.watermark.text) ?? 0 } }

    /// Whether there are chunks and all of them were.
    func isContained(_ place: Int) -> Bool { !chunks.isEmpty && containing(place) == chunks.count }

    /// Whether every share of an earlier set has gone beyond the place.
    func isDelivered(_ place: Int) -> Bool { delivered.contains { $0.allSatisfy { place <= $0 } } }

    /// Whether the key's share of an earlier set has.
    func isDelivered(_ key: Int, _ place: Int) -> Bool { delivered.contains { place <= $0[key % $0.count] } }
  }

  private(set) var position: Int
  private var tables: [TableID: Table] = [:]
  private let share: Int
  private let shares: Int
  /// The second half of a transaction.
  private var rest: [Event]?
  private var highest = 0
  /// Tables that were captured and are gone.
  private var former: Set<TableID>
  /// Whether tables that were never captured are told of.
  private let announcesAll: Bool
  private let unselected: Set<TableID>
  /// Effects of the statement at hand that are done.
  private var effectsDone = 0
  var mutation: SimulationMutation?

  init(_ work: TailWork, from start: Int, announcesAll: Bool, unselected: Set<TableID>) {
    self.unselected = unselected
    position = start
    former = Set(work.formerTables)
    self.announcesAll = announcesAll
    share = work.shareIndex
    shares = work.shareCount
    for item in work.tables {
      tables[item.binding.table] = Table(
        schema: item.binding.schema, ignoredThrough: item.ignoredThrough.flatMap { Int($0.text) } ?? -1,
        chunks: Array(item.chunks), delivered: item.delivered.map { $0.offsets.compactMap { Int($0.text) } })
      for shares in item.delivered { highest = max(highest, shares.offsets.compactMap { Int($0.text) }.max() ?? 0) }
      for chunk in item.chunks { highest = max(highest, Int(chunk.watermark.text) ?? 0) }
    }
  }

  /// Where a successor would start; nil inside a transaction.
  var committable: Int? { rest == nil ? position : nil }

  var isPastWatermarks: Bool { position >= highest }

  mutating func adopt(_ binding: TableBinding?, _ step: SchemaStep) {
    let old = tables.removeValue(forKey: step.table)
    if let binding {
      var table = old ?? Table(schema: binding.schema, ignoredThrough: -1, chunks: [], delivered: [])
      table.schema = binding.schema
      tables[binding.table] = table
    }
    if binding?.table != step.table { former.insert(step.table) }
    // The statement is passed when all that it does is done.
    effectsDone += 1
  }

  /// What a schema change of the log means to this reader; nil: nothing.
  private func meaning(
    _ effect: SimulationSource.Effect, _ place: Int, _ source: SimulationSource, _ ignoresWatermarks: Bool
  ) -> SchemaStep? {
    let (id, changes, schema) = (effect.table, effect.changes, effect.schema)
    if let table = tables[id] {
      let isPassed =
        place <= table.ignoredThrough || table.isDelivered(place)
        || table.isContained(place)
      if ignoresWatermarks || !isPassed {
        // Some chunks were read before the change and some after: what they have read together never was.
        let isTorn = table.containing(place) > 0 && !ignoresWatermarks
        return SchemaStep(
          table: id, position: place, changes: isTorn ? [.replaceTable(schema)] : changes, schema: schema)
      }
    } else if let change = changes.last, change.brings, announces(id) {
      if case .replaceTable = change { return arrival(of: id, schema, place, source) }
      return SchemaStep(table: id, position: place, changes: changes, schema: schema)
    }
    // The table that got another name is not this reader's, but the name is wanted.
    guard case .renameTable(let new)? = changes.last, tables[new] == nil,
      announces(new) || ((former.contains(id) || tables[id] != nil) && !unselected.contains(new))
    else { return nil }
    return arrival(of: new, schema, place, source)
  }

  /// A table with rows of its own, as the source has it at this moment: it may be gone, and another reader may have seen
  /// it before.
  private func arrival(
    of id: TableID, _ schema: TableSchema, _ place: Int, _ source: SimulationSource
  ) -> SchemaStep? {
    if source.tables[id] != nil {
      return SchemaStep(table: id, position: place, changes: [.replaceTable(schema)], schema: schema)
    }
    if announcesAll { return nil }
    let gone = TableSchema(columns: [], primaryKey: [])
    return SchemaStep(table: id, position: place, changes: [.replaceTable(gone)], schema: gone)
  }

  private func announces(_ id: TableID) -> Bool { !unselected.contains(id) && (announcesAll || former.contains(id)) }

  mutating func next(_ source: SimulationSource, ignoresWatermarks: Bool) throws(ConnectorError) -> Step {
    if let rest {
      self.rest = nil
      position += 1
      return .rows(rest)
    }
    guard position < source.end else { return .idle }
    let place = position + 1
    switch source.log[position] {
    case .statement(let effects):
      while effectsDone < effects.count {
        let effect = effects[effectsDone]
        if mutation == .followsHalfOfStatements, effectsDone > 0 { break }
        if let step = meaning(effect, place, source, ignoresWatermarks) {
          return .schemaChange(step)
        }
        effectsDone += 1
      }
      effectsDone = 0
      position = place
      return .rows([])
    case .rows(let changes):
      let events = try events(changes, place, source, ignoresWatermarks)
      if events.count > 1, place % 2 == 0 {
        rest = Array(events.dropFirst(events.count / 2))
        return .rows(Array(events.prefix(events.count / 2)))
      }
      position = place
      return .rows(events)
    }
  }

  private func events(
    _ changes: [SimulationSource.RowChange], _ place: Int, _ source: SimulationSource, _ ignoresWatermarks: Bool
  ) throws(ConnectorError) -> [Event] {
    var events: [Event] = []
    for (index, change) in changes.enumerated() {
      guard let table = tables[change.table], ignoresWatermarks || place > table.ignoredThrough else { continue }
      if !ignoresWatermarks, table.isDelivered(place) || table.isContained(place) { continue }
      if source.schema(of: change.table, at: place) != table.schema {
        throw ConnectorError(.corrupt, "rows of \(change.table) at \(place) are decoded under another schema")
      }
      let (before, after) = (change.keyBefore, change.keyAfter)
      if let before, before != after {
        events.append(Event(table: change.table, key: before, row: nil, order: place * 1000 + index * 2))
      }
      if let after {
        events.append(Event(table: change.table, key: after, row: change.after, order: place * 1000 + index * 2 + 1))
      }
    }
    return events.filter { event in
      event.key % shares == share
        && (ignoresWatermarks || !(tables[event.table]?.chunks.contains { covers($0, event, place) } ?? false))
        && (ignoresWatermarks || !(tables[event.table]?.isDelivered(event.key, place) ?? false))
    }
  }

  private func covers(_ chunk: FinishedChunk, _ event: Event, _ place: Int) -> Bool {
    chunk.range.holds(event.key) && place <= Int(chunk.watermark.text) ?? 0
  }
}
