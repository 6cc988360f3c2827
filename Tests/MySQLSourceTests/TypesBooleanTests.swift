import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// TINYINT(1) that holds other numbers than 0 and 1.
@Suite struct TypesBooleanTests {
  private static let columns = "id INT PRIMARY KEY, a TINYINT(1), b TINYINT(1) NOT NULL DEFAULT 5"
  private static let insertion =
    "INSERT INTO t VALUES (1, 0, 1), (2, 2, DEFAULT), (3, 127, 0), (4, -1, -128), (5, NULL, 9)"

  @Test(arguments: SourceServer.available) func everyNumberButZeroIsTrue(on kind: ServerKind) throws {
    let paths = try BothPaths("booleans", on: kind, create: Self.columns)
    try paths.execute(Self.insertion)
    #expect(try paths.values("a") == ["0", "1", "1", "1", nil])
    #expect(try paths.values("b") == ["1", "1", "0", "1", "1"])
    #expect(try paths.schema().columns.map(\.defaultValue)[2] == "1")
  }

  @Test(arguments: SourceServer.available) func otherNumbersAreRefusedWithoutLoss(on kind: ServerKind) throws {
    let paths = try BothPaths("exact", on: kind, options: ["types.lossless": "true"], create: Self.columns)
    try paths.execute("INSERT INTO t VALUES (7, 1, 0), (8, 2, 0)")
    let errors = try paths.errors()
    #expect(errors.count == 2)
    for error in errors {
      #expect(error.kind == .unsupported && error.table == paths.table)
      #expect(error.message.contains("column a") && error.message.contains("holds 2"), "\(error)")
      #expect(error.message.contains("id=8") || error.message.contains("id='8'"), "\(error)")
      #expect(error.remedy?.contains("treat-tinyint1-as-boolean.enabled: false") == true)
    }
    let numbers = try BothPaths(
      "numbers", on: kind, options: ["types.lossless": "true", "treat-tinyint1-as-boolean.enabled": "false"],
      create: Self.columns)
    try numbers.execute(Self.insertion)
    #expect(try numbers.values("a") == ["0", "2", "127", "-1", nil])
    #expect(try numbers.values("b") == ["1", "5", "0", "-128", "9"])
    #expect(try numbers.schema().columns.map(\.defaultValue)[2] == "5")
  }

  /// Rows with 1 and with 2 must not become one.
  @Test(arguments: SourceServer.available) func otherNumbersAreRefusedInKeys(on kind: ServerKind) throws {
    let paths = try BothPaths("key", on: kind, create: "a TINYINT(1), id INT, PRIMARY KEY (a, id)")
    try paths.execute("INSERT INTO t VALUES (1, 1), (2, 1)")
    for error in try paths.errors() { #expect(error.kind == .unsupported && error.remedy != nil, "\(error)") }
  }

  /// Nothing in the log tells the chunks of such a column apart.
  @Test(arguments: SourceServer.available) func doNotCutTablesWithoutAKey(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "chunk", on: kind, options: ["scan.incremental.snapshot.chunk.key-column": "\\.*.t:a"],
      create: "a TINYINT(1) NOT NULL, id INT, KEY (a)")
    #expect(try paths.connector.discover(paths.table).chunkKey.isEmpty)
  }

  private func filling(_ specification: String, lossless: Bool) throws -> DDLEffect {
    let applier = DDLApplier(
      dialect: DDLDialect(serverVersion: "10.11.6-MariaDB"), treatTinyint1AsBoolean: true, includesComments: false,
      isLossless: lossless)
    let statement = try #require(
      try DDLParser.parse(
        "ALTER TABLE t ADD COLUMN f TINYINT(1) \(specification)", defaultSchema: "d", dialect: applier.dialect
      ).first)
    let id = Column(name: "id", type: DataType(.int, nullable: false), nativeType: "int(11)")
    return try applier.schemaChanges(
      for: statement, on: TableID(schema: "d", table: "t"),
      current: TableSchema(columns: [id], primaryKey: ["id"]))
  }

  @Test func columnsAreAddedWithTheValueAsItIsCarried() throws {
    let added = try filling("NOT NULL DEFAULT 5", lossless: false)
    #expect(added.rereading == nil)
    #expect(added.schema.columns.last?.defaultValue == "1")
    #expect(try filling("NOT NULL DEFAULT 5", lossless: true).rereading != nil)
    #expect(try filling("NOT NULL DEFAULT 1", lossless: true).rereading == nil)
  }
}
