import Connector
import Model

/// The watermarks of a table's chunks, in key order, in 20 bytes each; with GTIDs in 30 to 50. There may be a million.
struct ChunkWatermarks {
  /// A place in the log by file and position.
  private struct Place {
    var file: UInt64
    var position: UInt64

    init(_ watermark: Watermark) { (file, position) = watermark.place }

    static func < (left: Place, right: Place) -> Bool { (left.file, left.position) < (right.file, right.position) }

    func covers(_ place: LogPlace) -> Bool { (place.file, place.position) <= (file, position) }
  }

  /// How much of an event lies at or below the chunks' watermarks.
  enum Extent {
    case all, some, none
  }

  /// Of each chunk the number of its watermark: neighbours share theirs.
  private var numbers: [UInt32] = []
  private var places: [Place] = []
  private var lowest: Place?
  private var highest: Place?
  /// Where every watermark has a GTID set: the sets.
  private var sets: GTIDTimeline?
  /// Where neither positions nor GTID sets tell everything (MariaDB after a failover): the watermarks themselves.
  private var others: [Watermark] = []

  /// - Throws: what `Watermark` throws.
  init(_ chunks: FinishedChunks, server: String) throws(ConnectorError) {
    var sets = GTIDTimeline()
    var (haveSets, havePositions) = (true, true)
    // Chunks that were read at the same time by several slots have the same few watermarks.
    var recent: [(offset: Offset, number: Int)] = []
    for chunk in chunks {
      if let known = recent.last(where: { $0.offset == chunk.watermark }) {
        numbers.append(UInt32(truncatingIfNeeded: known.number))
        continue
      }
      let watermark = try Watermark(chunk.watermark, server: server)
      let number = places.count
      numbers.append(UInt32(truncatingIfNeeded: number))
      if recent.count == 8 { recent.removeFirst() }
      recent.append((chunk.watermark, number))
      places.append(Place(watermark))
      haveSets = haveSets && watermark.gtids != nil
      havePositions = havePositions && watermark.usesPositions
      if haveSets, let set = watermark.gtids { sets.append(set) }
    }
    lowest = places.min(by: <)
    highest = places.max(by: <)
    if places.isEmpty || havePositions { return }
    if haveSets {
      self.sets = sets
    } else {
      others = try Self.all(chunks, server, places.count, numbers)
    }
  }

  private static func all(
    _ chunks: FinishedChunks, _ server: String, _ count: Int, _ numbers: [UInt32]
  ) throws(ConnectorError) -> [Watermark] {
    var result: [Watermark] = []
    result.reserveCapacity(count)
    for (chunk, number) in zip(chunks, numbers) where Int(number) == result.count {
      result.append(try Watermark(chunk.watermark, server: server))
    }
    return result
  }

  /// Number of chunks.
  var count: Int { numbers.count }

  /// Whether the event at `place` is at or below the chunk's watermark.
  func covers(_ place: LogPlace, chunk: Int) -> Bool {
    let number = Int(numbers[chunk])
    if !others.isEmpty { return others[number].covers(place) }
    if let sets, let gtid = place.gtid { return sets.contains(gtid, at: number) }
    return places[number].covers(place)
  }

  /// How much of an event at `place` lies at or below the chunks' watermarks; without chunks, nothing.
  func extent(_ place: LogPlace) -> Extent {
    guard let lowest, let highest else { return .none }
    if !others.isEmpty {
      let covering = others.count { $0.covers(place) }
      return covering == 0 ? .none : covering == others.count ? .all : .some
    }
    if let sets, let gtid = place.gtid {
      if !sets.union.contains(gtid) { return .none }
      return sets.intersection.contains(gtid) ? .all : .some
    }
    if lowest.covers(place) { return .all }
    return highest.covers(place) ? .some : .none
  }

  /// Whether a reader has passed all of them.
  func isPassed(by cursor: TailCursor) -> Bool {
    guard let highest else { return true }
    if !others.isEmpty { return others.allSatisfy { $0.isPassed(by: cursor) } }
    if let sets, let seen = cursor.gtids { return seen.contains(sets.union) }
    guard let boundary = cursor.boundary else { return false }
    return (BinlogFile.number(of: boundary.file) ?? 0, boundary.position) >= (highest.file, highest.position)
  }
}

/// GTID sets that follow each other and differ little: for each source, from where on which intervals hold.
struct GTIDTimeline {
  private struct History {
    /// The sets from which on the intervals have changed, ascending.
    var since: [UInt32] = []
    /// Where each change's intervals begin in `intervals`.
    var starts: [UInt32] = []
    var intervals: [ClosedRange<Int64>] = []

    func intervals(at set: Int) -> ArraySlice<ClosedRange<Int64>> {
      var (low, high) = (0, since.count)
      while low < high {
        let middle = (low + high) / 2
        if Int(since[middle]) <= set { low = middle + 1 } else { high = middle }
      }
      guard low > 0 else { return [] }
      return intervals[Int(starts[low - 1])..<(low < starts.count ? Int(starts[low]) : intervals.count)]
    }
  }

  private var histories: [MySQLGTIDSource: History] = [:]
  private var last = GTIDSet()
  private var count = 0
  /// Transactions of any of the sets.
  private(set) var union = GTIDSet()
  /// Transactions of all of them.
  private(set) var intersection = GTIDSet()

  /// Adds the next set.
  mutating func append(_ set: GTIDSet) {
    for (source, intervals) in set.intervals where last.intervals[source] != intervals { note(source, intervals) }
    for source in last.intervals.keys where set.intervals[source] == nil { note(source, []) }
    if !union.contains(set) { union.formUnion(set) }
    intersection = count == 0 ? set : intersection.subtracting(intersection.subtracting(set))
    last = set
    count += 1
  }

  private mutating func note(_ source: MySQLGTIDSource, _ intervals: [ClosedRange<Int64>]) {
    histories[source, default: History()].since.append(UInt32(truncatingIfNeeded: count))
    let start = UInt32(truncatingIfNeeded: histories[source]?.intervals.count ?? 0)
    histories[source]?.starts.append(start)
    histories[source]?.intervals += intervals
  }

  /// Whether the set of that number contains the transaction.
  func contains(_ gtid: MySQLGTID, at set: Int) -> Bool {
    guard let history = histories[gtid.source] else { return false }
    return history.intervals(at: set).contains { $0.contains(gtid.number) }
  }
}
