/// Reads little-endian values from bytes that nobody vouches for. Each read checks what is left, so nothing is ever read
/// outside the buffer. Holds no memory: valid as long as the buffer is.
struct ByteReader {
  private(set) var position: UnsafeRawPointer?
  private(set) var remaining: Int

  init(_ bytes: UnsafeRawBufferPointer) {
    position = bytes.baseAddress
    remaining = bytes.count
  }

  /// What has not been read yet.
  var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: position, count: remaining) }

  var isAtEnd: Bool { remaining == 0 }

  @inline(never) static func truncated(_ needed: Int, _ remaining: Int) -> BinlogError {
    .corrupt("the event ends too early: \(needed) bytes wanted, \(remaining) left")
  }

  /// The next `count` bytes, in place.
  @inline(__always) mutating func bytes(_ count: Int) throws(BinlogError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw Self.truncated(count, remaining) }
    let taken = UnsafeRawBufferPointer(start: position, count: count)
    position = position.map { $0 + count }
    remaining &-= count
    return taken
  }

  @inline(__always) mutating func skip(_ count: Int) throws(BinlogError) { _ = try bytes(count) }

  /// Takes bytes off the end, such as a checksum.
  mutating func dropLast(_ count: Int) throws(BinlogError) {
    guard count >= 0, count <= remaining else { throw Self.truncated(count, remaining) }
    remaining -= count
  }

  @inline(__always) private mutating func fixed<T: FixedWidthInteger>(_ type: T.Type) throws(BinlogError) -> T {
    let size = MemoryLayout<T>.size
    guard size <= remaining, let position else { throw Self.truncated(size, remaining) }
    let value = T(littleEndian: position.loadUnaligned(as: T.self))
    self.position = position + size
    remaining &-= size
    return value
  }

  @inline(__always) mutating func u8() throws(BinlogError) -> UInt8 { try fixed(UInt8.self) }
  @inline(__always) mutating func u16() throws(BinlogError) -> UInt16 { try fixed(UInt16.self) }
  @inline(__always) mutating func u32() throws(BinlogError) -> UInt32 { try fixed(UInt32.self) }
  @inline(__always) mutating func u64() throws(BinlogError) -> UInt64 { try fixed(UInt64.self) }

  /// An unsigned integer of 1 to 8 bytes, least significant first.
  @inline(__always) mutating func littleEndian(_ size: Int) throws(BinlogError) -> UInt64 {
    let taken = try bytes(size)
    var value: UInt64 = 0
    for index in 0..<size { value |= UInt64(taken[index]) &<< UInt64(index &* 8) }
    return value
  }

  /// An unsigned integer of 1 to 8 bytes, most significant first.
  @inline(__always) mutating func bigEndian(_ size: Int) throws(BinlogError) -> UInt64 {
    let taken = try bytes(size)
    var value: UInt64 = 0
    for byte in taken { value = value &<< 8 | UInt64(byte) }
    return value
  }

  /// A length-encoded integer of the client/server protocol ("packed integer"); NULL (251) is refused.
  mutating func packedInteger() throws(BinlogError) -> UInt64 {
    let first = try u8()
    switch first {
    case 0...250: return UInt64(first)
    case 252: return try littleEndian(2)
    case 253: return try littleEndian(3)
    case 254: return try littleEndian(8)
    default: throw .corrupt("a length that begins with byte \(first)")
    }
  }

  /// A packed integer that counts bytes or items of this event, so it cannot exceed what is left.
  mutating func packedCount() throws(BinlogError) -> Int {
    let value = try packedInteger()
    guard value <= UInt64(remaining) else { throw Self.truncated(Int(clamping: value), remaining) }
    return Int(value)
  }

  /// An integer of MySQL's serialization library: 1 to 9 bytes, the number of 1 bits at the low end of the first one
  /// says how many follow; the value begins above the 0 bit behind them (with nine bytes: in the second one).
  mutating func variableInteger() throws(BinlogError) -> UInt64 {
    let first = try u8()
    let following = (~first).trailingZeroBitCount
    if following >= 8 { return try u64() }
    let high = following == 0 ? 0 : try littleEndian(following)
    return UInt64(first) >> UInt64(following + 1) | high << UInt64(7 - following)
  }

  /// The signed form: the sign is the lowest bit.
  mutating func signedVariableInteger() throws(BinlogError) -> Int64 {
    let value = try variableInteger()
    let magnitude = Int64(bitPattern: value >> 1)
    return value & 1 == 0 ? magnitude : -1 - magnitude
  }
}
