/// A set of MySQL transactions: for each server, and each tag on it, a list of intervals (MySQL manual, "GTID Format and Storage").
struct GTIDSet: Hashable, Sendable {
  /// For each source the closed intervals, sorted, disjoint and not adjacent; no source has none. Bounds are positive.
  private(set) var intervals: [MySQLGTIDSource: [ClosedRange<Int64>]] = [:]

  /// The empty set.
  init() {}

  var isEmpty: Bool { intervals.isEmpty }

  func contains(_ gtid: MySQLGTID) -> Bool {
    guard let ranges = intervals[gtid.source] else { return false }
    // The last interval that begins at or below the number.
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound <= gtid.number { low = middle + 1 } else { high = middle }
    }
    return low > 0 && ranges[low - 1].contains(gtid.number)
  }

  /// Whether every transaction of `other` is in this set.
  func contains(_ other: GTIDSet) -> Bool { other.subtracting(self).isEmpty }

  /// Adds one transaction. The next one of a server, the usual case, takes constant time.
  mutating func insert(_ gtid: MySQLGTID) {
    guard gtid.number > 0 else { return }
    guard let last = intervals[gtid.source]?.last, gtid.number > last.upperBound else {
      if !contains(gtid) { insert(gtid.number...gtid.number, of: gtid.source) }
      return
    }
    if last.upperBound + 1 == gtid.number {
      let end = (intervals[gtid.source]?.count ?? 1) - 1
      intervals[gtid.source]?[end] = last.lowerBound...gtid.number
    } else {
      intervals[gtid.source]?.append(gtid.number...gtid.number)
    }
  }

  /// Adds an interval of one server without a tag.
  mutating func insert(_ range: ClosedRange<Int64>, of server: MySQLUUID) {
    insert(range, of: MySQLGTIDSource(server: server))
  }

  /// Adds an interval of one source; bounds below 1 are left out.
  mutating func insert(_ range: ClosedRange<Int64>, of source: MySQLGTIDSource) {
    guard range.upperBound > 0 else { return }
    var merged = max(range.lowerBound, 1)...range.upperBound
    var result: [ClosedRange<Int64>] = []
    var placed = false
    for existing in intervals[source] ?? [] {
      if existing.upperBound < merged.lowerBound - 1 {
        result.append(existing)
      } else if existing.lowerBound - 1 > merged.upperBound {
        if !placed { result.append(merged) }
        placed = true
        result.append(existing)
      } else {
        merged = min(existing.lowerBound, merged.lowerBound)...max(existing.upperBound, merged.upperBound)
      }
    }
    if !placed { result.append(merged) }
    intervals[source] = result
  }

  mutating func formUnion(_ other: GTIDSet) {
    for (source, ranges) in other.intervals {
      for range in ranges { insert(range, of: source) }
    }
  }

  func union(_ other: GTIDSet) -> GTIDSet {
    var result = self
    result.formUnion(other)
    return result
  }

  /// What is in this set and not in `other`.
  func subtracting(_ other: GTIDSet) -> GTIDSet {
    var result = GTIDSet()
    for (source, ranges) in intervals {
      let rest = Self.subtract(other.intervals[source] ?? [], from: ranges)
      if !rest.isEmpty { result.intervals[source] = rest }
    }
    return result
  }

  private static func subtract(_ cuts: [ClosedRange<Int64>], from ranges: [ClosedRange<Int64>]) -> [ClosedRange<Int64>]
  {
    var result: [ClosedRange<Int64>] = []
    var first = 0
    for range in ranges {
      while first < cuts.count, cuts[first].upperBound < range.lowerBound { first += 1 }
      var start = range.lowerBound
      var cut = first
      while cut < cuts.count, cuts[cut].lowerBound <= range.upperBound {
        if cuts[cut].lowerBound > start { result.append(start...(cuts[cut].lowerBound - 1)) }
        // An upper bound of Int64.max cannot be followed by anything.
        guard cuts[cut].upperBound < range.upperBound else {
          start = -1
          break
        }
        start = cuts[cut].upperBound + 1
        cut += 1
      }
      if start > 0 { result.append(start...range.upperBound) }
    }
    return result
  }
}

extension GTIDSet: CustomStringConvertible {
  /// The canonical text: servers in order, `uuid:1-5:8:tag:1-3,uuid:1`; of a server the numbers without a tag come
  /// first. Empty for the empty set.
  var description: String {
    var text = ""
    var last: MySQLUUID?
    for source in intervals.keys.sorted() {
      if source.server != last {
        if last != nil { text += "," }
        text += source.server.description
        last = source.server
      }
      if !source.tag.isEmpty { text += ":\(source.tag)" }
      for range in intervals[source] ?? [] {
        text +=
          range.lowerBound == range.upperBound ? ":\(range.lowerBound)" : ":\(range.lowerBound)-\(range.upperBound)"
      }
    }
    return text
  }

  /// Reads the text that `@@gtid_executed` gives: blanks and line ends anywhere between parts, intervals in any order.
  /// A tag holds for the intervals behind it, up to the next tag or server.
  /// - Throws: `corrupt` for anything that is not a GTID set.
  init(parsing text: String) throws(BinlogError) {
    self.init()
    let compact = String(String.UnicodeScalarView(text.unicodeScalars.filter { !$0.properties.isWhitespace }))
    for entry in compact.split(separator: ",") {
      let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count >= 2, let server = MySQLUUID(text: parts[0]) else { throw Self.malformed(text) }
      var source = MySQLGTIDSource(server: server)
      var isTagUsed = true
      for part in parts.dropFirst() {
        if let interval = Self.interval(part) {
          insert(interval, of: source)
          isTagUsed = true
        } else {
          guard isTagUsed, !part.isEmpty, let tag = MySQLGTIDTag(bytes: part.utf8) else { throw Self.malformed(text) }
          source.tag = tag
          isTagUsed = false
        }
      }
      guard isTagUsed else { throw Self.malformed(text) }
    }
  }

  /// `5` or `1-5`; nil for anything else.
  private static func interval(_ part: Substring) -> ClosedRange<Int64>? {
    let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
    guard bounds.count <= 2, let first = Int64(bounds[0]), let last = Int64(bounds[bounds.count - 1]), first > 0,
      last >= first
    else { return nil }
    return first...last
  }

  private static func malformed(_ text: String) -> BinlogError { .corrupt("'\(text.prefix(200))' is not a GTID set") }
}

extension GTIDSet {
  /// The form of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS: count of sources; for each 16 bytes, count of intervals, and
  /// for each interval its first number and the one behind its last; all 8 bytes, least significant first.
  ///
  /// Where there are tags, the count stands in the middle of its 8 bytes between two 1s, and behind each UUID the tag:
  /// its length (times two, as the serialization library has it), its bytes (MySQL: `Gtid_set::encode`).
  func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: UInt64) { withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) } }
    let hasTags = intervals.keys.contains { !$0.tag.isEmpty }
    let count = UInt64(intervals.count)
    append(hasTags ? 1 << 56 | count << 8 | 1 : count)
    for source in intervals.keys.sorted() {
      let ranges = intervals[source] ?? []
      bytes.append(contentsOf: source.server.bytes)
      if hasTags {
        let tag = source.tag.bytes
        bytes.append(UInt8(truncatingIfNeeded: tag.count << 1))
        bytes.append(contentsOf: tag)
      }
      append(UInt64(ranges.count))
      for range in ranges {
        append(UInt64(bitPattern: range.lowerBound))
        append(UInt64(bitPattern: range.upperBound &+ 1))
      }
    }
    return bytes
  }

  /// Reads what `encoded` writes.
  /// - Throws: `unsupported` for a form that is not known, `corrupt` for anything malformed.
  init(decoding bytes: UnsafeRawBufferPointer) throws(BinlogError) {
    self.init()
    var reader = ByteReader(bytes)
    let header = try reader.u64()
    let form = header >> 56
    guard form <= 1 else { throw .unsupported("the log holds a GTID set in the form \(form), which is not known") }
    let count = form == 0 ? header : header >> 8 & 0xff_ffff_ffff
    guard count <= UInt64(reader.remaining / 24) else { throw .corrupt("a GTID set of \(count) servers is cut off") }
    for _ in 0..<count {
      var source = MySQLGTIDSource(server: try MySQLUUID(reading: &reader))
      if form == 1 { source.tag = try MySQLGTIDTag(reading: &reader) }
      try insertIntervals(of: source, reading: &reader)
    }
  }

  private mutating func insertIntervals(
    of source: MySQLGTIDSource, reading reader: inout ByteReader
  ) throws(BinlogError) {
    let count = try reader.u64()
    guard count <= UInt64(reader.remaining / 16) else {
      throw .corrupt("a GTID set of \(count) intervals is cut off")
    }
    for _ in 0..<count {
      let start = Int64(bitPattern: try reader.u64())
      let end = Int64(bitPattern: try reader.u64())
      guard start > 0, end > start else { throw .corrupt("a GTID interval from \(start) to \(end)") }
      insert(start...(end - 1), of: source)
    }
  }
}
