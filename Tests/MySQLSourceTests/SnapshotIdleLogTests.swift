import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// What is between a MySQL snapshot's watermarks need not be read when it is known to be nothing.
@Suite struct SnapshotIdleLogTests {
  @Test(.enabled(if: ServerKind.mySQL.isAvailable, "there is no MySQL here"))
  func onlyAKnownEndIsTrusted() throws {
    let server = try SourceServer(.mySQL, settings: [])
    defer { server.stop() }
    let fixture = try SourceFixture(
      "idle", server: server, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t SELECT seq FROM seq_1_to_10")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let (first, rows) = try connector.read(.everything, of: schema)
    #expect(rows.count == 10)
    let end = try MySQLOffset(first.watermark)
    let place = try #require(end.position)
    #expect(GapReplay.end(withoutReplayFrom: end, to: place) == end)
    // The log has moved on; or the set before the snapshot lacks something that was seen.
    var later = place
    later.position += 1
    #expect(GapReplay.end(withoutReplayFrom: end, to: later) == nil)
    var less = end
    less.gtids = try GTIDSet(parsing: "")
    #expect(GapReplay.end(withoutReplayFrom: less, to: place) == nil)
    less.gtids = nil
    #expect(GapReplay.end(withoutReplayFrom: less, to: place) == nil)
    let again = try connector.read(.everything, of: schema).0
    #expect(again.watermark == first.watermark)
    try fixture.execute("INSERT INTO t VALUES (11)")
    let (second, more) = try connector.read(.everything, of: schema)
    #expect(more.filter { $0.operation == .insert }.count >= 11)
    #expect(second.watermark != first.watermark)
    #expect(try connector.hasPassed(second.watermark, first.watermark))
  }
}
