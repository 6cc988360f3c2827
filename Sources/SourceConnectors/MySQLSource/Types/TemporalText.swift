import Model

/// Reads and checks dates and times; shared by the snapshot's text and the log's binary forms, so that both give the
/// same values and refuse the same ones.
enum Temporal {
  /// Days since 1970-01-01; nil for dates with a year below 100, a month or day of zero, and for days that do not exist:
  /// `replacement` says what becomes of those.
  @inline(__always) static func days(year: Int, month: Int, day: Int) -> Int? {
    guard year >= 100, month >= 1, month <= 12, day >= 1, day <= 31 else { return nil }
    if day > 28, day > CivilTime.daysInMonth(year: year, month: month) { return nil }
    return CivilTime.days(year: year, month: month, day: day)
  }

  /// What becomes of a date for which `days` is nil.
  enum Replacement {
    case null
    /// 1970-01-01, midnight.
    case epoch
    /// This day, of the years 0 to 99 or moved out of them.
    case days(Int)
    /// The date is refused.
    case none
  }

  /// What becomes of a date for which `days` is nil.
  @inline(never)
  static func replacement(year: Int, month: Int, day: Int, _ rules: DateRules) -> Replacement {
    if year > 0, month > 0, day > 0 {
      // The calendar repeats itself after 400 years.
      guard year < 100, days(year: year + 400, month: month, day: day) != nil else { return .none }
      return .days(CivilTime.days(year: rules.carried(shortYear: year), month: month, day: day))
    }
    switch rules.zeroDates {
    case .null: return .null
    case .epoch: return .epoch
    case .exact:
      // The year 0 was a leap year, as 400 was.
      guard year == 0, let days = days(year: 400, month: month, day: day) else { return .none }
      return .days(days - CivilTime.days(year: 400, month: 1, day: 1) + CivilTime.days(year: 0, month: 1, day: 1))
    }
  }

  /// The same for a date as text, and the time behind it: nil when the text has not the form of a date.
  @inline(never)
  static func replacement(
    _ text: UnsafeRawBufferPointer, _ rules: DateRules
  ) -> (date: Replacement, time: Int64)? {
    guard text.count >= 10, text[4] == 0x2d, text[7] == 0x2d, let year = number(text, 0, 4),
      let month = number(text, 5, 2), let day = number(text, 8, 2)
    else { return nil }
    let date = replacement(year: year, month: month, day: day, rules)
    if text.count == 10 { return (date, 0) }
    guard text[10] == 0x20, let time = time(UnsafeRawBufferPointer(rebasing: text[11...])),
      time >= 0, time < CivilTime.microsecondsPerDay
    else { return nil }
    return (date, time)
  }

  /// Microseconds since midnight; nil when a part is out of range.
  @inline(__always) static func microseconds(hour: Int, minute: Int, second: Int, fraction: Int) -> Int64? {
    guard hour <= 23, minute <= 59, second <= 59 else { return nil }
    return Int64((hour &* 60 &+ minute) &* 60 &+ second) &* 1_000_000 &+ Int64(fraction)
  }

  /// `2024-02-29`.
  static func date(_ text: UnsafeRawBufferPointer) -> Int? {
    guard text.count == 10, text[4] == 0x2d, text[7] == 0x2d, let year = number(text, 0, 4),
      let month = number(text, 5, 2), let day = number(text, 8, 2)
    else { return nil }
    return days(year: year, month: month, day: day)
  }

  /// `2024-02-29 23:59:59` with up to six digits of a second: microseconds since 1970-01-01T00:00:00.
  static func dateTime(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard text.count >= 19, text[10] == 0x20, let days = date(UnsafeRawBufferPointer(rebasing: text[..<10])),
      text[13] == 0x3a, text[16] == 0x3a, let hour = number(text, 11, 2), let minute = number(text, 14, 2),
      let second = number(text, 17, 2), let fraction = fraction(text, from: 19),
      let time = microseconds(hour: hour, minute: minute, second: second, fraction: fraction)
    else { return nil }
    return Int64(days) &* CivilTime.microsecondsPerDay &+ time
  }

  /// `-838:59:59` with up to six digits of a second: signed microseconds.
  static func time(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard let first = text.first else { return nil }
    let start = first == 0x2d ? 1 : 0
    guard let colon = text.dropFirst(start).firstIndex(of: 0x3a), colon > start, colon - start <= 3,
      text.count >= colon + 6, text[colon + 3] == 0x3a, let hour = number(text, start, colon - start),
      let minute = number(text, colon + 1, 2), let second = number(text, colon + 4, 2),
      let fraction = fraction(text, from: colon + 6), minute <= 59, second <= 59
    else { return nil }
    let value = Int64((hour * 60 + minute) * 60 + second) * 1_000_000 + Int64(fraction)
    return start == 1 ? -value : value
  }

  /// `count` digits.
  @inline(__always) private static func number(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
    guard start &+ count <= text.count else { return nil }
    var value = 0
    for index in start..<(start &+ count) {
      let digit = text[index] &- 0x30
      guard digit <= 9 else { return nil }
      value = value &* 10 &+ Int(digit)
    }
    return value
  }

  /// Nothing, or a point and one to six digits, as microseconds.
  @inline(__always) private static func fraction(_ text: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let count = text.count &- start &- 1
    if count < 0 { return 0 }
    guard text[start] == 0x2e, count >= 1, count <= 6, var value = number(text, start &+ 1, count) else { return nil }
    for _ in count..<6 { value = value &* 10 }
    return value
  }

  /// The error for a date that the calendar does not have.
  static func invalid(_ column: String, _ text: String) -> BinlogError {
    .unsupported(
      "column \(column) holds '\(text)', which is no date of the calendar",
      remedy: "set such values to NULL or to a real date at the source, or leave the table out (zero and partial dates "
        + "are carried as NULL or 1970-01-01 outside of keys unless types.lossless is true)")
  }
}
