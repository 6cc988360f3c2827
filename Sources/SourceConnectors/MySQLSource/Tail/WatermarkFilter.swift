import Connector
import Model

/// Up to where the log is contained in what was read already.
struct Watermark {
  private let file: UInt64
  private let position: UInt64
  private let isPlaced: Bool
  let gtids: GTIDSet?
  /// MariaDB after a failover: the watermark's file and position are another server's, and its domains decide.
  private let domains: MariaDBGTIDPosition?

  /// - Throws: `offsetLost` when the watermark belongs to another server and has no GTIDs.
  init(_ offset: Offset, server: String) throws(ConnectorError) {
    let parsed = try MySQLOffset(offset)
    gtids = parsed.gtids
    let isForeign = !server.isEmpty && !parsed.server.isEmpty && parsed.server != server && gtids == nil
    domains = isForeign ? parsed.mariaDB : nil
    if isForeign, domains == nil {
      throw ConnectorError(
        .offsetLost, "a chunk's watermark belongs to another server", offset: offset,
        remedy: "point the pipeline at the server it was started with, or start it anew")
    }
    file = parsed.position.flatMap { BinlogFile.number(of: $0.file) } ?? 0
    position = parsed.position?.position ?? 0
    isPlaced = parsed.position != nil
    if !isPlaced, gtids == nil {
      throw ConnectorError(.configuration, "a watermark without a position", offset: offset)
    }
  }

  /// Whether the event is at or below the watermark. Watermarks lie between transactions, so an event's own end decides
  /// like its transaction's.
  func covers(_ place: LogPlace) -> Bool {
    if let gtids, let gtid = place.gtid { return gtids.contains(gtid) }
    if let domains { return place.domain.map { domains.contains($0) } ?? false }
    return (place.file, place.position) <= (file, position)
  }

  /// Whether a reader that has seen everything up to `offset` has passed the watermark.
  func isPassed(by cursor: TailCursor) -> Bool {
    if let gtids, let seen = cursor.gtids { return seen.contains(gtids) }
    if let domains { return cursor.mariaDB?.contains(domains) ?? false }
    guard let boundary = cursor.boundary else { return false }
    return (BinlogFile.number(of: boundary.file) ?? 0, boundary.position) >= (file, position)
  }

  /// File and position, as they compare.
  var place: (file: UInt64, position: UInt64) { (file, position) }

  /// Whether the watermark can be compared by position alone.
  var usesPositions: Bool { gtids == nil && domains == nil && isPlaced }

  static func isLower(_ left: Watermark, _ right: Watermark) -> Bool {
    (left.file, left.position) < (right.file, right.position)
  }
}

/// Which events of one table are contained in its chunks already.
final class WatermarkFilter {
  /// What to do with an event as a whole.
  enum Verdict {
    /// Contained in every chunk.
    case skip
    /// Contained in none.
    case deliver
    /// Each row is judged by the chunk that its key falls in.
    case judge
  }

  private let ignored: Watermark?
  private let delivered: [DeliveredFilter]
  /// Of each chunk, in key order.
  private let watermarks: ChunkWatermarks
  private let chunkColumns: [String]
  /// Finds a key's chunk; nil where rows are not judged one by one.
  private(set) var locator: KeyLocator?

  /// Nil when nothing is filtered.
  /// - Throws: `bug` when the chunks do not cover the table; what `Watermark` throws.
  init?(_ table: TailTable, server: String) throws(ConnectorError) {
    guard table.ignoredThrough != nil || !table.chunks.isEmpty || !table.delivered.isEmpty else { return nil }
    ignored = try table.ignoredThrough.map { offset throws(ConnectorError) in try Watermark(offset, server: server) }
    delivered = try table.delivered.map { shares throws(ConnectorError) in
      try DeliveredFilter(shares, table: table.schema.table, server: server)
    }
    guard let chunks = table.chunks.inOrder() else {
      throw ConnectorError(.bug, "the finished chunks leave a gap between them", table: table.schema.table)
    }
    watermarks = try ChunkWatermarks(chunks, server: server)
    chunkColumns = chunks.columns
    locator = watermarks.count > 1 ? try Self.locator(chunks, table.schema) : nil
  }

  /// A chunk key that is not part of the row's identity may change while the row stays the same: then its events cannot
  /// be judged by chunk. All of them above the lowest watermark are delivered; inserts replace, so nothing is doubled.
  private static func locator(_ chunks: FinishedChunks, _ schema: RowSchema) throws(ConnectorError) -> KeyLocator? {
    guard isStable(chunks.columns, schema) else { return nil }
    return try KeyLocator(chunks: chunks, schema: schema)
  }

  /// Whether a row keeps its values of these columns for as long as it is the same row.
  private static func isStable(_ columns: [String], _ schema: RowSchema) -> Bool {
    let key = Set(schema.schema.primaryKey)
    return key.isEmpty || columns.allSatisfy { key.contains($0) }
  }

  /// What to do with an event at `place`.
  func verdict(_ place: LogPlace) -> Verdict {
    if let ignored, ignored.covers(place) { return .skip }
    var isPartlyDelivered = false
    for filter in delivered {
      switch filter.extent(place) {
      case .all: return .skip
      case .some: isPartlyDelivered = true
      case .none: break
      }
    }
    let verdict = verdictByChunks(place)
    return verdict == .deliver && isPartlyDelivered ? .judge : verdict
  }

  private func verdictByChunks(_ place: LogPlace) -> Verdict {
    switch watermarks.extent(place) {
    case .none: .deliver
    case .all: .skip
    // Where rows cannot be located, what some chunk does not contain is delivered.
    case .some: locator == nil ? .deliver : .judge
    }
  }

  /// What to do with a change of the table as a whole. `judge`: some chunks were read before it and some after.
  func verdictOnTable(_ place: LogPlace) -> Verdict {
    if let ignored, ignored.covers(place) { return .skip }
    // What a set of tail splits has met in part, it has not adopted: the change is met again.
    if delivered.contains(where: { $0.extent(place) == .all }) { return .skip }
    switch watermarks.extent(place) {
    case .none: return .deliver
    case .all: return .skip
    case .some: return .judge
    }
  }

  /// Whether the table's schema was taken behind the place, or what stands there was adopted then.
  func isRegistered(behind place: LogPlace) -> Bool {
    if let ignored, ignored.covers(place) { return true }
    return delivered.contains { $0.extent(place) == .all }
  }

  /// Whether the row of an event that is judged is contained already: in the chunk of that number (nil: rows are not
  /// located, and the verdict was about all chunks), or in what its share has delivered.
  func contains(_ row: RowView, schema: RowSchema, chunk: Int?, _ place: LogPlace) -> Bool {
    if let chunk, watermarks.covers(place, chunk: chunk) { return true }
    return delivered.contains { $0.contains(row, schema: schema, place) }
  }

  /// Whether nothing from here on is filtered.
  func isPassed(by cursor: TailCursor) -> Bool {
    if let ignored, !ignored.isPassed(by: cursor) { return false }
    guard delivered.allSatisfy({ $0.isPassed(by: cursor) }) else { return false }
    return watermarks.isPassed(by: cursor)
  }

  /// The rows' columns have moved: the chunk key is found by name again. Where it no longer belongs to the rows'
  /// identity, they are not judged by chunk any more.
  func adopt(_ schema: RowSchema) throws(ConnectorError) {
    locator = Self.isStable(chunkColumns, schema) ? try locator?.adopting(schema) : nil
  }
}
