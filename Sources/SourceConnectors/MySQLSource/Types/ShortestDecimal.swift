/// The fewest digits that give the same floating-point number: 0.d1d2… · 10^exponent. Zero is the digit 0 with the
/// exponent 1. Finite numbers only; the sign is left out.
struct ShortestDecimal {
  private(set) var digits = InlineArray<24, UInt8>(repeating: 0)
  private(set) var count = 0
  private(set) var exponent = 0

  init(_ value: Double) { read(value.magnitude.description) }

  init(_ value: Float) { read(value.magnitude.description) }

  /// Reads the standard library's text: `0.1`, `100.0`, `5e-324`, `1.7976931348623157e+308`.
  private mutating func read(_ text: String) {
    var isFraction = false
    var written = text.utf8[...]
    while let byte = written.popFirst() {
      if byte == 0x2e {
        isFraction = true
      } else if byte == 0x65 {
        exponent += Self.signed(written)
        break
      } else if count == 0, byte == 0x30 {
        exponent -= isFraction ? 1 : 0
      } else if count < 24 {
        exponent += isFraction ? 0 : 1
        digits[count] = byte
        count += 1
      }
    }
    while count > 1, digits[count - 1] == 0x30 { count -= 1 }
    guard count == 0 else { return }
    (digits[0], count, exponent) = (0x30, 1, 1)
  }

  private static func signed(_ text: Substring.UTF8View) -> Int {
    var value = 0
    for byte in text where byte >= 0x30 { value = value * 10 + Int(byte - 0x30) }
    return text.first == 0x2d ? -value : value
  }
}

/// A number's text for JSON, in the layout of the reference's writers: whole numbers below 10^17 without a point,
/// others with the fewest digits, plain from 10^-3 up to 10^7 (`12.5`) and with an exponent beyond (`1.25E-5`).
struct JSONNumber {
  private(set) var text = InlineArray<40, UInt8>(repeating: 0)
  private(set) var count = 0

  /// The number must be finite.
  init(_ value: Double) {
    if value.magnitude < 1e17, value.rounded(.towardZero) == value {
      put(integer: Int64(value))
    } else {
      put(ShortestDecimal(value), isNegative: value < 0)
    }
  }

  /// The number must be finite.
  init(_ value: Float) {
    if value.magnitude < 1e17, value.rounded(.towardZero) == value {
      put(integer: Int64(value))
    } else {
      put(ShortestDecimal(value), isNegative: value < 0)
    }
  }

  private mutating func put(_ byte: UInt8) {
    text[count] = byte
    count += 1
  }

  private mutating func put(integer value: Int64) {
    if value < 0 { put(0x2d) }
    var scale: UInt64 = 1
    while value.magnitude / scale >= 10 { scale *= 10 }
    while scale > 0 {
      put(0x30 + UInt8(truncatingIfNeeded: value.magnitude / scale % 10))
      scale /= 10
    }
  }

  private mutating func put(_ decimal: ShortestDecimal, isNegative: Bool) {
    if isNegative { put(0x2d) }
    let exponent = decimal.exponent
    guard exponent > -3, exponent <= 7 else {
      put(decimal.digits[0])
      put(0x2e)
      if decimal.count == 1 { put(0x30) }
      for index in 1..<max(decimal.count, 1) { put(decimal.digits[index]) }
      put(0x45)
      put(integer: Int64(exponent - 1))
      return
    }
    if exponent <= 0 {
      put(0x30)
      put(0x2e)
      for _ in 0..<(-exponent) { put(0x30) }
    }
    for index in 0..<max(decimal.count, exponent) {
      if index == exponent, index > 0 { put(0x2e) }
      put(index < decimal.count ? decimal.digits[index] : 0x30)
    }
  }
}
