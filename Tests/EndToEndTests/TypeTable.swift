import TestKit

/// A column of the table of all types, with its extreme values as SQL.
struct TypeColumn {
  var definition: String
  var values: [String]
  var only: ServerKind?

  init(_ definition: String, _ values: [String], only: ServerKind? = nil) {
    self.definition = definition
    self.values = values
    self.only = only
  }
}

/// Tables with a column of every type, with and without a key. Each row holds one value of each column's list, so that
/// every extreme stands in some row; the last row is all NULL.
struct TypeTable {
  let kind: ServerKind
  let columns: [TypeColumn]

  init(_ kind: ServerKind) {
    self.kind = kind
    columns = TypeColumns.all.filter { $0.only == nil || $0.only == kind }
  }

  /// How many different rows there are.
  var rowCount: Int { (columns.map(\.values.count).max() ?? 0) + 1 }

  /// The statement that makes the table.
  func create(_ name: String, hasKey: Bool) -> String {
    let list = columns.enumerated().map { "c\($0) \($1.definition)" }.joined(separator: ", ")
    let generated = "g1 BIGINT AS (id + 1) STORED, g2 VARCHAR(30) AS (CONCAT('v', id)) VIRTUAL"
    return "CREATE TABLE \(name) (id INT NOT NULL\(hasKey ? " PRIMARY KEY" : ""), \(list), \(generated))"
  }

  private func value(_ column: Int, row: Int) -> String {
    let values = columns[column].values
    return row % rowCount == rowCount - 1 ? "NULL" : values[row % rowCount % values.count]
  }

  /// A row's insertion.
  func insert(_ name: String, id: Int, row: Int) -> String {
    let values = columns.indices.map { value($0, row: row) }.joined(separator: ", ")
    return "INSERT INTO \(name) VALUES (\(id), \(values), DEFAULT, DEFAULT)"
  }

  /// A row's change into another one.
  func update(_ name: String, id: Int, row: Int) -> String {
    let values = columns.indices.map { "c\($0) = \(value($0, row: row))" }.joined(separator: ", ")
    return "UPDATE \(name) SET \(values) WHERE id = \(id)"
  }
}

/// The columns, by family.
enum TypeColumns {
  static let all =
    integers + reals + decimals + bits + times + texts + bytes + lists + documents + charsetTexts + shapes + ownTypes
    + lenient

  private static func integer(_ name: String, bits: Int) -> [TypeColumn] {
    let high = (UInt64(1) << (bits - 1)) - 1
    let unsigned = bits == 64 ? UInt64.max : (UInt64(1) << bits) - 1
    return [
      TypeColumn(name, ["-\(high) - 1", "\(high)", "0", "-1"]),
      TypeColumn("\(name) UNSIGNED", ["\(unsigned)", "0", "\(high + 1)"]),
      TypeColumn("\(name) ZEROFILL", ["\(unsigned)", "0", "7"]),
    ]
  }

  static let integers =
    integer("TINYINT", bits: 8) + integer("SMALLINT", bits: 16) + integer("MEDIUMINT", bits: 24)
    + integer("INT", bits: 32) + integer("BIGINT", bits: 64) + [
      TypeColumn("TINYINT(1)", ["0", "1", "-128", "127", "2"]), TypeColumn("BOOLEAN", ["TRUE", "FALSE"]),
      TypeColumn("INT(5) UNSIGNED ZEROFILL", ["42", "4294967295"]),
    ]

  static let reals = [
    TypeColumn("FLOAT", ["-3.402823466e38", "3.402823466e38", "1.175494351e-38", "0", "0.1", "-16777216", "1e-30"]),
    TypeColumn("FLOAT UNSIGNED", ["3.402823466e38", "0", "1.1"]),
    TypeColumn("FLOAT(7,3)", ["-9999.999", "0.001", "0"]),
    TypeColumn(
      "DOUBLE",
      [
        "-1.7976931348623157e308", "1.7976931348623157e308", "2.2250738585072014e-308", "0", "0.1", "9007199254740993",
        "1e22", "123456789.12345678",
      ]), TypeColumn("REAL", ["-0.5", "1e300"]), TypeColumn("DOUBLE(20,5)", ["-123456789012345.12345", "0.00001"]),
    TypeColumn("DOUBLE UNSIGNED ZEROFILL", ["1.5", "0"]), TypeColumn("DOUBLE PRECISION", ["1e-300", "3"]),
  ]

  private static func nines(_ whole: Int, _ fraction: Int) -> String {
    let left = whole == 0 ? "0" : String(repeating: "9", count: whole)
    return fraction == 0 ? left : left + "." + String(repeating: "9", count: fraction)
  }

  private static func decimal(_ precision: Int, _ scale: Int) -> TypeColumn {
    let most = nines(precision - scale, scale)
    let least = scale == 0 ? "1" : "0." + String(repeating: "0", count: scale - 1) + "1"
    return TypeColumn("DECIMAL(\(precision),\(scale))", ["-\(most)", most, "0", least, "-\(least)"])
  }

  static let decimals =
    [
      decimal(1, 0), decimal(10, 2), decimal(9, 9), decimal(18, 9), decimal(38, 0), decimal(38, 30), decimal(39, 1),
      decimal(65, 0), decimal(65, 30), decimal(30, 30), decimal(19, 10),
    ] + [
      TypeColumn("DECIMAL(12,4) UNSIGNED", ["99999999.9999", "0"]), TypeColumn("NUMERIC", ["-9999999999", "1"]),
      TypeColumn("DECIMAL(12,4) ZEROFILL", ["1.5", "0", "12345678.0001"]),
      TypeColumn("DECIMAL(50,3) UNSIGNED ZEROFILL", ["1.5", "0"]),
    ]

  static let bits = [
    TypeColumn("BIT(1)", ["b'0'", "b'1'"]), TypeColumn("BIT(2)", ["b'10'", "b'00'"]),
    TypeColumn("BIT(8)", ["b'11111111'", "b'0'"]), TypeColumn("BIT(9)", ["b'100000001'", "b'0'"]),
    TypeColumn("BIT(64)", ["x'ffffffffffffffff'", "x'8000000000000001'", "b'0'"]),
  ]

  private static func fraction(_ digits: Int, _ digit: String) -> String {
    digits == 0 ? "" : "." + String(repeating: digit, count: digits)
  }

  static let times =
    [
      TypeColumn(
        "DATE",
        [
          "'1000-01-01'", "'9999-12-31'", "'1970-01-01'", "'1969-12-31'", "'0001-01-01'", "'0004-02-29'",
          "'0069-12-31'",
          "'0070-01-01'", "'0099-12-31'", "'0100-01-01'",
        ]),
      TypeColumn("YEAR", ["1901", "2155", "0"]),
    ]
    + (0...6).flatMap { digits in
      let (nines, zeros) = (fraction(digits, "9"), fraction(digits, "0"))
      let last = digits == 0 ? "" : "." + String(repeating: "0", count: digits - 1) + "1"
      return [
        TypeColumn(
          "TIME(\(digits))",
          [
            "'-838:59:59\(zeros)'", "'838:59:59\(zeros)'", "'-00:00:00\(last)'", "'23:59:59\(nines)'", "'00:00:00'",
            "'-100:00:01\(last)'", "'838:59:58\(nines)'",
          ]),
        TypeColumn(
          "DATETIME(\(digits))",
          [
            "'1000-01-01 00:00:00\(zeros)'", "'9999-12-31 23:59:59\(nines)'", "'1969-12-31 23:59:59\(nines)'",
            "'0001-01-01 00:00:00\(last)'", "'2024-02-29 12:34:56\(last)'",
          ]),
        TypeColumn(
          "TIMESTAMP(\(digits)) NULL DEFAULT NULL",
          ["'1970-01-01 00:00:01\(zeros)'", "'2038-01-19 03:14:07\(nines)'", "'2001-09-09 01:46:40\(last)'"]),
      ]
    }
}
