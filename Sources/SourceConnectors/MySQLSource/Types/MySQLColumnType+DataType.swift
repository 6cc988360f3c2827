import Model

extension MySQLColumnType {
  /// The logical type that the column has in the product, after Flink CDC's mapping with its losses left out: TIME keeps
  /// MySQL's whole range as signed microseconds, ENUM, SET, JSON, YEAR, BIGINT UNSIGNED, spatial types and UUID are
  /// annotated.
  ///
  /// Nil when the column cannot be carried (YEAR(2), types of storage engines' and servers' own): the caller refuses the
  /// table and names `text`.
  func dataType(nullable: Bool, treatTinyint1AsBoolean: Bool) -> DataType? {
    guard let kind = logicalKind(treatTinyint1AsBoolean: treatTinyint1AsBoolean) else { return nil }
    return DataType(kind, nullable: nullable, annotation: annotation)
  }

  /// Whether the column's bytes in the log are text in its character set.
  var usesCharset: Bool {
    switch kind {
    case .char, .varchar, .text: true
    default: false
    }
  }

  private func logicalKind(treatTinyint1AsBoolean: Bool) -> DataType.Kind? {
    switch kind {
    case .tinyint:
      if isUnsigned { return .smallint }
      return length == 1 && treatTinyint1AsBoolean ? .boolean : .tinyint
    case .smallint: return isUnsigned ? .int : .smallint
    case .mediumint, .year: return .int
    case .int: return isUnsigned ? .bigint : .int
    case .bigint: return isUnsigned ? .decimal(precision: 20, scale: 0) : .bigint
    case .float: return scale == nil ? .float : .double
    case .double: return .double
    case .decimal:
      let (precision, scale) = decimalDigits
      return precision <= 38 ? .decimal(precision: precision, scale: scale) : .string
    case .bit: return bitWidth == 1 ? .boolean : .binary(length: (bitWidth + 7) / 8)
    case .date: return .date
    case .time: return .time(precision: fractionalDigits)
    case .datetime: return .timestamp(precision: fractionalDigits)
    case .timestamp: return .timestampLTZ(precision: fractionalDigits)
    case .char: return length == 0 ? .string : .char(length: length ?? 1)
    case .varchar: return length.map { $0 == 0 ? .string : .varchar(length: $0) }
    case .binary: return length == 0 ? .bytes : .binary(length: length ?? 1)
    case .varbinary: return length.map { $0 == 0 ? .bytes : .varbinary(length: $0) }
    case .text, .enumeration, .set, .json, .geometry, .vector, .uuid, .inet4, .inet6: return .string
    case .blob: return .bytes
    case .unsupported: return nil
    }
  }

  private var annotation: DataType.Annotation? {
    switch kind {
    case .bigint: isUnsigned ? .unsigned : nil
    case .year: .year
    case .bit: bitWidth == 1 ? nil : .bit(bitWidth)
    case .enumeration: .enumeration(members)
    case .set: .set(members)
    case .json: .json
    case .geometry: .geometry
    case .uuid: .uuid
    default: nil
    }
  }

  /// Whether a member of an ENUM or SET may be another than the one that the catalog has: it is kept in three bytes a
  /// character, and shows a question mark for what needs four.
  var hasUncertainMembers: Bool {
    guard kind == .enumeration || kind == .set, members.contains(where: { $0.contains("?") }) else { return false }
    switch charset {
    case .utf8mb4, .utf16, .utf16le, .utf32, .other("gb18030"): return true
    default: return false
    }
  }

  /// Why values of the column, or some of them, would lose something whatever they are; nil for a type that every value
  /// passes unharmed, or is refused when it is met (`types.lossless`).
  var lossReason: String? {
    switch kind {
    case .enumeration where members.contains(""):
      "an ENUM with an empty member shows a refused value (number 0) as that member"
    case .set where members.contains(""): "a SET with an empty member shows it as no member at all"
    default: nil
    }
  }

  /// A column's default as values of the column are carried: a zero date as NULL, or in a column that is NOT NULL as
  /// 1970-01-01; the years 1 to 99 moved; a number of a BOOLEAN as 0 or 1.
  func carriedDefault(_ text: String?, nullable: Bool, options: ValueOptions) -> String? {
    if let text, let number = Int(text), isBoolean(options), !options.refusesNumbersInBooleans(isKey: false) {
      return number == 0 ? "0" : "1"
    }
    guard let text, kind == .date || kind == .datetime || kind == .timestamp else { return text }
    let parts = text.prefix(10).split(separator: "-", omittingEmptySubsequences: false)
    let rules = options.dateRules(nullable: nullable, isKey: false)
    guard text == "0" || (parts.count == 3 && parts.contains { $0.allSatisfy { $0 == "0" } }) else {
      guard kind != .timestamp, parts.count == 3, let year = Int(parts[0]), (1...99).contains(year) else { return text }
      let carried = String(rules.carried(shortYear: year))
      return String(repeating: "0", count: max(4 - carried.count, 0)) + carried + text.dropFirst(parts[0].count)
    }
    switch rules.zeroDates {
    case .null: return nil
    case .epoch: return kind == .date ? "1970-01-01" : "1970-01-01 00:00:00"
    case .exact: return text
    }
  }

  /// Whether the column is a TINYINT(1) that is carried as BOOLEAN.
  func isBoolean(_ options: ValueOptions) -> Bool {
    kind == .tinyint && !isUnsigned && length == 1 && options.treatTinyint1AsBoolean
  }

  /// Bits of a BIT column.
  var bitWidth: Int { length ?? 1 }

  /// What a snapshot must select for the column so that the text protocol carries its exact value.
  ///
  /// The server prints FLOAT with six digits, and FLOAT(M,D) and DOUBLE(M,D) with D digits behind the point, which loses
  /// bits. Multiplied by a double, they are printed as the shortest text that gives the same double (MySQL 5.5 and
  /// MariaDB 5.5 and later); unlike an addition this keeps the sign of zero. Text that the server might not convert
  /// faithfully is read as the bytes that it is stored in.
  func selectExpression(quotedName: String) -> String {
    switch kind {
    case .float: "(\(quotedName) * 1e0)"
    case .double where scale != nil: "(\(quotedName) * 1e0)"
    case .char where snapshotConverter != nil, .varchar where snapshotConverter != nil,
      .text where snapshotConverter != nil:
      "CONVERT(\(quotedName) USING binary)"
    default: quotedName
    }
  }
}
