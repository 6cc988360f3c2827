import Model

/// Names and values as SQL text.
enum SQLText {
  /// A quoted identifier: backticks doubled.
  static func name(_ name: String) -> String {
    var result = "`"
    for character in name.unicodeScalars {
      result.unicodeScalars.append(character)
      if character == "`" { result.unicodeScalars.append(character) }
    }
    return result + "`"
  }

  /// A quoted table: `` `shop`.`orders` ``.
  static func table(_ table: TableID) -> String {
    guard let schema = table.schema else { return name(table.table) }
    return name(schema) + "." + name(table.table)
  }

  /// A quoted string. The session's sql_mode leaves backslash an escape character (no NO_BACKSLASH_ESCAPES), and its
  /// character set is utf8mb4, in which no byte of a multi-byte character looks like a quote or a backslash.
  static func string(_ text: String) -> String {
    var result = "'"
    for character in text.unicodeScalars {
      switch character {
      case "\0": result += "\\0"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\u{1a}": result += "\\Z"
      case "'": result += "\\'"
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "'"
  }

  /// Bytes as a hexadecimal literal; a binary string wherever it stands.
  static func bytes(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = Array("x'".utf8)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    text.append(UInt8(ascii: "'"))
    return String(decoding: text, as: UTF8.self)
  }

  /// A key's value as a literal.
  static func literal(_ part: KeyPart) -> String {
    switch part {
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .text(let value): string(value)
    case .bytes(let value): bytes(value)
    }
  }
}
