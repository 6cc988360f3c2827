import Model
import Testing

@testable import MySQLSource

@Suite struct DDLApplierTests {
  private static let table = TableID(schema: "d", table: "t")

  private static func column(_ name: String, _ columnType: String, _ collation: String = "", nullable: Bool = true)
    throws -> Column
  {
    let type = try MySQLColumnType(columnType: columnType, collation: collation)
    let dataType = try #require(type.dataType(nullable: nullable, treatTinyint1AsBoolean: true))
    return Column(name: name, type: dataType, nativeType: columnType, nativeCollation: collation)
  }

  /// id (key), a, b, c.
  private static func schema() throws -> TableSchema {
    TableSchema(
      columns: [
        try column("id", "int(11)", nullable: false), try column("a", "int(11)"),
        try column("b", "varchar(10)", "utf8mb4_general_ci"), try column("c", "decimal(10,2)"),
      ], primaryKey: ["id"])
  }

  private func apply(
    _ sql: String, to schema: TableSchema? = nil, dialect: DDLDialect = DDLParserTests.mariaDB,
    collation: String? = "utf8mb4_general_ci", keys: TableKeys? = nil
  ) throws -> DDLEffect {
    let applier = DDLApplier(
      dialect: dialect, treatTinyint1AsBoolean: true, defaultCollation: collation, includesComments: true)
    var current = try schema ?? Self.schema()
    current.nativeDefinition = TableDefinition(collation: collation, keys: keys).text
    let statement = try #require(try DDLParser.parse(sql, defaultSchema: "d", dialect: dialect).first)
    let effect = try applier.schemaChanges(for: statement, on: Self.table, current: current)
    // The changes one after the other lead to the same columns and key, whatever the order.
    var replayed = current
    for change in effect.changes { replayed = try replayed.applying(change) }
    #expect(Set(replayed.columns.map(\.name)) == Set(effect.schema.columns.map(\.name)))
    #expect(replayed.primaryKey == effect.schema.primaryKey)
    for column in effect.schema.columns where effect.rereading == nil {
      let index = try #require(replayed.index(of: column.name))
      #expect(replayed.columns[index].type == column.type)
    }
    return effect
  }

  private func names(_ sql: String) throws -> [String] { try apply(sql).schema.columns.map(\.name) }

  @Test(arguments: [
    ("ALTER TABLE t ADD x INT", ["id", "a", "b", "c", "x"]),
    ("ALTER TABLE t ADD x INT FIRST", ["x", "id", "a", "b", "c"]),
    ("ALTER TABLE t ADD x INT AFTER A", ["id", "a", "x", "b", "c"]),
    ("ALTER TABLE t ADD (x INT, y INT)", ["id", "a", "b", "c", "x", "y"]),
    ("ALTER TABLE t ADD x INT AFTER a, ADD y INT AFTER x", ["id", "a", "x", "y", "b", "c"]),
    ("ALTER TABLE t ADD x INT FIRST, ADD y INT FIRST", ["y", "x", "id", "a", "b", "c"]),
    ("ALTER TABLE t DROP a, DROP COLUMN b", ["id", "c"]),
    ("ALTER TABLE t DROP a, ADD a VARCHAR(5)", ["id", "b", "c", "a"]),
    ("ALTER TABLE t MODIFY c INT AFTER id", ["id", "c", "a", "b"]),
    ("ALTER TABLE t MODIFY c INT", ["id", "a", "b", "c"]),
    ("ALTER TABLE t MODIFY c DECIMAL(10,2) FIRST", ["c", "id", "a", "b"]),
    ("ALTER TABLE t CHANGE a z INT AFTER c", ["id", "b", "c", "z"]),
    ("ALTER TABLE t CHANGE a z BIGINT", ["id", "z", "b", "c"]),
    ("ALTER TABLE t RENAME COLUMN a TO z, ADD a INT AFTER z", ["id", "z", "a", "b", "c"]),
    ("ALTER TABLE t RENAME COLUMN a TO b, RENAME COLUMN b TO z", ["id", "b", "z", "c"]),
    ("ALTER TABLE t CHANGE id key_id INT NOT NULL", ["key_id", "a", "b", "c"]),
    ("ALTER TABLE t ADD IF NOT EXISTS a INT, DROP IF EXISTS nix", ["id", "a", "b", "c"]),
    ("ALTER TABLE t ADD x INT AFTER c, ADD y INT AFTER b, DROP a", ["id", "b", "y", "c", "x"]),
    ("ALTER TABLE t ADD INDEX (a), ENGINE=InnoDB", ["id", "a", "b", "c"]),
    ("CREATE INDEX i ON t (a)", ["id", "a", "b", "c"]),
    ("ALTER TABLE other ADD x INT", ["id", "a", "b", "c"]), ("ALTER TABLE e.t ADD x INT", ["id", "a", "b", "c"]),
  ])
  func columnOrder(_ sql: String, _ expected: [String]) throws {
    #expect(try names(sql) == expected)
  }

  @Test func changesInOrder() throws {
    let effect = try apply(
      "ALTER TABLE t CHANGE a z BIGINT NOT NULL DEFAULT 7 COMMENT 'k', DROP c, ADD x TEXT AFTER id",
      dialect: DDLDialect(serverVersion: "10.11.19-MariaDB-log", sqlMode: 0x20_0000))
    let z = Column(
      name: "a", type: DataType(.bigint, nullable: false), comment: "k", defaultValue: "7", nativeType: "bigint(20)")
    let x = Column(
      name: "x", type: DataType(.string), nativeType: "text", nativeCollation: "utf8mb4_general_ci")
    #expect(
      effect.changes == [
        .dropColumns(["c"]), .alterColumnType([SchemaChange.AlteredColumn(z, oldType: DataType(.int))]),
        .renameColumns([SchemaChange.RenamedColumn(from: "a", to: "z")]),
        .addColumns([SchemaChange.AddedColumn(x, position: .after("id"))]),
      ])
    #expect(effect.schema.columns.map(\.name) == ["id", "x", "z", "b"])
    #expect(try apply("ALTER TABLE t CHANGE id k INT").schema.primaryKey == ["k"])
    #expect(try apply("ALTER TABLE t MODIFY id BIGINT").schema.columns[0].type == DataType(.bigint, nullable: false))
    #expect(try apply("TRUNCATE t").changes == [.truncateTable])
    #expect(try apply("DROP TABLE x, d.t").changes == [.dropTable])
    #expect(try apply("DROP DATABASE d").changes == [.dropTable])
    #expect(try apply("DROP TABLE e.t").changes.isEmpty)
    // A new place alone is nothing that a sink sees.
    #expect(try apply("ALTER TABLE t MODIFY a INT AFTER c").changes.isEmpty)
    #expect(try apply("ALTER TABLE t ALTER a SET DEFAULT 3").schema.columns[1].defaultValue == "3")
  }

  @Test(arguments: [
    "ALTER TABLE t ADD g YEAR(2)", "ALTER TABLE t ADD x XMLTYPE", "ALTER TABLE t WHATEVER",
  ])
  func refusedOnCapturedTables(_ sql: String) {
    let error = #expect(throws: BinlogError.self) { try apply(sql) }
    #expect(error?.kind == .unsupported)
    #expect(error?.remedy != nil)
  }

  @Test(arguments: [
    "ALTER TABLE t DROP nix", "ALTER TABLE t MODIFY nix INT", "ALTER TABLE t ADD x INT AFTER nix",
    "ALTER TABLE t ADD a INT",
    "ALTER TABLE t RENAME COLUMN nix TO x", "ALTER TABLE t RENAME COLUMN a TO B",
  ])
  func statementsThatDoNotFit(_ sql: String) {
    let error = #expect(throws: BinlogError.self) { try apply(sql) }
    #expect(error?.kind == .schemaMismatch)
  }

  @Test func charactersets() throws {
    func added(_ text: String, collation: String?, _ schema: TableSchema? = nil) throws -> String {
      let effect = try apply("ALTER TABLE t ADD x \(text)", to: schema, collation: collation)
      return try #require(effect.schema.columns.last).nativeCollation
    }
    #expect(try added("TEXT", collation: "latin1_swedish_ci") == "latin1_swedish_ci")
    #expect(try added("TEXT", collation: nil) == "utf8mb4_general_ci")  // what the others have
    #expect(try added("TEXT CHARSET latin1", collation: nil) == "latin1_swedish_ci")
    #expect(try added("TEXT COLLATE utf8mb4_bin", collation: nil) == "utf8mb4_bin")
    #expect(try added("CHAR(3) BINARY", collation: "latin1_swedish_ci") == "latin1_bin")
    #expect(try added("INT", collation: nil).isEmpty)
    #expect(throws: BinlogError.self) {
      try added("TEXT", collation: nil, TableSchema(columns: [try Self.column("id", "int(11)")], primaryKey: []))
    }
    let mysql = try apply(
      "ALTER TABLE t ADD x TEXT CHARACTER SET utf8mb4, ADD y JSON", dialect: DDLParserTests.mySQL)
    #expect(mysql.schema.columns[4].nativeCollation == "utf8mb4_0900_ai_ci")
    #expect(mysql.schema.columns[5].nativeType == "json")
    let converted = try apply(
      "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4",
      to: TableSchema(
        columns: [
          try Self.column("s", "tinytext", "latin1_bin"), try Self.column("l", "longtext", "latin1_bin"),
          try Self.column("v", "varchar(10)", "latin1_bin"), try Self.column("n", "int(11)"),
        ], primaryKey: []))
    #expect(converted.schema.columns.map(\.nativeType) == ["text", "longtext", "varchar(10)", "int(11)"])
    #expect(
      converted.schema.columns.map(\.nativeCollation) == [
        "utf8mb4_general_ci", "utf8mb4_general_ci", "utf8mb4_general_ci", "",
      ])
    #expect(TableDefinition(converted.schema.nativeDefinition).collation == "utf8mb4_general_ci")
  }

  /// Rows that are there when a NOT NULL column is added hold the type's implicit default, which the log does not tell.
  @Test(arguments: [
    ("INT NOT NULL", "0"), ("DECIMAL(8,3) NOT NULL", "0.000"), ("DECIMAL(5) UNSIGNED NOT NULL", "0"),
    ("VARCHAR(9) NOT NULL", ""), ("ENUM('x','y') NOT NULL", "x"), ("SET('x','y') NOT NULL", ""),
    ("TIME NOT NULL", "00:00:00"), ("DATE NOT NULL", "1970-01-01"), ("DATETIME(3) NOT NULL", "1970-01-01 00:00:00"),
    ("BOOL NOT NULL", "0"), ("INT NOT NULL DEFAULT 7", "7"), ("INT", nil),
    ("TIMESTAMP NULL DEFAULT NULL", nil), ("BIT(4) NOT NULL", "b'0'"), ("TIME(3) NOT NULL", "00:00:00.000"),
    ("BIT(4) DEFAULT b'101'", "b'101'"), ("INT DEFAULT 0x1F", "31"), ("VARCHAR(3) DEFAULT x'4D4E'", "MN"),
    ("DECIMAL(8,3) DEFAULT 1.5", "1.500"), ("DECIMAL(8,1) DEFAULT -0.25", "-0.3"), ("INT DEFAULT '12'", "12"),
    ("DATE DEFAULT '2020-1-2'", "2020-01-02"), ("DATETIME(2) DEFAULT '2020-01-02'", "2020-01-02 00:00:00.00"),
    ("ENUM('Ab','c') DEFAULT 'AB'", "Ab"), ("SET('a','b','c') DEFAULT 'c,a'", "a,c"), ("YEAR DEFAULT 99", "1999"),
    ("TIME DEFAULT '1:2:3'", "01:02:03"), ("CHAR(5) DEFAULT 'a  '", "a"), ("DOUBLE DEFAULT 1e3", "1000"),
  ])
  func existingRowsAreFilled(_ definition: String, _ value: String?) throws {
    let effect = try apply(
      "ALTER TABLE t ADD x \(definition)",
      to: TableSchema(columns: [try Self.column("n", "int(11)")], primaryKey: []))
    #expect(effect.schema.columns.last?.defaultValue == value)
    #expect(effect.rereading == nil)
  }

  /// What `information_schema.COLUMNS` of MariaDB 10.11 and MySQL 9.7 shows for the same definition (table in latin1).
  @Test(arguments: [
    ("TEXT(100)", "tinytext", "tinytext"), ("TEXT(300)", "text", "text"), ("TEXT(70000)", "mediumtext", "mediumtext"),
    ("BLOB(200)", "tinyblob", "tinyblob"), ("BLOB(70000)", "mediumblob", "mediumblob"),
    ("ENUM('a\\\\b','it''s','x ')", "enum('a\\\\b','it''s','x')", "enum('a\\\\b','it''s','x')"),
    ("FLOAT(10)", "float", "float"), ("FLOAT(30)", "double", "double"), ("REAL", "double", "double"),
    ("DOUBLE PRECISION", "double", "double"), ("FLOAT(7,3)", "float(7,3)", "float(7,3)"),
    ("LONG VARCHAR", "mediumtext", "mediumtext"), ("LONG", "mediumtext", "mediumtext"),
    ("LONG VARBINARY", "mediumblob", "mediumblob"), ("NATIONAL CHAR(3)", "char(3)", "char(3)"),
    ("NCHAR VARYING(3)", "varchar(3)", "varchar(3)"), ("CHARACTER VARYING(3)", "varchar(3)", "varchar(3)"),
    ("CHAR(3) BYTE", "binary(3)", "binary(3)"), ("CHAR(3) ASCII", "char(3)", "char(3)"),
    ("VARCHAR(3) UNICODE", "varchar(3)", "varchar(3)"), ("VARCHAR(4) BINARY", "varchar(4)", "varchar(4)"),
    ("VARCHAR(3) CHARACTER SET binary", "varbinary(3)", "varbinary(3)"), ("TEXT CHARACTER SET binary", "blob", "blob"),
    ("JSON", "longtext", "json"), ("BIGINT UNSIGNED", "bigint(20) unsigned", "bigint unsigned"),
    ("BOOL", "tinyint(1)", "tinyint(1)"), ("BOOLEAN", "tinyint(1)", "tinyint(1)"),
    ("TINYINT(1)", "tinyint(1)", "tinyint(1)"), ("TINYINT(1) UNSIGNED", "tinyint(1) unsigned", "tinyint unsigned"),
    ("DEC", "decimal(10,0)", "decimal(10,0)"), ("NUMERIC(5)", "decimal(5,0)", "decimal(5,0)"),
    ("FIXED(5,2)", "decimal(5,2)", "decimal(5,2)"),
    (
      "DECIMAL(6,2) ZEROFILL", "decimal(6,2) unsigned zerofill",
      "decimal(6,2) unsigned zerofill"
    ),
    ("BIT", "bit(1)", "bit(1)"), ("YEAR", "year(4)", "year"), ("INT4", "int(11)", "int"),
    ("INTEGER(5)", "int(5)", "int"), ("MIDDLEINT", "mediumint(9)", "mediumint"),
    (
      "INT UNSIGNED", "int(10) unsigned",
      "int unsigned"
    ),
    ("INT ZEROFILL", "int(10) unsigned zerofill", "int(10) unsigned zerofill"),
    ("TINYINT ZEROFILL", "tinyint(3) unsigned zerofill", "tinyint(3) unsigned zerofill"),
    ("TINYINT", "tinyint(4)", "tinyint"), ("SMALLINT UNSIGNED", "smallint(5) unsigned", "smallint unsigned"),
    ("TIMESTAMP", "timestamp", "timestamp"), ("DATETIME(0)", "datetime", "datetime"), ("TIME(3)", "time(3)", "time(3)"),
    ("CHAR", "char(1)", "char(1)"), ("BINARY", "binary(1)", "binary(1)"),
    ("VARBINARY(9)", "varbinary(9)", "varbinary(9)"),
  ])
  func typeTexts(_ definition: String, _ mariaDB: String, _ mySQL: String) throws {
    for (dialect, expected) in [(DDLParserTests.mariaDB, mariaDB), (DDLParserTests.mySQL, mySQL)] {
      let effect = try apply(
        "ALTER TABLE t ADD x \(definition)", dialect: dialect, collation: "latin1_swedish_ci")
      #expect(effect.schema.columns.last?.nativeType == expected)
    }
  }
}
