import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Members of ENUM and SET that the server's catalog cannot show.
@Suite struct TypesMembersTests {
  @Test(arguments: SourceServer.available) func aMemberThatIsNotShownIsRefused(on kind: ServerKind) throws {
    for column in [
      "ENUM('x', '😀') CHARACTER SET utf8mb4", "SET('x', 'a😀b') CHARACTER SET utf8mb4",
      "ENUM('x', '😀') CHARACTER SET utf16",
    ] {
      let fixture = try SourceFixture("members", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v \(column))")
      let connector = try fixture.connector()
      let table = try connector.discover(fixture.table("t"))
      let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
      try fixture.execute("INSERT INTO t VALUES (1, 1)")
      #expect(try connector.read(.everything, of: schema).1.map(\.description) == ["insert(1, x)"])
      try fixture.execute("INSERT INTO t VALUES (2, 2)")
      let error = #expect(throws: ConnectorError.self) { try connector.read(.everything, of: schema) }
      #expect(error?.kind == .unsupported)
      #expect(error?.message.contains("😀") == true, "\(error?.message ?? "")")
    }
  }

  /// A question mark may be meant.
  @Test(arguments: SourceServer.available) func aQuestionMarkIsCarried(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "members", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, v ENUM('yes', '?'), w SET('?', 'ü') CHARSET utf8mb4)",
      "INSERT INTO t VALUES (1, '?', '?,ü'), (2, 'yes', 'ü')")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let rows = try connector.read(.everything, of: schema).1
    #expect(rows.map(\.description) == ["insert(1, ?, ?,ü)", "insert(2, yes, ü)"])
  }

  @Test func membersThatLookTheSameAreRefused() throws {
    let type = try MySQLColumnType(columnType: "enum('?','x','?')", collation: "utf8mb4_general_ci")
    #expect(type.kind == .unsupported)
    // Outside strict mode a member may stand twice.
    #expect(try MySQLColumnType(columnType: "enum('x','x')", collation: "utf8mb4_bin").kind == .enumeration)
    #expect(try MySQLColumnType(columnType: "enum('?','?')", collation: "latin1_bin").kind == .enumeration)
  }

  /// A statement tells the members as they are, and the chunk of a table read after it fits all the same.
  @Test func aStatementKnowsMore() throws {
    func schema(_ member: String) -> TableSchema {
      let type = DataType(.string, annotation: .enumeration(["x", member]))
      return TableSchema(columns: [Column(name: "v", type: type, nativeCollation: "utf8mb4_bin")], primaryKey: [])
    }
    #expect(SchemaComparison.difference(registry: schema("😀"), server: schema("?")) == nil)
    #expect(SchemaComparison.difference(registry: schema("y"), server: schema("?")) != nil)
  }
}
