import Model

/// Checks that hold for both directions.
enum WireNumbers {
  /// A count, size or duration.
  static func count(_ value: Int64, _ field: StaticString) throws(WireError) -> Int64 {
    guard value >= 0, value <= WireLimits.number else {
      throw .malformed("\(field) is \(value), which is not within 0 and 2^53")
    }
    return value
  }

  /// A time that may lie before 1970.
  static func time(_ value: Int64, _ field: StaticString) throws(WireError) -> Int64 {
    guard value.magnitude <= UInt64(WireLimits.number) else {
      throw .malformed("\(field) is \(value), which is not within -2^53 and 2^53")
    }
    return value
  }

  /// The share of a tail split: its index lies below the count.
  static func checkShare(index: Int, count: Int) throws(WireError) {
    guard count >= 1, index >= 0, index < count else {
      throw .malformed("share \(index) of \(count) does not exist")
    }
  }

  /// Bounds have at most as many parts as the key has columns.
  static func check(_ range: ChunkRange) throws(WireError) {
    guard max(range.lower?.count ?? 0, range.upper?.count ?? 0) <= range.columns.count else {
      throw .malformed("a chunk's bound has more parts than its key has columns")
    }
  }

  /// An exit status.
  static func checkStatus(_ status: Int64) throws(WireError) {
    guard (0...255).contains(status) else { throw .malformed("status \(status) is not within 0 and 255") }
  }

  /// Length and nesting of a type's text, before it is read by a parser that calls itself.
  static func checkTypeText(_ text: String) throws(WireError) {
    guard text.utf8.count <= WireLimits.typeText else {
      throw .malformed("a type of \(text.utf8.count) bytes is over the limit of \(WireLimits.typeText)")
    }
    guard text.utf8.count(where: { $0 == UInt8(ascii: "<") }) <= WireLimits.typeDepth else {
      throw .malformed("a type nests more than \(WireLimits.typeDepth) times")
    }
  }

  /// Parameters that others index tables or shift by.
  static func check(_ type: DataType) throws(WireError) {
    switch type.kind {
    case .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .date, .string, .bytes: break
    case .time(let digits), .timestamp(let digits), .timestampLTZ(let digits): try check(digits, 0...9)
    case .decimal(let precision, let scale):
      try check(precision, 1...WireLimits.typeParameter)
      try check(scale, 0...precision)
    case .char(let length), .varchar(let length), .binary(let length), .varbinary(let length):
      try check(length, 0...WireLimits.typeParameter)
    case .array(let element): try check(element)
    case .map(let key, let value):
      try check(key)
      try check(value)
    }
    if case .bit(let width) = type.annotation { try check(width, 1...WireLimits.typeParameter) }
  }

  private static func check(_ value: Int, _ range: ClosedRange<Int>) throws(WireError) {
    guard range.contains(value) else {
      throw .malformed("a type's parameter is \(value), which is not within \(range.lowerBound) and \(range.upperBound)")
    }
  }
}
