import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// A pipeline that takes no new tables keeps its own under whatever names they get.
@Suite struct TailSchemaKnownTests {
  /// What a reader of tables a and k is told, which are passed over from the moment that they are to be read anew.
  private func run(_ kind: ServerKind, _ statements: String...) throws -> [String] {
    let fixture = try SourceFixture(
      "known", on: kind, "CREATE TABLE a (x INT PRIMARY KEY)", "CREATE TABLE k (z INT PRIMARY KEY)",
      "CREATE TABLE stranger (id INT PRIMARY KEY)")
    let follower = try SchemaFollower(
      try fixture.connector(["tables": "\(fixture.database).[a-z]+"]), fixture, "a", "k")
    follower.declined = ["k", "l", "m"]
    try follower.open()
    for statement in statements { try fixture.execute(statement) }
    return try follower.follow()
  }

  private static let readAnew = "ALTER TABLE k ADD v DATETIME DEFAULT CURRENT_TIMESTAMP"

  /// The name in between is gone by the time that the reader comes to it.
  @Test(arguments: SourceServer.available) func renamedTwice(on kind: ServerKind) throws {
    #expect(
      try run(kind, Self.readAnew, "RENAME TABLE k TO l", "RENAME TABLE stranger TO s", "RENAME TABLE l TO m") == [
        "k: replace.table -> z*,v", "l: replace.table -> ", "m: replace.table -> z*,v",
      ])
  }

  /// That a table is read anew does not mean that it is gone.
  @Test(arguments: SourceServer.available) func madeAgain(on kind: ServerKind) throws {
    // MariaDB does not log a statement that does nothing.
    #expect(
      try run(kind, Self.readAnew, "CREATE TABLE IF NOT EXISTS k (w INT PRIMARY KEY)", "DROP TABLE k").dropFirst()
        == (kind == .mySQL ? ["k: replace.table -> w*"] : []))
    #expect(
      try run(kind, "DROP TABLE k", "CREATE TABLE IF NOT EXISTS k (w INT PRIMARY KEY)").last
        == "k: create.table -> w*")
  }
}
