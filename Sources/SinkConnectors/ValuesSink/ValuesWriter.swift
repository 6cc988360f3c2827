import Connector
import Model

/// Collects lines of rows and prints them in blocks; nothing is held back beyond `prepare`.
final class ValuesWriter: SinkWriter {
  private static let flushSize = 64 * 1024

  private let attempt: AttemptID
  private let prints: Bool
  private let output: LineOutput
  private var lines = ByteBuffer(capacity: 96 * 1024)
  private var sequence = 0

  init(_ attempt: AttemptID, prints: Bool, output: LineOutput) {
    self.attempt = attempt
    self.prints = prints
    self.output = output
  }

  /// Nothing is remembered; the journal knows.
  var recovered: SplitProgress? { nil }

  func write(_ batch: borrowing RowBatch, to table: SinkTable) throws(ConnectorError) {
    guard prints, let source = batch.schema else { return }
    let head = "DataChangeEvent{tableId=\(table.id), before=["
    var offset = 0
    while offset < batch.byteCount {
      let row = batch.row(at: offset)
      offset += row.size
      lines.append(text: head)
      switch row.operation {
      case .insert:
        lines.append("], after=[")
        append(row, table, source)
        lines.append("], op=INSERT, meta=()}\n")
      case .delete:
        append(row, table, source)
        lines.append("], after=[], op=DELETE, meta=()}\n")
      case .updateBefore, .updateAfter:
        guard row.operation == .updateBefore, offset < batch.byteCount,
          batch.row(at: offset).operation == .updateAfter
        else { throw ConnectorError(.bug, "an update without its row before or after", table: table.id) }
        let after = batch.row(at: offset)
        offset += after.size
        append(row, table, source)
        lines.append("], after=[")
        append(after, table, source)
        lines.append("], op=UPDATE, meta=()}\n")
      }
      if lines.count >= Self.flushSize { try flush() }
    }
  }

  func prepare(_ progress: SplitProgress) throws(ConnectorError) -> Committable {
    try flush()
    sequence += 1
    return Committable(attempt: attempt, sequence: sequence, label: "", progress: progress)
  }

  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome { .committed }

  func abort() { lines.removeAll() }

  func close() { lines.removeAll() }

  private func flush() throws(ConnectorError) {
    guard !lines.isEmpty else { return }
    let block = lines.withUnsafeBytes { [UInt8]($0) }
    lines.removeAll()
    try output.print(block)
  }

  private func append(_ row: RowView, _ table: SinkTable, _ source: RowSchema) {
    for (index, from) in table.columnMap.enumerated() {
      if index > 0 { lines.append(", ") }
      guard let from, !row.isNull(from) else {
        lines.append("null")
        continue
      }
      append(column: from, of: row, source.columns[from].type)
    }
  }

  private func append(column: Int, of row: RowView, _ type: DataType) {
    switch type.kind {
    case .boolean: lines.append(text: row.integer(column) != 0 ? "true" : "false")
    case .tinyint, .smallint, .int, .bigint: lines.append(integer: row.integer(column))
    case .float: appendFloating(Double(row.float(column)), written: lines.append(shortest: row.float(column)))
    case .double: appendFloating(row.double(column), written: lines.append(shortest: row.double(column)))
    case .date: lines.append(date: row.integer(column))
    case .time: lines.append(time: row.integer(column), fraction: .shortest)
    case .timestamp, .timestampLTZ:
      lines.append(timestamp: row.integer(column), fraction: .shortest, separator: 0x54)
    case .binary, .varbinary, .bytes: lines.append(base64: row.bytes(column))
    case .decimal, .array, .map: lines.append(row.bytes(column))
    case .char, .varchar, .string: append(characters: row.bytes(column))
    }
  }

  private func appendFloating(_ value: Double, written: Bool) {
    if !written { lines.append(text: value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity") }
  }

  /// A line is one event: line breaks and backslashes inside a text are written as `\n`, `\r` and `\\`.
  private func append(characters bytes: UnsafeRawBufferPointer) {
    for byte in bytes {
      switch byte {
      case 0x0a: lines.append("\\n")
      case 0x0d: lines.append("\\r")
      case 0x5c: lines.append("\\\\")
      default: lines.append(byte)
      }
    }
  }
}
