/// Texts of floating-point numbers: the shortest that reads back as the same value.
extension ValueText {
  /// The shortest decimal that reads back as this value: `0.1`, `5.0`, `1e+16`. False, and nothing written, for NaN and
  /// the infinities.
  ///
  /// Values with at most 15 significant digits and six decimals are found by trial: if n / 10^k, with n and 10^k exact,
  /// is the value, then n / 10^k is a decimal that reads back as it, and the least such k gives the shortest one.
  /// The rest takes the standard library's text.
  @inline(__always)
  static func write(_ value: Double, to target: UnsafeMutablePointer<UInt8>) -> Int? {
    guard value.isFinite else { return nil }
    var power = 1.0
    var decimals = 0
    let limit = 1e15
    while decimals <= 6 && value.magnitude * power < limit {
      let scaled = (value * power).rounded()
      if scaled / power == value && (value != 0 || value.sign == .plus) {
        return write(scaled: Int64(scaled), decimals: decimals, to: target)
      }
      power *= 10
      decimals &+= 1
    }
    return write(text: value.description, to: target)
  }

  /// As for `Double`, for the narrower type: `0.1` rather than the neighbouring double's digits.
  @inline(__always)
  static func write(_ value: Float, to target: UnsafeMutablePointer<UInt8>) -> Int? {
    guard value.isFinite else { return nil }
    var power: Float = 1
    var decimals = 0
    let limit: Float = 1e6
    while decimals <= 6 && value.magnitude * power < limit {
      let scaled = (value * power).rounded()
      if scaled / power == value && (value != 0 || value.sign == .plus) {
        return write(scaled: Int64(scaled), decimals: decimals, to: target)
      }
      power *= 10
      decimals &+= 1
    }
    return write(text: value.description, to: target)
  }

  private static func write(scaled: Int64, decimals: Int, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var at = 0
    if scaled < 0 {
      target[0] = 0x2d
      at = 1
    }
    var power: UInt64 = 1
    for _ in 0..<decimals { power &*= 10 }
    let (whole, rest) = scaled.magnitude.quotientAndRemainder(dividingBy: power)
    at &+= write(whole, to: target + at)
    target[at] = 0x2e
    at &+= 1
    if decimals == 0 {
      target[at] = 0x30
      return at &+ 1
    }
    var digit = decimals
    var left = rest
    while digit > 0 {
      digit &-= 1
      target[at &+ digit] = UInt8(truncatingIfNeeded: left % 10) &+ 0x30
      left /= 10
    }
    return at &+ decimals
  }

  private static func write(text: String, to target: UnsafeMutablePointer<UInt8>) -> Int {
    var at = 0
    for byte in text.utf8.prefix(maximum) {
      target[at] = byte
      at &+= 1
    }
    return at
  }
}
