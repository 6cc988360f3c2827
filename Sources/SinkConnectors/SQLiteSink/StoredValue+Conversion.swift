/// What becomes of values when a column's type changes: what the source makes of them, or nothing at all where that
/// depends on what is not known here (its time zone, its rounding, its character set).
extension StoredValue {
  /// The value in another form; nil when it has no exact counterpart there.
  func converted(from: StorageForm, to: StorageForm) -> StoredValue? {
    if from == to || self == .null { return self }
    switch to {
    case .integer: return toInteger(from)
    case .float, .double: return toReal(from, narrow: to == .float)
    case .decimal(let scale): return toDecimal(from, scale)
    case .text: return toText(from)
    case .blob: return blobBytes(from).map { .blob($0) }
    case .fixedBinary(let length): return toFixed(from, length)
    case .bits(let length): return toBits(from, length)
    case .date: return toDate(from)
    case .time(let digits): return toTime(from, digits)
    case .timestamp(let digits): return toTimestamp(from, digits, zone: "")
    case .timestampLTZ(let digits): return toTimestamp(from, digits, zone: "Z")
    }
  }

  private var textValue: String? { if case .text(let text) = self { text } else { nil } }

  private func toInteger(_ from: StorageForm) -> StoredValue? {
    switch from {
    case .decimal, .text:
      guard let rounded = textValue.flatMap({ DecimalText($0) })?.rescaled(0) else { return nil }
      return Int64(rounded.text).map { .integer($0) }
    case .float, .double:
      guard case .real(let value) = self, let whole = Int64(exactly: value) else { return nil }
      return .integer(whole)
    default: return nil
    }
  }

  private func toReal(_ from: StorageForm, narrow: Bool) -> StoredValue? {
    let value: Double
    switch (from, self) {
    case (.integer, .integer(let whole)): value = Double(whole)
    case (.float, .real(let real)), (.double, .real(let real)): value = real
    case (.decimal, .text(let text)), (.text, .text(let text)):
      guard DecimalText(text) != nil || from == .text, let parsed = Double(text), parsed.isFinite else { return nil }
      value = parsed
    case (.float, .text), (.double, .text): return self  // NaN, which SQLite cannot hold as a number
    default: return nil
    }
    if !narrow { return .real(value) }
    let narrowed = Float(value)
    return narrowed.isFinite || !value.isFinite ? .real(Double(narrowed)) : nil
  }

  private func toDecimal(_ from: StorageForm, _ scale: Int) -> StoredValue? {
    let decimal: DecimalText?
    switch (from, self) {
    case (.integer, .integer(let whole)): decimal = DecimalText(String(whole))
    case (.decimal, .text(let text)), (.text, .text(let text)): decimal = DecimalText(text)
    default: decimal = nil
    }
    return decimal?.rescaled(scale).map { .text($0.text) }
  }

  private func toText(_ from: StorageForm) -> StoredValue? {
    switch (from, self) {
    case (.integer, .integer(let value)): .text(String(value))
    case (.decimal, .text), (.date, .text), (.time, .text), (.timestamp, .text): self
    default: nil
    }
  }

  private func blobBytes(_ from: StorageForm) -> [UInt8]? {
    switch (from, self) {
    case (.blob, .blob(let bytes)), (.fixedBinary, .blob(let bytes)): bytes
    default: nil
    }
  }

  private func toFixed(_ from: StorageForm, _ length: Int) -> StoredValue? {
    guard let bytes = blobBytes(from), bytes.count <= length else { return nil }
    return .blob(bytes + [UInt8](repeating: 0, count: length - bytes.count))
  }

  private func toBits(_ from: StorageForm, _ length: Int) -> StoredValue? {
    guard case .bits = from, case .blob(let bytes) = self else { return nil }
    let significant = bytes.drop { $0 == 0 }
    guard significant.count <= length else { return nil }
    return .blob([UInt8](repeating: 0, count: length - significant.count) + significant)
  }

  private func toDate(_ from: StorageForm) -> StoredValue? {
    guard let text = textValue else { return nil }
    switch from {
    case .text: return TemporalText.isDate(text) ? self : nil
    case .timestamp:
      // With digits after the second servers differ: one rounds to the next day, another does not.
      guard let whole = TemporalText.withDigits(text, 0), whole.utf8.count >= 19 else { return nil }
      return .text(String(whole.dropLast(9)))
    default: return nil
    }
  }

  private func toTime(_ from: StorageForm, _ digits: Int) -> StoredValue? {
    guard let text = textValue else { return nil }
    switch from {
    case .time: break
    case .text: guard TemporalText.isTime(text) else { return nil }
    default: return nil
    }
    return TemporalText.withDigits(text, digits).map { .text($0) }
  }

  private func toTimestamp(_ from: StorageForm, _ digits: Int, zone: String) -> StoredValue? {
    guard let text = textValue else { return nil }
    switch (from, zone.isEmpty) {
    case (.timestamp, true): return TemporalText.withDigits(text, digits).map { .text($0) }
    case (.timestampLTZ, false):
      return TemporalText.withDigits(String(text.dropLast()), digits).map { .text($0 + zone) }
    case (.date, true): return TemporalText.withDigits(text + " 00:00:00", digits).map { .text($0) }
    case (.text, true):
      let full = TemporalText.isDate(text) ? text + " 00:00:00" : text
      guard TemporalText.isTimestamp(full) else { return nil }
      return TemporalText.withDigits(full, digits).map { .text($0) }
    default: return nil  // from local time to UTC or back: the zone is the session's, which is not known here
    }
  }
}

/// Checks and changes of the texts of dates and times.
enum TemporalText {
  /// `YYYY-MM-DD`, month and day within the calendar.
  static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      let numbers = numbers(parts)
    else { return false }
    return (1...12).contains(numbers[1]) && (1...31).contains(numbers[2])
  }

  /// `[-]HH:MM:SS[.f]`.
  static func isTime(_ text: String) -> Bool {
    let body = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let halves = body.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    if halves.count == 2 && (halves[1].isEmpty || numbers([halves[1]]) == nil) { return false }
    let parts = halves[0].split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count >= 2, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      let numbers = numbers(parts)
    else { return false }
    return numbers[1] < 60 && numbers[2] < 60
  }

  /// `YYYY-MM-DD HH:MM:SS[.f]`.
  static func isTimestamp(_ text: String) -> Bool {
    let halves = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2, isDate(String(halves[0])), isTime(String(halves[1])) else { return false }
    return halves[1].first != "-" && halves[1].utf8.prefix { $0 != 0x3a }.count == 2 && halves[1] < "24"
  }

  /// The text with exactly so many digits after the second; nil when that would drop one that is not 0.
  static func withDigits(_ text: String, _ digits: Int) -> String? {
    let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let fraction = halves.count == 2 ? halves[1] : ""
    guard fraction.dropFirst(digits).allSatisfy({ $0 == "0" }) else { return nil }
    if digits == 0 { return String(halves[0]) }
    let kept = fraction.prefix(digits)
    return "\(halves[0]).\(kept)" + String(repeating: "0", count: digits - kept.count)
  }

  private static func numbers(_ parts: [Substring]) -> [Int]? {
    let values = parts.compactMap { part in part.utf8.allSatisfy { $0 &- 0x30 < 10 } ? Int(part) : nil }
    return values.count == parts.count ? values : nil
  }
}

/// A decimal number in digits.
struct DecimalText: Equatable {
  private var isNegative: Bool
  /// Digits of whole part and fraction, most significant first, values 0 to 9.
  private var digits: [UInt8]
  private var scale: Int

  /// Reads `[-]digits[.digits]`; nil for anything else.
  init?(_ text: String) {
    let body = text.hasPrefix("-") ? text.dropFirst() : text[...]
    let halves = body.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard !halves[0].isEmpty, halves.count == 1 || !halves[1].isEmpty else { return nil }
    digits = halves.joined().utf8.map { $0 &- 0x30 }
    guard digits.allSatisfy({ $0 < 10 }) else { return nil }
    isNegative = text.hasPrefix("-")
    scale = halves.count == 2 ? halves[1].utf8.count : 0
  }

  /// With so many decimals; what is dropped is rounded half away from zero, as servers do for exact numbers. Nil for a
  /// negative scale.
  func rescaled(_ wanted: Int) -> DecimalText? {
    guard wanted >= 0 else { return nil }
    var result = self
    result.scale = wanted
    if wanted >= scale {
      result.digits += [UInt8](repeating: 0, count: wanted - scale)
      return result
    }
    let dropped = scale - wanted
    let roundsUp = digits[digits.count - dropped] >= 5
    result.digits.removeLast(dropped)
    if roundsUp { result.increment() }
    return result
  }

  private mutating func increment() {
    var at = digits.count - 1
    while at >= 0 && digits[at] == 9 {
      digits[at] = 0
      at -= 1
    }
    if at >= 0 { digits[at] += 1 } else { digits.insert(1, at: 0) }
  }

  /// Without leading zeros, and without `-` before zero.
  var text: String {
    let whole = digits.dropLast(scale).drop { $0 == 0 }
    let sign = isNegative && digits.contains { $0 != 0 } ? "-" : ""
    let head = whole.isEmpty ? "0" : Self.string(whole)
    return sign + head + (scale == 0 ? "" : "." + Self.string(digits.suffix(scale)))
  }

  private static func string(_ digits: ArraySlice<UInt8>) -> String {
    String(decoding: digits.map { $0 &+ 0x30 }, as: UTF8.self)
  }
}
