/// JSON string literals (RFC 8259), escaped as Jackson does: `\"`, `\\`, `\b \t \n \f \r`, other control characters as
/// `\u00XX` with upper-case digits, everything else as it is.
extension ByteBuffer {
  /// Adds the UTF-8 text as a JSON string literal, quotes included. False when the bytes are no UTF-8: what was added
  /// by then is to be thrown away.
  @inline(__always)
  public mutating func append(jsonString bytes: UnsafeRawBufferPointer) -> Bool {
    guard let source = bytes.baseAddress else {
      append("\"\"")
      return true
    }
    // Room for every byte unescaped, both quotes, and a block that is stored whole though only part of it counts.
    reserve(bytes.count &+ 34)
    end[0] = 0x22
    advance(1)
    var at = 0
    while at < bytes.count {
      at = copyPlain(source, from: at, to: bytes.count)
      if at == bytes.count { break }
      guard let next = copySpecial(bytes, from: at) else { return false }
      at = next
    }
    end[0] = 0x22
    advance(1)
    return true
  }

  /// Copies blocks as long as none of their bytes needs a look: ASCII without controls, quote and backslash.
  /// Returns where the first other byte, or the block that holds it, begins.
  @inline(__always)
  private mutating func copyPlain(_ source: UnsafeRawPointer, from start: Int, to limit: Int) -> Int {
    let target = UnsafeMutableRawPointer(end)
    var at = start
    while at &+ 16 <= limit {
      let first = source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      let second = source.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
      target.storeBytes(of: first, toByteOffset: at &- start, as: UInt64.self)
      target.storeBytes(of: second, toByteOffset: at &- start &+ 8, as: UInt64.self)
      if (Self.special(first) | Self.special(second)) & 0x8080_8080_8080_8080 != 0 { break }
      at &+= 16
    }
    if at &+ 16 > limit {
      while at &+ 8 <= limit {
        let word = source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        target.storeBytes(of: word, toByteOffset: at &- start, as: UInt64.self)
        if Self.special(word) & 0x8080_8080_8080_8080 != 0 { break }
        at &+= 8
      }
      while at < limit {
        let byte = source.load(fromByteOffset: at, as: UInt8.self)
        if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { break }
        target.storeBytes(of: byte, toByteOffset: at &- start, as: UInt8.self)
        at &+= 1
      }
    }
    advance(at &- start)
    return at
  }

  /// The top bit of a byte of the result is set where that byte is a control, a quote, a backslash or above ASCII.
  /// Borrows between bytes can only make a plain byte look special above one that is, so nothing special is missed.
  @inline(__always)
  private static func special(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5c)
    return (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones) | word
  }

  /// Copies characters one by one, escaped where they must be, for about one block. Nil for malformed UTF-8.
  @inline(never)
  private mutating func copySpecial(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var at = start
    let stop = min(bytes.count, start &+ 16)
    while at < stop {
      let byte = bytes[at]
      if byte >= 0x80 {
        let length = Self.sequenceLength(bytes, at: at)
        if length == 0 { return nil }
        for offset in 0..<length { end[offset] = bytes[at &+ offset] }
        advance(length)
        at &+= length
      } else {
        if byte < 0x20 || byte == 0x22 || byte == 0x5c {
          reserve(bytes.count &- at &+ 40)
          appendEscape(byte)
        } else {
          end[0] = byte
          advance(1)
        }
        at &+= 1
      }
    }
    return at
  }

  private mutating func appendEscape(_ byte: UInt8) {
    end[0] = 0x5c
    switch byte {
    case 0x22, 0x5c: end[1] = byte
    case 0x08: end[1] = 0x62
    case 0x09: end[1] = 0x74
    case 0x0a: end[1] = 0x6e
    case 0x0c: end[1] = 0x66
    case 0x0d: end[1] = 0x72
    default:
      end[1] = 0x75
      end[2] = 0x30
      end[3] = 0x30
      end[4] = 0x30 &+ byte >> 4
      let low = byte & 15
      end[5] = low < 10 ? 0x30 &+ low : 0x37 &+ low
      advance(4)
    }
    advance(2)
  }

  /// Length of the well-formed UTF-8 sequence of more than one byte that begins there (Unicode, table 3-7); 0: none does.
  private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
    let first = bytes[start]
    let length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
    guard length > 0, start &+ length <= bytes.count else { return 0 }
    let second = bytes[start &+ 1]
    let low: UInt8 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80
    let high: UInt8 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf
    guard second >= low, second <= high else { return 0 }
    for offset in 2..<max(length, 2) where bytes[start &+ offset] & 0xc0 != 0x80 { return 0 }
    return length
  }
}
