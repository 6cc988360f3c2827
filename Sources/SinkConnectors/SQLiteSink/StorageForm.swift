import Model

/// How values of a type stand in the file. Two types with the same form have the same values in it.
///
/// The declared type of a column is one of four that fix its affinity, so that SQLite never turns a value into
/// another: INTEGER, REAL, TEXT, BLOB.
enum StorageForm: Equatable {
  case integer
  case float, double
  /// TEXT, `-?digits[.digits]` with exactly so many decimals.
  case decimal(scale: Int)
  case text
  case blob
  /// BINARY(n): shorter values are padded with zeros at their end.
  case fixedBinary(Int)
  /// BIT(n), in whole bytes: shorter values are padded with zeros at their beginning.
  case bits(Int)
  /// TEXT, `YYYY-MM-DD`.
  case date
  /// TEXT, `[-]HH:MM:SS[.f]` with exactly so many digits.
  case time(digits: Int)
  /// TEXT, `YYYY-MM-DD HH:MM:SS[.f]` with exactly so many digits.
  case timestamp(digits: Int)
  /// As `timestamp`, in UTC, with `Z` at the end.
  case timestampLTZ(digits: Int)

  init(_ type: DataType) {
    switch type.kind {
    case .boolean, .tinyint, .smallint, .int, .bigint: self = .integer
    case .float: self = .float
    case .double: self = .double
    case .decimal(_, let scale): self = .decimal(scale: scale)
    case .date: self = .date
    case .time(let digits): self = .time(digits: min(digits, 6))
    case .timestamp(let digits): self = .timestamp(digits: min(digits, 6))
    case .timestampLTZ(let digits): self = .timestampLTZ(digits: min(digits, 6))
    case .char, .varchar, .string, .array, .map: self = .text
    case .binary(let length):
      if case .bit(let width) = type.annotation { self = .bits((width + 7) / 8) } else { self = .fixedBinary(length) }
    case .varbinary, .bytes: self = .blob
    }
  }

  /// The declared type.
  var declared: String {
    switch self {
    case .integer: "INTEGER"
    case .float, .double: "REAL"
    case .blob, .fixedBinary, .bits: "BLOB"
    case .decimal, .text, .date, .time, .timestamp, .timestampLTZ: "TEXT"
    }
  }
}

/// A value as SQLite has it.
enum StoredValue: Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  /// The SQL literal, for a DEFAULT; nil for what no literal can say.
  var literal: String? {
    switch self {
    case .null: return "NULL"
    case .integer(let value): return String(value)
    case .real(let value): return value.isFinite ? "\(value)" : nil
    case .text(let value): return value.utf8.contains(0) ? nil : SQLText.literal(value)
    case .blob(let bytes):
      return "x'"
        + bytes.map { byte in
          let digits = String(byte, radix: 16)
          return byte < 16 ? "0" + digits : digits
        }.joined() + "'"
    }
  }
}
