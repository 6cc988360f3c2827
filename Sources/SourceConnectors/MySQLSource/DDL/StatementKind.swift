/// What sort of statement a QUERY event carries, told by its first words. Row changes in statement form must be refused,
/// since their rows are not in the log.
enum StatementKind: UInt8, Sendable {
  case begin, commit, rollback
  /// SAVEPOINT, RELEASE SAVEPOINT, ROLLBACK TO: no end of a transaction.
  case savepoint
  case xa
  /// CREATE, ALTER, DROP, RENAME, TRUNCATE.
  case ddl
  /// INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, MERGE, WITH …, CALL.
  case dml
  /// Everything else: GRANT, FLUSH, ANALYZE, SET …
  case other

  /// Looks at the statement's first words; comments in front are passed over, executable ones are looked into.
  init(classifying sql: UnsafeRawBufferPointer) {
    // What servers write themselves, and by far the most frequent.
    if Self.equals(sql, "BEGIN") {
      self = .begin
      return
    }
    if Self.equals(sql, "COMMIT") {
      self = .commit
      return
    }
    var scanner = WordScanner(sql)
    self = Self.kind(&scanner)
  }

  private static func equals(_ sql: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
    guard sql.count == text.utf8CodeUnitCount, let base = sql.baseAddress else { return false }
    return memoryIsEqual(base, text.utf8Start, sql.count)
  }

  private static func kind(_ scanner: inout WordScanner) -> StatementKind {
    switch scanner.next() {
    case "BEGIN": return .begin
    case "START": return scanner.next() == "TRANSACTION" ? .begin : .other
    case "COMMIT": return .commit
    case "ROLLBACK":
      let word = scanner.next()
      return word == "TO" || (word == "WORK" && scanner.next() == "TO") ? .savepoint : .rollback
    case "SAVEPOINT", "RELEASE": return .savepoint
    case "XA": return .xa
    case "SET":
      // MariaDB's SET STATEMENT variable = value FOR statement.
      guard scanner.next() == "STATEMENT", scanner.skipPast("FOR") else { return .other }
      return kind(&scanner)
    case "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE": return .ddl
    case "INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "WITH", "CALL", "MERGE": return .dml
    default: return .other
    }
  }
}

/// Yields the words at the front of a statement, in upper case.
private struct WordScanner {
  private let sql: UnsafeRawBufferPointer
  private var index = 0

  init(_ sql: UnsafeRawBufferPointer) { self.sql = sql }

  private func byte(_ offset: Int) -> UInt8 {
    let position = index + offset
    return position < sql.count ? sql[position] : 0
  }

  /// Passes blanks, comments, parentheses and the marks of executable comments (`/*!50001`, `/*M!100100`, `*/`).
  private mutating func skipSeparators() {
    while index < sql.count {
      let current = byte(0)
      if current <= 0x20 || current == 0x28 || current == 0x3b {
        index += 1
      } else if current == 0x23 || (current == 0x2d && byte(1) == 0x2d && byte(2) <= 0x20) {
        while index < sql.count, sql[index] != 0x0a { index += 1 }
      } else if current == 0x2f, byte(1) == 0x2a {
        skipComment()
      } else if current == 0x2a, byte(1) == 0x2f {
        index += 2
      } else {
        return
      }
    }
  }

  private mutating func skipComment() {
    let mark = byte(2) == 0x4d ? 3 : 2
    if byte(mark) == 0x21 {
      index += mark + 1
      while index < sql.count, byte(0) &- 0x30 <= 9 { index += 1 }
      return
    }
    index += 2
    while index < sql.count, !(byte(0) == 0x2a && byte(1) == 0x2f) { index += 1 }
    index = min(index + 2, sql.count)
  }

  /// Passes everything up to and with a word that stands outside quotes; false when it does not come.
  mutating func skipPast(_ word: String) -> Bool {
    while index < sql.count {
      let current = byte(0)
      if current == 0x27 || current == 0x22 || current == 0x60 {
        index += 1
        while index < sql.count, byte(0) != current { index += byte(0) == 0x5c && current != 0x60 ? 2 : 1 }
        index += 1
      } else if Self.isWordPart(current) {
        let start = index
        while index < sql.count, Self.isWordPart(byte(0)) { index += 1 }
        if String(decoding: sql[start..<index], as: UTF8.self).uppercased() == word { return true }
      } else {
        index += 1
      }
    }
    index = sql.count
    return false
  }

  private static func isWordPart(_ byte: UInt8) -> Bool {
    byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 <= 25 || byte == 0x5f || byte == 0x24 || byte >= 0x80
  }

  /// The next word; empty at the end or before anything that is no word.
  mutating func next() -> String {
    skipSeparators()
    var word: [UInt8] = []
    while index < sql.count, word.count < 16 {
      let letter = byte(0) & 0xdf
      guard letter >= 0x41, letter <= 0x5a else { break }
      word.append(letter)
      index += 1
    }
    return String(decoding: word, as: UTF8.self)
  }
}
