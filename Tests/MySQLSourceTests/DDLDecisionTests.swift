import Model
import Testing

@testable import MySQLSource

/// Which statements are followed as changes, and after which the table is read anew.
@Suite struct DDLDecisionTests {
  static let table = TableID(schema: "d", table: "t")

  private func dialect(strict: Bool = true) -> DDLDialect {
    DDLDialect(serverVersion: "10.11.6-MariaDB", sqlMode: strict ? 0x20_0000 : 0)
  }

  /// A table and its keys from its CREATE TABLE.
  private func create(_ sql: String) throws -> TableSchema {
    guard case .createTable(let create) = try DDLParser.parse(sql, defaultSchema: "d", dialect: dialect()).first else {
      throw BinlogError.corrupt("no CREATE TABLE")
    }
    return try applier(strict: true).table(creating: create)
  }

  private func applier(strict: Bool) -> DDLApplier {
    DDLApplier(
      dialect: dialect(strict: strict), treatTinyint1AsBoolean: true, defaultCollation: "utf8mb4_general_ci",
      includesComments: true)
  }

  private func alter(
    _ table: TableSchema, _ specs: String, strict: Bool = true, ignore: Bool = false, keys: Bool = true
  ) throws -> DDLEffect {
    let sql = "ALTER \(ignore ? "IGNORE " : "")TABLE t \(specs)"
    let statement = try #require(try DDLParser.parse(sql, defaultSchema: "d", dialect: dialect()).first)
    var table = table
    if !keys { table.nativeDefinition = "" }
    return try applier(strict: strict).schemaChanges(for: statement, on: Self.table, current: table)
  }

  @Test(arguments: [
    ("INT", "BIGINT"), ("INT", "INT UNSIGNED"), ("INT UNSIGNED", "BIGINT"), ("SMALLINT", "DECIMAL(10,2)"),
    ("INT", "VARCHAR(20)"), ("DECIMAL(10,2)", "DECIMAL(12,4)"), ("FLOAT", "DOUBLE"), ("VARCHAR(10)", "VARCHAR(20)"),
    ("VARCHAR(10)", "TEXT"), ("CHAR(5)", "VARCHAR(5)"), ("TEXT", "LONGTEXT"), ("VARBINARY(5)", "BLOB"),
    ("ENUM('a','b')", "ENUM('b','c','a')"), ("SET('a','b')", "SET('a','x','b')"), ("ENUM('a','b')", "VARCHAR(9)"),
    ("DATETIME", "DATETIME(6)"), ("INT", "INT DEFAULT 5 COMMENT 'x'"), ("INT", "INT NOT NULL"),
    ("VARCHAR(5) CHARACTER SET latin1", "VARCHAR(5) CHARACTER SET utf8mb4"), ("BIGINT", "INT"),
  ])
  func conversionsThatAreFollowed(_ from: String, _ to: String) throws {
    let effect = try alter(try create("CREATE TABLE t (id INT PRIMARY KEY, a \(from))"), "MODIFY a \(to)")
    #expect(effect.rereading == nil)
    #expect(effect.changes.allSatisfy { $0.tag == "alter.column.type" })
  }

  @Test(arguments: [
    ("VARCHAR(10)", "INT"), ("TINYINT(1)", "INT"), ("INT", "TINYINT(1)"), ("DECIMAL(10,4)", "DECIMAL(10,2)"),
    ("DOUBLE", "FLOAT"), ("DOUBLE", "INT"), ("VARCHAR(10)", "VARCHAR(5)"), ("VARCHAR(10)", "CHAR(10)"),
    ("TEXT", "VARCHAR(10)"), ("DATETIME(6)", "DATETIME"), ("DATETIME", "TIMESTAMP NULL"),
    ("TIMESTAMP NULL", "DATETIME"),
    ("DATETIME", "DATE"), ("DATE", "DATETIME"), ("SET('a','b')", "SET('b','a')"), ("VARCHAR(5)", "ENUM('a')"),
    ("BLOB", "TEXT"), ("VARCHAR(5)", "VARBINARY(5)"), ("BINARY(3)", "BINARY(5)"), ("INT ZEROFILL", "VARCHAR(20)"),
    ("INT", "INT AS (id + 1) STORED"), ("YEAR", "INT"), ("TIMESTAMP NULL", "TIMESTAMP NOT NULL"),
    ("BIT(8)", "BIT(16)"), ("DECIMAL(38,0)", "DECIMAL(39,0)"),
  ])
  func conversionsAfterWhichTheTableIsReadAnew(_ from: String, _ to: String) throws {
    let effect = try alter(try create("CREATE TABLE t (id INT PRIMARY KEY, a \(from))"), "MODIFY a \(to)")
    #expect(effect.changes == [.replaceTable(effect.schema)])
    #expect(effect.rereading != nil)
  }

  /// Without a strict mode what does not fit is changed silently.
  @Test(arguments: [
    ("BIGINT", "INT"), ("INT", "INT UNSIGNED"), ("INT", "INT NOT NULL"), ("ENUM('a','b')", "ENUM('a')"),
    ("VARCHAR(5) CHARACTER SET utf8mb4", "VARCHAR(5) CHARACTER SET latin1"), ("DECIMAL(10,2)", "DECIMAL(8,2)"),
  ])
  func conversionsWithoutStrictMode(_ from: String, _ to: String) throws {
    let table = try create("CREATE TABLE t (id INT PRIMARY KEY, a \(from))")
    #expect(try alter(table, "MODIFY a \(to)").rereading == nil)
    #expect(try alter(table, "MODIFY a \(to)", strict: false).rereading != nil)
    #expect(try alter(table, "MODIFY a \(to)", ignore: true).rereading != nil)
  }

  @Test(arguments: [
    "ADD x INT NOT NULL AUTO_INCREMENT UNIQUE", "ADD x DATETIME DEFAULT CURRENT_TIMESTAMP",
    "ADD x INT AS (a + 1) STORED",
    "ADD x INT AS (a + 1) VIRTUAL", "ADD x TIMESTAMP NOT NULL", "ADD x CHAR(36) DEFAULT (UUID())", "ADD x SERIAL",
    "ADD x TIMESTAMP DEFAULT '2020-01-01 00:00:00'", "ADD x VARBINARY(2) DEFAULT x'FF00'", "TRUNCATE PARTITION p",
    "DROP PARTITION p, q", "EXCHANGE PARTITION p WITH TABLE o", "IMPORT TABLESPACE", "ADD x INT, DROP PARTITION p",
  ])
  func valuesThatNoEventTells(_ specs: String) throws {
    let effect = try alter(try create("CREATE TABLE t (id INT PRIMARY KEY, a INT)"), specs)
    #expect(effect.changes == [.replaceTable(effect.schema)])
    #expect(effect.rereading != nil)
  }

  @Test func keyChanges() throws {
    func key(_ definition: String, _ specs: String) throws -> ([String], [String]) {
      let table = try create("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, c INT, \(definition))")
      let effect = try alter(table, specs)
      #expect(effect.rereading == nil)
      var schema = table
      for change in effect.changes { schema = try schema.applying(change) }
      #expect(schema.primaryKey == effect.schema.primaryKey)
      #expect(
        TableDefinition(effect.schema.nativeDefinition).keys?.identity(in: effect.schema) == effect.schema.primaryKey)
      return (effect.changes.map(\.tag), effect.schema.primaryKey)
    }
    let alters = ["alter.primary.key"]
    #expect(try key("PRIMARY KEY (a)", "DROP PRIMARY KEY, ADD PRIMARY KEY (b)") == (alters, ["b"]))
    #expect(try key("PRIMARY KEY (a)", "DROP PRIMARY KEY") == (alters, []))
    #expect(try key("PRIMARY KEY (a), UNIQUE (b)", "DROP PRIMARY KEY") == (alters, ["b"]))
    #expect(try key("PRIMARY KEY (a), UNIQUE (c)", "DROP PRIMARY KEY") == (alters, []))
    #expect(try key("INDEX (a)", "ADD UNIQUE (a, b)") == (alters, ["a", "b"]))
    #expect(try key("INDEX (a)", "ADD UNIQUE (c)") == ([], []))
    #expect(try key("UNIQUE u (a, b)", "ADD UNIQUE (b)") == (alters, ["b"]))
    #expect(try key("UNIQUE u (a), UNIQUE v (b)", "DROP INDEX u") == (alters, ["b"]))
    #expect(try key("UNIQUE u (a), UNIQUE v (b)", "DROP INDEX v") == ([], ["a"]))
    #expect(try key("UNIQUE u (a), UNIQUE v (b)", "RENAME INDEX u TO w") == (alters, ["b"]))
    #expect(try key("UNIQUE u (a)", "MODIFY a INT NULL") == (["alter.column.type", "alter.primary.key"], []))
    #expect(try key("UNIQUE u (c)", "MODIFY c INT NOT NULL") == (["alter.column.type", "alter.primary.key"], ["c"]))
    #expect(try key("PRIMARY KEY (a)", "ADD UNIQUE (b)") == ([], ["a"]))
    #expect(
      try key("PRIMARY KEY (a)", "DROP PRIMARY KEY, ADD PRIMARY KEY (b), DROP a") == (alters + ["drop.column"], ["b"]))
    #expect(
      try key("PRIMARY KEY (a)", "DROP PRIMARY KEY, ADD x INT NOT NULL DEFAULT 1, ADD PRIMARY KEY (a, x)")
        == (["add.column"] + alters, ["a", "x"]))
    #expect(
      try key("PRIMARY KEY (a)", "CHANGE a z INT, DROP PRIMARY KEY, ADD PRIMARY KEY (b, z)")
        == (alters + ["rename.column"], ["b", "z"]))
  }

  /// Without knowledge of the other keys the schema's key counts as the primary key, and doubt reads the table anew.
  @Test func keysThatAreNotKnown() throws {
    let table = try create("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a))")
    #expect(try alter(table, "DROP INDEX i", keys: false).rereading != nil)
    #expect(try alter(table, "DROP PRIMARY KEY", keys: false).rereading != nil)
    #expect(try alter(table, "DROP PRIMARY KEY, ADD PRIMARY KEY (b)", keys: false).schema.primaryKey == ["b"])
    #expect(try alter(table, "ADD UNIQUE (b)", keys: false).changes.isEmpty)
    let keyless = try create("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL)")
    #expect(try alter(keyless, "ADD UNIQUE (b)", keys: false).schema.primaryKey == ["b"])
  }

  @Test func columnsThatExchangeTheirNames() throws {
    let table = try create("CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT)")
    let effect = try alter(table, "RENAME COLUMN a TO b, RENAME COLUMN b TO a")
    var schema = table
    for change in effect.changes { schema = try schema.applying(change) }
    #expect(schema.columns.map(\.name) == ["id", "b", "a"])
    #expect(schema == effect.schema)
    #expect(effect.rereading == nil)
  }

  @Test func tablesFromTheirDefinitions() throws {
    let table = try create(
      """
      CREATE TABLE IF NOT EXISTS t (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'a, (b)', `order` VARCHAR(20) CHARACTER SET latin1 DEFAULT 'x''y',
        n DECIMAL(5,2) CHECK (n > 0) UNIQUE, g INT GENERATED ALWAYS AS (n + 1) STORED, e ENUM('a','b,)') NOT NULL,
        at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), r INT REFERENCES x (y) ON DELETE CASCADE,
        PRIMARY KEY (id) USING BTREE, KEY `k` (n, e DESC), CONSTRAINT f FOREIGN KEY (r) REFERENCES x (y), CHECK (g > 1)
      ) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='of t'
      /*!50100 PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (10), PARTITION q VALUES LESS THAN MAXVALUE) */
      """)
    #expect(table.columns.map(\.name) == ["id", "order", "n", "g", "e", "at", "r"])
    #expect(table.primaryKey == ["id"])
    #expect(table.comment == "of t")
    #expect(table.columns[0].comment == "a, (b)")
    #expect(table.columns[1].defaultValue == "x'y")
    #expect(
      table.columns.map(\.nativeCollation) == ["", "latin1_swedish_ci", "", "", "utf8mb4_unicode_ci", "", ""])
    #expect(table.columns.map(\.type.isNullable) == [false, true, true, true, false, true, true])
    #expect(
      table.nativeDefinition
        == "(KEY `k` (`n`, `e`), UNIQUE KEY `n` (`n`), PRIMARY KEY (`id`)) COLLATE `utf8mb4_unicode_ci`")
  }

  @Test func whatRenamesDoInTheEnd() {
    func outcome(_ pairs: (String, String)...) -> [String] {
      let id = { (name: String) in TableID(schema: "d", table: name) }
      let effect = RenameEffect(pairs.map { RenamedTable(from: id($0.0), to: id($0.1)) })
      return effect.outcomes.map {
        "\($0.name.table)<\($0.origin?.table ?? "-")>\($0.destination?.table ?? "-")"
      }
    }
    #expect(outcome(("a", "b")) == ["a<->b", "b<a>-"])
    #expect(outcome(("a", "x"), ("b", "a"), ("x", "b")) == ["a<b>b", "b<a>a"])
    #expect(outcome(("t", "_t_old"), ("_t_new", "t")) == ["t<_t_new>_t_old", "_t_old<t>-", "_t_new<->t"])
    #expect(outcome(("b", "c"), ("a", "b")) == ["b<a>c", "c<b>-", "a<->b"])
    #expect(outcome(("a", "x"), ("x", "a")).isEmpty)
  }

  @Test func migrationsTravelAsText() throws {
    var migrations = OnlineMigrations()
    let schema = TableSchema(columns: [], primaryKey: [])
    for number in 0..<3 {
      let id = TableID(schema: "d;=", table: "_t\(number)_gho")
      migrations.put(
        id, GhostTable(original: schema, schema: schema),
        .init(table: id, defaultSchema: "d", sqlMode: 7, fingerprint: .max, sql: "ALTER TABLE `é;=` ADD '\u{0}'"))
    }
    let text = try #require(migrations.text)
    #expect(text.allSatisfy { $0.isHexDigit })
    #expect(OnlineMigrations.statements(text) == migrations.statements)
    migrations.forget(TableID(schema: "d;=", table: "_t1_gho"))
    #expect(migrations.statements.count == 2)
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      var damaged = Array(text.utf8)
      damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      damaged.removeLast(Int.random(in: 0...4, using: &generator))
      _ = OnlineMigrations.statements(String(decoding: damaged, as: UTF8.self))
    }
    #expect(OnlineMigrations.statements("3939393939393939393939393a") == nil)
    #expect(OnlineMigrations.statements("zz") == nil)
  }

  @Test func namesOfMigrationTables() {
    let names = ["_t_gho", "_t_ghc", "_t_del", "_t_new", "__t_new", "_t_old", "_vt_vrp_0a_20240101_", "_a_b_vrepl"]
    for name in names { #expect(MigrationTable.matches(TableID(schema: "d", table: name)), "\(name)") }
    for name in ["t_gho", "_gho", "t", "_t", "_t_newer", "_new"] {
      #expect(!MigrationTable.matches(TableID(schema: "d", table: name)), "\(name)")
    }
    #expect(MigrationTable.isGhost(TableID(schema: "d", table: "_t_new")))
    #expect(!MigrationTable.isGhost(TableID(schema: "d", table: "_t_del")))
  }
}
