internal import CWire
import Model

/// What workers say.
extension WireDecoder {
  static func join(_ message: UnsafeMutablePointer<Tidegate__Join>) throws(WireError) -> Join {
    Join(
      workerID: try text(message.pointee.worker_id, "Join.worker_id"),
      name: try text(message.pointee.name, "Join.name"),
      slots: try count(message.pointee.slots, "Join.slots"),
      running: try list(message.pointee.n_running, message.pointee.running, attempt))
  }

  static func heartbeat(_ message: UnsafeMutablePointer<Tidegate__Heartbeat>) throws(WireError) -> Heartbeat {
    Heartbeat(
      sequence: try WireNumbers.count(message.pointee.sequence, "Heartbeat.sequence"),
      attempts: try list(message.pointee.n_attempts, message.pointee.attempts, attemptProgress))
  }

  private static func attemptProgress(
    _ message: UnsafeMutablePointer<Tidegate__AttemptProgress>
  ) throws(WireError) -> AttemptProgress {
    AttemptProgress(
      attempt: try attempt(required(message.pointee.attempt, "AttemptProgress.attempt")),
      rows: try count(message.pointee.rows, "AttemptProgress.rows"),
      bytes: try count(message.pointee.bytes, "AttemptProgress.bytes"),
      offset: try optional(message.pointee.offset, offset),
      lastEventMilliseconds: try optional(message.pointee.last_event_milliseconds) { time throws(WireError) in
        try WireNumbers.time(time.pointee.value, "AttemptProgress.last_event_milliseconds")
      },
      isIdle: message.pointee.is_idle != 0)
  }

  static func report(_ message: UnsafeMutablePointer<Tidegate__Report>) throws(WireError) -> Report {
    Report(
      attempt: try attempt(required(message.pointee.attempt, "Report.attempt")), event: try event(message.pointee))
  }

  private static func event(_ report: Tidegate__Report) throws(WireError) -> Report.Event {
    switch report.event_case {
    case TIDEGATE__REPORT__EVENT_STARTED:
      return .started(low: try offset(required(report.started, "Report.started")))
    case TIDEGATE__REPORT__EVENT_PREPARED:
      return .prepared(try committable(required(report.prepared, "Report.prepared")))
    case TIDEGATE__REPORT__EVENT_COMMITTED:
      let committed = try required(report.committed, "Report.committed").pointee
      return .committed(
        sequence: try count(committed.sequence, "Committed.sequence"),
        progress: try progress(required(committed.progress, "Committed.progress")),
        recovered: committed.recovered != 0)
    case TIDEGATE__REPORT__EVENT_SCHEMA_CHANGE:
      let changed = try required(report.schema_change, "Report.schema_change").pointee
      return .schemaChange(
        table: try table(required(changed.table, "SchemaChanged.table")),
        offset: try offset(required(changed.offset, "SchemaChanged.offset")),
        changes: try list(changed.n_changes, changed.changes, change),
        schema: try schema(required(changed.schema, "SchemaChanged.schema")))
    case TIDEGATE__REPORT__EVENT_CAUGHT_UP:
      return .caughtUp(end: try offset(required(report.caught_up, "Report.caught_up")))
    case TIDEGATE__REPORT__EVENT_PAST_WATERMARKS: return .pastWatermarks
    case TIDEGATE__REPORT__EVENT_FAILED: return .failed(try failure(required(report.failed, "Report.failed")))
    case TIDEGATE__REPORT__EVENT_CANCELLED: return .cancelled
    default: throw .malformed("Report has no event that is known here")
    }
  }

  private static func failure(_ message: UnsafeMutablePointer<Tidegate__Failure>) throws(WireError) -> Failure {
    Failure(
      kind: try text(message.pointee.kind, "Failure.kind"),
      message: try text(message.pointee.message, "Failure.message"),
      table: try optional(message.pointee.table, table), offset: try optional(message.pointee.offset, offset),
      remedy: try optional(message.pointee.remedy, unwrapped))
  }
}

/// What the coordinator says to workers.
extension WireDecoder {
  static func joined(_ message: UnsafeMutablePointer<Tidegate__Joined>) throws(WireError) -> Joined {
    Joined(
      epoch: try WireNumbers.count(message.pointee.epoch, "Joined.epoch"),
      leaseMilliseconds: try WireNumbers.count(message.pointee.lease_milliseconds, "Joined.lease_milliseconds"),
      heartbeatMilliseconds: try WireNumbers.count(
        message.pointee.heartbeat_milliseconds, "Joined.heartbeat_milliseconds"))
  }

  static func heartbeatAck(_ message: UnsafeMutablePointer<Tidegate__HeartbeatAck>) throws(WireError) -> HeartbeatAck {
    HeartbeatAck(sequence: try WireNumbers.count(message.pointee.sequence, "HeartbeatAck.sequence"))
  }

  static func assignment(_ message: UnsafeMutablePointer<Tidegate__Assignment>) throws(WireError) -> Assignment {
    Assignment(
      attempt: try attempt(required(message.pointee.attempt, "Assignment.attempt")),
      connectors: try connectors(required(message.pointee.connectors, "Assignment.connectors")),
      work: try work(message.pointee))
  }

  private static func work(_ assignment: Tidegate__Assignment) throws(WireError) -> SplitWork {
    switch assignment.work_case {
    case TIDEGATE__ASSIGNMENT__WORK_SNAPSHOT:
      let snapshot = try required(assignment.snapshot, "Assignment.snapshot").pointee
      return .snapshot(
        SnapshotWork(
          binding: try binding(required(snapshot.binding, "SnapshotWork.binding")),
          range: try range(required(snapshot.range, "SnapshotWork.range"))))
    case TIDEGATE__ASSIGNMENT__WORK_TAIL:
      return .tail(try tail(required(assignment.tail, "Assignment.tail").pointee))
    default: throw .malformed("Assignment has no work that is known here")
    }
  }

  private static func connectors(
    _ message: UnsafeMutablePointer<Tidegate__ConnectorSpec>
  ) throws(WireError) -> ConnectorSpec {
    ConnectorSpec(
      sourceType: try text(message.pointee.source_type, "ConnectorSpec.source_type"),
      sourceOptions: try options(message.pointee.n_source_options, message.pointee.source_options),
      sinkType: try text(message.pointee.sink_type, "ConnectorSpec.sink_type"),
      sinkOptions: try options(message.pointee.n_sink_options, message.pointee.sink_options),
      secrets: try texts(message.pointee.n_secrets, message.pointee.secrets, "ConnectorSpec.secrets"),
      localTimeZone: try optional(message.pointee.local_time_zone, unwrapped),
      parallelism: try count(message.pointee.parallelism, "ConnectorSpec.parallelism"))
  }

  private static func binding(
    _ message: UnsafeMutablePointer<Tidegate__TableBinding>
  ) throws(WireError) -> TableBinding {
    let source = try schema(required(message.pointee.schema, "TableBinding.schema"))
    return TableBinding(
      table: try table(required(message.pointee.table, "TableBinding.table")),
      version: try count(message.pointee.version, "TableBinding.version"), schema: source,
      targets: try list(message.pointee.n_targets, message.pointee.targets) { target throws(WireError) in
        TableBinding.Target(
          id: try table(required(target.pointee.id, "SinkTable.id")),
          schema: try optional(target.pointee.schema, schema) ?? source)
      })
  }

  private static func delivered(
    _ message: UnsafeMutablePointer<Tidegate__DeliveredShares>
  ) throws(WireError) -> DeliveredShares {
    let offsets = try list(message.pointee.n_offsets, message.pointee.offsets, offset)
    guard !offsets.isEmpty else { throw .malformed("DeliveredShares has no offset") }
    return DeliveredShares(offsets)
  }

  static func moreTables(
    _ message: UnsafeMutablePointer<Tidegate__MoreTables>
  ) throws(WireError) -> MoreTables {
    MoreTables(
      attempt: try attempt(required(message.pointee.attempt, "MoreTables.attempt")),
      tables: try list(message.pointee.n_tables, message.pointee.tables, tailTable))
  }

  private static func tailTable(
    _ item: UnsafeMutablePointer<Tidegate__TailTableWork>
  ) throws(WireError) -> TailTableWork {
    TailTableWork(
      binding: try binding(required(item.pointee.binding, "TailTableWork.binding")),
      ignoredThrough: try optional(item.pointee.ignored_through, offset),
      chunks: FinishedChunks(
        runs: try list(item.pointee.n_chunks, item.pointee.chunks, packed), countsLow: item.pointee.counts_low != 0),
      delivered: try list(item.pointee.n_delivered, item.pointee.delivered, delivered))
  }

  private static func tail(_ tail: Tidegate__TailWork) throws(WireError) -> TailWork {
    let work = TailWork(
      start: try offset(required(tail.start, "TailWork.start")),
      tables: try list(tail.n_tables, tail.tables, tailTable),
      shareIndex: try count(tail.share_index, "TailWork.share_index"),
      shareCount: try count(tail.share_count, "TailWork.share_count"),
      notifyAt: try optional(tail.notify_at, offset),
      commitIntervalMilliseconds: try WireNumbers.count(
        tail.commit_interval_milliseconds, "TailWork.commit_interval_milliseconds"),
      formerTables: try list(tail.n_former_tables, tail.former_tables, table),
      changedVersions: try versions(tail.n_changed_versions, tail.changed_versions))
    try WireNumbers.checkShare(index: work.shareIndex, count: work.shareCount)
    return work
  }

  static func order(_ message: UnsafeMutablePointer<Tidegate__Order>) throws(WireError) -> Order {
    Order(attempt: try attempt(required(message.pointee.attempt, "Order.attempt")), action: try action(message.pointee))
  }

  private static func action(_ order: Tidegate__Order) throws(WireError) -> Order.Action {
    switch order.action_case {
    case TIDEGATE__ORDER__ACTION_PROCEED: return .proceed
    case TIDEGATE__ORDER__ACTION_COMMIT:
      return .commit(sequence: try count(required(order.commit, "Order.commit").pointee.sequence, "Commit.sequence"))
    case TIDEGATE__ORDER__ACTION_ADOPT:
      let adopt = try required(order.adopt, "Order.adopt").pointee
      return .adopt(
        table: try table(required(adopt.table, "Adopt.table")),
        offset: try offset(required(adopt.offset, "Adopt.offset")), binding: try optional(adopt.binding, binding))
    case TIDEGATE__ORDER__ACTION_CANCEL:
      return .cancel(afterCommit: try required(order.cancel, "Order.cancel").pointee.after_commit != 0)
    case TIDEGATE__ORDER__ACTION_NOTIFY_AT:
      return .notifyAt(try offset(required(order.notify_at, "Order.notify_at")))
    default: throw .malformed("Order has no action that is known here")
    }
  }
}

/// What the command line and the coordinator say to each other.
extension WireDecoder {
  static func adminRequest(_ message: UnsafeMutablePointer<Tidegate__AdminRequest>) throws(WireError) -> AdminRequest {
    AdminRequest(
      verb: try text(message.pointee.verb, "AdminRequest.verb"),
      pipeline: try text(message.pointee.pipeline, "AdminRequest.pipeline"),
      arguments: try options(message.pointee.n_arguments, message.pointee.arguments))
  }

  static func adminReply(_ message: UnsafeMutablePointer<Tidegate__AdminReply>) throws(WireError) -> AdminReply {
    try WireNumbers.checkStatus(message.pointee.status)
    return AdminReply(
      status: try count(message.pointee.status, "AdminReply.status"),
      error: try text(message.pointee.error, "AdminReply.error"),
      json: try text(message.pointee.json, "AdminReply.json"))
  }
}
