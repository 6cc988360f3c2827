import Model

/// MySQL's binary decimals: groups of nine digits in four big-endian bytes, a shorter group at either end in as many
/// bytes as it needs; the first bit inverted; negative numbers with all bits inverted (strings/decimal.cc).
struct BinaryDecimal {
  /// Room for 65 digits, a point and a sign.
  private var text = InlineArray<80, UInt8>(repeating: 0)
  private var start = 1
  private var end = 1

  /// Bytes that a group of 0 to 9 digits takes.
  private static func bytes(forDigits digits: Int) -> Int {
    switch digits {
    case 0: 0
    case 1, 2: 1
    case 3, 4: 2
    case 5, 6: 3
    default: 4
    }
  }

  /// Bytes that a decimal takes.
  static func size(precision: Int, scale: Int) -> Int {
    let whole = precision - scale
    return whole / 9 * 4 + bytes(forDigits: whole % 9) + scale / 9 * 4 + bytes(forDigits: scale % 9)
  }

  /// Decodes one with its canonical text as the result (see `DecimalText`). Precision 1 to 65, scale 0 to 38 and not
  /// above the precision.
  /// - Throws: `corrupt` when a group holds more digits than it can.
  @inline(__always) init(reading reader: inout ByteReader, precision: Int, scale: Int) throws(BinlogError) {
    let bytes = try reader.bytes(Self.size(precision: precision, scale: scale))
    guard let first = bytes.first else { throw .corrupt("a decimal without digits") }
    let isNegative = first & 0x80 == 0
    let mask: UInt32 = isNegative ? .max : 0
    var offset = 0
    var nonzero: UInt32 = 0
    let whole = precision - scale
    try group(bytes, &offset, digits: whole % 9, mask: mask, nonzero: &nonzero)
    for _ in 0..<(whole / 9) { try group(bytes, &offset, digits: 9, mask: mask, nonzero: &nonzero) }
    while start < end, text[start] == 0x30 { start &+= 1 }
    if start == end { putDigit() }
    if scale > 0 {
      text[end] = 0x2e
      end &+= 1
      for _ in 0..<(scale / 9) { try group(bytes, &offset, digits: 9, mask: mask, nonzero: &nonzero) }
      try group(bytes, &offset, digits: scale % 9, mask: mask, nonzero: &nonzero)
    }
    if isNegative, nonzero != 0 {
      start &-= 1
      text[start] = 0x2d
    }
  }

  private mutating func putDigit() {
    text[end] = 0x30
    end &+= 1
  }

  /// Appends a group's digits, with leading zeros.
  @inline(__always) private mutating func group(
    _ bytes: UnsafeRawBufferPointer, _ offset: inout Int, digits: Int, mask: UInt32, nonzero: inout UInt32
  ) throws(BinlogError) {
    if digits == 0 { return }
    let size = Self.bytes(forDigits: digits)
    var value: UInt32 = 0
    for index in offset..<(offset &+ size) {
      // The number's first bit is stored inverted.
      let byte = index == 0 ? bytes[0] ^ 0x80 : bytes[index]
      value = value &<< 8 | UInt32(byte ^ UInt8(truncatingIfNeeded: mask))
    }
    offset &+= size
    nonzero |= value
    var index = end &+ digits
    end = index
    for _ in 0..<digits {
      index &-= 1
      text[index] = 0x30 &+ UInt8(truncatingIfNeeded: value % 10)
      value /= 10
    }
    guard value == 0 else { throw .corrupt("a decimal with a group of more than \(digits) digits") }
  }

  /// Sets a column to the text.
  @inline(__always) func set(_ column: Int, in batch: inout RowBatch) {
    let count = end &- start
    let target = batch.reserveBytes(column, count: count)
    for index in 0..<count { target.storeBytes(of: text[start &+ index], toByteOffset: index, as: UInt8.self) }
  }

  /// Appends the text to bytes.
  func append(to bytes: inout [UInt8]) {
    for index in start..<end { bytes.append(text[index]) }
  }
}

extension RowsDecoder {
  @inline(__always) mutating func decimal(
    _ step: RowDecodingPlan.Step, _ column: Int, into batch: inout RowBatch
  ) throws(BinlogError) {
    let decimal = try BinaryDecimal(reading: &reader, precision: step.size, scale: step.limit)
    decimal.set(column, in: &batch)
  }
}
