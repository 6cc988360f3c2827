/// A growing run of bytes for encoders: filled, handed out, emptied and filled again without allocating.
///
/// Not thread-safe. Sizes are in bytes. Memory that one huge message made it grow to is given back by `removeAll`.
public struct ByteBuffer: ~Copyable {
  private var storage: UnsafeMutablePointer<UInt8>
  /// Bytes that fit without growing.
  public private(set) var capacity: Int
  /// Bytes that are in.
  public private(set) var count = 0

  /// A buffer that grew beyond this gives the memory back when it is emptied.
  private static let largestKept = 4 * 1024 * 1024

  /// An empty buffer with room for `capacity` bytes (at least 64).
  public init(capacity: Int = 64 * 1024) {
    self.capacity = max(capacity, 64)
    self.storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  /// Whether nothing is in.
  public var isEmpty: Bool { count == 0 }

  /// Empties the buffer.
  public mutating func removeAll() {
    count = 0
    if capacity > Self.largestKept {
      storage.deallocate()
      capacity = Self.largestKept
      storage = .allocate(capacity: capacity)
    }
  }

  /// Forgets everything after the first `count` bytes; more than there are is no change.
  public mutating func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

  /// Makes room for `bytes` more.
  @inline(__always) public mutating func reserve(_ bytes: Int) {
    if bytes > capacity &- count { grow(bytes) }
  }

  @inline(never) private mutating func grow(_ bytes: Int) {
    let needed = max(capacity * 2, count + bytes + 64)
    let bigger = UnsafeMutablePointer<UInt8>.allocate(capacity: needed)
    bigger.update(from: storage, count: count)
    storage.deallocate()
    storage = bigger
    capacity = needed
  }

  /// Where the next byte goes. Write at most what was reserved, then call `advance`.
  @inline(__always) var end: UnsafeMutablePointer<UInt8> { storage + count }

  /// Counts bytes in that were written at `end`.
  @inline(__always) mutating func advance(_ bytes: Int) { count &+= bytes }

  /// Adds a byte.
  @inline(__always) public mutating func append(_ byte: UInt8) {
    reserve(1)
    storage[count] = byte
    count &+= 1
  }

  /// Adds a copy of the bytes.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(end).copyMemory(from: source, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// Adds a constant text.
  @inline(__always) public mutating func append(_ text: StaticString) {
    reserve(text.utf8CodeUnitCount)
    end.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count &+= text.utf8CodeUnitCount
  }

  /// Adds the text's UTF-8. For what is not done once a row.
  public mutating func append(text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Adds whole blocks of 16 bytes and counts `used` of them in: a short constant costs one load and one store.
  /// `source` must be readable up to the next multiple of 16.
  @inline(__always) mutating func append(padded source: UnsafePointer<UInt8>, used: Int) {
    reserve(used &+ 16)
    var done = 0
    let target = UnsafeMutableRawPointer(end)
    while done < used {
      let block = UnsafeRawPointer(source + done).loadUnaligned(as: SIMD16<UInt8>.self)
      target.storeBytes(of: block, toByteOffset: done, as: SIMD16<UInt8>.self)
      done &+= 16
    }
    count &+= used
  }

  /// Lends the bytes out, in place.
  public borrowing func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: storage, count: count))
  }

  /// The bytes from `start` on as text; malformed UTF-8 is replaced. For tests and messages.
  public borrowing func text(from start: Int = 0) -> String {
    withUnsafeBytes { String(decoding: $0.dropFirst(start), as: UTF8.self) }
  }
}
