import Model

/// The product's form of a decimal: `-?digits[.digits]` with exactly the type's scale, no leading zero but one before
/// the point, no negative zero.
enum DecimalText {
  /// Sets a column to the canonical form of a decimal text; false when the text is none, or has more digits behind the
  /// point than `scale`.
  static func set(
    _ column: Int, text: UnsafeRawBufferPointer, scale: Int, in batch: inout RowBatch
  ) -> Bool {
    guard let first = text.first else { return false }
    var isNegative = first == 0x2d
    var start = isNegative || first == 0x2b ? 1 : 0
    let point = text.dropFirst(start).firstIndex(of: 0x2e) ?? text.count
    let decimals = max(text.count - point - 1, 0)
    guard decimals <= scale, text.count > start else { return false }
    var isZero = true
    for index in start..<text.count where index != point {
      let digit = text[index] &- 0x30
      if digit > 9 { return false }
      if digit != 0 { isZero = false }
    }
    if isZero { isNegative = false }
    while start < point - 1, text[start] == 0x30 { start += 1 }
    let whole = max(point - start, 1)
    let size = (isNegative ? 1 : 0) + whole + (scale > 0 ? 1 + scale : 0)
    let target = batch.reserveBytes(column, count: size)
    var offset = 0
    func put(_ byte: UInt8) {
      target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      offset &+= 1
    }
    if isNegative { put(0x2d) }
    if point == start { put(0x30) }
    for index in start..<point { put(text[index]) }
    if scale > 0 {
      put(0x2e)
      for index in 0..<scale { put(index < decimals ? text[point &+ 1 &+ index] : 0x30) }
    }
    return true
  }
}
