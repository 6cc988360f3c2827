import Connector
import Model
import Platform

/// Makes the converters of the character sets that tables use, by asking the server what their byte sequences mean.
/// A process asks once for each set and kind of server: the answer takes about 10 ms, and is the same for ever.
enum CharsetLoader {
  private static let made = Monitor<[String: TextConverter]>([:])
  /// Byte sequences in one question: far below the smallest `max_allowed_packet`.
  private static let sequencesPerQuestion = 8192

  /// The converters that the columns of a schema need, by the name of their character sets.
  /// - Parameters:
  ///   - serverVersion: the server's version as it calls itself.
  ///   - connect: gives a connection; called only when a character set is not known yet.
  /// - Throws: `unsupported` for a character set that the server does not know; what `connect` and the query throw.
  static func converters(
    for schema: TableSchema, serverVersion: String, connect: () throws(ConnectorError) -> MySQLClient
  ) throws(ConnectorError) -> [String: TextConverter] {
    var result: [String: TextConverter] = [:]
    for column in schema.columns where !column.nativeCollation.isEmpty {
      let charset = MySQLCharset(collation: column.nativeCollation)
      if let converter = TextConverter.builtIn(charset) {
        result[charset.name] = converter
      } else if case .other(let name) = charset, result[name] == nil {
        result[name] = try converter(name, serverVersion, connect)
      }
    }
    return result
  }

  private static func converter(
    _ charset: String, _ serverVersion: String, _ connect: () throws(ConnectorError) -> MySQLClient
  ) throws(ConnectorError) -> TextConverter {
    let key = "\(serverVersion) \(charset)"
    if let converter = made.withLock({ $0[key] }) { return converter }
    guard charset.utf8.allSatisfy({ $0 == 0x5f || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7a) }) else {
      throw ConnectorError(.unsupported, "'\(charset)' is not the name of a character set")
    }
    let client = try connect()
    let converter = try TextConverter(asking: charset) { (sequences) throws(ConnectorError) -> [UInt32] in
      var codes: [UInt32] = []
      codes.reserveCapacity(sequences.count)
      var rest = sequences[...]
      while !rest.isEmpty {
        codes += try meanings(Array(rest.prefix(sequencesPerQuestion)), charset, client)
        rest = rest.dropFirst(sequencesPerQuestion)
      }
      return codes
    }
    // Two threads may ask at the same time: the first one's stays, because decoders hold it without counting.
    return made.withLock { made in
      if let first = made[key] { return first }
      made[key] = converter
      return converter
    }
  }

  /// The code points of byte sequences, as the server converts them. It puts a question mark for what is no character.
  private static func meanings(
    _ sequences: [[UInt8]], _ charset: String, _ client: MySQLClient
  ) throws(ConnectorError) -> [UInt32] {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in sequences.joined() {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    let literal = "_\(charset) x'\(String(decoding: text, as: UTF8.self))'"
    let answer = try client.scalar("SELECT HEX(CONVERT(CONVERT(\(literal) USING utf32) USING binary))") ?? ""
    guard answer.utf8.count == sequences.count * 8 else {
      throw ConnectorError(
        .unsupported,
        "the server converts \(sequences.count) characters of \(charset) to \(answer.utf8.count / 8) of Unicode",
        remedy: "leave tables with that character set out, or convert their columns to utf8mb4")
    }
    var codes: [UInt32] = []
    codes.reserveCapacity(sequences.count)
    var code: UInt32 = 0
    for (index, digit) in answer.utf8.enumerated() {
      code = code << 4 | UInt32(digit <= 0x39 ? digit - 0x30 : (digit | 0x20) - 0x57)
      guard index & 7 == 7 else { continue }
      let isUnknown = code == 0x3f && sequences[index / 8] != [0x3f]
      codes.append(isUnknown ? TextConverter.none : code)
      code = 0
    }
    return codes
  }
}
