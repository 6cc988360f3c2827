import Model
import Wire

/// Workers: joining, leases, leaving.
extension ClusterMachine {
  mutating func workerJoined(_ connection: ConnectionID, _ join: Join) {
    guard connections[connection] == nil, join.slots > 0, !join.workerID.isEmpty else {
      step.actions.append(.close(connection, reason: "a second or senseless join"))
      return
    }
    if let old = workers[join.workerID]?.connection, old != connection {
      connections[old] = nil
      step.actions.append(.close(old, reason: "the worker has come back on another connection"))
    }
    connections[connection] = join.workerID
    workers[join.workerID] = WorkerState(
      name: join.name, slots: join.slots, connection: connection,
      leaseEnds: now + settings.lease + settings.leaseMargin, lastHeard: now)
    step.actions.append(
      .send(
        connection,
        .joined(
          Joined(epoch: epoch, leaseMilliseconds: settings.lease, heartbeatMilliseconds: settings.heartbeat))))
    forgetTailLimits()
    note(.info, "worker joined", ["worker": join.name, "slots": String(join.slots)])
    reconcile(worker: join.workerID, running: Set(join.running))
  }

  /// What the journal gives to a worker and the worker does not know is lost; what the worker runs and the journal does
  /// not give to it must end.
  private mutating func reconcile(worker: String, running: Set<AttemptID>) {
    var expected: Set<AttemptID> = []
    for name in pipelines.keys.sorted() {
      guard let state = pipelines[name] else { continue }
      for split in state.heldSplits where split.worker == worker {
        let attempt = AttemptID(pipeline: state.record.uid, split: split.number, attempt: split.attempt)
        if running.contains(attempt) {
          expected.insert(attempt)
          remind(name, split)
        } else {
          attemptLost(name, split.number, reason: "the worker no longer runs it")
        }
      }
    }
    guard let connection = workers[worker]?.connection else { return }
    for attempt in running.subtracting(expected).sorted(by: { $0.description < $1.description }) {
      step.actions.append(.send(connection, .order(Order(attempt: attempt, action: .cancel(afterCommit: false)))))
    }
  }

  /// After a reconnect: orders that may have been lost are given again.
  private mutating func remind(_ pipeline: String, _ split: SplitRecord) {
    if let afterCommit = pipelines[pipeline]?.cancelled[split.number] {
      order(pipeline, split, .cancel(afterCommit: afterCommit))
    } else if pipelines[pipeline]?.isActive == false {
      cancel(pipeline, split, afterCommit: pipelines[pipeline]?.record.error == nil)
    } else if split.table == nil, let end = pipelines[pipeline]?.record.endOffset {
      order(pipeline, split, .notifyAt(end))
    }
  }

  mutating func heard(_ connection: ConnectionID, _ heartbeat: Heartbeat) {
    guard let id = connections[connection] else {
      step.actions.append(.close(connection, reason: "a heartbeat before the join"))
      return
    }
    workers[id]?.leaseEnds = now + settings.lease + settings.leaseMargin
    workers[id]?.lastHeard = now
    for progress in heartbeat.attempts {
      guard let name = names[progress.attempt.pipeline],
        let split = pipelines[name]?.splits[progress.attempt.split], split.attempt == progress.attempt.attempt,
        split.worker == id
      else { continue }
      pipelines[name]?.live[split.number] = progress
      if progress.offset != nil { showedOpenWriter(name, split) }
    }
    step.actions.append(.send(connection, .heartbeatAck(HeartbeatAck(sequence: heartbeat.sequence))))
  }

  mutating func workerLeft(_ connection: ConnectionID) {
    guard let id = connections[connection] else { return }
    connections[connection] = nil
    note(.info, "worker left", ["worker": workers[id]?.name ?? id])
    removeWorker(id, reason: "the worker left", isLost: false)
  }

  /// The worker may come back: its splits stay with it until its lease is over.
  mutating func disconnected(_ connection: ConnectionID) {
    guard let id = connections.removeValue(forKey: connection), workers[id]?.connection == connection else { return }
    workers[id]?.connection = nil
    note(.warning, "worker disconnected", ["worker": workers[id]?.name ?? id])
    let holds = pipelines.values.contains { $0.heldSplits.contains { $0.worker == id } }
    if !holds { workers[id] = nil }
  }

  mutating func expireLeases() {
    for (id, worker) in workers.sorted(by: { $0.key < $1.key }) where worker.leaseEnds <= now {
      note(.warning, "worker lost: its lease is over", ["worker": worker.name])
      if let connection = worker.connection {
        connections[connection] = nil
        step.actions.append(.close(connection, reason: "no heartbeat within the lease"))
      }
      removeWorker(id, reason: "the worker's lease ran out", isLost: true)
    }
  }

  private mutating func removeWorker(_ id: String, reason: String, isLost: Bool) {
    workers[id] = nil
    for name in pipelines.keys.sorted() {
      let held = pipelines[name]?.heldSplits.filter { $0.worker == id } ?? []
      for split in held.sorted(by: { $0.number < $1.number }) {
        attemptLost(name, split.number, reason: reason, isAdrift: isLost)
      }
    }
  }

  /// Puts the journal's records into the machine, before any event. Workers that the journal names get a full lease:
  /// until it is over, or they have come back and said what they run, nothing of theirs is given away.
  public mutating func restore(_ records: [JournalRecord], profiles: [String: PipelineProfile], now: Int64) {
    self.now = now
    for record in records { restore(record, profiles: profiles) }
    for (name, state) in pipelines {
      adoptEarlierForm(name, state)
      if state.record.intent != .run || state.record.phase == .finished {
        pipelines[name]?.graceEnds = now + settings.grace
      }
      for split in state.openSplits {
        pipelines[name]?.since[split.number] = now
        guard split.isHeld, let worker = split.worker, workers[worker] == nil else { continue }
        workers[worker] = WorkerState(
          name: worker, slots: 0, connection: nil, leaseEnds: now + settings.lease + settings.leaseMargin,
          lastHeard: now)
      }
    }
  }

  /// A journal from before tail splits could be replaced does not say which tables the tail has: all of them.
  private mutating func adoptEarlierForm(_ name: String, _ state: PipelineState) {
    if state.hasTables(in: .joining) { pipelines[name]?.joiningSince = now }
    if state.record.phase == .tail, state.record.generation == nil {
      for id in state.tables(in: .done) { pipelines[name]?.change(table: id) { $0.tailedSince = 0 } }
      pipelines[name]?.change { $0.generation = 0 }
    }
    if state.tailCount > 0, state.record.listsChangedVersions == nil { adoptListedVersions(name) }
  }

  /// In such a journal every commit of a tail lists the versions of all its tables: what has changed since the set began
  /// follows from it.
  private mutating func adoptListedVersions(_ name: String) {
    guard let state = pipelines[name] else { return }
    var versions: [String: Int] = [:]
    for table in state.tables.values where table.isInTailFromStart {
      versions[table.id.description] = table.firstVersion
      pipelines[name]?.change(table: table.id) { $0.tailVersion = table.firstVersion }
    }
    func changes(_ listed: [String: Int]) -> [String: Int] {
      var result = listed.filter { versions[$0.key] != $0.value }
      for key in versions.keys where listed[key] == nil { result[key] = 0 }
      return result
    }
    for split in state.tails {
      pipelines[name]?.change(split: split.number, now: now) {
        if let progress = $0.progress { $0.progress?.schemaVersions = changes(progress.schemaVersions) }
        if let committable = $0.committable {
          $0.committable?.progress.schemaVersions = changes(committable.progress.schemaVersions)
        }
      }
    }
    pipelines[name]?.change { $0.listsChangedVersions = true }
  }

  private mutating func restore(_ record: JournalRecord, profiles: [String: PipelineProfile]) {
    switch record {
    case .putPipeline(let pipeline):
      pipelines[pipeline.name] = PipelineState(record: pipeline, profile: profiles[pipeline.name])
      names[pipeline.uid] = pipeline.name
    case .putTable(let pipeline, let table): pipelines[pipeline]?.put(table: table)
    case .putSplit(let pipeline, let split): pipelines[pipeline]?.put(split)
    case .removeSplit(let pipeline, let number):
      pipelines[pipeline]?.removeSplit(number)
      pipelines[pipeline]?.dirty.removedSplits = []
    case .putFolded(let pipeline, let record): pipelines[pipeline]?.put(folded: record)
    case .removeFolded(let pipeline, let table):
      pipelines[pipeline]?.removeFinished(of: table)
      pipelines[pipeline]?.dirty.unfolded = []
    case .putSchema(let pipeline, let schema):
      pipelines[pipeline]?.put(schema: schema)
      pipelines[pipeline]?.dirty.schemas = []
    case .putSinkTable(let pipeline, let table):
      pipelines[pipeline]?.put(sinkTable: table)
      pipelines[pipeline]?.dirty.sinkTables = []
    case .removePipeline(let pipeline):
      if let uid = pipelines[pipeline]?.record.uid { names[uid] = nil }
      pipelines[pipeline] = nil
    }
  }
}
