/// What must be known of a server in order to read its statements and to write types as its information_schema does.
struct DDLDialect: Hashable, Sendable {
  enum Flavor: Hashable, Sendable {
    case mysql, mariadb
  }

  var flavor: Flavor
  /// Whether COLUMN_TYPE has the display width of integers: MariaDB and MySQL before 8.0.19.
  var showsIntegerWidths: Bool
  /// The session's `sql_mode` bits (see `QueryEvent.sqlMode`).
  var sqlMode: UInt64
  /// Whether table names are compared without regard to case (`lower_case_table_names` is not 0).
  var foldsTableNames = false

  /// Whether a TIMESTAMP without NULL and NOT NULL may be NULL (`explicit_defaults_for_timestamp`).
  var hasNullableTimestamps = true

  /// From `SELECT VERSION()`, as FORMAT_DESCRIPTION has it: `10.11.6-MariaDB-log`, `8.0.36`.
  init(serverVersion: String, sqlMode: UInt64 = 0) {
    flavor = serverVersion.lowercased().contains("mariadb") ? .mariadb : .mysql
    let numbers = serverVersion.split { !$0.isNumber }.prefix(3).map { Int($0) ?? 0 }
    let version = (numbers + [0, 0, 0]).prefix(3).reduce(0) { $0 * 1000 + min($1, 999) }
    showsIntegerWidths = flavor == .mariadb || version < 8_000_019
    self.sqlMode = sqlMode
  }

  /// Double quotes enclose names (MODE_ANSI_QUOTES).
  var hasANSIQuotes: Bool { sqlMode & 0x4 != 0 }
  /// REAL means FLOAT (MODE_REAL_AS_FLOAT).
  var hasRealAsFloat: Bool { sqlMode & 0x1 != 0 }
  /// Values that do not fit make a statement fail (MODE_STRICT_TRANS_TABLES, MODE_STRICT_ALL_TABLES).
  var isStrict: Bool { sqlMode & 0x60_0000 != 0 }
  /// A backslash in a text stands for itself (MODE_NO_BACKSLASH_ESCAPES).
  var hasNoBackslashEscapes: Bool { sqlMode & 0x10_0000 != 0 }
}
