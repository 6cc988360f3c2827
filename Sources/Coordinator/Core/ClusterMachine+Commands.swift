import Model

/// What operators want.
extension ClusterMachine {
  mutating func commanded(_ token: Int, _ command: Command) {
    step.actions.append(.answer(token: token, error: refusal(of: command)))
  }

  /// Carries the command out; the answer is nil, or why it cannot be.
  private mutating func refusal(of command: Command) -> String? {
    switch command {
    case .submit(let record, let profile): return submit(record, profile)
    case .scale(let name, let parallelism):
      guard pipelines[name] != nil else { return unknown(name) }
      guard parallelism > 0 else { return "the snapshot parallelism must be at least 1" }
      scale(name, to: parallelism)
      return nil
    case .scaleTail(let name, let parallelism):
      guard let state = pipelines[name] else { return unknown(name) }
      guard (1...64).contains(parallelism) else { return "the tail's parallelism must be between 1 and 64" }
      guard state.profile?.startup != .snapshotOnly else { return "pipeline \(name) has no tail" }
      pipelines[name]?.change { $0.tailParallelism = parallelism }
      pipelines[name]?.tailLimit = nil
      return nil
    case .pause(let name): return end(name, intent: .pause, verb: "paused")
    case .stop(let name): return end(name, intent: .stop, verb: "stopped")
    case .resume(let name, let profile, let untilCaughtUp, let changed):
      return resume(name, profile, untilCaughtUp, changed)
    case .drop(let name, let force): return drop(name, force: force)
    }
  }

  private func unknown(_ name: String) -> String {
    let known = pipelines.keys.sorted().joined(separator: ", ")
    return "there is no pipeline \(name)" + (known.isEmpty ? "" : "; there are: \(known)")
  }

  private mutating func submit(_ record: PipelineRecord, _ profile: PipelineProfile) -> String? {
    guard pipelines[record.name] == nil else {
      return "exists: there is a pipeline \(record.name) already — drop it first, or give this one another name"
    }
    var state = PipelineState(record: record, profile: profile)
    state.dirty.pipeline = true
    pipelines[record.name] = state
    names[record.uid] = record.name
    note(.info, "pipeline submitted", ["pipeline": record.name])
    return nil
  }

  /// Pause and stop: what is in flight is committed, within the grace; then workers are free.
  private mutating func end(_ name: String, intent: PipelineRecord.Intent, verb: String) -> String? {
    guard let state = pipelines[name] else { return unknown(name) }
    if state.record.phase == .finished { return "pipeline \(name) has finished and cannot be \(verb)" }
    if state.record.intent == .drop { return "pipeline \(name) is being dropped" }
    if state.record.intent == .stop, intent == .pause { return "pipeline \(name) has been stopped" }
    pipelines[name]?.change { $0.intent = intent }
    pipelines[name]?.graceEnds = now + settings.grace
    cancelAll(name, afterCommit: true)
    return nil
  }

  private mutating func resume(
    _ name: String, _ profile: PipelineProfile, _ untilCaughtUp: Bool?, _ changed: ChangedDefinition?
  ) -> String? {
    guard let state = pipelines[name] else { return unknown(name) }
    let tails = state.tails
    if state.record.phase == .finished, tails.isEmpty {
      return "pipeline \(name) has finished — drop it and submit it again"
    }
    // The shell has made new connectors and given the old ones' jobs up: nobody will report their end.
    pipelines[name]?.jobs = [:]
    pipelines[name]?.applying = []
    if state.record.intent == .stop { return "pipeline \(name) has been stopped — drop it and submit it again" }
    if state.record.intent == .drop { return "pipeline \(name) is being dropped" }
    pipelines[name]?.profile = profile
    pipelines[name]?.graceEnds = nil
    pipelines[name]?.jobFailures = 0
    pipelines[name]?.jobsNotBefore = 0
    pipelines[name]?.notBefore = [:]
    pipelines[name]?.change {
      $0.intent = .run
      $0.error = nil
      if let untilCaughtUp { $0.untilCaughtUp = untilCaughtUp }
      if let changed {
        $0.definition = changed.text
        $0.file = changed.file
        // What the file says counts again.
        $0.tailParallelism = nil
      }
    }
    pipelines[name]?.nextDiscovery = 0
    pruneTables(name)
    if state.record.phase == .finished {
      // One that ended when it had caught up goes on from there, to where the source is now.
      pipelines[name]?.change {
        $0.phase = .tail
        $0.endOffset = nil
      }
      pipelines[name]?.caughtUp = []
    }
    for number in state.splits.keys where state.splits[number]?.failures != 0 {
      pipelines[name]?.change(split: number, now: now) { $0.failures = 0 }
    }
    return nil
  }

  private mutating func drop(_ name: String, force: Bool) -> String? {
    guard let state = pipelines[name] else { return unknown(name) }
    let idle = ["paused", "stopped", "finished", "failed"].contains(state.stateName)
    guard idle || force else { return "pipeline \(name) is running — stop it first, or use --force" }
    pipelines[name]?.change { $0.intent = .drop }
    cancelAll(name, afterCommit: false)
    return nil
  }

  /// A pipeline that is to be dropped goes when no worker has anything of it. What has become of a committable does not
  /// matter any more: its sink may be gone for ever.
  mutating func dropIfAsked(_ name: String) {
    guard let state = pipelines[name], state.record.intent == .drop, state.jobs.isEmpty,
      state.heldSplits.isEmpty
    else { return }
    names[state.record.uid] = nil
    pipelines[name] = nil
    step.records.append(.removePipeline(name))
    step.actions.append(.forget(pipeline: name))
    note(.info, "pipeline dropped", ["pipeline": name])
  }

  /// A pause or stop waits no longer for chunks to end.
  mutating func enforceGrace(_ name: String) {
    guard let ends = pipelines[name]?.graceEnds, ends <= now else { return }
    pipelines[name]?.graceEnds = nil
    cancelAll(name, afterCommit: false)
  }
}
