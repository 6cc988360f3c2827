import CDeflate

/// The CRC-32 of zlib and IEEE 802.3 (reflected polynomial 0xEDB88320), which MySQL puts behind each binlog event.
/// libdeflate computes it with the processor's carry-less multiplication where there is one: several times faster than
/// tables, and the checksum is otherwise the dearest part of reading a log.
enum CRC32 {
  /// The checksum of `bytes`, or of what came before (whose checksum is `seed`) and `bytes`.
  static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard let start = bytes.baseAddress else { return seed }
    return libdeflate_crc32(seed, start, bytes.count)
  }
}
