internal import CWire
import Model

/// What workers say.
extension WireEncoder {
  func join(_ join: Join) throws(WireError) -> UnsafeMutablePointer<Tidegate__Join> {
    let message = try make(tidegate__join__init)
    message.pointee.worker_id = try text(join.workerID)
    message.pointee.name = try text(join.name)
    message.pointee.slots = try count(join.slots, "Join.slots")
    (message.pointee.n_running, message.pointee.running) = try list(join.running, attempt)
    return message
  }

  func heartbeat(_ heartbeat: Heartbeat) throws(WireError) -> UnsafeMutablePointer<Tidegate__Heartbeat> {
    let message = try make(tidegate__heartbeat__init)
    message.pointee.sequence = try WireNumbers.count(heartbeat.sequence, "Heartbeat.sequence")
    (message.pointee.n_attempts, message.pointee.attempts) = try list(heartbeat.attempts, attemptProgress)
    return message
  }

  private func attemptProgress(
    _ progress: AttemptProgress
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__AttemptProgress> {
    let message = try make(tidegate__attempt_progress__init)
    message.pointee.attempt = try attempt(progress.attempt)
    message.pointee.rows = try count(progress.rows, "AttemptProgress.rows")
    message.pointee.bytes = try count(progress.bytes, "AttemptProgress.bytes")
    message.pointee.offset = try optional(progress.offset, offset)
    message.pointee.last_event_milliseconds = try optional(progress.lastEventMilliseconds) { time throws(WireError) in
      let integer = try make(tidegate__integer__init)
      integer.pointee.value = try WireNumbers.time(time, "AttemptProgress.last_event_milliseconds")
      return integer
    }
    message.pointee.is_idle = progress.isIdle ? 1 : 0
    return message
  }

  func report(_ report: Report) throws(WireError) -> UnsafeMutablePointer<Tidegate__Report> {
    let message = try make(tidegate__report__init)
    message.pointee.attempt = try attempt(report.attempt)
    switch report.event {
    case .started(let low):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_STARTED
      message.pointee.started = try offset(low)
    case .prepared(let prepared):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_PREPARED
      message.pointee.prepared = try committable(prepared)
    case .committed(let sequence, let progress, let recovered):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_COMMITTED
      message.pointee.committed = try committed(sequence, progress, recovered)
    case .schemaChange(let table, let offset, let changes, let schema):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_SCHEMA_CHANGE
      message.pointee.schema_change = try schemaChanged(table, offset, changes, schema)
    case .caughtUp(let end):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_CAUGHT_UP
      message.pointee.caught_up = try offset(end)
    case .pastWatermarks:
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_PAST_WATERMARKS
      message.pointee.past_watermarks = try empty()
    case .failed(let failure):
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_FAILED
      message.pointee.failed = try failed(failure)
    case .cancelled:
      message.pointee.event_case = TIDEGATE__REPORT__EVENT_CANCELLED
      message.pointee.cancelled = try empty()
    }
    return message
  }

  private func committed(
    _ sequence: Int, _ splitProgress: SplitProgress, _ recovered: Bool
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__Committed> {
    let message = try make(tidegate__committed__init)
    message.pointee.sequence = try count(sequence, "Committed.sequence")
    message.pointee.progress = try progress(splitProgress)
    message.pointee.recovered = recovered ? 1 : 0
    return message
  }

  private func schemaChanged(
    _ id: TableID, _ place: Offset, _ changes: [SchemaChange], _ result: TableSchema
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__SchemaChanged> {
    let message = try make(tidegate__schema_changed__init)
    message.pointee.table = try table(id)
    message.pointee.offset = try offset(place)
    (message.pointee.n_changes, message.pointee.changes) = try list(changes, change)
    message.pointee.schema = try schema(result)
    return message
  }

  private func failed(_ failure: Failure) throws(WireError) -> UnsafeMutablePointer<Tidegate__Failure> {
    let message = try make(tidegate__failure__init)
    message.pointee.kind = try text(failure.kind)
    message.pointee.message = try text(failure.message)
    message.pointee.table = try optional(failure.table, table)
    message.pointee.offset = try optional(failure.offset, offset)
    message.pointee.remedy = try optional(failure.remedy, wrapped)
    return message
  }
}

/// What the coordinator says to workers.
extension WireEncoder {
  func joined(_ joined: Joined) throws(WireError) -> UnsafeMutablePointer<Tidegate__Joined> {
    let message = try make(tidegate__joined__init)
    message.pointee.epoch = try WireNumbers.count(joined.epoch, "Joined.epoch")
    message.pointee.lease_milliseconds = try WireNumbers.count(joined.leaseMilliseconds, "Joined.lease_milliseconds")
    message.pointee.heartbeat_milliseconds =
      try WireNumbers.count(joined.heartbeatMilliseconds, "Joined.heartbeat_milliseconds")
    return message
  }

  func heartbeatAck(_ ack: HeartbeatAck) throws(WireError) -> UnsafeMutablePointer<Tidegate__HeartbeatAck> {
    let message = try make(tidegate__heartbeat_ack__init)
    message.pointee.sequence = try WireNumbers.count(ack.sequence, "HeartbeatAck.sequence")
    return message
  }

  func assignment(_ assignment: Assignment) throws(WireError) -> UnsafeMutablePointer<Tidegate__Assignment> {
    let message = try make(tidegate__assignment__init)
    message.pointee.attempt = try attempt(assignment.attempt)
    message.pointee.connectors = try connectors(assignment.connectors)
    switch assignment.work {
    case .snapshot(let work):
      message.pointee.work_case = TIDEGATE__ASSIGNMENT__WORK_SNAPSHOT
      message.pointee.snapshot = try make(tidegate__snapshot_work__init)
      message.pointee.snapshot.pointee.binding = try binding(work.binding)
      message.pointee.snapshot.pointee.range = try range(work.range)
    case .tail(let work):
      message.pointee.work_case = TIDEGATE__ASSIGNMENT__WORK_TAIL
      message.pointee.tail = try tail(work)
    }
    return message
  }

  private func connectors(_ spec: ConnectorSpec) throws(WireError) -> UnsafeMutablePointer<Tidegate__ConnectorSpec> {
    let message = try make(tidegate__connector_spec__init)
    message.pointee.source_type = try text(spec.sourceType)
    (message.pointee.n_source_options, message.pointee.source_options) = try options(spec.sourceOptions)
    message.pointee.sink_type = try text(spec.sinkType)
    (message.pointee.n_sink_options, message.pointee.sink_options) = try options(spec.sinkOptions)
    (message.pointee.n_secrets, message.pointee.secrets) = try texts(spec.secrets)
    message.pointee.local_time_zone = try optional(spec.localTimeZone, wrapped)
    message.pointee.parallelism = try count(spec.parallelism, "ConnectorSpec.parallelism")
    return message
  }

  private func binding(_ binding: TableBinding) throws(WireError) -> UnsafeMutablePointer<Tidegate__TableBinding> {
    let message = try make(tidegate__table_binding__init)
    message.pointee.table = try table(binding.table)
    message.pointee.version = try count(binding.version, "TableBinding.version")
    message.pointee.schema = try schema(binding.schema)
    (message.pointee.n_targets, message.pointee.targets) = try list(binding.targets) { target throws(WireError) in
      let sinkTable = try make(tidegate__sink_table__init)
      sinkTable.pointee.id = try table(target.id)
      if target.schema != binding.schema { sinkTable.pointee.schema = try schema(target.schema) }
      return sinkTable
    }
    return message
  }

  func moreTables(_ more: MoreTables) throws(WireError) -> UnsafeMutablePointer<Tidegate__MoreTables> {
    let message = try make(tidegate__more_tables__init)
    message.pointee.attempt = try attempt(more.attempt)
    (message.pointee.n_tables, message.pointee.tables) = try list(more.tables, tailTable)
    return message
  }

  private func tailTable(_ item: TailTableWork) throws(WireError) -> UnsafeMutablePointer<Tidegate__TailTableWork> {
    let table = try make(tidegate__tail_table_work__init)
    table.pointee.binding = try binding(item.binding)
    table.pointee.ignored_through = try optional(item.ignoredThrough, offset)
    (table.pointee.n_chunks, table.pointee.chunks) = try list(item.chunks.runs, packed)
    table.pointee.counts_low = item.chunks.countsLow ? 1 : 0
    (table.pointee.n_delivered, table.pointee.delivered) = try list(item.delivered) { shares throws(WireError) in
      let message = try make(tidegate__delivered_shares__init)
      (message.pointee.n_offsets, message.pointee.offsets) = try list(shares.offsets, offset)
      return message
    }
    return table
  }

  private func tail(_ work: TailWork) throws(WireError) -> UnsafeMutablePointer<Tidegate__TailWork> {
    try WireNumbers.checkShare(index: work.shareIndex, count: work.shareCount)
    let message = try make(tidegate__tail_work__init)
    message.pointee.start = try offset(work.start)
    (message.pointee.n_tables, message.pointee.tables) = try list(work.tables, tailTable)
    message.pointee.share_index = try count(work.shareIndex, "TailWork.share_index")
    message.pointee.share_count = try count(work.shareCount, "TailWork.share_count")
    message.pointee.notify_at = try optional(work.notifyAt, offset)
    message.pointee.commit_interval_milliseconds =
      try WireNumbers.count(work.commitIntervalMilliseconds, "TailWork.commit_interval_milliseconds")
    (message.pointee.n_former_tables, message.pointee.former_tables) = try list(work.formerTables, table)
    (message.pointee.n_changed_versions, message.pointee.changed_versions) = try versions(work.changedVersions)
    return message
  }

  func order(_ order: Order) throws(WireError) -> UnsafeMutablePointer<Tidegate__Order> {
    let message = try make(tidegate__order__init)
    message.pointee.attempt = try attempt(order.attempt)
    switch order.action {
    case .proceed:
      message.pointee.action_case = TIDEGATE__ORDER__ACTION_PROCEED
      message.pointee.proceed = try empty()
    case .commit(let sequence):
      message.pointee.action_case = TIDEGATE__ORDER__ACTION_COMMIT
      message.pointee.commit = try make(tidegate__commit__init)
      message.pointee.commit.pointee.sequence = try count(sequence, "Commit.sequence")
    case .adopt(let id, let place, let adopted):
      message.pointee.action_case = TIDEGATE__ORDER__ACTION_ADOPT
      message.pointee.adopt = try make(tidegate__adopt__init)
      message.pointee.adopt.pointee.table = try table(id)
      message.pointee.adopt.pointee.offset = try offset(place)
      message.pointee.adopt.pointee.binding = try optional(adopted, binding)
    case .cancel(let afterCommit):
      message.pointee.action_case = TIDEGATE__ORDER__ACTION_CANCEL
      message.pointee.cancel = try make(tidegate__cancel__init)
      message.pointee.cancel.pointee.after_commit = afterCommit ? 1 : 0
    case .notifyAt(let place):
      message.pointee.action_case = TIDEGATE__ORDER__ACTION_NOTIFY_AT
      message.pointee.notify_at = try offset(place)
    }
    return message
  }
}

/// What the command line and the coordinator say to each other.
extension WireEncoder {
  func adminRequest(_ request: AdminRequest) throws(WireError) -> UnsafeMutablePointer<Tidegate__AdminRequest> {
    let message = try make(tidegate__admin_request__init)
    message.pointee.verb = try text(request.verb)
    message.pointee.pipeline = try text(request.pipeline)
    (message.pointee.n_arguments, message.pointee.arguments) = try options(request.arguments)
    return message
  }

  func adminReply(_ reply: AdminReply) throws(WireError) -> UnsafeMutablePointer<Tidegate__AdminReply> {
    let message = try make(tidegate__admin_reply__init)
    message.pointee.status = Int64(reply.status)
    try WireNumbers.checkStatus(message.pointee.status)
    message.pointee.error = try text(reply.error)
    message.pointee.json = try text(reply.json)
    return message
  }
}
