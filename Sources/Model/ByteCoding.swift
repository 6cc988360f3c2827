/// Numbers and texts in few bytes: what `PackedChunks` is made of.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ byte: UInt8) { bytes.append(byte) }

  /// Seven bits a byte, the lowest first.
  mutating func put(number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func put(count: Int) { put(number: UInt64(max(0, count))) }

  /// A number that is near 0 on either side.
  mutating func put(difference: Int64) { put(number: UInt64(bitPattern: (difference << 1) ^ (difference >> 63))) }

  /// Bytes, of which the first ones are often those of `former`.
  mutating func put(_ bytes: [UInt8], after former: [UInt8]) {
    var common = 0
    while common < bytes.count, common < former.count, bytes[common] == former[common] { common += 1 }
    put(count: common)
    put(count: bytes.count - common)
    self.bytes.append(contentsOf: bytes[common...])
  }
}

/// Reads what `ByteWriter` has written. Trusts nothing: what is cut off or contradicts itself gives nil.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func byte() -> UInt8? {
    guard position < bytes.count else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func number() -> UInt64? {
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      guard let byte = byte() else { return nil }
      if shift == 63, byte > 1 { return nil }
      result |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return result }
    }
    return nil
  }

  /// At most as many as there are bytes: nothing is counted here that does not take one.
  mutating func count() -> Int? {
    guard let value = number(), value <= UInt64(bytes.count) else { return nil }
    return Int(value)
  }

  mutating func difference() -> Int64? {
    number().map { Int64(bitPattern: ($0 >> 1) ^ (0 &- ($0 & 1))) }
  }

  /// What `put(_:after:)` wrote.
  mutating func bytes(after former: [UInt8]) -> [UInt8]? {
    guard let common = number(), common <= UInt64(former.count), let rest = count(), rest <= bytes.count - position
    else { return nil }
    defer { position += rest }
    return Array(former[..<Int(common)]) + bytes[position..<(position + rest)]
  }
}

/// The texts of offsets that follow each other differ in a few numbers.
struct OffsetText: Hashable {
  /// The text's UTF-8.
  private(set) var bytes: [UInt8]

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// Where the decimal numbers stand: longest runs of digits without a leading zero that fit 18 digits.
  private var numbers: [Range<Int>] {
    var result: [Range<Int>] = []
    var index = 0
    while index < bytes.count {
      guard Self.isDigit(bytes[index]) else {
        index += 1
        continue
      }
      let start = index
      while index < bytes.count, Self.isDigit(bytes[index]) { index += 1 }
      if index - start <= 18, bytes[start] != UInt8(ascii: "0") || index - start == 1 { result.append(start..<index) }
    }
    return result
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private func value(_ range: Range<Int>) -> Int64 {
    bytes[range].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
  }

  /// The differences of the numbers where nothing else differs; nil otherwise.
  private func differences(from former: OffsetText) -> [(index: Int, difference: Int64)]? {
    let (mine, others) = (numbers, former.numbers)
    guard mine.count == others.count else { return nil }
    var result: [(index: Int, difference: Int64)] = []
    var (end, otherEnd) = (0, 0)
    for (index, (range, other)) in zip(mine, others).enumerated() {
      guard bytes[end..<range.lowerBound] == former.bytes[otherEnd..<other.lowerBound] else { return nil }
      let difference = value(range) - former.value(other)
      if difference != 0 { result.append((index, difference)) }
      (end, otherEnd) = (range.upperBound, other.upperBound)
    }
    return bytes[end...] == former.bytes[otherEnd...] ? result : nil
  }

  /// Writes the text so that it can be read by whoever knows `former`.
  func write(after former: OffsetText, to writer: inout ByteWriter) {
    guard let differences = differences(from: former) else {
      writer.put(0)
      return writer.put(bytes, after: former.bytes)
    }
    writer.put(1)
    writer.put(count: differences.count)
    for item in differences {
      writer.put(count: item.index)
      writer.put(difference: item.difference)
    }
  }

  /// What `write` wrote.
  init?(after former: OffsetText, from reader: inout ByteReader) {
    switch reader.byte() {
    case 0:
      guard let bytes = reader.bytes(after: former.bytes) else { return nil }
      self.bytes = bytes
    case 1:
      guard let changed = Self.changed(former, &reader) else { return nil }
      bytes = changed
    default: return nil
    }
  }

  private static func changed(_ former: OffsetText, _ reader: inout ByteReader) -> [UInt8]? {
    let numbers = former.numbers
    guard let count = reader.count(), count <= numbers.count else { return nil }
    var bytes: [UInt8] = []
    var (end, next) = (0, 0)
    for _ in 0..<count {
      guard let index = reader.count(), index >= next, index < numbers.count, let difference = reader.difference()
      else { return nil }
      let (value, overflows) = former.value(numbers[index]).addingReportingOverflow(difference)
      guard !overflows, value >= 0, value < 1_000_000_000_000_000_000 else { return nil }
      bytes += former.bytes[end..<numbers[index].lowerBound]
      bytes += String(value).utf8
      (end, next) = (numbers[index].upperBound, index + 1)
    }
    return bytes + former.bytes[end...]
  }
}
