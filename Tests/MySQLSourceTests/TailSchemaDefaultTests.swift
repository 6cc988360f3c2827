import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Tables that get their database's default character set, met by a reader that is behind: the catalog has it as it is now.
@Suite struct TailSchemaDefaultTests {
  /// What a reader is told of these statements, and with which collation column v begins.
  private func run(
    _ kind: ServerKind, isLate: Bool, _ statements: String...
  ) throws -> (log: [String], collation: String?) {
    let fixture = try SourceFixture("defaults", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)")
    try fixture.execute("ALTER DATABASE CHARACTER SET latin1")
    let options = ["tables": "\(fixture.database).[a-z]+", "scan.newly-added-table.enabled": "true"]
    let follower = try SchemaFollower(try fixture.connector(options), fixture)
    try follower.capture(fixture.table("t"))
    if isLate {
      for statement in statements { try fixture.execute(statement) }
      try follower.open()
      let log = try follower.follow()
      return (log, follower.schema(fixture.table("l"))?.columns.last?.nativeCollation)
    }
    try follower.open()
    var log: [String] = []
    for statement in statements {
      try fixture.execute(statement)
      log += try follower.follow()
    }
    return (log, follower.schema(fixture.table("l"))?.columns.last?.nativeCollation)
  }

  private static let create = "CREATE TABLE l (id INT PRIMARY KEY, w TEXT CHARACTER SET utf8mb4, v VARCHAR(9))"

  @Test(arguments: SourceServer.available, [false, true])
  func thatHaveNotChanged(on kind: ServerKind, isLate: Bool) throws {
    let told = try run(
      kind, isLate: isLate, Self.create, "INSERT INTO l VALUES (1, 'é', 'é')", "CREATE DATABASE IF NOT EXISTS mysql")
    #expect(told.log.first == "l: create.table -> id*,w,v")
    #expect(told.collation == "latin1_swedish_ci")
  }

  /// The table as it was cannot be told: it is read by chunks, as it is.
  @Test(arguments: SourceServer.available) func thatHaveChangedSince(on kind: ServerKind) throws {
    let told = try run(
      kind, isLate: true, Self.create, "ALTER DATABASE DEFAULT CHARACTER SET utf8mb4",
      "INSERT INTO l VALUES (1, 'é', 'é')")
    #expect(told.log.first == "l: replace.table -> id*,w,v")
    #expect(told.collation == "latin1_swedish_ci")
    let later = try run(kind, isLate: true, "ALTER DATABASE CHARACTER SET = utf8mb4", Self.create)
    #expect(later.log.first == "l: create.table -> id*,w,v")
    #expect(later.collation?.hasPrefix("utf8mb4_") == true)
    let spelled = try run(
      kind, isLate: true,
      "\(Self.create) COLLATE latin1_bin",
      "ALTER DATABASE CHARACTER SET utf8mb4")
    #expect(spelled.log.first == "l: create.table -> id*,w,v")
    #expect(spelled.collation == "latin1_bin")
  }

  @Test(arguments: SourceServer.available) func thatTablesAreConvertedTo(on kind: ServerKind) throws {
    let convert = "ALTER TABLE l CONVERT TO CHARACTER SET DEFAULT"
    let create = "CREATE TABLE l (id INT PRIMARY KEY, v VARCHAR(9)) CHARACTER SET utf8mb4"
    let known = try run(kind, isLate: true, create, convert)
    #expect(known.log.first == "l: create.table -> id*,v")
    #expect(known.collation == "latin1_swedish_ci")
    let unknown = try run(kind, isLate: true, create, convert, "ALTER DATABASE CHARACTER SET utf8mb4")
    #expect(unknown.log.first == "l: create.table -> id*,v")
    #expect(unknown.log.contains { $0.hasPrefix("l: replace.table") })
  }
}
