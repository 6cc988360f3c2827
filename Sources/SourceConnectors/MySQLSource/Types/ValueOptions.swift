import Model

/// How values are carried, as far as the source's options decide it. Snapshot and log follow the same.
struct ValueOptions: Hashable, Sendable {
  /// `treat-tinyint1-as-boolean.enabled`.
  var treatTinyint1AsBoolean = true
  /// `use.legacy.json.format`: no blanks behind the colons and commas of MySQL's JSON.
  var usesCompactJSON = true
  /// `types.lossless`.
  var isLossless = false

  /// What becomes of dates that the calendar does not have, in a column.
  func zeroDates(nullable: Bool, isKey: Bool) -> ZeroDates {
    // Two rows whose keys are different zero dates would become one.
    isLossless || isKey ? .exact : nullable ? .null : .epoch
  }
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
