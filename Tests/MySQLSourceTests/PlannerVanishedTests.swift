import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// Tables that the catalog names and has no columns of: those that vanish while it is asked, or that may not be read.
@Suite struct PlannerVanishedTests {
  @Test(arguments: SourceServer.available) func aTableWithoutColumnsIsNone(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "vanished", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE u (id INT PRIMARY KEY)")
    let account = "v\(UInt32.random(in: 0...UInt32.max))"
    try fixture.execute("CREATE USER '\(account)'@'%' IDENTIFIED BY 'pw'")
    // Its name may be seen, its columns may not.
    try fixture.execute("GRANT DELETE ON \(fixture.database).t TO '\(account)'@'%'")
    try fixture.execute("GRANT SELECT ON \(fixture.database).u TO '\(account)'@'%'")
    let connector = try fixture.connector(["username": account, "password": "pw"])
    let planner = try #require(try connector.openPlanner() as? MySQLPlanner)
    defer { planner.close() }
    let catalog = TableCatalog(client: planner.client, facts: planner.facts, settings: planner.settings)
    #expect(try catalog.names().map(\.id).contains(fixture.table("t")))
    #expect(try catalog.describe(fixture.table("t")) == nil)
    #expect(try catalog.describe(fixture.table("u")) != nil)
  }
}
