import Model

/// The texts of MariaDB's UUID, INET4 and INET6, from the bytes that its log has for them; they are the texts that the
/// server itself shows.
enum AddressText {
  private static let digits: InlineArray<16, UInt8> = [
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66,
  ]

  /// Room for the longest text, and how much of it is used.
  private struct Buffer {
    var bytes = InlineArray<48, UInt8>(repeating: 0)
    var count = 0

    mutating func put(_ byte: UInt8) {
      bytes[count] = byte
      count += 1
    }

    mutating func put(decimal value: UInt8) {
      if value >= 100 { put(0x30 + value / 100) }
      if value >= 10 { put(0x30 + value / 10 % 10) }
      put(0x30 + value % 10)
    }

    mutating func put(hexadecimal value: Int) {
      var shift = 12
      while shift > 0, value >> shift == 0 { shift -= 4 }
      while shift >= 0 {
        put(digits[value >> shift & 15])
        shift -= 4
      }
    }

    func set(_ column: Int, in batch: inout RowBatch) {
      let target = batch.reserveBytes(column, count: count)
      for index in 0..<count { target.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self) }
    }
  }

  /// `123e4567-e89b-12d3-a456-426614174000`. Zeros at the end of the 16 bytes may be missing.
  static func set(_ column: Int, uuid bytes: UnsafeRawBufferPointer, in batch: inout RowBatch) {
    var text = Buffer()
    for index in 0..<16 {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.put(0x2d) }
      let byte = index < bytes.count ? bytes[index] : 0
      text.put(digits[Int(byte >> 4)])
      text.put(digits[Int(byte & 15)])
    }
    text.set(column, in: &batch)
  }

  /// `192.0.2.1`. Zeros at the end of the four bytes may be missing.
  static func set(_ column: Int, inet4 bytes: UnsafeRawBufferPointer, in batch: inout RowBatch) {
    var text = Buffer()
    put(bytes, from: 0, to: &text)
    text.set(column, in: &batch)
  }

  private static func put(_ bytes: UnsafeRawBufferPointer, from start: Int, to text: inout Buffer) {
    for index in start..<(start + 4) {
      if index > start { text.put(0x2e) }
      text.put(decimal: index < bytes.count ? bytes[index] : 0)
    }
  }

  /// `2001:db8::1`: the first longest run of zero words, even a single one, is left out; addresses that stand for IPv4
  /// ones end with those (`::ffff:192.0.2.1`). Zeros at the end of the 16 bytes may be missing.
  static func set(_ column: Int, inet6 bytes: UnsafeRawBufferPointer, in batch: inout RowBatch) {
    func word(_ index: Int) -> Int {
      (2 * index < bytes.count ? Int(bytes[2 * index]) : 0) << 8
        | (2 * index + 1 < bytes.count ? Int(bytes[2 * index + 1]) : 0)
    }
    var gap = 8..<8
    var index = 0
    while index < 8 {
      let start = index
      while index < 8, word(index) == 0 { index += 1 }
      if index - start > gap.count { gap = start..<index }
      index += 1
    }
    let holdsIPv4 = gap.lowerBound == 0 && (gap.count == 6 || (gap.count == 5 && word(5) == 0xffff))
    var text = Buffer()
    index = 0
    while index < 8 {
      if index == gap.lowerBound {
        if index == 0 { text.put(0x3a) }
        text.put(0x3a)
        index = gap.upperBound
      } else if index == 6, holdsIPv4 {
        put(bytes, from: 12, to: &text)
        break
      } else {
        text.put(hexadecimal: word(index))
        if index < 7 { text.put(0x3a) }
        index += 1
      }
    }
    text.set(column, in: &batch)
  }
}
