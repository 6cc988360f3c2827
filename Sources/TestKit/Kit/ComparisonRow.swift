/// One row in canonical form: per column a storage class and bytes. Two rows are equal when their bytes and ends are.
struct CanonicalRow: Equatable {
  private(set) var bytes: [UInt8] = []
  private(set) var ends: [Int] = []

  mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }

  mutating func appendNull() {
    bytes.append(StorageClass.null.rawValue)
    ends.append(bytes.count)
  }

  mutating func append(_ storage: StorageClass, _ value: UnsafeRawBufferPointer) {
    bytes.append(storage.rawValue)
    bytes.append(contentsOf: value)
    ends.append(bytes.count)
  }

  /// A number of the kinds `.float` and `.double`. Negative zero counts as zero: SQLite does not keep its sign.
  mutating func append(real value: Double, kind: ComparisonKind) {
    let rounded = kind == .float ? Double(Float(value)) : value
    bytes.append(StorageClass.real.rawValue)
    withUnsafeBytes(of: rounded == 0 ? 0 : rounded) { bytes.append(contentsOf: $0) }
    ends.append(bytes.count)
  }

  /// A value as the column's kind wants it.
  mutating func append(_ storage: StorageClass, _ value: UnsafeRawBufferPointer, kind: ComparisonKind) {
    switch (kind, storage) {
    case (.integer, .integer), (.unsignedBig, .text):
      append(storage, CanonicalRow.withoutLeadingZeros(value))
    case (.decimal, .text):
      append(storage, CanonicalRow.withoutFilledZeros(value))
    case (.timestamp, .text) where value.last == UInt8(ascii: "Z"):
      append(storage, UnsafeRawBufferPointer(rebasing: value.dropLast()))
    case (.json, .text):
      appendCompactJSON(value)
    case (.spatial, .text), (.vector, .text):
      if let shape = ComparisonShape(json: value) { append(shape) } else { append(storage, value) }
    default:
      append(storage, value)
    }
  }

  /// A spatial value or a vector.
  mutating func append(_ shape: ComparisonShape) {
    bytes.append(StorageClass.text.rawValue)
    bytes.append(contentsOf: (shape.canonical ?? "").utf8)
    ends.append(bytes.count)
  }

  func storage(_ column: Int) -> StorageClass {
    StorageClass(rawValue: bytes[start(column)]) ?? .null
  }

  func value(_ column: Int) -> ArraySlice<UInt8> {
    bytes[(start(column) + 1)..<ends[column]]
  }

  /// Whether a column is the same in both rows, class and value.
  func equals(_ other: CanonicalRow, column: Int) -> Bool {
    bytes[start(column)..<ends[column]].elementsEqual(other.bytes[other.start(column)..<other.ends[column]])
  }

  /// A value for people: its class and its text, shortened.
  func described(_ column: Int) -> String {
    let storage = storage(column)
    let value = value(column)
    switch storage {
    case .null: return "NULL"
    case .integer: return "INTEGER \(String(decoding: value, as: UTF8.self))"
    case .real: return "REAL \(real(column))"
    case .text:
      let shown = String(decoding: value.prefix(80), as: UTF8.self)
      return "TEXT '\(shown)'" + (value.count > 80 ? "… (\(value.count) bytes)" : "")
    case .blob:
      let digits = Array("0123456789abcdef")
      let shown = value.prefix(32).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
      return "BLOB x'\(String(shown))'" + (value.count > 32 ? "… (\(value.count) bytes)" : "")
    }
  }

  /// A `REAL` value; zero for anything else.
  func real(_ column: Int) -> Double {
    let value = value(column)
    guard storage(column) == .real, value.count == MemoryLayout<Double>.size else { return 0 }
    return value.withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
  }

  private func start(_ column: Int) -> Int { column == 0 ? 0 : ends[column - 1] }

  /// ZEROFILL columns come with zeros in front; the number is what counts.
  private static func withoutLeadingZeros(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let zeros = value.prefix { $0 == UInt8(ascii: "0") }.count
    return UnsafeRawBufferPointer(rebasing: value.dropFirst(min(zeros, max(value.count - 1, 0))))
  }

  /// The same for decimals, which keep a digit before the point.
  private static func withoutFilledZeros(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let whole = value.prefix { $0 != UInt8(ascii: ".") }.count
    let zeros = value.prefix { $0 == UInt8(ascii: "0") }.count
    return UnsafeRawBufferPointer(rebasing: value.dropFirst(min(zeros, max(whole - 1, 0))))
  }

  /// JSON text without the white space between its tokens, which servers and sinks set as they like.
  private mutating func appendCompactJSON(_ value: UnsafeRawBufferPointer) {
    bytes.append(StorageClass.text.rawValue)
    var inString = false
    var escaped = false
    for byte in value {
      if inString {
        if escaped {
          escaped = false
        } else if byte == UInt8(ascii: "\\") {
          escaped = true
        } else if byte == UInt8(ascii: "\"") {
          inString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        inString = true
      } else if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
        continue
      }
      bytes.append(byte)
    }
    ends.append(bytes.count)
  }
}

/// The order in which both sides deliver the rows of a table with a key.
struct KeyOrder {
  let table: ComparisonTable

  /// Negative when `left` comes first, zero for equal keys, positive otherwise.
  func compare(_ left: CanonicalRow, _ right: CanonicalRow) -> Int {
    for column in table.key {
      let order = compare(left, right, column)
      if order != 0 { return order }
    }
    return 0
  }

  /// The key for people.
  func describe(_ row: CanonicalRow) -> String {
    table.key.map { "\(table.columns[$0].name)=\(row.described($0))" }.joined(separator: ", ")
  }

  private func compare(_ left: CanonicalRow, _ right: CanonicalRow, _ column: Int) -> Int {
    let classes = Int(left.storage(column).rawValue) - Int(right.storage(column).rawValue)
    if classes != 0 { return classes }
    let (a, b) = (left.value(column), right.value(column))
    switch table.columns[column].kind {
    case .integer, .unsignedBig, .boolean, .bit1: return KeyOrder.compareNumbers(a, b)
    case .float, .double:
      let (x, y) = (left.real(column), right.real(column))
      return x < y ? -1 : (x > y ? 1 : 0)
    default: return KeyOrder.compareBytes(a, b)
    }
  }

  /// Whole numbers as decimal digits, with no zeros in front, of any size.
  private static func compareNumbers(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
    let minus = UInt8(ascii: "-")
    switch (a.first == minus, b.first == minus) {
    case (true, false): return -1
    case (false, true): return 1
    case (true, true): return -compareNumbers(a.dropFirst(), b.dropFirst())
    case (false, false): return a.count != b.count ? a.count - b.count : compareBytes(a, b)
    }
  }

  private static func compareBytes(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
    if a.elementsEqual(b) { return 0 }
    return a.lexicographicallyPrecedes(b) ? -1 : 1
  }
}
