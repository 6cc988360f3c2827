import Model

/// Texts of values as sinks write them: decimal integers, and dates and times in ISO 8601's order.
///
/// Each function writes ASCII to `target`, which must have room for `ValueText.maximum` bytes, and returns the number of
/// bytes written. None allocates.
public enum ValueText {
  /// The longest text that any of these functions writes, in bytes.
  public static let maximum = 48

  /// How the digits after the second are written.
  public enum Fraction: Sendable, Hashable {
    /// Exactly so many digits, 0 to 6; 0: none, and no point.
    case digits(Int)
    /// As many as are needed to lose nothing; none, and no point, for a whole second.
    case shortest
  }

  @inline(__always) private static var pairs: UnsafePointer<UInt8> {
    let digits: StaticString = """
      00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657\
      585960616263646566676869707172737475767778798081828384858687888990919293949596979899
      """
    return digits.utf8Start
  }

  @inline(__always) private static func two(_ value: Int, _ target: UnsafeMutablePointer<UInt8>) {
    let pair = pairs + (value &* 2)
    target[0] = pair[0]
    target[1] = pair[1]
  }

  private static func digitCount(_ value: UInt64) -> Int {
    if value < 10 { return 1 }
    if value < 100 { return 2 }
    var count = 2
    var rest = value / 100
    while rest >= 100 {
      rest /= 100
      count &+= 2
    }
    return rest >= 10 ? count &+ 2 : count &+ 1
  }

  /// The integer without sign.
  @discardableResult
  public static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let count = digitCount(value)
    var rest = value
    var at = count
    while rest >= 100 {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100)
      at &-= 2
      two(Int(truncatingIfNeeded: remainder), target + at)
      rest = quotient
    }
    if rest >= 10 {
      two(Int(truncatingIfNeeded: rest), target)
    } else {
      target[0] = UInt8(truncatingIfNeeded: rest) &+ 0x30
    }
    return count
  }

  /// The integer, with `-` where it is negative.
  @discardableResult
  public static func write(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    if value >= 0 { return write(UInt64(bitPattern: value), to: target) }
    target[0] = 0x2d
    return write(value.magnitude, to: target + 1) &+ 1
  }

  /// `YYYY-MM-DD` of a day since 1970-01-01: at least four digits of the year, `-` before years below 0. A number of
  /// days that no calendar reaches (over 10 million years) is written as that number.
  public static func write(date days: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    guard days.magnitude < 3_652_425_000 else { return write(days, to: target) }
    let (year, month, day) = CivilTime.date(days: Int(days))
    var at = 0
    if year >= 0 && year <= 9999 {
      two(year / 100, target)
      two(year % 100, target + 2)
      at = 4
    } else {
      at = write(farYear: year, to: target)
    }
    target[at] = 0x2d
    two(month, target + (at &+ 1))
    target[at &+ 3] = 0x2d
    two(day, target + (at &+ 4))
    return at &+ 6
  }

  private static func write(farYear year: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var at = 0
    if year < 0 {
      target[0] = 0x2d
      at = 1
    }
    var bound: UInt = 1000
    while year.magnitude < bound {
      target[at] = 0x30
      at &+= 1
      bound = bound > 10 ? bound / 10 : 0
    }
    return at &+ write(UInt64(year.magnitude), to: target + at)
  }

  /// `[-]HH:MM:SS[.ffffff]` of a duration in microseconds; hours take more than two digits when they need them.
  public static func write(
    time microseconds: Int64, fraction: Fraction, to target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var at = 0
    if microseconds < 0 {
      target[0] = 0x2d
      at = 1
    }
    let (seconds, rest) = microseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
    let (hours, inHour) = seconds.quotientAndRemainder(dividingBy: 3600)
    if hours < 100 {
      two(Int(hours), target + at)
      at &+= 2
    } else {
      at &+= write(hours, to: target + at)
    }
    write(minutes: Int(inHour), to: target + at)
    return at &+ 6 &+ write(fraction: Int(rest), fraction, to: target + (at &+ 6))
  }

  /// `:MM:SS`.
  @inline(__always) private static func write(minutes seconds: Int, to target: UnsafeMutablePointer<UInt8>) {
    target[0] = 0x3a
    two(seconds / 60, target + 1)
    target[3] = 0x3a
    two(seconds % 60, target + 4)
  }

  /// `YYYY-MM-DD HH:MM:SS[.ffffff]` of microseconds since 1970-01-01T00:00:00; `separator` stands between date and time.
  public static func write(
    timestamp microseconds: Int64, fraction: Fraction, separator: UInt8 = 0x20,
    to target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var days = microseconds / CivilTime.microsecondsPerDay
    var inDay = microseconds % CivilTime.microsecondsPerDay
    if inDay < 0 {
      inDay &+= CivilTime.microsecondsPerDay
      days &-= 1
    }
    var at = write(date: days, to: target)
    target[at] = separator
    let (seconds, rest) = Int(inDay).quotientAndRemainder(dividingBy: 1_000_000)
    two(seconds / 3600, target + (at &+ 1))
    write(minutes: seconds % 3600, to: target + (at &+ 3))
    at &+= 9
    return at &+ write(fraction: rest, fraction, to: target + at)
  }

  private static func write(
    fraction microseconds: Int, _ fraction: Fraction, to target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    var digits: Int
    switch fraction {
    case .digits(let wanted): digits = min(max(wanted, 0), 6)
    case .shortest: digits = microseconds == 0 ? 0 : 6
    }
    if digits == 0 { return 0 }
    target[0] = 0x2e
    two(microseconds / 10_000, target + 1)
    two(microseconds / 100 % 100, target + 3)
    two(microseconds % 100, target + 5)
    if fraction == .shortest {
      while target[digits] == 0x30 { digits &-= 1 }
    }
    return digits &+ 1
  }
}
