/// The CRC-32 of zlib and IEEE 802.3 (reflected polynomial 0xEDB88320), which MySQL puts behind each binlog event.
///
/// Slicing by 16: sixteen table lookups a step that do not wait for one another.
enum CRC32 {
  /// Sixteen tables of 256 entries; table k advances a byte by k further zero bytes.
  ///
  /// Safe: the memory is written before the pointer is published (a `static let` is initialised once, with
  /// synchronisation), never written again, and never freed.
  private nonisolated(unsafe) static let tables: UnsafePointer<UInt32> = {
    let tables = UnsafeMutablePointer<UInt32>.allocate(capacity: 16 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
      tables[byte] = value
    }
    for entry in 256..<16 * 256 {
      let previous = tables[entry - 256]
      tables[entry] = previous >> 8 ^ tables[Int(previous & 0xff)]
    }
    return UnsafePointer(tables)
  }()

  /// The checksum of `bytes`, or of what came before (whose checksum is `seed`) and `bytes`.
  static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard var position = bytes.baseAddress else { return seed }
    let tables = Self.tables
    var remaining = bytes.count
    var crc = ~seed
    while remaining >= 16 {
      let a = UInt64(littleEndian: position.loadUnaligned(as: UInt64.self)) ^ UInt64(crc)
      let b = UInt64(littleEndian: position.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      crc = slice(tables + 8 * 256, a) ^ slice(tables, b)
      position += 16
      remaining &-= 16
    }
    while remaining > 0 {
      crc = crc &>> 8 ^ tables[Int((crc ^ UInt32(position.load(as: UInt8.self))) & 0xff)]
      position += 1
      remaining &-= 1
    }
    return ~crc
  }

  /// Eight bytes through tables 7 (first byte) to 0 (last byte) of the eight at `tables`.
  @inline(__always) private static func slice(_ tables: UnsafePointer<UInt32>, _ word: UInt64) -> UInt32 {
    let low =
      tables[7 &* 256 &+ Int(word & 0xff)] ^ tables[6 &* 256 &+ Int(word &>> 8 & 0xff)]
      ^ tables[5 &* 256 &+ Int(word &>> 16 & 0xff)] ^ tables[4 &* 256 &+ Int(word &>> 24 & 0xff)]
    let high =
      tables[3 &* 256 &+ Int(word &>> 32 & 0xff)] ^ tables[2 &* 256 &+ Int(word &>> 40 & 0xff)]
      ^ tables[256 &+ Int(word &>> 48 & 0xff)] ^ tables[Int(word &>> 56)]
    return low ^ high
  }
}
