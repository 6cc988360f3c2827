import Model
import Testing

@testable import MySQLSource

@Suite struct TypesTests {
  private func type(_ text: String, _ collation: String = "") throws -> MySQLColumnType {
    try MySQLColumnType(columnType: text, collation: collation)
  }

  @Test(arguments: [
    ("tinyint(4)", "TINYINT", nil), ("tinyint(1)", "BOOLEAN", nil), ("tinyint(1) unsigned", "SMALLINT", nil),
    ("tinyint unsigned", "SMALLINT", nil), ("smallint", "SMALLINT", nil), ("smallint unsigned", "INT", nil),
    ("mediumint(8) unsigned", "INT", nil), ("int", "INT", nil), ("int(10) unsigned zerofill", "BIGINT", nil),
    ("bigint(20)", "BIGINT", nil), ("bigint unsigned", "DECIMAL(20,0)", "unsigned"), ("float", "FLOAT", nil),
    ("float(7,3)", "DOUBLE", nil), ("double(10,2) unsigned", "DOUBLE", nil), ("decimal(38,10)", "DECIMAL(38,10)", nil),
    ("decimal(39,10)", "STRING", nil), ("bit(1)", "BOOLEAN", nil), ("bit(9)", "BINARY(2)", "bit:9"),
    ("year", "INT", "year"), ("year(4)", "INT", "year"), ("date", "DATE", nil), ("time", "TIME(0)", nil),
    ("time(6)", "TIME(6)", nil), ("datetime(3)", "TIMESTAMP(3)", nil), ("timestamp", "TIMESTAMP_LTZ(0)", nil),
    ("char(5)", "CHAR(5)", nil), ("char(0)", "STRING", nil), ("varchar(20)", "VARCHAR(20)", nil),
    ("varchar(0)", "STRING", nil), ("binary(4)", "BINARY(4)", nil), ("varbinary(4)", "VARBINARY(4)", nil),
    ("longtext", "STRING", nil), ("tinyblob", "BYTES", nil), ("json", "STRING", "json"),
    ("enum('a','b''c','d\\\\e')", "STRING", "enum:'a','b''c','d\\e'"), ("set('x','y')", "STRING", "set:'x','y'"),
  ])
  func mapping(_ text: String, _ expected: String, _ annotation: String?) throws {
    let dataType = try #require(try type(text).dataType(nullable: true, treatTinyint1AsBoolean: true))
    #expect(dataType.description == expected)
    #expect(dataType.annotation?.description == annotation)
  }

  @Test(arguments: [
    ("geometry", "STRING", "geometry"), ("point", "STRING", "geometry"), ("geomcollection", "STRING", "geometry"),
    ("vector(3)", "STRING", nil), ("uuid", "STRING", "uuid"), ("inet4", "STRING", nil), ("inet6", "STRING", nil),
    ("varchar(20) /*M!100301 COMPRESSED*/", "VARCHAR(20)", nil), ("longblob /*M!100301 COMPRESSED*/", "BYTES", nil),
  ])
  func typesOfOneServer(_ text: String, _ expected: String, _ annotation: String?) throws {
    let dataType = try #require(try type(text).dataType(nullable: true, treatTinyint1AsBoolean: true))
    #expect(dataType.description == expected)
    #expect(dataType.annotation?.description == annotation)
    #expect(try type(text).isCompressed == text.contains("COMPRESSED"))
  }

  @Test(arguments: ["year(2)", "int /*M!100301 COMPRESSED*/", "xmltype", "varchar(20) encrypted"])
  func typesThatAreNotCarried(_ text: String) throws {
    #expect(try type(text).dataType(nullable: true, treatTinyint1AsBoolean: true) == nil)
  }

  @Test func charactersets() throws {
    #expect(try type("varchar(5)", "big5_chinese_ci").dataType(nullable: true, treatTinyint1AsBoolean: true) != nil)
    #expect(MySQLCharset(name: "gb18030").maximumCharacterLength == 4)
    #expect(MySQLCharset(name: "ujis").maximumCharacterLength == 3)
    #expect(MySQLCharset(name: "sjis").maximumCharacterLength == 2)
    #expect(MySQLCharset(name: "koi8r").maximumCharacterLength == 1)
    #expect(MySQLCharset(collation: "utf8mb4_uca1400_ai_ci") == .utf8mb4)
    #expect(MySQLCharset(collation: "utf8_general_ci") == .utf8mb3)
  }

  @Test(arguments: ["", "int(", "int(x)", "decimal(70,2)", "decimal(5,6)", "enum()", "enum('a'", "bit(65)", "varchar"])
  func malformedTypes(_ text: String) throws {
    if text.isEmpty {
      #expect(try type(text).kind == .unsupported)
    } else {
      #expect(throws: BinlogError.self) { try type(text) }
    }
  }

  @Test func tinyintWithoutTheFlag() throws {
    #expect(
      try type("tinyint(1)").dataType(nullable: false, treatTinyint1AsBoolean: false)?.description
        == "TINYINT NOT NULL")
  }

  @Test func selectExpressions() throws {
    #expect(try type("float").selectExpression(quotedName: "`a`") == "(`a` * 1e0)")
    #expect(try type("double(10,2)").selectExpression(quotedName: "`a`") == "(`a` * 1e0)")
    #expect(try type("double").selectExpression(quotedName: "`a`") == "`a`")
    #expect(try type("bit(9)").selectExpression(quotedName: "`a`") == "`a`")
  }

  /// The value that the text decodes to, or the error's kind.
  private func decode(_ columnType: String, _ text: String, boolean: Bool = true) throws -> Row.Value {
    let type = try type(columnType)
    let dataType = try #require(type.dataType(nullable: true, treatTinyint1AsBoolean: boolean))
    let column = Column(name: "x", type: dataType, nativeType: columnType)
    let schema = RowSchema(
      table: TableID(table: "t"), version: 1, schema: TableSchema(columns: [column], primaryKey: []))
    var batch = RowBatch()
    batch.reset(schema: schema)
    batch.beginRow(.insert)
    try Array(text.utf8).withUnsafeBytes {
      try TextValueDecoder(type: type, column: column).decode($0, column: 0, into: &batch)
    }
    batch.endRow()
    return Row.rows(of: batch, schema)[0].values[0]
  }

  @Test(arguments: [
    ("bigint", "-9223372036854775808", Row.Value.integer(.min)), ("bigint", "9223372036854775807", .integer(.max)),
    ("int(5) unsigned zerofill", "00042", .integer(42)), ("tinyint(1)", "1", .integer(1)),
    ("year", "1901", .integer(1901)), ("date", "1970-01-02", .integer(1)), ("date", "1969-12-31", .integer(-1)),
    ("date", "0001-01-01", .integer(11_323)), ("date", "2024-02-29", .integer(19_782)),
    ("time", "00:00:01", .integer(1_000_000)), ("time(2)", "-838:59:58.99", .integer(-3_020_398_990_000)),
    ("time(6)", "-00:00:00.000001", .integer(-1)), ("datetime", "1970-01-01 00:00:01", .integer(1_000_000)),
    ("datetime(6)", "1969-12-31 23:59:59.999999", .integer(-1)),
    ("timestamp(3)", "2001-09-09 01:46:40.123", .integer(1_000_000_000_123_000)),
    ("double", "0.1", .double((0.1).bitPattern)), ("double", "-0", .double((-0.0).bitPattern)),
    ("double", "1.7976931348623157e308", .double(Double.greatestFiniteMagnitude.bitPattern)),
    ("double", "5e-324", .double(1)), ("double", "9007199254740993", .double((9_007_199_254_740_992.0).bitPattern)),
    ("double", "123456789012345.67", .double((123_456_789_012_345.67).bitPattern)),
    ("float", "1.100000023841858", .float(Float(1.1).bitPattern)), ("float", "1.401298464324817e-45", .float(1)),
    ("decimal(10,2)", "0001.5", .bytes(Array("1.50".utf8))), ("decimal(10,2)", "-0.00", .bytes(Array("0.00".utf8))),
    ("decimal(10,2)", "-.5", .bytes(Array("-0.50".utf8))), ("decimal(5,0)", "00000", .bytes(Array("0".utf8))),
    ("bigint unsigned", "18446744073709551615", .bytes(Array("18446744073709551615".utf8))),
    ("bit(1)", "\u{1}", .integer(1)), ("varchar(5)", "äb", .bytes(Array("äb".utf8))),
  ])
  func textValues(_ columnType: String, _ text: String, _ expected: Row.Value) throws {
    #expect(try decode(columnType, text) == expected)
  }

  @Test(arguments: [
    ("date", "2023-02-29"), ("date", "2024-04-31"), ("datetime", "1900-02-29 00:00:00"), ("date", "0099-02-29"),
    ("datetime", "0001-13-01 00:00:00"),
  ])
  func valuesThatCannotBeCarried(_ columnType: String, _ text: String) {
    let error = #expect(throws: BinlogError.self) { try decode(columnType, text) }
    #expect(error?.kind == .unsupported)
    #expect(error?.message.contains("column x") == true)
    #expect(error?.remedy != nil)
  }

  @Test(arguments: [
    ("date", "0000-00-00"), ("date", "2024-00-10"), ("date", "0000-01-01"), ("datetime", "0000-00-00 00:00:00"),
    ("timestamp", "0000-00-00 00:00:00"), ("datetime(2)", "2024-01-00 11:12:13.14"),
  ])
  func zeroDatesAreNull(_ columnType: String, _ text: String) throws {
    #expect(try decode(columnType, text) == .null)
  }

  @Test(arguments: [
    ("{\"a\": [1, 2], \"b, c: \": \"x\\\" , y\\\\\"}", "{\"a\":[1,2],\"b, c: \":\"x\\\" , y\\\\\"}"),
    ("\"  \"", "\"  \""), ("1", "1"), ("\"\\", "\"\\"), ("", ""),
  ])
  func jsonWithoutBlanks(_ text: String, _ expected: String) throws {
    #expect(try decode("json", text) == .bytes(Array(expected.utf8)))
  }

  @Test(arguments: [
    ("int", ""), ("int", "-"), ("int", "1x"), ("bigint", "9223372036854775808"), ("bigint", "-9223372036854775809"),
    ("double", "nan"), ("double", "0x10"), ("double", ""), ("double", "1e999"), ("decimal(5,2)", "1.234"),
    ("decimal(5,2)", "1.2.3"), ("time", "1:2"), ("time", "00:60:00"), ("bit(1)", "11"),
  ])
  func malformedValues(_ columnType: String, _ text: String) {
    let error = #expect(throws: BinlogError.self) { try decode(columnType, text) }
    #expect(error?.kind == .corrupt)
  }

  @Test func tinyintKeepsItsValuesWithoutTheFlag() throws {
    #expect(try decode("tinyint(1)", "-7", boolean: false) == .integer(-7))
  }

  /// Every double survives its shortest text, every integer its digits.
  @Test func randomNumbers() throws {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<5_000 {
      let double = Double(bitPattern: generator.next())
      if double.isFinite { #expect(try decode("double", "\(double)") == .double(double.bitPattern)) }
      let small = Double(Int64.random(in: -1_000_000...1_000_000, using: &generator)) / 1000
      #expect(try decode("double", "\(small)") == .double(small.bitPattern))
      let integer = Int64(bitPattern: generator.next()) >> Int64.random(in: 0...63, using: &generator)
      #expect(try decode("bigint", "\(integer)") == .integer(integer))
    }
  }

  /// Random bytes for every type: a value or an error.
  @Test func randomTexts() throws {
    var generator = SeededGenerator(seed: 12)
    let types = [
      "int", "double", "float", "decimal(10,2)", "date", "datetime(6)", "time(3)", "bit(1)", "bigint unsigned",
    ]
    let alphabet = Array("0123456789.-+: eE".unicodeScalars)
    var outcomes: Set<Bool> = []
    for _ in 0..<20_000 {
      let text = String(
        String.UnicodeScalarView(
          (0..<Int.random(in: 0...26, using: &generator)).map { _ in
            alphabet.randomElement(using: &generator) ?? "0"
          }))
      let type = types.randomElement(using: &generator) ?? "int"
      outcomes.insert((try? decode(type, text)) != nil)
    }
    #expect(outcomes == [true, false])
  }
}
