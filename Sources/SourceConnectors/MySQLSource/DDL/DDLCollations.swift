import Model

/// Which collation a column or table gets from what DDL says.
extension DDLApplier {
  /// The collation of a character column from what its definition says and the table's default.
  func collation(
    _ definition: ColumnDefinition, schema: TableSchema, tableCollation: String?
  ) throws(BinlogError) -> String {
    let charset = definition.charset == "default" ? nil : definition.charset
    if let said = collation(charset: charset, collation: definition.collation) {
      guard definition.hasBinaryCollation, definition.collation == nil else { return said }
      return Self.binaryCollation(said)
    }
    guard let fallback = tableCollation ?? defaultCollation ?? Self.commonCollation(schema) else {
      throw BinlogError(
        .unknownDefault,
        "column \(definition.name) is given no character set, and the table's default is not known",
        remedy: "name the CHARACTER SET in the statement, or take a new snapshot of the table")
    }
    return definition.hasBinaryCollation ? Self.binaryCollation(fallback) : fallback
  }

  /// What a CHARACTER SET and a COLLATE clause come to; nil when both are missing.
  func collation(charset: String?, collation: String?) -> String? {
    if let collation, collation != "default" {
      // MariaDB's uca1400_ai_ci goes with any character set.
      guard collation.hasPrefix("uca1400") else { return Self.current(collation) }
      let name = charset ?? defaultCollation.map { MySQLCharset(collation: $0).name } ?? "utf8mb4"
      return MySQLCharset(name: name).name + "_" + collation
    }
    if charset == "default" { return databaseCollation }
    return charset.map { defaultCollation(ofCharset: $0) }
  }

  /// Newer servers show utf8mb3 for utf8.
  private static func current(_ collation: String) -> String {
    collation.hasPrefix("utf8_") ? "utf8mb3_" + collation.dropFirst(5) : collation
  }

  /// The binary collation of a collation's character set.
  static func binaryCollation(_ collation: String) -> String {
    let charset = MySQLCharset(collation: collation).name
    return charset == "binary" ? charset : charset + "_bin"
  }

  /// The one collation that all character columns have; nil when there are several or none.
  private static func commonCollation(_ schema: TableSchema) -> String? {
    let collations = Set(schema.columns.map(\.nativeCollation).filter { !$0.isEmpty })
    return collations.count == 1 ? collations.first : nil
  }

  /// What a server takes when only the character set is named. Only the character set matters to values.
  func defaultCollation(ofCharset charset: String) -> String {
    let name = MySQLCharset(name: charset).name
    if name == "utf8mb4", dialect.flavor == .mysql, !dialect.showsIntegerWidths { return "utf8mb4_0900_ai_ci" }
    return Self.defaultCollations[name] ?? name + "_general_ci"
  }

  private static let defaultCollations: [String: String] = [
    "binary": "binary", "latin1": "latin1_swedish_ci", "big5": "big5_chinese_ci", "dec8": "dec8_swedish_ci",
    "hp8": "hp8_english_ci", "swe7": "swe7_swedish_ci", "ujis": "ujis_japanese_ci", "sjis": "sjis_japanese_ci",
    "tis620": "tis620_thai_ci", "euckr": "euckr_korean_ci", "gb2312": "gb2312_chinese_ci", "gbk": "gbk_chinese_ci",
    "latin5": "latin5_turkish_ci", "cp932": "cp932_japanese_ci", "eucjpms": "eucjpms_japanese_ci",
    "gb18030": "gb18030_chinese_ci",
  ]
}
