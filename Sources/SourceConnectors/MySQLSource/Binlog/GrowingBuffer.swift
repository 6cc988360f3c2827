/// Memory that grows with what is written to it, never with what somebody says will be written.
///
/// Used by one thread. Views into it are valid until the next call of a method that writes.
final class GrowingBuffer {
  private var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  /// Bytes in use.
  private(set) var count = 0

  private static let step = 1 << 16
  /// More than this is given back by `removeAll`.
  private static let kept = 1 << 20

  init() {
    capacity = Self.step
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// The bytes in use.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// Free room behind the bytes in use, at least one byte and mostly 64 KiB: the capacity doubles when it is used up.
  func room() -> UnsafeMutableRawBufferPointer {
    if count == capacity { resize(capacity * 2) }
    return UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
  }

  /// Counts bytes that were written to the front of `room`.
  func commit(_ written: Int) { count = min(count + max(written, 0), capacity) }

  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    var wanted = capacity
    while wanted - count < bytes.count { wanted *= 2 }
    if wanted > capacity { resize(wanted) }
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  /// Drops bytes from the front; the others move there.
  func removeFirst(_ number: Int) {
    let number = min(max(number, 0), count)
    guard number > 0 else { return }
    base.copyMemory(from: base + number, byteCount: count - number)
    count -= number
  }

  /// Empties the buffer, and gives back what one large event has taken.
  func removeAll() {
    count = 0
    if capacity > Self.kept { resize(Self.step) }
  }

  private func resize(_ size: Int) {
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    fresh.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = fresh
    capacity = size
  }
}
