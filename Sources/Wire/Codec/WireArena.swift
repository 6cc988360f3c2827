internal import CProtobufC
import Glibc

/// Memory for one message: handed out in pieces, given back all at once. `budget` bounds the sum of the pieces, so that
/// nobody can make the C library allocate more than a frame of that size is worth.
///
/// One thread at a time. Pieces live as long as the arena; whoever holds a pointer keeps the arena alive.
final class WireArena {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  private let budget: Int

  /// Bytes handed out.
  private(set) var used = 0
  /// Whether a piece has been refused.
  private(set) var isExhausted = false

  init(budget: Int = .max) { self.budget = budget }

  deinit {
    for block in blocks { free(block) }
  }

  /// A piece, aligned for every C type; nil when the budget or the machine's memory is exhausted.
  func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size >= 0, size <= budget - used, size <= Int.max - 16 else {
      isExhausted = true
      return nil
    }
    let rounded = max(16, (size + 15) & ~15)
    if rounded > left, !addBlock(atLeast: rounded) {
      isExhausted = true
      return nil
    }
    used += min(rounded, budget - used)
    defer {
      next = next?.advanced(by: rounded)
      left -= rounded
    }
    return next
  }

  private func addBlock(atLeast size: Int) -> Bool {
    let length = max(size, min(max(4096, used), 1 << 20))
    guard let block = malloc(length) else { return false }
    blocks.append(block)
    next = block
    left = length
    return true
  }

  /// Runs `body` with an allocator of the C library that takes its memory from here; freeing single pieces does nothing.
  func withAllocator<R>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> R) -> R {
    var allocator = ProtobufCAllocator(
      alloc: { context, size in
        guard let context else { return nil }
        return Unmanaged<WireArena>.fromOpaque(context).takeUnretainedValue().allocate(size)
      },
      free: { _, _ in },
      allocator_data: Unmanaged.passUnretained(self).toOpaque())
    return withExtendedLifetime(self) { body(&allocator) }
  }
}
