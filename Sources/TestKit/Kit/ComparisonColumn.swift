/// A SQLite storage class; the raw value leads each canonical value, so values of different classes are never equal.
enum StorageClass: UInt8 {
  case null = 0
  case integer, real, text, blob

  var name: String {
    switch self {
    case .null: "NULL"
    case .integer: "INTEGER"
    case .real: "REAL"
    case .text: "TEXT"
    case .blob: "BLOB"
    }
  }
}

/// How values of a source column are compared.
enum ComparisonKind {
  case integer, unsignedBig, boolean, bit1, decimal, float, double, date, time, datetime, timestamp, text, json, blob
  case spatial, vector

  /// From `information_schema.columns`.
  /// - Parameters:
  ///   - dataType: `DATA_TYPE`, lower case.
  ///   - columnType: `COLUMN_TYPE`, lower case.
  init?(dataType: String, columnType: String) {
    switch dataType {
    case "tinyint": self = columnType == "tinyint(1)" ? .boolean : .integer
    case "smallint", "mediumint", "int", "year": self = .integer
    case "bigint":
      let unsigned = columnType.contains("unsigned") || columnType.contains("zerofill")
      self = unsigned ? .unsignedBig : .integer
    case "bit": self = columnType == "bit(1)" ? .bit1 : .blob
    case "decimal": self = .decimal
    case "float": self = .float
    case "double": self = .double
    case "date": self = .date
    case "time": self = .time
    case "datetime": self = .datetime
    case "timestamp": self = .timestamp
    case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "uuid", "inet4", "inet6":
      self = .text
    case "json": self = .json
    case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
      "geometrycollection", "geomcollection":
      self = .spatial
    case "vector": self = .vector
    case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob": self = .blob
    default: return nil
    }
  }

  /// The class the replica must store values in.
  var storage: StorageClass {
    switch self {
    case .integer, .boolean, .bit1: .integer
    case .float, .double: .real
    case .blob: .blob
    case .unsignedBig, .decimal, .date, .time, .datetime, .timestamp, .text, .json, .spatial, .vector: .text
    }
  }

  /// Whether several source values are one value in the replica, so that it cannot order a merge.
  var isLossy: Bool {
    switch self {
    case .boolean, .json, .spatial, .vector: true
    default: false
    }
  }

  /// The expression that gives the exact value as text at the source. A FLOAT's own text is rounded to six digits;
  /// the sum with a double is not.
  func sourceExpression(_ column: String) -> String {
    switch self {
    case .bit1: "\(column)+0"
    case .boolean: "\(column)<>0"
    case .float: "\(column)+0e0"
    default: column
    }
  }

  /// Sort key at the source; with ``replicaOrder(_:)`` it puts equal keys at equal places.
  func sourceOrder(_ column: String) -> String {
    switch self {
    case .text, .json, .decimal, .time: "CAST(CAST(\(column) AS CHAR CHARACTER SET utf8mb4) AS BINARY)"
    default: column
    }
  }

  /// Sort key at the replica.
  func replicaOrder(_ column: String) -> String {
    switch self {
    case .unsignedBig: "length(\(column)), \(column) COLLATE BINARY"
    case .text, .json, .decimal, .time, .date, .datetime, .timestamp: "\(column) COLLATE BINARY"
    case .integer, .boolean, .bit1, .float, .double, .blob, .spatial, .vector: column
    }
  }
}

/// A column of a source table.
struct ComparisonColumn {
  let name: String
  let kind: ComparisonKind
  /// Whether it can be NULL.
  var isNullable = true
  /// Digits of a second of DATETIME and TIMESTAMP.
  var digits = 0
  /// Whether the replica has the years 1 to 99 as 1970 to 2069.
  var movesShortYears = false

  /// The expression that gives the exact value as text at the source. Dates with a year, month or day of zero are NULL
  /// in the replica, or 1970-01-01 where the column cannot be NULL; short years may have been moved.
  func sourceExpression(_ column: String) -> String {
    let isZero = "(YEAR(\(column)) = 0 OR MONTH(\(column)) = 0 OR DAY(\(column)) = 0)"
    switch kind {
    case .date:
      return "IF(\(isZero), \(isNullable ? "NULL" : "DATE'1970-01-01'"), \(moved(column)))"
    case .datetime, .timestamp:
      let epoch = isNullable ? "NULL" : "CAST('1970-01-01' AS DATETIME(\(digits)))"
      return "IF(\(isZero), \(epoch), CAST(\(moved(column)) AS DATETIME(\(digits))))"
    default: return kind.sourceExpression(column)
    }
  }

  private func moved(_ column: String) -> String {
    guard movesShortYears, kind != .timestamp else { return column }
    let years = "IF(YEAR(\(column)) < 70, 2000, 1900)"
    return "IF(YEAR(\(column)) BETWEEN 1 AND 99, \(column) + INTERVAL \(years) YEAR, \(column))"
  }
}

/// A source table, as far as the comparison needs to know it.
struct ComparisonTable {
  let database: String
  let name: String
  let columns: [ComparisonColumn]
  /// Indexes of the primary key's columns, in key order; empty without one.
  let key: [Int]

  var fullName: String { "\(database).\(name)" }

  /// Whether both sides can be put into one order by the key.
  var isOrdered: Bool { !key.isEmpty && key.allSatisfy { !columns[$0].kind.isLossy } }

  /// The same table, restricted to some of its columns. The key is given up when one of its columns is gone.
  func keeping(_ isKept: (ComparisonColumn) -> Bool) -> ComparisonTable {
    let kept = columns.indices.filter { isKept(columns[$0]) }
    let newKey = key.compactMap { kept.firstIndex(of: $0) }
    return ComparisonTable(
      database: database, name: name, columns: kept.map { columns[$0] }, key: newKey.count == key.count ? newKey : [])
  }
}
