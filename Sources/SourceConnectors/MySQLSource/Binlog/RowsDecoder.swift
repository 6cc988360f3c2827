import Model

/// Decodes the row changes of one rows event into a batch, one at a time.
///
/// Body: packed column count; one bitmap (two for updates) of the columns present; then for each row, or for each pair
/// of rows, a null bitmap over the columns present and the values (MySQL: `Rows_event` in rows_event.h).
struct RowsDecoder {
  let plan: RowDecodingPlan
  var reader: ByteReader
  private let kind: RowsEvent.Kind
  private let nullBytes: Int

  /// Checks that the event carries whole rows.
  /// - Throws: `prerequisite` for partial row images, `schemaMismatch` or `corrupt` for a wrong column count.
  init(_ event: RowsEvent, plan: RowDecodingPlan) throws(BinlogError) {
    self.plan = plan
    kind = event.kind
    reader = ByteReader(event.body)
    let columns = try reader.packedInteger()
    let logged = plan.steps.count + plan.hiddenColumns
    guard columns == UInt64(logged) else {
      throw BinlogError(.schemaMismatch, "a rows event has \(columns) columns, the table's schema \(logged)")
    }
    // Rows without a column take no bytes: the event's would never come to an end.
    guard columns > 0 else { throw .corrupt("a rows event without columns") }
    nullBytes = (logged + 7) / 8
    for _ in 0..<(kind == .update ? 2 : 1) {
      let present = try reader.bytes(nullBytes)
      guard Self.isFull(present, columns: logged) else {
        throw BinlogError(
          .prerequisite, "the source logs only some of a row's columns",
          remedy: "SET GLOBAL binlog_row_image = 'FULL', reconnect the applications, and take a new snapshot")
      }
    }
  }

  private static func isFull(_ bitmap: UnsafeRawBufferPointer, columns: Int) -> Bool {
    for column in 0..<columns where bitmap[column &>> 3] &>> UInt8(column & 7) & 1 == 0 { return false }
    return true
  }

  /// Appends the next row change: one row for an insert or a delete, `updateBefore` and `updateAfter` for an update.
  /// False when there is none left. `batch` must have been reset to `plan.schema`; when this throws, its contents are
  /// void.
  mutating func next(into batch: inout RowBatch) throws(BinlogError) -> Bool {
    if reader.isAtEnd { return false }
    switch kind {
    case .insert: try image(.insert, into: &batch)
    case .delete: try image(.delete, into: &batch)
    case .update:
      try image(.updateBefore, into: &batch)
      try image(.updateAfter, into: &batch)
    }
    return true
  }

  private mutating func image(_ operation: RowOperation, into batch: inout RowBatch) throws(BinlogError) {
    let nulls = try reader.bytes(nullBytes)
    batch.beginRow(operation)
    let steps = plan.steps
    var column = 0
    do throws(BinlogError) {
      while column < steps.count {
        if nulls[column &>> 3] &>> UInt8(column & 7) & 1 == 0 { try value(steps[column], column, into: &batch) }
        column &+= 1
      }
      if plan.hiddenColumns > 0 { try skipHidden(nulls) }
    } catch {
      throw finish(&batch, after: column, error, nulls)
    }
    batch.endRow()
  }

  @inline(never) private mutating func skipHidden(_ nulls: UnsafeRawBufferPointer) throws(BinlogError) {
    for column in plan.steps.count..<plan.steps.count + plan.hiddenColumns
    where nulls[column >> 3] >> UInt8(column & 7) & 1 == 0 {
      try reader.skip(8)
    }
  }

  /// Gives up the row being written because of an error in a column. A value that cannot be carried was read to its end:
  /// then the row's other columns are read too, so that the error can name the key.
  @inline(never) private mutating func finish(
    _ batch: inout RowBatch, after failed: Int, _ error: BinlogError, _ nulls: UnsafeRawBufferPointer
  ) -> BinlogError {
    var column = error.kind == .unsupported ? failed + 1 : plan.steps.count
    while column < plan.steps.count {
      do throws(BinlogError) {
        if nulls[column >> 3] >> UInt8(column & 7) & 1 == 0 { try value(plan.steps[column], column, into: &batch) }
      } catch  where error.kind == .corrupt {
        break
      } catch {}
      column += 1
    }
    guard error.kind == .unsupported, column == plan.steps.count else {
      batch.abandonRow()
      return error
    }
    let start = batch.byteCount
    batch.endRow()
    return error.inRow(key: KeyText.of(batch.row(at: start), plan.schema))
  }

  @inline(__always) private mutating func value(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    switch step.operation {
    case .int8: batch.set(column, integer: Int64(Int8(bitPattern: try reader.u8())))
    case .uint8: batch.set(column, integer: Int64(try reader.u8()))
    case .int16: batch.set(column, integer: Int64(Int16(bitPattern: try reader.u16())))
    case .uint16: batch.set(column, integer: Int64(try reader.u16()))
    case .int24:
      let value = Int64(bitPattern: try reader.littleEndian(3))
      batch.set(column, integer: value >= 1 &<< 23 ? value &- 1 &<< 24 : value)
    case .uint24: batch.set(column, integer: Int64(bitPattern: try reader.littleEndian(3)))
    case .int32: batch.set(column, integer: Int64(Int32(bitPattern: try reader.u32())))
    case .uint32: batch.set(column, integer: Int64(try reader.u32()))
    case .int64: batch.set(column, integer: Int64(bitPattern: try reader.u64()))
    case .float: batch.set(column, float: Float(bitPattern: try reader.u32()))
    case .floatAsDouble: batch.set(column, double: Double(Float(bitPattern: try reader.u32())))
    case .double: batch.set(column, double: Double(bitPattern: try reader.u64()))
    case .year:
      let value = Int64(try reader.u8())
      batch.set(column, integer: value == 0 ? 0 : 1900 &+ value)
    case .bytes:
      batch.set(column, bytes: try reader.bytes(Int(truncatingIfNeeded: try reader.littleEndian(step.size))))
    case .bits: batch.set(column, bytes: try reader.bytes(step.size))
    case .decimal: try decimal(step, column, into: &batch)
    case .date, .oldTime, .oldDateTime, .oldTimestamp, .time, .dateTime, .timestamp:
      if let value = try temporal(step, column) { batch.set(column, integer: value) }
    case .uint64Text, .boolean, .exactBoolean, .paddedBytes, .convertedText, .jsonBinary, .enumeration, .set,
      .bitBoolean, .uuid,
      .inet4, .inet6, .geometry, .vector, .compressed:
      try rareValue(step, column, into: &batch)
    }
  }

  private mutating func rareValue(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    switch step.operation {
    case .uint64Text: Self.set(column, unsigned: try reader.u64(), in: &batch)
    case .boolean: batch.set(column, integer: try reader.u8() == 0 ? 0 : 1)
    case .exactBoolean:
      let value = Int64(Int8(bitPattern: try reader.u8()))
      guard value == 0 || value == 1 else { throw TextValueDecoder.notBoolean(name(column), value) }
      batch.set(column, integer: value)
    case .bitBoolean:
      let value = try reader.u8()
      guard value <= 1 else { throw .corrupt("column \(name(column)) of one bit holds \(value)") }
      batch.set(column, integer: Int64(value))
    case .paddedBytes: try padded(step, column, into: &batch)
    case .convertedText:
      try converted(try counted(step), step, column, into: &batch)
    case .jsonBinary: try json(try counted(step), column, into: &batch)
    case .enumeration:
      let index = try reader.littleEndian(step.size)
      guard index <= UInt64(step.members.count) else {
        throw .corrupt("column \(name(column)) holds member \(index) of \(step.members.count)")
      }
      // Number 0 stands for a value that was refused when it was written; the server shows it as an empty text.
      let empty = UnsafeRawBufferPointer(start: nil, count: 0)
      batch.set(column, bytes: index == 0 ? empty : step.members[Int(index) - 1])
    case .set: try set(step, column, into: &batch)
    default: try object(step, column, into: &batch)
    }
  }

  /// Bytes behind their length.
  @inline(__always)
  mutating func counted(_ step: RowDecodingPlan.Step) throws(BinlogError) -> UnsafeRawBufferPointer {
    try reader.bytes(Int(truncatingIfNeeded: try reader.littleEndian(step.size)))
  }

  /// The column's name, for messages.
  func name(_ column: Int) -> String { plan.schema.columns[column].name }

  /// BINARY comes without its trailing zeros; the snapshot has them.
  private mutating func padded(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    let bytes = try counted(step)
    guard bytes.count <= step.limit else {
      throw .corrupt("column \(name(column)) of \(step.limit) bytes holds \(bytes.count)")
    }
    let target = batch.reserveBytes(column, count: step.limit)
    if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
    (target + bytes.count).initializeMemory(as: UInt8.self, repeating: 0, count: step.limit - bytes.count)
  }

  /// A bitmap of members becomes their texts, joined by commas, in the order of the definition.
  private mutating func set(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    let bits = try reader.littleEndian(step.size)
    guard step.members.count >= 64 || bits >> UInt64(step.members.count) == 0 else {
      throw .corrupt("column \(name(column)) holds the bits \(bits) of \(step.members.count) members")
    }
    var size = max(bits.nonzeroBitCount - 1, 0)
    for index in 0..<step.members.count where bits >> UInt64(index) & 1 == 1 { size += step.members[index].count }
    var target = batch.reserveBytes(column, count: size)
    var isFirst = true
    for index in 0..<step.members.count where bits >> UInt64(index) & 1 == 1 {
      if !isFirst {
        target.storeBytes(of: 0x2c, as: UInt8.self)
        target += 1
      }
      isFirst = false
      if let member = step.members[index].baseAddress {
        target.copyMemory(from: member, byteCount: step.members[index].count)
      }
      target += step.members[index].count
    }
  }

  /// An unsigned integer as decimal text.
  private static func set(_ column: Int, unsigned value: UInt64, in batch: inout RowBatch) {
    var count = 1
    var rest = value / 10
    while rest > 0 {
      count += 1
      rest /= 10
    }
    let target = batch.reserveBytes(column, count: count)
    rest = value
    for index in stride(from: count - 1, through: 0, by: -1) {
      target.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 + rest % 10), toByteOffset: index, as: UInt8.self)
      rest /= 10
    }
  }
}
