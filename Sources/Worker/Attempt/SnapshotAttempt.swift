import Connector
import Model
import Platform
import Wire

/// Runs one attempt at a snapshot split on the calling thread: read the chunk, write it, prepare, commit when told.
struct SnapshotAttempt {
  let context: AttemptContext
  let work: SnapshotWork
  let source: any SourceConnector
  let sink: any SinkConnector

  /// Bytes of rows handed to the sink at once.
  private static let batchBytes = 256 * 1024

  /// Runs to the end.
  /// - Throws: what ended it early; the caller reports it.
  func run() throws(ConnectorError) {
    try context.checkMayWrite()
    let writer = try sink.openWriter(context.attempt)
    context.onInterrupt(sink: InterruptHandle(writer: writer))
    defer {
      context.clearSinkInterrupt()
      writer.close()
    }
    if let recovered = writer.recovered, recovered.isFinal {
      // An earlier attempt committed and its worker did not live to say so.
      return context.report(.committed(sequence: 0, progress: recovered, recovered: true))
    }
    let bound = BoundTable(work.binding)
    let reader = try source.makeSnapshotReader(SnapshotRequest(schema: bound.schema, range: work.range))
    defer {
      context.clearSourceInterrupt()
      reader.close()
    }
    context.onInterrupt(source: InterruptHandle(snapshot: reader))
    let low = try reader.open()
    if !commitsAlone {
      context.report(.started(low: low))
      try context.awaitOrder { $0 == .proceed ? () : nil }
    }
    try copy(from: reader, to: writer, bound)
    let high = try reader.finish()
    let remainder = reader.remainder
    context.clearSourceInterrupt()
    reader.close()
    try commit(writer, high, remainder: remainder)
  }

  /// Whether the coordinator is told of the result alone. Nothing else of the attempt is worth a place in its journal:
  /// where nothing is visible before the commit, nobody asks for the first low watermark.
  private var commitsAlone: Bool { sink.guarantees.commitsAlone && sink.guarantees.visibility == .atomic }

  private func copy(from reader: any SnapshotReader, to writer: any SinkWriter, _ bound: BoundTable)
    throws(ConnectorError)
  {
    var batch = RowBatch(capacity: Self.batchBytes + Self.batchBytes / 4)
    var hasMore = true
    while hasMore {
      batch.reset(schema: bound.schema)
      hasMore = try reader.read(into: &batch, byteLimit: Self.batchBytes)
      if batch.isEmpty { continue }
      try context.checkMayWrite()
      try hitFailpoint("worker.snapshot.write")
      for target in bound.targets { try writer.write(batch, to: target) }
      context.count(rows: batch.count, bytes: batch.byteCount)
    }
  }

  private func commit(
    _ writer: any SinkWriter, _ high: Offset, remainder: ChunkRange?
  ) throws(ConnectorError) {
    let written = context.written
    let progress = SplitProgress(
      offset: high, rows: written.rows, bytes: written.bytes, isFinal: true, remainder: remainder)
    try context.checkMayWrite()
    let committable = try writer.prepare(progress)
    try hitFailpoint("worker.snapshot.prepared")
    if !commitsAlone {
      context.report(.prepared(committable))
      try context.awaitOrder { $0 == .commit(sequence: committable.sequence) ? () : nil }
    }
    try hitFailpoint("worker.snapshot.before-commit")
    try context.checkMayWrite()
    guard try writer.commit(committable) == .committed else {
      throw ConnectorError(.transient, "the sink has lost what attempt \(context.attempt) prepared")
    }
    try hitFailpoint("worker.snapshot.committed")
    context.report(.committed(sequence: committable.sequence, progress: progress, recovered: false))
  }
}

/// Carries a reader or writer to the control thread for its one thread-safe method.
///
/// `@unchecked Sendable` is safe: only `interrupt` is called through it, which the protocols declare callable from any
/// thread; everything else stays on the attempt's thread.
final class InterruptHandle: @unchecked Sendable {
  private let body: () -> Void

  init(snapshot reader: any SnapshotReader) { body = { reader.interrupt() } }
  init(tail reader: any TailReader) { body = { reader.interrupt() } }
  init(writer: any SinkWriter) { body = { writer.interrupt() } }

  /// Makes a call that blocks return.
  func interrupt() { body() }
}
