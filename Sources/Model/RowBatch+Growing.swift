/// Values whose size is not known before they are written.
extension RowBatch {
  /// Makes room for `count` more bytes behind those that the column has, and returns where the caller must write them
  /// before it calls anything else on the batch. The column must be the one that was set last in the row being written;
  /// a value begins with `reserveBytes(column, count: 0)`.
  @inlinable public mutating func extendBytes(_ column: Int, count: Int) -> UnsafeMutableRawPointer {
    let place = row &+ wordsOffset &+ column &* 8
    reserve(count)
    let word = storage.load(fromByteOffset: place, as: UInt64.self)
    precondition(Int(word &>> 32) + count <= Int(Int32.max), "a value of over 2 GiB")
    storage.storeBytes(of: word &+ UInt64(truncatingIfNeeded: count) &<< 32, toByteOffset: place, as: UInt64.self)
    let target = storage + cursor
    cursor &+= count
    return target
  }

  /// Appends bytes to the column that was set last in the row being written.
  @inlinable public mutating func extend(_ column: Int, bytes: UnsafeRawBufferPointer) {
    let target = extendBytes(column, count: bytes.count)
    if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: bytes.count) }
  }

  /// Appends a constant text to the column that was set last in the row being written.
  @inlinable public mutating func extend(_ column: Int, text: StaticString) {
    extend(column, bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Takes the last `count` bytes off the column that was set last in the row being written; at most as many as it has.
  @inlinable public mutating func trimBytes(_ column: Int, count: Int) {
    let place = row &+ wordsOffset &+ column &* 8
    let word = storage.load(fromByteOffset: place, as: UInt64.self)
    precondition(count >= 0 && count <= Int(word &>> 32), "more than the value has")
    storage.storeBytes(of: word &- UInt64(truncatingIfNeeded: count) &<< 32, toByteOffset: place, as: UInt64.self)
    cursor &-= count
  }
}
