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
  private let watermarks: [Watermark]
  private let lowest: Watermark?
  private let highest: Watermark?
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
    let chunks = try Self.inOrder(table.chunks, table: table.schema.table)
    var watermarks: [Watermark] = []
    for chunk in chunks { watermarks.append(try Watermark(chunk.watermark, server: server)) }
    self.watermarks = watermarks
    let usesPositions = watermarks.allSatisfy(\.usesPositions)
    lowest = usesPositions ? watermarks.min(by: Watermark.isLower) : nil
    highest = usesPositions ? watermarks.max(by: Watermark.isLower) : nil
    chunkColumns = chunks.first?.range.columns ?? []
    locator = chunks.count > 1 ? try Self.locator(chunks, table.schema) : nil
  }

  /// The chunks from the lowest key to the highest: each begins where another one ends, so no key has to be compared.
  private static func inOrder(_ chunks: [FinishedChunk], table: TableID) throws(ConnectorError) -> [FinishedChunk] {
    guard !chunks.isEmpty else { return [] }
    var byLower: [[KeyPart]?: FinishedChunk] = [:]
    for chunk in chunks { byLower[chunk.range.lower] = chunk }
    var ordered: [FinishedChunk] = []
    var lower: [KeyPart]?
    while let chunk = byLower.removeValue(forKey: lower) {
      ordered.append(chunk)
      lower = chunk.range.upper
      if lower == nil { break }
    }
    guard ordered.count == chunks.count, lower == nil else {
      throw ConnectorError(.bug, "the finished chunks leave a gap between them", table: table)
    }
    return ordered
  }

  /// A chunk key that is not part of the row's identity may change while the row stays the same: then its events cannot
  /// be judged by chunk. All of them above the lowest watermark are delivered; inserts replace, so nothing is doubled.
  private static func locator(_ chunks: [FinishedChunk], _ schema: RowSchema) throws(ConnectorError) -> KeyLocator? {
    let columns = chunks[0].range.columns
    guard isStable(columns, schema) else { return nil }
    return try KeyLocator(columns: columns, bounds: chunks.compactMap(\.range.lower), schema: schema)
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
    guard !watermarks.isEmpty else { return .deliver }
    if let lowest, let highest {
      if lowest.covers(place) { return .skip }
      if !highest.covers(place) || locator == nil { return .deliver }
      return .judge
    }
    guard watermarks.count > 1 else { return watermarks[0].covers(place) ? .skip : .deliver }
    if locator == nil { return watermarks.allSatisfy { $0.covers(place) } ? .skip : .deliver }
    return .judge
  }

  /// What to do with a change of the table as a whole. `judge`: some chunks were read before it and some after.
  func verdictOnTable(_ place: LogPlace) -> Verdict {
    if let ignored, ignored.covers(place) { return .skip }
    // What a set of tail splits has met in part, it has not adopted: the change is met again.
    if delivered.contains(where: { $0.extent(place) == .all }) { return .skip }
    let containing = watermarks.count { $0.covers(place) }
    if containing == 0 { return .deliver }
    return containing == watermarks.count ? .skip : .judge
  }

  /// Whether the row of an event that is judged is contained already: in the chunk of that number (nil: rows are not
  /// located, and the verdict was about all chunks), or in what its share has delivered.
  func contains(_ row: RowView, schema: RowSchema, chunk: Int?, _ place: LogPlace) -> Bool {
    if let chunk, watermarks[chunk].covers(place) { return true }
    return delivered.contains { $0.contains(row, schema: schema, place) }
  }

  /// Whether nothing from here on is filtered.
  func isPassed(by cursor: TailCursor) -> Bool {
    if let ignored, !ignored.isPassed(by: cursor) { return false }
    guard delivered.allSatisfy({ $0.isPassed(by: cursor) }) else { return false }
    if let highest { return highest.isPassed(by: cursor) }
    return watermarks.allSatisfy { $0.isPassed(by: cursor) }
  }

  /// The rows' columns have moved: the chunk key is found by name again. Where it no longer belongs to the rows'
  /// identity, they are not judged by chunk any more.
  func adopt(_ schema: RowSchema) throws(ConnectorError) {
    locator = Self.isStable(chunkColumns, schema) ? try locator?.adopting(schema) : nil
  }
}
