import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Statements that only the catalog could explain, met by a reader that is far behind: it knows tables as they are now.
@Suite struct TailSchemaCopyTests {
  private static let capturesNewTables = ["scan.newly-added-table.enabled": "true"]

  /// What a reader of table t is told of these statements, which are all in the log before it begins.
  private func late(_ kind: ServerKind, _ statements: String...) throws -> [String] {
    let fixture = try SourceFixture(
      "copies", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE other_1 (a INT PRIMARY KEY)")
    var options = Self.capturesNewTables
    options["tables"] = "\(fixture.database).[a-z]+"
    let follower = try SchemaFollower(try fixture.connector(options), fixture)
    try follower.capture(fixture.table("t"))
    // As a pipeline does with a table that it reads anew.
    follower.declined = ["l", "m", "t"]
    for statement in statements { try fixture.execute(statement) }
    try follower.open()
    return try follower.follow()
  }

  @Test(arguments: SourceServer.available) func ofUnknownTables(on kind: ServerKind) throws {
    // Rows of the time before the column must not be read with it: the table is read anew.
    #expect(
      try late(kind, "CREATE TABLE l LIKE other_1", "ALTER TABLE l ADD v INT").first == "l: replace.table -> a*,v")
    #expect(try late(kind, "CREATE TABLE l LIKE t", "ALTER TABLE l ADD v INT").first == "l: create.table -> id*")
  }

  /// A column gets the table's default character set, though the catalog does not tell it any more.
  @Test(arguments: SourceServer.available) func withoutDefault(on kind: ServerKind) throws {
    #expect(try late(kind, "ALTER TABLE t ADD c VARCHAR(9)", "DROP TABLE t").first == "t: add.column -> id*,c")
  }

  @Test(arguments: SourceServer.available) func thatAreGone(on kind: ServerKind) throws {
    #expect(
      try late(
        kind, "CREATE TABLE l LIKE other_1", "INSERT INTO l VALUES (1)", "DROP TABLE l, other_1",
        "INSERT INTO t VALUES (2)") == ["t insert(2)"])
    #expect(
      try late(kind, "CREATE TABLE l LIKE other_1", "DROP TABLE other_1", "RENAME TABLE l TO m").first
        == "m: replace.table -> a*")
  }
}
