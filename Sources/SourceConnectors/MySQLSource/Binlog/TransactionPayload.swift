import CZstd

/// TRANSACTION_PAYLOAD: the events of a whole transaction in one, mostly compressed (MySQL 8.0.20 and later with
/// `binlog_transaction_compression`; MySQL: `Transaction_payload_event`).
struct TransactionPayloadEvent {
  /// How the events are packed.
  enum Compression: UInt64 {
    case zstd = 0
    case none = 255
  }

  let compression: Compression
  /// How many bytes the events have, as the server says.
  let uncompressedSize: UInt64
  /// The packed events.
  let payload: UnsafeRawBufferPointer

  /// Reads the event's body: fields of type, length, value (1 the payload's length, 2 the algorithm, 3 the length of the
  /// events), ended by type 0; then the payload.
  init(_ body: UnsafeRawBufferPointer) throws(BinlogError) {
    var reader = ByteReader(body)
    var size: UInt64?
    var uncompressed: UInt64?
    var algorithm: UInt64?
    while true {
      let type = try reader.packedInteger()
      if type == 0 { break }
      var field = ByteReader(try reader.bytes(try reader.packedCount()))
      switch type {
      case 1: size = try field.packedInteger()
      case 2: algorithm = try field.packedInteger()
      case 3: uncompressed = try field.packedInteger()
      default: break
      }
    }
    guard let algorithm, let compression = Compression(rawValue: algorithm) else {
      throw .unsupported(
        "the source packs transactions with the unknown algorithm \(algorithm.map { "\($0)" } ?? "(none)")",
        remedy: "SET GLOBAL binlog_transaction_compression = OFF and reconnect the applications")
    }
    if let size, size != UInt64(reader.remaining) {
      throw .corrupt("a transaction payload of \(size) bytes has \(reader.remaining)")
    }
    self.compression = compression
    payload = reader.rest
    uncompressedSize = uncompressed ?? UInt64(reader.remaining)
  }
}

/// Yields the events in a transaction's payload, one at a time: no more is unpacked than the event at hand needs.
///
/// Used by one thread. An event's bytes are valid until the next call; the payload must stay where it is until the end.
final class TransactionPayloadReader {
  /// The largest event; servers refuse larger packets.
  static let largestEvent = 1 << 30

  private var context: OpaquePointer?
  private let buffer = GrowingBuffer()
  private var packed = UnsafeRawBufferPointer(start: nil, count: 0)
  private var compression = TransactionPayloadEvent.Compression.none
  /// Bytes of `packed` that were unpacked.
  private var consumed = 0
  /// Bytes that are still to come according to the server, besides those in the buffer.
  private var announced: UInt64 = 0
  /// Where the next event begins in the buffer (or in `packed`, which needs no unpacking).
  private var start = 0
  /// A frame is complete; nothing or another frame may follow.
  private var isFrameComplete = true

  /// Whether a payload is being read.
  private(set) var isActive = false

  init() {}

  /// Bytes of memory that unpacked events take at the moment.
  var capacity: Int { buffer.capacity }

  deinit { _ = ZSTD_freeDCtx(context) }

  /// Begins with a payload.
  /// - Throws: `unsupported` when no memory for unpacking can be had.
  func begin(_ event: TransactionPayloadEvent) throws(BinlogError) {
    packed = event.payload
    compression = event.compression
    announced = event.uncompressedSize
    consumed = 0
    start = 0
    buffer.removeAll()
    isFrameComplete = true
    isActive = true
    guard compression == .zstd else { return }
    if context == nil { context = ZSTD_createDCtx() }
    guard let context else { throw .unsupported("no memory to unpack a transaction") }
    _ = ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
  }

  /// Gives up.
  func cancel() {
    isActive = false
    packed = UnsafeRawBufferPointer(start: nil, count: 0)
    buffer.removeAll()
  }

  /// The next event; nil at the payload's end.
  /// - Throws: `corrupt` when the payload cannot be unpacked, or holds less or more than it says.
  func next() throws(BinlogError) -> UnsafeRawBufferPointer? {
    if compression == .none { return try nextUnpacked() }
    guard try fill(BinlogEventHeader.size) else {
      guard buffer.count == start, announced == 0, isFrameComplete else {
        throw .corrupt("a transaction payload ends too early: \(announced) bytes are missing")
      }
      isActive = false
      return nil
    }
    let size = try Self.size(UnsafeRawBufferPointer(rebasing: buffer.bytes[start...]))
    guard try fill(size) else { throw .corrupt("a transaction payload ends within an event of \(size) bytes") }
    let event = UnsafeRawBufferPointer(rebasing: buffer.bytes[start..<(start + size)])
    start += size
    return event
  }

  private func nextUnpacked() throws(BinlogError) -> UnsafeRawBufferPointer? {
    if start == packed.count {
      guard announced == UInt64(packed.count) else {
        throw .corrupt("a transaction payload of \(announced) bytes has \(packed.count)")
      }
      isActive = false
      return nil
    }
    let rest = UnsafeRawBufferPointer(rebasing: packed[start...])
    guard rest.count >= BinlogEventHeader.size else { throw ByteReader.truncated(BinlogEventHeader.size, rest.count) }
    let size = try Self.size(rest)
    guard size <= rest.count else { throw ByteReader.truncated(size, rest.count) }
    start += size
    return UnsafeRawBufferPointer(rebasing: rest[..<size])
  }

  /// The length in an event's header.
  private static func size(_ event: UnsafeRawBufferPointer) throws(BinlogError) -> Int {
    let size = Int(UInt32(littleEndian: event.loadUnaligned(fromByteOffset: 9, as: UInt32.self)))
    guard size >= BinlogEventHeader.size, size <= largestEvent else {
      throw .corrupt("an event of \(size) bytes in a transaction payload")
    }
    return size
  }

  /// Unpacks until the buffer has `size` bytes from `start` on; false when the payload ends before.
  private func fill(_ size: Int) throws(BinlogError) -> Bool {
    if buffer.count - start >= size { return true }
    buffer.removeFirst(start)
    start = 0
    while buffer.count < size {
      if consumed == packed.count, isFrameComplete { return false }
      try unpack()
    }
    return true
  }

  private func unpack() throws(BinlogError) {
    let room = buffer.room()
    var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
    var input = ZSTD_inBuffer(src: packed.baseAddress, size: packed.count, pos: consumed)
    let before = consumed
    // The window is limited to 128 MiB by the library, whatever the frame asks for.
    let result = ZSTD_decompressStream(context, &output, &input)
    guard ZSTD_isError(result) == 0 else {
      throw .corrupt("a transaction payload cannot be unpacked: \(String(cString: ZSTD_getErrorName(result)))")
    }
    consumed = input.pos
    isFrameComplete = result == 0
    guard UInt64(output.pos) <= announced else {
      throw .corrupt("a transaction payload holds more than the \(announced) bytes that are left of it")
    }
    announced -= UInt64(output.pos)
    buffer.commit(output.pos)
    // Neither read nor written although there is room: the input ends within a frame.
    if output.pos == 0, consumed == before { throw .corrupt("a transaction payload ends within its compressed data") }
  }
}
