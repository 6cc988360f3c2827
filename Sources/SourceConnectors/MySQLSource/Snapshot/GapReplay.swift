import Connector
import Model
import Platform

/// Replays, over a chunk's rows, the log events between the watermarks of a MySQL snapshot.
///
/// Some of them are in the rows already. Applied again in log order they change nothing in the end: for every key the
/// last event decides, and it is the same one.
final class GapReplay {
  private let settings: MySQLSourceSettings
  private let request: SnapshotRequest
  /// The part of the chunk that was read, whose keys are replayed.
  var range: ChunkRange
  private let low: MySQLOffset
  /// Everything that the snapshot shows was logged before here.
  let target: BinlogPosition
  private var tail: MySQLTailReader?
  private var scratch = RowBatch()
  /// The high watermark, once `read` has returned false.
  private(set) var end: MySQLOffset?

  init(settings: MySQLSourceSettings, request: SnapshotRequest, low: MySQLOffset, end target: BinlogPosition) {
    // A chunk must be what the table was; what is skipped in the log is skipped behind it.
    var settings = settings
    settings.skippedOperations = []
    self.settings = settings
    self.request = request
    self.range = request.range
    self.low = low
    self.target = target
  }

  /// Ends of replays, by server: everything in the log up to the position is in the GTID set.
  private static let ends = Monitor<[String: MySQLOffset]>([:])

  /// Where a replay would end that begins at `low` and ends at `target`, if it is certain that nothing lies between:
  /// another replay has ended at that very position, and the set before the snapshot holds all that it saw.
  static func end(withoutReplayFrom low: MySQLOffset, to target: BinlogPosition) -> MySQLOffset? {
    guard let gtids = low.gtids, let end = ends.withLock({ $0[low.server] }), end.position == target,
      let seen = end.gtids, gtids.contains(seen)
    else { return nil }
    return end
  }

  /// Adds changes to `batch`; false when there are no more.
  /// - Throws: `schemaMismatch` when the table was altered.
  func read(into batch: inout RowBatch, byteLimit: Int, interrupter: Interrupter) throws(ConnectorError) -> Bool {
    while batch.byteCount < byteLimit {
      guard try next(interrupter) else { return false }
      copyChanges(to: &batch)
    }
    return true
  }

  /// Whether the table was changed between the watermarks. Afterwards the replay is at its end, or of no more use.
  /// - Throws: `schemaMismatch` when the table was altered.
  func findsChange(_ interrupter: Interrupter) throws(ConnectorError) -> Bool { try next(interrupter) }

  /// Reads changes into `scratch`; false when there are no more.
  private func next(_ interrupter: Interrupter) throws(ConnectorError) -> Bool {
    let tail = try openTail(interrupter)
    while true {
      switch try tail.next(into: &scratch, byteLimit: 1 << 18, wait: 200) {
      case .rows: return true
      case .schemaChange:
        throw ConnectorError(
          .schemaMismatch, "the table was altered while it was read", table: request.schema.table)
      case .idle:
        guard tail.hasReachedStop, let reached = tail.position else {
          try interrupter.check()
          continue
        }
        end = reached
        Self.ends.withLock { $0[reached.server] = reached }
        close()
        return false
      }
    }
  }

  private func copyChanges(to batch: inout RowBatch) {
    var offset = 0
    while offset < scratch.byteCount {
      let row = scratch.row(at: offset)
      offset += row.size
      switch row.operation {
      case .insert, .updateAfter: batch.append(copying: row, as: .insert)
      case .delete: batch.append(copying: row)
      case .updateBefore: break
      }
    }
  }

  private func openTail(_ interrupter: Interrupter) throws(ConnectorError) -> MySQLTailReader {
    if let tail { return tail }
    let table = TailTable(schema: request.schema, ignoredThrough: nil, chunks: chunks())
    // With GTIDs the set alone is the start. The position that was taken with it may be ahead of it: a transaction that
    // is in the log and not yet in gtid_executed lies below the position, and must be read.
    var start = low
    if start.gtids != nil { start.position = nil }
    let request = TailRequest(start: start.offset, tables: [table])
    // Far from the numbers that people give to servers and pipelines.
    let serverIDs = (0..<3).map { _ in UInt32.random(in: 1_000_000_000...4_000_000_000) }
    let tail = try MySQLTailReader(
      settings: settings, request: request, serverIDs: serverIDs, interrupter: interrupter, stop: target)
    self.tail = tail
    try tail.open()
    return tail
  }

  /// The tail's own filter picks the chunk's keys: everything in the gap is at or below the watermark of the keys around
  /// the chunk, and above the chunk's.
  private func chunks() -> [FinishedChunk] {
    let beyond = MySQLOffset(position: target, server: low.server).offset
    var chunks: [FinishedChunk] = []
    if range.lower != nil {
      let before = ChunkRange(columns: range.columns, lower: nil, upper: range.lower)
      chunks.append(FinishedChunk(range: before, watermark: beyond))
    }
    chunks.append(FinishedChunk(range: range, watermark: low.offset))
    if range.upper != nil {
      let after = ChunkRange(columns: range.columns, lower: range.upper, upper: nil)
      chunks.append(FinishedChunk(range: after, watermark: beyond))
    }
    return chunks
  }

  func close() {
    tail?.close()
    tail = nil
  }
}
