extension TypeColumns {
  static let texts = [
    TypeColumn("CHAR(10)", ["''", "'ten  chars'", "'  lead'", "'größe'"]),
    TypeColumn("CHAR(255)", ["REPEAT('𝄞', 255)", "''"]), TypeColumn("CHAR(0)", ["''"]),
    TypeColumn("VARCHAR(300)", ["REPEAT('ü', 300)", "'trail  '", "''", "'\\\\''\"\\n\\r\\0\\Z'", "'日本語 😀'"]),
    TypeColumn("VARCHAR(0)", ["''"]), TypeColumn("VARCHAR(20) COLLATE utf8mb4_bin", ["'a'", "'A '"]),
    TypeColumn("VARCHAR(20) CHARACTER SET latin1", ["'naïve €'", "'ÿþ'", "''"]),
    TypeColumn("VARCHAR(20) CHARACTER SET utf8mb3", ["'中文'", "''"]),
    TypeColumn("VARCHAR(20) CHARACTER SET ascii", ["'plain'", "''"]),
    TypeColumn("TINYTEXT", ["REPEAT('x', 255)", "''"]),
    TypeColumn("TEXT", ["REPEAT('ü', 32767)", "''"]), TypeColumn("MEDIUMTEXT", ["REPEAT('m', 70000)", "'m'"]),
    TypeColumn("LONGTEXT", ["REPEAT('€', 100000)", "''"]),
    TypeColumn("TEXT CHARACTER SET latin1", ["REPEAT('é', 300)", "'x'"]),
  ]

  static let bytes = [
    TypeColumn("BINARY(1)", ["x'00'", "x'ff'"]), TypeColumn("BINARY(8)", ["'ab'", "x'0000'", "REPEAT(x'ff', 8)"]),
    TypeColumn("BINARY(255)", ["REPEAT(x'80', 255)", "''"]),
    TypeColumn("VARBINARY(1000)", ["REPEAT(x'00', 1000)", "x'2000'", "x'20'", "''"]),
    TypeColumn("TINYBLOB", ["REPEAT(x'fe', 255)", "''"]), TypeColumn("BLOB", ["REPEAT(x'00ff27', 20000)", "''"]),
    TypeColumn("MEDIUMBLOB", ["REPEAT(x'01', 70000)", "x'5c'"]),
    TypeColumn("LONGBLOB", ["REPEAT(x'c3', 200000)", "''"]),
  ]

  private static let manyMembers = (1...300).map { "'m\($0)'" }.joined(separator: ",")
  private static let allMembers = (1...64).map { "'s\($0)'" }.joined(separator: ",")

  static let lists = [
    TypeColumn("ENUM('small','it''s','große','a,b')", ["'small'", "'it''s'", "'große'", "'a,b'"]),
    TypeColumn("ENUM(\(manyMembers))", ["'m1'", "'m255'", "'m256'", "'m300'"]),
    TypeColumn("SET('a','b','c''')", ["''", "'a'", "'a,c'''", "'a,b,c'''"]),
    TypeColumn("SET(\(allMembers))", ["'s1'", "'s64'", "'s1,s64'", "18446744073709551615"]),
  ]

  static let documents = [
    TypeColumn(
      "JSON",
      [
        "'{\"a\": [1, 2.5, null, \"ü\"], \"b\": {\"c\": true}}'", "'[]'", "'{}'", "'null'", "'\"text\"'", "'-1'",
        "'[9223372036854775807, -9223372036854775808, 18446744073709551615]'", "'[1.5, 0.1, -2.25, 12345.678]'",
        "CONCAT('[\"', REPEAT('x', 70000), '\"]')", "'{\"\": \"\\\\u0001\\\\n\\\\\"\\\\\\\\\", \"😀\": \"€\"}'",
        "'[true, false, null, [[[[[[]]]]]], {\"k\": {}}]'", "'[32767, 32768, -32768, -32769, 65536, 4294967296]'",
      ]),
    TypeColumn(
      "JSON",
      [
        "JSON_OBJECT('d', CAST(1.50 AS DECIMAL(10,2)), 'n', CAST(-12345678901234567890.123 AS DECIMAL(30,3)))",
        "JSON_ARRAY(CAST('2020-02-29 12:34:56.789' AS DATETIME(6)), CAST('2020-02-29' AS DATE))",
        "JSON_ARRAY(CAST('-12:34:56.000001' AS TIME(6)), CAST('838:59:59' AS TIME))",
        "JSON_ARRAY(1e300, 1e-300, 0.1e0, 1e15, 1e16, 1e17, -0e0, 3e0)",
        "JSON_ARRAY(REPEAT('x', 127), REPEAT('y', 128), REPEAT('z', 16384))",
      ], only: .mySQL),
  ]
}
