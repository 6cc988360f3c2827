import Model

/// Comparisons of key values as row batches hold them, in the server's order. Negative, 0 or positive.
enum KeyComparison {
  /// Bytes by value; `padded`: the shorter one counts as filled up with spaces (PAD SPACE collations).
  static func bytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer, padded: Bool) -> Int {
    let common = min(left.count, right.count)
    var index = 0
    while index < common {
      if left[index] != right[index] { return left[index] < right[index] ? -1 : 1 }
      index += 1
    }
    guard padded else { return left.count - right.count }
    let (rest, sign) = left.count > right.count ? (left, 1) : (right, -1)
    while index < rest.count {
      if rest[index] != 0x20 { return rest[index] > 0x20 ? sign : -sign }
      index += 1
    }
    return 0
  }

  /// Decimal numbers as `-?digits[.digits]`.
  static func decimals(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    let (first, second) = (DecimalView(left), DecimalView(right))
    if first.isZero && second.isZero { return 0 }
    let firstNegative = first.isNegative && !first.isZero
    let secondNegative = second.isNegative && !second.isZero
    if firstNegative != secondNegative { return firstNegative ? -1 : 1 }
    let magnitude = DecimalView.compareMagnitudes(first, second)
    return firstNegative ? -magnitude : magnitude
  }

  /// Whether two rows have the same key, byte for byte.
  static func sameKey(_ left: RowView, _ right: RowView, schema: RowSchema) -> Bool {
    for index in schema.keyIndexes {
      if left.isNull(index) != right.isNull(index) { return false }
      if left.isNull(index) { continue }
      if schema.physical[index] == .bytes {
        let (first, second) = (left.bytes(index), right.bytes(index))
        guard first.count == second.count else { return false }
        if let start = first.baseAddress, let other = second.baseAddress,
          !memoryIsEqual(start, other, first.count)
        {
          return false
        }
      } else if left.integer(index) != right.integer(index) {
        return false
      }
    }
    return true
  }
}

/// Parts of a decimal number's text.
private struct DecimalView {
  let isNegative: Bool
  /// Without leading zeros.
  let integer: Slice<UnsafeRawBufferPointer>
  let fraction: Slice<UnsafeRawBufferPointer>
  let isZero: Bool

  init(_ text: UnsafeRawBufferPointer) {
    var rest = text[...]
    isNegative = rest.first == UInt8(ascii: "-")
    if isNegative { rest = rest.dropFirst() }
    let point = rest.firstIndex(of: UInt8(ascii: ".")) ?? rest.endIndex
    integer = rest[..<point].drop { $0 == UInt8(ascii: "0") }
    fraction = rest[point...].dropFirst()
    isZero = integer.isEmpty && fraction.allSatisfy { $0 == UInt8(ascii: "0") }
  }

  static func compareMagnitudes(_ left: DecimalView, _ right: DecimalView) -> Int {
    if left.integer.count != right.integer.count { return left.integer.count < right.integer.count ? -1 : 1 }
    for (first, second) in zip(left.integer, right.integer) where first != second { return first < second ? -1 : 1 }
    let zero = UInt8(ascii: "0")
    for offset in 0..<max(left.fraction.count, right.fraction.count) {
      let first = offset < left.fraction.count ? left.fraction[left.fraction.startIndex + offset] : zero
      let second = offset < right.fraction.count ? right.fraction[right.fraction.startIndex + offset] : zero
      if first != second { return first < second ? -1 : 1 }
    }
    return 0
  }
}

/// Times as the server reads them in a literal.
enum TemporalLiteral {
  /// The text of a DATE (days), TIME, DATETIME or TIMESTAMP (microseconds) value.
  static func text(_ value: Int64, _ kind: DataType.Kind) -> String {
    switch kind {
    case .date: return date(Int(value))
    case .time:
      let magnitude = value.magnitude
      return (value < 0 ? "-" : "") + clock(magnitude)
    default:
      let day = CivilTime.microsecondsPerDay
      let days = value >= 0 ? value / day : (value - day + 1) / day
      return date(Int(days)) + " " + clock(UInt64(value - days * day))
    }
  }

  private static func date(_ days: Int) -> String {
    let (year, month, day) = CivilTime.date(days: days)
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  private static func clock(_ microseconds: UInt64) -> String {
    let seconds = Int(microseconds / 1_000_000)
    let text = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    return text + "." + padded(Int(microseconds % 1_000_000), 6)
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// The share of the keys that a row belongs to.
enum KeyHash {
  /// FNV-1a over the key's canonical bytes, finished with a mixer so that the low bits are good. Part of the product's
  /// format: a running pipeline's tails divide the keys by it.
  static func hash(_ row: RowView, schema: RowSchema) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for index in schema.keyIndexes {
      if row.isNull(index) {
        hash = (hash ^ 0xff) &* 0x100_0000_01b3
        continue
      }
      if schema.physical[index] == .bytes {
        let bytes = row.bytes(index)
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ UInt64(truncatingIfNeeded: bytes.count)) &* 0x100_0000_01b3
      } else {
        var word = UInt64(bitPattern: row.integer(index))
        for _ in 0..<8 {
          hash = (hash ^ (word & 0xff)) &* 0x100_0000_01b3
          word >>= 8
        }
      }
    }
    hash ^= hash >> 33
    hash &*= 0xff51_afd7_ed55_8ccd
    hash ^= hash >> 33
    return hash
  }
}
