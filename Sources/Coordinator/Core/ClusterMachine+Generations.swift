import Model

/// Sets of tail splits that follow each other: their number changes, or tables join that were read by chunks meanwhile.
///
/// The splits of a set end after a commit, each at an offset of its own. Then, in one step, they are removed and the next
/// set is added. It starts where the one that was furthest behind has ended, or where the chunks of a joining table
/// begin; what the shares have delivered beyond that is passed over, key by key (`DeliveredShares`).
///
/// A change waits until all shares have adopted the same versions: then no change of a table lies between their offsets.
extension ClusterMachine {
  /// Begins, continues or carries out a change of the set, where one is wanted.
  mutating func advanceGeneration(_ name: String) {
    limitTails(name)
    guard let state = pipelines[name], state.isActive, wantsGeneration(state) else { return }
    guard mayChangeGeneration(state) else { return makeRoom(name, state) }
    let tails = state.tails
    if tails.contains(where: { $0.isHeld || $0.state == .resolving }) {
      return endTails(name, tails, state.waitingTails)
    }
    changeGeneration(name)
  }

  /// Whether the set is to be changed.
  private func wantsGeneration(_ state: PipelineState) -> Bool {
    state.record.phase == .tail && state.tailCount > 0 && state.generationNotBefore <= now && state.applying.isEmpty
      && (!state.record.untilCaughtUp || state.record.endOffset != nil)
      && (state.tailCount != wantedTails(state) || isJoinDue(state))
  }

  /// Whether the set is to be changed and can be now.
  func mayChangeGeneration(_ state: PipelineState) -> Bool {
    guard wantsGeneration(state) else { return false }
    let tails = state.tails
    guard !tails.contains(where: { $0.isAdrift == true }) else { return false }
    return tails.dropFirst().allSatisfy { state.haveSameVersions($0, tails[0]) }
  }

  /// Tables that are done at about the same time join together: the tail is interrupted when no chunk is left, or a
  /// table has waited long enough.
  private func isJoinDue(_ state: PipelineState) -> Bool {
    guard state.hasTables(in: .joining) else { return false }
    if !state.hasTables(in: .reading), !state.hasTables(in: .restarting), !state.hasTables(in: .creating) {
      return true
    }
    return state.joiningSince.map { now - $0 >= settings.joinDelay } ?? true
  }

  /// Tail splits that there should be: as many as asked for, as far as the slots suffice.
  func wantedTails(_ state: PipelineState) -> Int {
    let asked = askedTails(state)
    return max(1, min(asked, state.tailLimit ?? asked))
  }

  /// Tail splits that the operator or the definition asks for.
  func askedTails(_ state: PipelineState) -> Int { state.record.tailParallelism ?? state.profile?.tailCount ?? 1 }

  /// A tail split that no slot is found for would make every schema change wait for ever: there are fewer of them then,
  /// until more slots come.
  private mutating func limitTails(_ name: String) {
    guard let state = pipelines[name], state.isActive, state.record.phase == .tail else { return }
    let starving = state.tails.filter { split in
      split.state == .pending && state.notBefore[split.number, default: 0] <= now
        && now - (state.since[split.number] ?? now) >= settings.starvation
    }
    // A chunk soon gives its slot back.
    let hasChunks = pipelines.values.contains(where: \.holdsChunks)
    guard !starving.isEmpty, totalSlots > 0, freeSlotCount == 0, state.tailCount > 1, !hasChunks else { return }
    let limit = max(1, state.tailCount - starving.count)
    guard state.tailLimit.map({ limit < $0 }) ?? true else { return }
    pipelines[name]?.tailLimit = limit
    note(.warning, "too few slots for the tail", ["pipeline": name, "splits": String(limit)])
  }

  /// More slots have come: as many tail splits as asked for are tried again.
  mutating func forgetTailLimits() {
    for name in pipelines.keys { pipelines[name]?.tailLimit = nil }
  }

  /// Tells the splits of the present set to end: after a commit, or at once if they wait at a schema change, where
  /// everything is committed already.
  private mutating func endTails(_ name: String, _ tails: [SplitRecord], _ waiting: Set<Int>) {
    for split in tails where split.isHeld {
      cancel(name, split, afterCommit: !waiting.contains(split.number))
    }
  }

  /// A split that must run once more before the set is changed, and finds no slot: another one gives its slot up.
  private mutating func makeRoom(_ name: String, _ state: PipelineState) {
    let tails = state.tails
    guard tails.contains(where: { $0.isAdrift == true && $0.state == .pending }), freeSlotCount == 0,
      !tails.contains(where: { state.cancelled[$0.number] != nil }),
      let other = tails.first(where: { $0.isHeld && $0.isAdrift != true })
    else { return }
    cancel(name, other, afterCommit: !state.waitingTails.contains(other.number))
  }

  private mutating func changeGeneration(_ name: String) {
    guard let state = pipelines[name], let profile = state.profile else { return }
    let tails = state.tails
    let joining = state.tables(in: .joining)
    let offsets = tails.compactMap { $0.progress?.offset ?? state.record.startOffset }
    let joinsAt = joining.compactMap { state.tables[$0]?.registeredAt }
    guard let start = Self.lowest(offsets + joinsAt, profile.hasPassed) else {
      note(.warning, "the tail's offsets cannot be compared; its splits go on as they are", ["pipeline": name])
      pipelines[name]?.generationNotBefore = now + settings.longestRetryPause
      return
    }
    adoptTables(name, tails[0], joining)
    let ended = Self.stillNeeded(
      (state.record.ended ?? []) + [EndedGeneration(number: state.generation, shares: DeliveredShares(offsets))],
      start: start, profile.hasPassed)
    // A split that was given up for chunks is tried again once there are none.
    if !joining.isEmpty, !state.hasTables(in: .reading) { pipelines[name]?.tailLimit = nil }
    let count = pipelines[name].map(wantedTails) ?? 1
    pipelines[name]?.change {
      $0.generation = state.generation + 1
      $0.ended = ended.isEmpty ? nil : ended
      $0.startOffset = start
      $0.listsChangedVersions = true
    }
    for split in tails { pipelines[name]?.removeSplit(split.number) }
    pipelines[name]?.arrivals = [:]
    pipelines[name]?.joiningSince = nil
    for share in 0..<count { pipelines[name]?.addSplit(.tail(share: share), now: now) }
    note(
      .info, "tail goes on with other splits",
      [
        "pipeline": name, "splits": String(count), "offset": start.text,
        "joining": joining.map(\.description).joined(separator: ","),
      ])
  }

  /// Every table begins the next set under the version that all shares of the last one have come to.
  private mutating func adoptTables(_ name: String, _ split: SplitRecord, _ joining: [TableID]) {
    guard let state = pipelines[name] else { return }
    let generation = state.generation
    for id in joining {
      pipelines[name]?.change(table: id) {
        $0.state = .done
        $0.tailedSince = generation + 1
        $0.tailVersion = $0.firstVersion
      }
    }
    // A table that was dropped or is read anew may still be among the versions: a share has not come to that place yet.
    for (id, table) in state.tables where table.state != .joining {
      let version = table.state == .done ? state.version(of: table, in: split) : nil
      let since = version == nil ? nil : table.tailedSince ?? generation
      if since == table.tailedSince, version == table.tailVersion, version == nil || version == table.firstVersion {
        continue
      }
      pipelines[name]?.change(table: id) {
        $0.tailedSince = since
        $0.tailVersion = version
        if let version { $0.firstVersion = version }
      }
    }
  }

  /// The one that all others are at or above; nil when they cannot be put in order.
  static func lowest(_ offsets: [Offset], _ hasPassed: (Offset, Offset) -> Bool?) -> Offset? {
    guard var lowest = offsets.first else { return nil }
    for offset in offsets.dropFirst() where hasPassed(offset, lowest) != true { lowest = offset }
    return offsets.allSatisfy { hasPassed($0, lowest) == true } ? lowest : nil
  }

  /// A set of shares need not be passed over any more once a reader starts at or above all of them, nor one that a later
  /// set has gone beyond with every share.
  private static func stillNeeded(
    _ ended: [EndedGeneration], start: Offset, _ hasPassed: (Offset, Offset) -> Bool?
  ) -> [EndedGeneration] {
    func isBelow(_ set: EndedGeneration, _ offset: Offset) -> Bool {
      set.shares.offsets.allSatisfy { hasPassed(offset, $0) == true }
    }
    return ended.enumerated().filter { index, set in
      if isBelow(set, start) { return false }
      return !ended.dropFirst(index + 1).contains { later in later.shares.offsets.allSatisfy { isBelow(set, $0) } }
    }.map(\.element)
  }

  /// A tail split has passed every watermark. Once all have, finished chunks become two numbers of their table, and what
  /// earlier sets have delivered is behind all of them.
  mutating func passedWatermarks(_ name: String, _ number: Int) {
    pipelines[name]?.pastWatermarks.insert(number)
    guard let state = pipelines[name], state.tails.allSatisfy({ state.pastWatermarks.contains($0.number) }) else {
      return
    }
    if state.record.ended != nil { pipelines[name]?.change { $0.ended = nil } }
    foldChunks(name)
  }

  private mutating func foldChunks(_ name: String) {
    guard let state = pipelines[name], !state.finished.isEmpty else { return }
    let done = state.finished.keys.filter { state.tables[$0]?.isBeingRead == false }
    for table in done.sorted() {
      guard let sums = pipelines[name]?.removeFinishedChunks(of: table) else { continue }
      pipelines[name]?.change(table: table) {
        $0.foldedChunks += sums.chunks
        $0.foldedRows += sums.rows
      }
    }
  }
}

extension PipelineState {
  /// Number of the present set of tail splits.
  var generation: Int { record.generation ?? 0 }

  /// The version under which a tail split has a table, as of its last commit; nil: it does not have it.
  func version(of table: TableRecord, in split: SplitRecord) -> Int? {
    guard let progress = split.progress else { return table.isInTailFromStart ? table.firstVersion : nil }
    guard !progress.schemaVersions.isEmpty else { return table.tailVersion }
    let version = progress.schemaVersions[table.id.description] ?? table.tailVersion
    return version == 0 ? nil : version
  }

  /// Whether two tail splits have the same tables under the same versions, as of their last commits.
  func haveSameVersions(_ left: SplitRecord, _ right: SplitRecord) -> Bool {
    if (left.progress == nil) == (right.progress == nil),
      left.progress?.schemaVersions == right.progress?.schemaVersions
    {
      return true
    }
    return tables.values.allSatisfy { version(of: $0, in: left) == version(of: $0, in: right) }
  }

  /// Tail splits that wait at a schema change.
  var waitingTails: Set<Int> { arrivals.values.reduce(into: []) { $0.formUnion($1.waiting.keys) } }

  /// Whether an earlier set of tail splits has dealt with a change: all of its shares have gone beyond it. A later set
  /// that starts lower meets it again, in front of what has become of the table since.
  func isBehind(_ place: ChangePlace) -> Bool {
    guard let profile, let ended = record.ended else { return false }
    var sets = ended.map(\.shares)
    if let table = tables[place.table], table.state == .done {
      if table.tailedSince != nil { sets = delivered(of: table) }
      // One that has come since, renamed by a statement that the earlier set did not follow, goes on from there.
      if table.tailedSince == nil, let came = schema(table.id, version: table.firstVersion)?.offset,
        profile.hasPassed(place.offset, came) == true
      {
        return false
      }
    }
    // What is known of a table that is gone ends with the statement that took it away. What lies behind that, an earlier
    // set has passed over, if it was there: it had the table read by chunks then, as it was in front of the statement.
    if let table = tables[place.table], table.state == .dropped,
      let end = schema(table.id, version: table.version)?.offset, profile.hasPassed(place.offset, end) == true
    {
      return false
    }
    return sets.contains { set in set.offsets.allSatisfy { profile.hasPassed($0, place.offset) == true } }
  }

  /// What earlier sets of tail splits have delivered of a table.
  func delivered(of table: TableRecord) -> [DeliveredShares] {
    guard let since = table.tailedSince else { return [] }
    return (record.ended ?? []).filter { $0.number >= since }.map(\.shares)
  }
}

extension TableRecord {
  /// Whether the present tail splits have had the table from their start.
  var isInTailFromStart: Bool { tailedSince != nil && state != .dropped && state != .pruned }

  /// Whether its chunks are read, or the tail has yet to take it in.
  var isBeingRead: Bool {
    switch state {
    case .creating, .reading, .restarting, .joining: true
    case .done, .dropped, .pruned: false
    }
  }
}
