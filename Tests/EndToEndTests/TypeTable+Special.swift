extension TypeColumns {
  private static let charsets = [
    "ucs2", "utf16", "utf32", "gbk", "sjis", "ujis", "euckr", "big5", "cp1251", "latin2", "tis620", "koi8r", "greek",
  ]

  private static func sample(_ charset: String) -> String {
    switch charset {
    case "gbk", "big5": "'中文'"
    case "sjis", "ujis": "'日本語'"
    case "euckr": "'한국'"
    case "cp1251", "koi8r": "'Привет'"
    case "latin2": "'łódź'"
    case "greek": "'αβγ'"
    case "tis620": "'ไทย'"
    case "ucs2": "'ü中'"
    default: "'ü😀'"
    }
  }

  /// Text in sets that the log keeps as they are.
  static let charsetTexts = charsets.flatMap { charset in
    ["VARCHAR(20)", "CHAR(9)", "TEXT"].map { type in
      TypeColumn("\(type) CHARACTER SET \(charset)", [sample(charset), "''", "'plain \\\\ '''"])
    }
  }

  private static func shape(_ text: String) -> String { "ST_GeomFromText('\(text)')" }

  private static let point = "POINT(-0.001 12345678.5)"
  private static let line = "LINESTRING(3 0, 3 3, 3 5)"
  private static let polygon = "POLYGON((0 0, 0 9, 9 9, 9 0, 0 0), (2 2, 3 2, 3 3, 2 2))"

  static let shapes = [
    TypeColumn("GEOMETRY", [shape(point), shape(polygon), "ST_GeomFromText('POINT(1.5 2)', 4326)"]),
    TypeColumn("POINT", [shape(point), shape("POINT(1e20 -1e-7)")]), TypeColumn("LINESTRING", [shape(line)]),
    TypeColumn("POLYGON", [shape(polygon)]), TypeColumn("MULTIPOINT", [shape("MULTIPOINT(1 1, 2 2)")]),
    TypeColumn("MULTILINESTRING", [shape("MULTILINESTRING((1 1, 2 2, 3 3), (4 4, 5 5))")]),
    TypeColumn("MULTIPOLYGON", [shape("MULTIPOLYGON(((0 0, 10 0, 10 10, 0 10, 0 0)), ((5 5, 7 5, 7 7, 5 7, 5 5)))")]),
    TypeColumn("GEOMETRYCOLLECTION", [shape("GEOMETRYCOLLECTION(\(point), \(line))")]),
  ]

  /// What one server alone has.
  static let ownTypes = [
    TypeColumn(
      "VECTOR(3)", ["TO_VECTOR('[1, 2.5, -1e-10]')", "TO_VECTOR('[0, 3.4028235e38, 0.1]')"], only: .mySQL),
    TypeColumn("VECTOR(1500)", ["TO_VECTOR(CONCAT('[', REPEAT('0.5,', 1499), '1]'))"], only: .mySQL),
    TypeColumn(
      "UUID", ["'123e4567-e89b-12d3-a456-426655440000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"], only: .mariaDB),
    TypeColumn("INET6", ["'::1'", "'2001:db8::ff00:42:8329'", "'::ffff:192.0.2.1'"], only: .mariaDB),
    TypeColumn("INET4", ["'0.0.0.0'", "'255.255.255.255'"], only: .mariaDB),
    TypeColumn("VARCHAR(300) COMPRESSED", ["REPEAT('compressed ', 27)", "''", "'ü'"], only: .mariaDB),
    TypeColumn("BLOB COMPRESSED", ["REPEAT(x'0001', 9000)", "x'00'", "''"], only: .mariaDB),
  ]

  /// Dates that the calendar does not have become NULL; member number 0 is the empty text.
  static let lenient = [
    TypeColumn("DATE", ["'0000-00-00'", "'2020-00-00'", "'0000-12-31'", "'2020-02-03'"]),
    TypeColumn("DATETIME(3)", ["'0000-00-00'", "'2020-10-00 11:12:13'", "'0000-05-06 07:08:09.123'"]),
    TypeColumn("TIMESTAMP(6) NULL DEFAULT NULL", ["'0000-00-00'", "'2001-02-03 04:05:06.000007'"]),
    TypeColumn("ENUM('a','b')", ["''", "'a'"]), TypeColumn("SET('a','b')", ["0", "3"]),
  ]
}
