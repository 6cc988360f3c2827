/// What a row of a batch says about its key.
public enum RowOperation: UInt8, Sendable {
  case insert = 0
  /// The row as it was; always directly followed by its `updateAfter`, in the same batch.
  case updateBefore = 1
  case updateAfter = 2
  case delete = 3
}

/// A contiguous buffer of rows of one table under one schema version; the only way rows travel from source to sink.
///
/// Row layout, 8-byte aligned, host byte order:
///
///     u32 size of the row in bytes (a multiple of 8) | u8 operation | 3 bytes zero
///     null bitmap: one bit a column, in whole 8-byte words (bit set: NULL)
///     one 8-byte word a column: the value, or u32 offset from the row's start and u32 length of its bytes
///     the variable bytes, padded to 8
///
/// A batch is owned by one thread at a time and is reused: `reset` keeps its memory. A writer calls `beginRow`, then for
/// each column one of the setters (a column that is not set is NULL), then `endRow`. Sizes are in bytes.
public struct RowBatch: ~Copyable {
  @usableFromInline var storage: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  /// End of the last complete row.
  @usableFromInline var used = 0
  /// Start of the row being written.
  @usableFromInline var row = 0
  /// End of the row being written.
  @usableFromInline var cursor = 0
  @usableFromInline var wordsOffset = 0
  @usableFromInline var columnCount = 0

  /// Complete rows in the batch (an update counts as two: before and after).
  public private(set) var count = 0
  /// Schema of all rows in the batch; nil before the first `reset`.
  public private(set) var schema: RowSchema?

  /// An empty batch with memory for about `capacity` bytes; it grows when a row needs more.
  public init(capacity: Int = 256 * 1024) {
    self.capacity = max(capacity, 4096)
    self.storage = .allocate(byteCount: self.capacity, alignment: 8)
  }

  deinit { storage.deallocate() }

  /// Bytes that the complete rows take.
  @inlinable public var byteCount: Int { used }

  /// Whether there is no complete row.
  @inlinable public var isEmpty: Bool { used == 0 }

  /// Empties the batch for rows of `schema`. Memory is kept, but what one huge row made it grow is given back.
  public mutating func reset(schema: RowSchema) {
    if self.schema !== schema { self.schema = schema }
    columnCount = schema.physical.count
    wordsOffset = 8 + (columnCount + 63) / 64 * 8
    used = 0
    row = 0
    cursor = 0
    count = 0
    if capacity > Self.largestKept {
      storage.deallocate()
      capacity = Self.largestKept
      storage = .allocate(byteCount: capacity, alignment: 8)
    }
  }

  /// A batch that grew beyond this gives the memory back at its next reset.
  private static let largestKept = 8 * 1024 * 1024

  @inlinable @inline(__always) mutating func reserve(_ bytes: Int) {
    if cursor &+ bytes > capacity { grow(bytes) }
  }

  @usableFromInline mutating func grow(_ bytes: Int) {
    let needed = max(capacity * 2, cursor + bytes + 64)
    let bigger = UnsafeMutableRawPointer.allocate(byteCount: needed, alignment: 8)
    bigger.copyMemory(from: storage, byteCount: cursor)
    storage.deallocate()
    storage = bigger
    capacity = needed
  }

  /// Starts a row; every column is NULL until it is set.
  @inlinable public mutating func beginRow(_ operation: RowOperation) {
    row = used
    cursor = used
    let fixed = wordsOffset &+ columnCount &* 8
    reserve(fixed)
    let base = storage + row
    base.storeBytes(of: UInt64(operation.rawValue) << 32, as: UInt64.self)
    var bitmap = 8
    while bitmap < wordsOffset {
      base.storeBytes(of: UInt64.max, toByteOffset: bitmap, as: UInt64.self)
      bitmap &+= 8
    }
    cursor = row &+ fixed
  }

  @inlinable @inline(__always) mutating func markPresent(_ column: Int) {
    precondition(UInt(bitPattern: column) < UInt(bitPattern: columnCount), "column outside the schema")
    let address = storage + (row &+ 8 &+ (column &>> 6) &* 8)
    let word = address.load(as: UInt64.self) & ~(1 &<< UInt64(truncatingIfNeeded: column & 63))
    address.storeBytes(of: word, as: UInt64.self)
  }

  /// Sets a column whose `Physical` is `integer`.
  @inlinable public mutating func set(_ column: Int, integer value: Int64) {
    markPresent(column)
    storage.storeBytes(of: value, toByteOffset: row &+ wordsOffset &+ column &* 8, as: Int64.self)
  }

  /// Sets a column whose `Physical` is `float32`.
  @inlinable public mutating func set(_ column: Int, float value: Float) {
    set(column, integer: Int64(value.bitPattern))
  }

  /// Sets a column whose `Physical` is `float64`.
  @inlinable public mutating func set(_ column: Int, double value: Double) {
    set(column, integer: Int64(bitPattern: value.bitPattern))
  }

  /// Sets a column whose `Physical` is `bytes`; the bytes are copied.
  @inlinable public mutating func set(_ column: Int, bytes: UnsafeRawBufferPointer) {
    let target = reserveBytes(column, count: bytes.count)
    if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
  }

  /// Sets a column whose `Physical` is `bytes`; the bytes are copied.
  @inlinable public mutating func set(_ column: Int, bytes: RawSpan) {
    bytes.withUnsafeBytes { set(column, bytes: $0) }
  }

  /// Sets a column whose `Physical` is `bytes` to the text's UTF-8. For the control plane and tests.
  public mutating func set(_ column: Int, text: String) {
    var text = text
    text.withUTF8 { set(column, bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Makes room for `count` bytes of a column whose `Physical` is `bytes`, and returns where the caller must write them
  /// before it calls anything else on the batch.
  @inlinable public mutating func reserveBytes(_ column: Int, count: Int) -> UnsafeMutableRawPointer {
    precondition(count <= Int(Int32.max), "a value of over 2 GiB")
    markPresent(column)
    reserve(count)
    let offset = cursor &- row
    let word = UInt64(truncatingIfNeeded: offset) | UInt64(truncatingIfNeeded: count) &<< 32
    storage.storeBytes(of: word, toByteOffset: row &+ wordsOffset &+ column &* 8, as: UInt64.self)
    let target = storage + cursor
    cursor &+= count
    return target
  }

  /// Completes the row.
  @inlinable public mutating func endRow() {
    let padded = (cursor &+ 7) & ~7
    reserve(padded &- cursor)
    let size = padded &- row
    precondition(size <= Int(UInt32.max), "a row of over 4 GiB")
    storage.storeBytes(of: UInt32(truncatingIfNeeded: size), toByteOffset: row, as: UInt32.self)
    used = padded
    cursor = padded
    bumpCount()
  }

  @usableFromInline mutating func bumpCount() { count &+= 1 }

  /// Gives the complete row that starts at `offset` another operation.
  @inlinable public mutating func setOperation(_ operation: RowOperation, at offset: Int) {
    precondition(offset >= 0 && offset < used && offset & 7 == 0, "no row there")
    storage.storeBytes(of: operation.rawValue, toByteOffset: offset &+ 4, as: UInt8.self)
  }

  /// Removes the last rows: the one that starts at `offset` and all behind it, which are `rows`.
  public mutating func removeLast(_ rows: Int, from offset: Int) {
    precondition(offset >= 0 && offset <= used && offset & 7 == 0 && rows >= 0 && rows <= count, "no row there")
    used = offset
    row = offset
    cursor = offset
    count &-= rows
  }

  /// Forgets a row that was begun and not ended.
  @inlinable public mutating func abandonRow() { cursor = used }

  /// Changes in the batch: its rows, of which the two of an update are one change.
  public var changeCount: Int {
    var changes = 0
    var offset = 0
    while offset < used {
      let header = storage.load(fromByteOffset: offset, as: UInt64.self)
      if UInt8(truncatingIfNeeded: header >> 32) != RowOperation.updateBefore.rawValue { changes &+= 1 }
      offset &+= Int(UInt32(truncatingIfNeeded: header))
    }
    return changes
  }

  /// Calls `body` for each row in order. A `RowView` is valid only inside the call.
  @inlinable public borrowing func forEachRow<E: Error>(_ body: (RowView) throws(E) -> Void) throws(E) {
    var offset = 0
    while offset < used {
      let view = RowView(base: UnsafeRawPointer(storage + offset), wordsOffset: wordsOffset)
      try body(view)
      offset &+= view.size
    }
  }

  /// The row that starts at `offset` (0 for the first; the next one at `offset + view.size`, until `byteCount`).
  /// The view is valid until the batch is changed or destroyed.
  @inlinable public borrowing func row(at offset: Int) -> RowView {
    precondition(offset >= 0 && offset < used && offset & 7 == 0, "no row there")
    return RowView(base: UnsafeRawPointer(storage + offset), wordsOffset: wordsOffset)
  }

  /// Appends a copy of a row of a batch with the same schema, under another operation if one is given.
  @inlinable public mutating func append(copying view: RowView, as operation: RowOperation? = nil) {
    row = used
    cursor = used
    reserve(view.size)
    (storage + row).copyMemory(from: view.base, byteCount: view.size)
    if let operation { storage.storeBytes(of: operation.rawValue, toByteOffset: row &+ 4, as: UInt8.self) }
    cursor = row &+ view.size
    used = cursor
    bumpCount()
  }
}

/// One row of a batch, read in place. Valid only as long as the batch is neither changed nor destroyed.
public struct RowView {
  @usableFromInline let base: UnsafeRawPointer
  @usableFromInline let wordsOffset: Int

  @inlinable init(base: UnsafeRawPointer, wordsOffset: Int) {
    self.base = base
    self.wordsOffset = wordsOffset
  }

  /// Bytes that the row takes in its batch.
  @inlinable public var size: Int { Int(base.load(as: UInt32.self)) }

  /// What the row says about its key.
  @inlinable public var operation: RowOperation {
    RowOperation(rawValue: base.load(fromByteOffset: 4, as: UInt8.self)) ?? .insert
  }

  /// Whether the column is NULL.
  @inlinable public func isNull(_ column: Int) -> Bool {
    let word = base.load(fromByteOffset: 8 &+ (column &>> 6) &* 8, as: UInt64.self)
    return word &>> UInt64(truncatingIfNeeded: column & 63) & 1 == 1
  }

  /// The value of a column whose `Physical` is `integer`; meaningless when the column is NULL.
  @inlinable public func integer(_ column: Int) -> Int64 {
    base.load(fromByteOffset: wordsOffset &+ column &* 8, as: Int64.self)
  }

  /// The value of a column whose `Physical` is `float32`; meaningless when the column is NULL.
  @inlinable public func float(_ column: Int) -> Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: integer(column)))
  }

  /// The value of a column whose `Physical` is `float64`; meaningless when the column is NULL.
  @inlinable public func double(_ column: Int) -> Double {
    Double(bitPattern: UInt64(bitPattern: integer(column)))
  }

  /// The bytes of a column whose `Physical` is `bytes`, in place; must not be asked of a NULL column.
  @inlinable public func bytes(_ column: Int) -> UnsafeRawBufferPointer {
    let word = base.load(fromByteOffset: wordsOffset &+ column &* 8, as: UInt64.self)
    let start = Int(word & 0xffff_ffff)
    return UnsafeRawBufferPointer(start: base + start, count: Int(word &>> 32))
  }

  /// The bytes of a column as text. For the control plane and tests.
  public func text(_ column: Int) -> String { String(decoding: bytes(column), as: UTF8.self) }
}
