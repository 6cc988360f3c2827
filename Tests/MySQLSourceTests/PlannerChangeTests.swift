import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Tables that are not what they were when their chunks are planned.
@Suite struct PlannerChangeTests {
  private func plan(_ kind: ServerKind, _ change: String) throws -> ConnectorError? {
    let fixture = try SourceFixture(
      "plan", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_500",
      "CREATE TABLE other (id VARCHAR(9) PRIMARY KEY)",
      "INSERT INTO other SELECT CONCAT('k', seq) FROM seq_1_to_500")
    let connector = try fixture.connector([
      "tables": "\(fixture.database).[a-z]+", "scan.incremental.snapshot.chunk.size": "50",
    ])
    let planner = try connector.openPlanner()
    defer { planner.close() }
    let table = try #require(try planner.describe(fixture.table("t")))
    for statement in change.split(separator: ";") { try fixture.execute(String(statement)) }
    do throws(ConnectorError) {
      _ = try planner.planChunks(table, cursor: nil, limit: 100)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: SourceServer.available) func swapped(on kind: ServerKind) throws {
    let error = try #require(try plan(kind, "RENAME TABLE t TO x, other TO t, x TO other"))
    #expect(error.kind == .schemaMismatch)
    #expect(error.table?.table == "t")
  }

  @Test(arguments: SourceServer.available) func gone(on kind: ServerKind) throws {
    let error = try #require(try plan(kind, "DROP TABLE t"))
    #expect(error.kind == .schemaMismatch)
    #expect(error.table?.table == "t")
  }

  @Test(arguments: SourceServer.available) func withoutItsIndex(on kind: ServerKind) throws {
    let error = try plan(kind, "ALTER TABLE t DROP PRIMARY KEY")
    #expect(error.map { $0.kind == .schemaMismatch && $0.table?.table == "t" } ?? true, "\(String(describing: error))")
  }
}
