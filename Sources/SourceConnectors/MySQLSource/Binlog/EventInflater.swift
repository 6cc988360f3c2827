import CZlib

/// Unpacks MariaDB's compressed events (`log_bin_compress`; MariaDB: `binlog_buf_uncompress` in log_event.cc).
///
/// Packed part: a byte 0x80 + number of length bytes (the three bits above them, the algorithm, are 0: zlib), the
/// unpacked length, most significant byte first, and the zlib stream.
///
/// Used by one thread. What it returns is valid until the next call.
final class EventInflater {
  /// The largest result; servers refuse larger packets.
  static let largest = 1 << 30

  private let buffer = GrowingBuffer()
  /// On the heap and never moved: the library keeps a pointer to it.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isReady = false

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
  }

  deinit {
    if isReady { inflateEnd(stream) }
    stream.deallocate()
  }

  /// `front` as it is, followed by what `packed` unpacks to.
  /// - Throws: `corrupt` when it cannot be unpacked, or holds less or more than it says.
  func inflate(
    _ packed: UnsafeRawBufferPointer, behind front: UnsafeRawBufferPointer
  ) throws(BinlogError) -> UnsafeRawBufferPointer {
    var reader = ByteReader(packed)
    let mark = try reader.u8()
    guard mark & 0xf8 == 0x80, (1...4).contains(mark & 7) else {
      throw .unsupported(
        "the log has an event packed in an unknown way (\(mark))", remedy: "SET GLOBAL log_bin_compress = OFF")
    }
    let size = Int(try reader.bigEndian(Int(mark & 7)))
    guard size <= Self.largest else { throw .corrupt("a compressed event of \(size) bytes") }
    buffer.removeAll()
    buffer.append(front)
    try unpack(reader.rest, size: size)
    return buffer.bytes
  }

  private func unpack(_ packed: UnsafeRawBufferPointer, size: Int) throws(BinlogError) {
    try prepare()
    // zlib does not write to its input.
    stream.pointee.next_in = packed.baseAddress.map {
      UnsafeMutableRawPointer(mutating: $0).assumingMemoryBound(to: Bytef.self)
    }
    stream.pointee.avail_in = UInt32(clamping: packed.count)
    var left = size
    while true {
      let room = buffer.room()
      let count = min(room.count, Int(UInt32.max))
      stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: Bytef.self)
      stream.pointee.avail_out = UInt32(count)
      let result = CZlib.inflate(stream, Z_NO_FLUSH)
      let written = count - Int(stream.pointee.avail_out)
      guard result == Z_OK || result == Z_STREAM_END, written <= left else {
        throw .corrupt("a compressed event of \(size) bytes cannot be unpacked (zlib \(result))")
      }
      buffer.commit(written)
      left -= written
      if result == Z_STREAM_END { break }
      // Nothing more to read and nothing written: the stream is cut off.
      if written == 0 { throw .corrupt("a compressed event ends within its data") }
    }
    guard left == 0 else { throw .corrupt("a compressed event of \(size) bytes lacks \(left)") }
  }

  private func prepare() throws(BinlogError) {
    let result =
      isReady ? inflateReset(stream) : inflateInit_(stream, zlibVersion(), Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { throw .unsupported("no memory to unpack an event (zlib \(result))") }
    isReady = true
  }
}
