/// JSON strings, base64 and numbers, appended in place.
extension ByteBuffer {
  /// Adds a decimal integer.
  @inline(__always) public mutating func append(integer value: Int64) {
    reserve(ValueText.maximum)
    advance(ValueText.write(value, to: end))
  }

  /// Adds a day since 1970-01-01 as `YYYY-MM-DD`.
  public mutating func append(date days: Int64) {
    reserve(ValueText.maximum)
    advance(ValueText.write(date: days, to: end))
  }

  /// Adds a duration in microseconds as `[-]HH:MM:SS[.f]`.
  public mutating func append(time microseconds: Int64, fraction: ValueText.Fraction) {
    reserve(ValueText.maximum)
    advance(ValueText.write(time: microseconds, fraction: fraction, to: end))
  }

  /// Adds microseconds since 1970-01-01T00:00:00 as `YYYY-MM-DD HH:MM:SS[.f]`.
  public mutating func append(
    timestamp microseconds: Int64, fraction: ValueText.Fraction, separator: UInt8 = 0x20
  ) {
    reserve(ValueText.maximum)
    advance(ValueText.write(timestamp: microseconds, fraction: fraction, separator: separator, to: end))
  }

  /// Adds the shortest text that reads back as the value; false, and nothing added, for NaN and the infinities.
  public mutating func append(shortest value: Double) -> Bool {
    reserve(ValueText.maximum)
    guard let written = ValueText.write(value, to: end) else { return false }
    advance(written)
    return true
  }

  /// Adds the shortest text that reads back as the value; false, and nothing added, for NaN and the infinities.
  public mutating func append(shortest value: Float) -> Bool {
    reserve(ValueText.maximum)
    guard let written = ValueText.write(value, to: end) else { return false }
    advance(written)
    return true
  }

  /// Adds the bytes in base64 (RFC 4648, section 4, with padding).
  public mutating func append(base64 bytes: UnsafeRawBufferPointer) {
    reserve((bytes.count + 2) / 3 * 4)
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let letters = alphabet.utf8Start
    var out = end
    var at = 0
    while at &+ 3 <= bytes.count {
      let group = Int(bytes[at]) << 16 | Int(bytes[at &+ 1]) << 8 | Int(bytes[at &+ 2])
      out[0] = letters[group >> 18]
      out[1] = letters[group >> 12 & 63]
      out[2] = letters[group >> 6 & 63]
      out[3] = letters[group & 63]
      out += 4
      at &+= 3
    }
    if at < bytes.count {
      let two = at &+ 1 < bytes.count
      let group = Int(bytes[at]) << 16 | (two ? Int(bytes[at &+ 1]) << 8 : 0)
      out[0] = letters[group >> 18]
      out[1] = letters[group >> 12 & 63]
      out[2] = two ? letters[group >> 6 & 63] : 0x3d
      out[3] = 0x3d
    }
    advance((bytes.count + 2) / 3 * 4)
  }
}
