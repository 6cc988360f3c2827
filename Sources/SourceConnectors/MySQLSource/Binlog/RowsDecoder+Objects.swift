import CDeflate
import Model

/// Values whose bytes in the log become a text of another form.
extension RowsDecoder {
  /// Text of another character set, as UTF-8.
  func converted(
    _ text: UnsafeRawBufferPointer, _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    guard let converter = step.converter?.takeUnretainedValue() else {
      throw .unsupported("column \(name(column)) has a character set that is not known")
    }
    if let offset = converter.set(column, bytes: text, in: &batch) {
      throw converter.invalid(name(column), text, at: offset)
    }
  }

  mutating func json(
    _ document: UnsafeRawBufferPointer, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    var text: [UInt8] = []
    swap(&text, &plan.scratch)
    defer { swap(&text, &plan.scratch) }
    text.removeAll(keepingCapacity: text.capacity <= Self.largestKept)
    do throws(BinlogError) {
      try JSONBinary.appendText(of: document, isCompact: plan.options.usesCompactJSON, to: &text)
    } catch {
      throw error.inColumn(name(column))
    }
    text.withUnsafeBytes { batch.set(column, bytes: $0) }
  }

  /// What one huge value made the scratch memory grow to is given back.
  private static var largestKept: Int { 1 << 20 }

  /// Spatial values, vectors, addresses and compressed values.
  mutating func object(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    let bytes = try counted(step)
    do throws(BinlogError) {
      switch step.operation {
      case .geometry:
        try SpatialText.set(column, value: bytes, keepsRings: plan.options.isLossless, in: &batch)
      case .vector: try VectorText.set(column, value: bytes, in: &batch)
      case .compressed: try compressed(bytes, step, column, into: &batch)
      default:
        guard bytes.count <= step.limit else { throw .corrupt("\(bytes.count) bytes instead of \(step.limit)") }
        switch step.operation {
        case .uuid: AddressText.set(column, uuid: bytes, in: &batch)
        case .inet4: AddressText.set(column, inet4: bytes, in: &batch)
        default: AddressText.set(column, inet6: bytes, in: &batch)
        }
      }
    } catch {
      throw error.inColumn(name(column))
    }
  }

  /// MariaDB's compressed columns (sql/field_comp.cc): nothing for an empty value; a zero byte and the value; or a byte
  /// with bit 7 set, bit 3 for a stream without zlib's header, and in bits 0 to 2 the size of the value's length, which
  /// follows big-endian, and then the deflated value.
  private mutating func compressed(
    _ bytes: UnsafeRawBufferPointer, _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    var reader = ByteReader(bytes)
    guard !reader.isAtEnd else { return try deliver(bytes, step, column, into: &batch) }
    let header = try reader.u8()
    if header == 0 { return try deliver(reader.rest, step, column, into: &batch) }
    guard header & 0xf0 == 0x80, (1...4).contains(header & 7) else {
      throw .corrupt("a compressed value with the header \(header)")
    }
    let length = Int(try reader.bigEndian(Int(header & 7)))
    // Deflate gives at most 1032 bytes for one.
    guard length <= step.limit, length <= reader.remaining.multipliedReportingOverflow(by: 1032).partialValue + 64
    else { throw .corrupt("a compressed value of \(length) bytes in \(bytes.count)") }
    var value: [UInt8] = []
    swap(&value, &plan.scratch)
    defer { swap(&value, &plan.scratch) }
    value.removeAll(keepingCapacity: value.capacity <= Self.largestKept)
    value.append(contentsOf: repeatElement(0, count: length))
    guard plan.inflater.inflate(reader.rest, into: &value, hasHeader: header & 8 == 0) else {
      throw .corrupt("a compressed value that cannot be expanded")
    }
    let result: Result<Void, BinlogError> = value.withUnsafeBytes { bytes in
      do throws(BinlogError) {
        return .success(try deliver(bytes, step, column, into: &batch))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  private func deliver(
    _ bytes: UnsafeRawBufferPointer, _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    if step.converter != nil { return try converted(bytes, step, column, into: &batch) }
    batch.set(column, bytes: bytes)
  }
}

/// Expands deflated values. Used by one thread.
final class Inflater {
  private let handle: OpaquePointer?

  init() { handle = libdeflate_alloc_decompressor() }

  deinit { libdeflate_free_decompressor(handle) }

  /// Fills `value` with what a stream gives, with zlib's header and checksum or without; false when that is not exactly
  /// its size, or when there is no memory.
  func inflate(_ source: UnsafeRawBufferPointer, into value: inout [UInt8], hasHeader: Bool) -> Bool {
    guard let handle else { return false }
    return value.withUnsafeMutableBytes { target in
      // Without a place for the actual size, the library takes any other size for an error.
      let status =
        hasHeader
        ? libdeflate_zlib_decompress(handle, source.baseAddress, source.count, target.baseAddress, target.count, nil)
        : libdeflate_deflate_decompress(
          handle, source.baseAddress, source.count, target.baseAddress, target.count, nil)
      return status == LIBDEFLATE_SUCCESS
    }
  }
}
