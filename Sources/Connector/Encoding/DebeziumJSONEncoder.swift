import Model

/// Writes change events in the `debezium-json` form of Flink CDC's Kafka sink:
///
///     {"before":null,"after":{"id":1,"name":"a"},"op":"c","source":{"db":"shop","table":"orders"}}
///
/// Operations are `c` (insert), `u` (update; both rows) and `d` (delete). Values: BOOLEAN `true`/`false`; integers,
/// DECIMAL, FLOAT and DOUBLE numbers (NaN and the infinities as the strings `"NaN"`, `"Infinity"`, `"-Infinity"`);
/// character types strings; binary types base64; DATE `"1970-04-11"`; TIME `"18:00:22"`, TIMESTAMP
/// `"2023-01-01 00:00:00"`, TIMESTAMP_LTZ the same in UTC with `Z`, all three with as many digits after the second as
/// they have (Flink drops them for TIME; here nothing is lost); ARRAY and MAP as they are; NULL `null`.
///
/// One encoder serves one sink table under one source schema. It allocates nothing for a row but what the buffer grows
/// by. Not thread-safe.
public final class DebeziumJSONEncoder {
  private let plan: JSONRowPlan
  private let table: SinkTable
  private let insertEnd: [UInt8]
  private let updateEnd: [UInt8]
  private let deleteEnd: [UInt8]

  /// Makes an encoder for rows of `source` as they fit into `table`; `db` and `table` of the messages are the sink
  /// table's.
  public init(table: SinkTable, source: RowSchema) {
    self.table = table
    plan = JSONRowPlan(table: table, source: source)
    let database = table.id.schema.map(JSONRowPlan.literal) ?? "null"
    let place = "\"source\":{\"db\":\(database),\"table\":\(JSONRowPlan.literal(table.id.table))}}"
    insertEnd = Array(",\"op\":\"c\",\(place)".utf8)
    updateEnd = Array(",\"op\":\"u\",\(place)".utf8)
    deleteEnd = Array(",\"after\":null,\"op\":\"d\",\(place)".utf8)
  }

  /// Adds the message of the event whose first row starts at `offset` of the batch, and returns where the next event
  /// starts (`batch.byteCount` after the last one). An update takes two rows and makes one message.
  /// - Throws: `corrupt` when a value is not what its type says, `bug` when an update is not before and after in turn;
  ///   the buffer then holds what it held before.
  public func encode(
    _ batch: borrowing RowBatch, at offset: Int, into buffer: inout ByteBuffer
  ) throws(ConnectorError) -> Int {
    let start = buffer.count
    let row = batch.row(at: offset)
    var next = offset &+ row.size
    var fault: Int?
    switch row.operation {
    case .insert:
      buffer.append("{\"before\":null,\"after\":")
      fault = plan.append(row, to: &buffer)
      append(insertEnd, to: &buffer)
    case .delete:
      buffer.append("{\"before\":")
      fault = plan.append(row, to: &buffer)
      append(deleteEnd, to: &buffer)
    case .updateBefore:
      guard next < batch.byteCount, batch.row(at: next).operation == .updateAfter else { throw torn(start, &buffer) }
      let after = batch.row(at: next)
      next &+= after.size
      buffer.append("{\"before\":")
      fault = plan.append(row, to: &buffer)
      buffer.append(",\"after\":")
      fault = fault ?? plan.append(after, to: &buffer)
      append(updateEnd, to: &buffer)
    case .updateAfter: throw torn(start, &buffer)
    }
    if let fault { throw malformed(fault, start, &buffer) }
    return next
  }

  @inline(__always)
  private func append(_ bytes: [UInt8], to buffer: inout ByteBuffer) {
    bytes.withUnsafeBytes { buffer.append($0) }
  }

  private func torn(_ start: Int, _ buffer: inout ByteBuffer) -> ConnectorError {
    buffer.truncate(to: start)
    return ConnectorError(.bug, "an update without its row before or after", table: table.id)
  }

  private func malformed(_ field: Int, _ start: Int, _ buffer: inout ByteBuffer) -> ConnectorError {
    buffer.truncate(to: start)
    let column = table.schema.columns[field]
    return ConnectorError(
      .corrupt, "a value of column \(column.name) (\(column.type.kind)) is no well-formed text of its type",
      table: table.id, remedy: "correct the value at the source, or leave the column out")
  }
}
