import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Values at the ends of every type's range, through snapshot and log of real servers.
@Suite struct TypesExtremesTests {
  @Test(arguments: SourceServer.available) func numbers(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "numbers", on: kind,
      create: """
        id INT PRIMARY KEY, z8 TINYINT ZEROFILL, z16 SMALLINT(6) ZEROFILL, z24 MEDIUMINT ZEROFILL, z32 INT(12) ZEROFILL,
        z64 BIGINT ZEROFILL, f FLOAT, fu FLOAT UNSIGNED, f53 FLOAT(53), f72 FLOAT(7,2), fz FLOAT ZEROFILL, d DOUBLE,
        d30 DOUBLE(60,30), dz DOUBLE(20,3) ZEROFILL, r REAL, d65 DECIMAL(65,30), d650 DECIMAL(65), d3830 DECIMAL(38,30),
        dz5 DECIMAL(12,3) ZEROFILL, b1 BIT(1), b7 BIT(7), b64 BIT(64), y YEAR
        """)
    try paths.execute(
      """
      INSERT INTO t VALUES
      (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'0', b'0', b'0', 0),
      (2, 255, 65535, 16777215, 4294967295, 18446744073709551615, 3.4028234e38, 3.4028234e38, 1.7976931348623157e308,
       99999.99, 3.4028234e38, 1.7976931348623157e308, 1e29, 1e16, -1.7976931348623157e308,
       99999999999999999999999999999999999.999999999999999999999999999999,
       99999999999999999999999999999999999999999999999999999999999999999,
       99999999.999999999999999999999999999999, 999999999.999, b'1', b'1111111', ~0, 2155),
      (3, 7, 7, 7, 7, 7, -1.1754944e-38, 1.1754944e-38, 2.2250738585072014e-308, -99999.99, 1e-38, -2.2250738585072014e-308,
       -0.000000000000000000000000000001, 0.001, 0.1, -0.000000000000000000000000000001, -1,
       -0.000000000000000000000000000001, 0.001, b'1', b'1', 1, 1901),
      (4, 100, 100, 100, 100, 100, 1.1, 16777217, 0.1, 1.005, 0.5, 123456789012345680, 0.1, 7.5, 1e300, 0.1, 12, 0.5, 1,
       b'0', b'1010101', 9223372036854775808, 2000),
      (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL, NULL)
      """)
    let schema = try paths.schema()
    func type(_ name: String) -> String? { schema.columns.first { $0.name == name }?.type.description }
    #expect(
      ["z8", "z16", "z32", "z64", "d65", "d650", "d3830"].map(type) == [
        "SMALLINT", "INT", "BIGINT", "DECIMAL(20,0)", "STRING", "STRING", "DECIMAL(38,30)",
      ])
    #expect(["f", "f53", "f72", "r"].map(type) == ["FLOAT", "DOUBLE", "DOUBLE", "DOUBLE"])
    #expect(try paths.values("y") == ["0", "2155", "1901", "2000", nil])
    #expect(try paths.values("z32") == ["0", "4294967295", "7", "100", nil])
    #expect(try paths.values("f")[1] == "3.4028235e+38")
    #expect(
      try paths.values("d65")[1] == "99999999999999999999999999999999999.999999999999999999999999999999")
  }

  @Test(arguments: SourceServer.available) func times(on kind: ServerKind) throws {
    let digits = 0...6
    let columns = digits.flatMap { ["t\($0) TIME(\($0))", "d\($0) DATETIME(\($0))", "s\($0) TIMESTAMP(\($0)) NULL"] }
    let paths = try BothPaths(
      "times", on: kind, options: ["debezium.enable.time.adjuster": "false"],
      create: "id INT PRIMARY KEY, a DATE, \(columns.joined(separator: ", "))")
    let values = [
      ("9999-12-31", "838:59:59", "9999-12-31 23:59:59", "2038-01-19 03:14:07"),
      ("0001-01-01", "-838:59:59", "0001-01-01 00:00:00", "1970-01-01 00:00:01"),
      ("0019-02-28", "-00:00:00.999999", "0019-02-28 12:00:00.987654", "2000-02-29 00:00:00.123456"),
      ("1582-10-10", "-100:00:00.000001", "1582-10-10 23:59:59.999999", "1999-12-31 23:59:59.999999"),
      ("2024-02-29", "24:00:00.5", "1969-12-31 23:59:59.499999", "2024-02-29 12:34:56.5"),
      ("1000-01-01", "00:00:00.1", "1000-01-01 00:00:00.000001", "1970-01-01 00:00:01.000001"),
    ]
    for (id, value) in values.enumerated() {
      let row = digits.map { _ in "'\(value.1)', '\(value.2)', '\(value.3)'" }.joined(separator: ", ")
      try paths.execute("INSERT INTO t VALUES (\(id), '\(value.0)', \(row))")
    }
    #expect(try paths.values("a").prefix(2) == ["2932896", "-719162"])
    #expect(
      try paths.values("t6").compactMap { $0.flatMap { Int64($0) } } == [
        3_020_399_000_000, -3_020_399_000_000, -999_999, -360_000_000_001, 86_400_500_000, 100_000,
      ])
    // MySQL rounds, MariaDB cuts off.
    #expect(try paths.values("t3")[2] == (kind == .mySQL ? "-1000000" : "-999000"))
    #expect(try paths.values("s6")[5] == "1000001")
  }

  @Test(arguments: SourceServer.available) func texts(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "texts", on: kind,
      create: """
        id INT PRIMARY KEY, v0 VARCHAR(0), c0 CHAR(0), b0 BINARY(0), vb0 VARBINARY(0), c CHAR(255), b BINARY(255),
        b5 BINARY(5), v255 VARCHAR(255) CHARACTER SET latin1, v256 VARCHAR(256) CHARACTER SET latin1,
        vb VARBINARY(60000), lt LONGTEXT, lb LONGBLOB, mt MEDIUMTEXT, tt TINYTEXT, n NCHAR(3), cb CHAR(4) CHARACTER SET binary,
        tb TEXT CHARACTER SET binary, hidden INT INVISIBLE DEFAULT 42, dflt VARCHAR(9) DEFAULT 'it''s',
        gs BIGINT AS (id * 2) STORED, gv VARCHAR(20) AS (CONCAT('<', c, '>')) VIRTUAL
        """)
    let names = "id, v0, c0, b0, vb0, c, b, b5, v255, v256, vb, lt, lb, mt, tt, n, cb, tb"
    try paths.execute(
      """
      INSERT INTO t (\(names)) VALUES (1, '', '', '', '', 'trailing   ', x'0100', x'0000000000', 'é€', REPEAT('ÿ', 256),
      REPEAT(x'ff00', 30000), REPEAT('😀', 40000), REPEAT(x'00', 100001), REPEAT('m', 65536), REPEAT('ä', 127), '日本',
      'ab', 'bytes')
      """)
    try paths.execute(
      """
      INSERT INTO t (\(names)) VALUES (2, NULL, NULL, NULL, NULL, ' ', x'', x'2020000020', '', '', x'00', '', '', ' ', '   ',
      '', '', x'00ff')
      """)
    #expect(try paths.values("c") == ["trailing", ""])
    #expect(try paths.values("b5") == ["0 0 0 0 0", "20 20 0 0 20"])
    #expect(try paths.values("v0") == ["", nil])
    #expect(try paths.values("hidden") == ["42", "42"])
    #expect(try paths.values("gv") == ["<trailing>", "<>"])
    #expect(try paths.values("lt")[0]?.utf8.count == 160_000)
    let schema = try paths.schema()
    #expect(schema.columns.first { $0.name == "dflt" }?.defaultValue == "it's")
    #expect(schema.columns.first { $0.name == "v0" }?.type.kind == .string)
  }

  @Test(arguments: SourceServer.available) func members(on kind: ServerKind) throws {
    let many = (1...300).map { "'m\($0)'" }.joined(separator: ", ")
    let flags = (1...64).map { "'f\($0)'" }.joined(separator: ", ")
    let paths = try BothPaths(
      "members", on: kind,
      create: """
        id INT PRIMARY KEY, e ENUM('a', 'b') CHARACTER SET latin1, e255 ENUM(\((1...255).map { "'m\($0)'" }.joined(separator: ", "))),
        e300 ENUM(\(many)), blank ENUM('', 'x'), odd ENUM('it''s', 'back\\\\slash', 'ü,', '😀'), s SET('a', 'b', 'c'), s64 SET(\(flags)),
        k ENUM('Ж', 'ы') CHARACTER SET koi8r
        """)
    try paths.execute("INSERT INTO t VALUES (1, 0, 255, 300, '', 1, '', 18446744073709551615, 'ы')")
    try paths.execute("INSERT INTO t VALUES (2, 'b', 1, 'm256', 'x', 2, 'c,a', 9223372036854775808, 1)")
    try paths.execute("INSERT INTO t VALUES (3, 1, 0, 0, 0, 'ü,', 'b', 1, 0)")
    try paths.execute("INSERT INTO t VALUES (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    #expect(try paths.values("e") == ["", "b", "a", nil])
    #expect(try paths.values("e300") == ["m300", "m256", "", nil])
    #expect(try paths.values("s") == ["", "a,c", "b", nil])
    #expect(try paths.values("s64")[1] == "f64")
    #expect(try paths.values("odd").prefix(3) == ["it's", "back\\slash", "ü,"])
    #expect(try paths.values("k").prefix(2) == ["ы", "Ж"])
  }
}
