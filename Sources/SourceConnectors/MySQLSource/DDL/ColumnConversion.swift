import Model

/// Whether a column's new definition leaves the values that a sink has as they are at the source, after the sink has
/// converted its own. The conversion makes no events, so where the two may differ the table is read anew.
///
/// | from → to | |
/// | --- | --- |
/// | same type; other default, comment, display width | kept |
/// | integer → integer of at least the range; any integer in strict mode (what does not fit is an error) | kept |
/// | BOOLEAN (`TINYINT(1)`, `BIT(1)`) ↔ anything else | read anew: BOOLEAN does not tell 1 from 5 |
/// | integer → DECIMAL with room for its digits; integer → text (without ZEROFILL) | kept |
/// | DECIMAL(p,s) → more digits on both sides, up to 38 | kept; fewer decimals are rounded: read anew |
/// | FLOAT → DOUBLE | kept |
/// | VARCHAR, CHAR, TEXT, VARBINARY, BLOB → longer, or the next of the same sort; CHAR → VARCHAR, TEXT | kept |
/// | … → shorter, VARCHAR → CHAR (blanks at the end are cut without an error) | read anew |
/// | character set → one that contains it (ascii and utf8mb3 → utf8mb4, any → Unicode), any in strict mode | kept |
/// | ENUM with more members, in any order; SET with members added between; ENUM, SET → text | kept |
/// | TIME, DATETIME, TIMESTAMP with more digits of a second | kept; fewer are rounded: read anew |
/// | NULL → NOT NULL in strict mode, but for TIMESTAMP | kept; otherwise NULL becomes a value: read anew |
/// | everything else: TIMESTAMP ↔ DATETIME, text → number, JSON, DATE → DATETIME, binary ↔ text, generated columns | read anew |
struct ColumnConversion {
  let old: Column
  let new: Column
  /// Values that do not fit make the statement fail (STRICT_TRANS_TABLES or STRICT_ALL_TABLES, and no IGNORE).
  let isStrict: Bool

  /// Why the table must be read anew; nil where it need not.
  func difference() throws(BinlogError) -> String? {
    let from = try MySQLColumnType(columnType: old.nativeType, collation: old.nativeCollation)
    let to = try MySQLColumnType(columnType: new.nativeType, collation: new.nativeCollation)
    if old.type.isNullable, !new.type.isNullable, !isStrict || to.kind == .timestamp {
      return "column \(old.name) becomes NOT NULL"
    }
    if keepsValues(from, to) { return nil }
    return "column \(old.name) changes from \(from.text) to \(to.text), which may change its values"
  }

  private func keepsValues(_ from: MySQLColumnType, _ to: MySQLColumnType) -> Bool {
    if old.nativeType == new.nativeType { return keepsCharacters(from, to) }
    let fromBoolean = old.type.kind == .boolean
    if fromBoolean != (new.type.kind == .boolean) { return false }
    if let range = from.integerBits {
      // Signed and unsigned types of the same width and BOOLEAN stay what they are.
      if from.isZerofill, to.integerBits == nil { return false }
      return keepsInteger(range, to)
    }
    switch (from.kind, to.kind) {
    case (.decimal, .decimal): return keepsDecimal(from, to)
    case (.float, .float), (.double, .double): return to.scale == nil && from.scale == nil
    case (.float, .double): return to.scale == nil && from.scale == nil
    case (.time, .time), (.datetime, .datetime), (.timestamp, .timestamp):
      return to.fractionalDigits >= from.fractionalDigits
    case (.enumeration, .enumeration):
      let missing = from.members.contains { !to.members.contains($0) }
      return keepsCharacters(from, to) && (isStrict || !missing)
    case (.set, .set): return keepsCharacters(from, to) && Self.isSubsequence(from.members, of: to.members)
    case (.enumeration, .varchar), (.enumeration, .text), (.set, .varchar), (.set, .text):
      return isStrict && keepsCharacters(from, to)
    case (.char, .char), (.char, .varchar), (.char, .text), (.varchar, .varchar), (.varchar, .text), (.text, .text):
      return keepsCharacters(from, to) && to.capacity >= from.capacity
    case (.varbinary, .varbinary), (.varbinary, .blob), (.blob, .blob), (.binary, .varbinary), (.binary, .blob):
      return to.capacity >= from.capacity
    case (.year, .year): return true
    default: return false
    }
  }

  private func keepsInteger(_ from: (bits: Int, isUnsigned: Bool), _ to: MySQLColumnType) -> Bool {
    if let range = to.integerBits {
      if isStrict { return true }
      if from.isUnsigned { return range.bits > from.bits || (range.bits == from.bits && range.isUnsigned) }
      return !range.isUnsigned && range.bits >= from.bits
    }
    let digits = [8: 3, 16: 5, 24: 8, 32: 10][from.bits] ?? 20
    switch to.kind {
    case .decimal:
      let (precision, scale) = to.decimalDigits
      guard precision <= 38 else { return false }
      return isStrict || (precision - scale >= digits && (from.isUnsigned || !to.isUnsigned))
    case .varchar, .text: return isStrict || to.capacity >= digits + 1
    default: return false
    }
  }

  private func keepsDecimal(_ from: MySQLColumnType, _ to: MySQLColumnType) -> Bool {
    let (old, new) = (from.decimalDigits, to.decimalDigits)
    // Above 38 digits they are carried as text.
    guard (old.precision <= 38) == (new.precision <= 38), new.scale >= old.scale else { return false }
    if from.isZerofill != to.isZerofill { return false }
    return isStrict || (new.precision - new.scale >= old.precision - old.scale && (from.isUnsigned || !to.isUnsigned))
  }

  /// Whether every character of the old character set is one of the new one.
  private func keepsCharacters(_ from: MySQLColumnType, _ to: MySQLColumnType) -> Bool {
    let (old, new) = (from.charset.name, to.charset.name)
    if old == new || isStrict || !to.hasCollation { return true }
    switch new {
    case "utf8mb4", "utf16", "utf16le", "utf32": return true
    case "utf8mb3", "ucs2": return ["ascii", "latin1", "ucs2", "utf8mb3"].contains(old)
    default: return old == "ascii"
    }
  }

  private static func isSubsequence(_ members: [String], of others: [String]) -> Bool {
    var rest = others[...]
    for member in members {
      guard let index = rest.firstIndex(of: member) else { return false }
      rest = rest[(index + 1)...]
    }
    return true
  }
}

extension MySQLColumnType {
  /// Width of an integer type.
  fileprivate var integerBits: (bits: Int, isUnsigned: Bool)? {
    switch kind {
    case .tinyint: (8, isUnsigned)
    case .smallint: (16, isUnsigned)
    case .mediumint: (24, isUnsigned)
    case .int: (32, isUnsigned)
    case .bigint: (64, isUnsigned)
    default: nil
    }
  }

  /// Characters or bytes that a value may have.
  fileprivate var capacity: Int {
    switch kind {
    case .char, .binary: length ?? 1
    case .varchar, .varbinary: length ?? 0
    case .text(let lengthBytes), .blob(let lengthBytes):
      // The sizes of TEXT are in bytes.
      ((1 << (8 * min(lengthBytes, 4))) - 1) / (hasCollation ? charset.maximumCharacterLength : 1)
    default: 0
    }
  }
}
