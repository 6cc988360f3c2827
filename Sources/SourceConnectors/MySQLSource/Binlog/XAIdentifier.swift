/// The name of an XA transaction (X/Open XA, structure `XID`): a format and two byte strings, the second one mostly empty.
struct XAIdentifier: Hashable, Sendable {
  /// Format number; 1 unless the application gives another one. The log keeps its low 32 bits.
  var format: UInt32
  /// Global transaction id, up to 64 bytes.
  var global: [UInt8]
  /// Branch qualifier, up to 64 bytes.
  var branch: [UInt8]

  init(format: UInt32, global: [UInt8], branch: [UInt8]) {
    self.format = format
    self.global = global
    self.branch = branch
  }

  /// Reads what XA_PREPARE has behind its first byte: format, both lengths (4 bytes each), the bytes.
  init(_ bytes: UnsafeRawBufferPointer) throws(BinlogError) {
    var reader = ByteReader(bytes)
    format = try reader.u32()
    let first = try reader.u32()
    let second = try reader.u32()
    guard first <= 64, second <= 64 else { throw .corrupt("an XA identifier of \(first) and \(second) bytes") }
    global = Array(try reader.bytes(Int(first)))
    branch = Array(try reader.bytes(Int(second)))
  }

  /// Reads the identifier out of a statement as servers write it: `XA COMMIT X'67',X'',1`, `XA START X'67',X'',1`.
  /// - Throws: `corrupt` when the statement has none.
  init(statement: String) throws(BinlogError) {
    let words = statement.split(separator: " ")
    let parts = words.count > 2 ? words[2].split(separator: ",", omittingEmptySubsequences: false) : []
    guard parts.count == 3, let global = Self.bytes(parts[0]), let branch = Self.bytes(parts[1]),
      let format = Int64(parts[2])
    else { throw .corrupt("'\(statement.prefix(300))' has no XA identifier") }
    self.init(format: UInt32(truncatingIfNeeded: format), global: global, branch: branch)
  }

  /// The bytes of `X'6731'`.
  private static func bytes(_ literal: Substring) -> [UInt8]? {
    guard literal.count >= 3, literal.hasPrefix("X'") || literal.hasPrefix("x'"), literal.hasSuffix("'") else {
      return nil
    }
    let digits = literal.dropFirst(2).dropLast().utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count % 2 == 0, digits.count <= 128 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}

extension XAIdentifier: CustomStringConvertible {
  /// As servers write it: `X'67',X'',1`.
  var description: String {
    func text(_ bytes: [UInt8]) -> String {
      "X'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
    }
    return "\(text(global)),\(text(branch)),\(format)"
  }
}
