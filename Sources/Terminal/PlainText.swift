/// Text from databases, files and other processes on its way to a terminal.
public enum PlainText {
  /// The text with every control character written as an escape (`\n`, `\u{1b}`): a table's name must not be able to
  /// move the cursor, break a line or change colours.
  public static func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where isControl(scalar): result += "\\u{\(String(scalar.value, radix: 16))}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The number of terminal columns that the text takes: two for the wide characters of East Asia and for emoji, one
  /// for any other character with the marks that belong to it.
  public static func width(_ text: String) -> Int {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
    return text.reduce(0) { $0 + (isWide($1) ? 2 : 1) }
  }

  /// The text cut to at most `columns` columns; what was cut ends in `…`.
  public static func cropped(_ text: String, to columns: Int) -> String {
    guard width(text) > columns else { return text }
    var result = ""
    var used = 1
    for character in text {
      let next = isWide(character) ? 2 : 1
      if used + next > columns { break }
      result.append(character)
      used += next
    }
    return columns > 0 ? result + "…" : ""
  }

  /// C0, DEL and C1 controls, and the marks that reorder or hide text.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  private static func isWide(_ character: Character) -> Bool {
    guard let first = character.unicodeScalars.first?.value else { return false }
    return switch first {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe4f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
      true
    default: false
    }
  }
}
