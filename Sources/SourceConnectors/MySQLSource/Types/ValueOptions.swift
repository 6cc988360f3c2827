import Model

/// How values are carried, as far as the source's options decide it. Snapshot and log follow the same.
struct ValueOptions: Hashable, Sendable {
  /// `treat-tinyint1-as-boolean.enabled`.
  var treatTinyint1AsBoolean = true
  /// `use.legacy.json.format`: no blanks behind the colons and commas of MySQL's JSON.
  var usesCompactJSON = true
  /// `types.lossless`.
  var isLossless = false
  /// `debezium.enable.time.adjuster`: the years 1 to 99 of DATE and DATETIME are taken as two digits of a year between
  /// 1970 and 2069.
  var movesShortYears = true

  /// What becomes of dates, in a column.
  func dateRules(nullable: Bool, isKey: Bool) -> DateRules {
    // Two rows whose keys are different zero dates, or the years 17 and 2017, would become one.
    if isLossless || isKey { return DateRules(zeroDates: .exact, movesShortYears: false) }
    return DateRules(zeroDates: nullable ? .null : .epoch, movesShortYears: movesShortYears)
  }

  /// Whether a TINYINT(1) that is carried as BOOLEAN may hold 0 and 1 alone. Otherwise every number but 0 is true, as for
  /// the server. In a key, rows with 1 and with 2 would become one.
  func refusesNumbersInBooleans(isKey: Bool) -> Bool { isLossless || isKey }
}

/// What becomes of dates in a column.
struct DateRules: Hashable, Sendable {
  var zeroDates: ZeroDates
  /// Whether the years 1 to 69 become 2001 to 2069, and 70 to 99 become 1970 to 1999.
  var movesShortYears: Bool

  /// Every date as it is, or refused.
  static let exact = DateRules(zeroDates: .exact, movesShortYears: false)

  /// The year that is carried for a year from 1 to 99.
  func carried(shortYear year: Int) -> Int { movesShortYears ? year + (year < 70 ? 2000 : 1900) : year }
}

/// What becomes of dates with a year, month or day of zero. Days that do not exist, such as February 30th, are refused
/// in any case.
enum ZeroDates: UInt8, Sendable {
  /// They become NULL.
  case null
  /// They become 1970-01-01 (and midnight), because the column cannot be NULL.
  case epoch
  /// They are refused; but the days of the year 0 are carried.
  case exact
}

extension BinlogError {
  /// The error for a column that `types.lossless` does not admit.
  static func lossy(_ column: String, _ type: MySQLColumnType, _ reason: String) -> BinlogError {
    .unsupported(
      "column \(column) has the type \(type.text), which types.lossless does not admit: \(reason)",
      remedy: "change the column, leave the table out with tables.exclude, or set types.lossless: false")
  }
}
