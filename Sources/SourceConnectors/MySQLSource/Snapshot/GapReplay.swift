import Connector
import Model

/// Replays, over a chunk's rows, the log events between the watermarks of a MySQL snapshot.
///
/// Some of them are in the rows already. Applied again in log order they change nothing in the end: for every key the
/// last event decides, and it is the same one.
final class GapReplay {
  private let settings: MySQLSourceSettings
  private let request: SnapshotRequest
  private let low: MySQLOffset
  private let target: BinlogPosition
  private var tail: MySQLTailReader?
  private var scratch = RowBatch()
  /// The high watermark, once `read` has returned false.
  private(set) var end: MySQLOffset?

  init(settings: MySQLSourceSettings, request: SnapshotRequest, low: MySQLOffset, end target: BinlogPosition) {
    self.settings = settings
    self.request = request
    self.low = low
    self.target = target
  }

  /// Adds changes to `batch`; false when there are no more.
  /// - Throws: `transient` when a table without a key was changed meanwhile; `schemaMismatch` when the table was altered.
  func read(into batch: inout RowBatch, byteLimit: Int, interrupter: Interrupter) throws(ConnectorError) -> Bool {
    let table = request.schema.table
    let tail = try openTail(interrupter)
    while batch.byteCount < byteLimit {
      switch try tail.next(into: &scratch, byteLimit: 1 << 18, wait: 200) {
      case .rows:
        if request.schema.keyIndexes.isEmpty {
          throw ConnectorError(
            .transient, "a table without a key was changed while it was read", table: table,
            remedy: "give the table a key; or turn on GTIDs or run FLUSH BINARY LOGS, and do not write to it meanwhile")
        }
        copyChanges(to: &batch)
      case .schemaChange:
        throw ConnectorError(.schemaMismatch, "the table was altered while it was read", table: table)
      case .idle:
        guard tail.hasReachedStop, let reached = tail.position else {
          try interrupter.check()
          continue
        }
        end = reached
        close()
        return false
      }
    }
    return true
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
    let range = request.range
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
