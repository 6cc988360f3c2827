import Connector
import Glibc
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// A log file of more than 4 GiB: events tell their place in 32 bits, and so do some requests.
///
/// It takes 10 GB of disk and a minute for each server, so it runs only with `TIDEGATE_TEST_HUGE=1`.
@Suite(.serialized, .enabled(if: getenv("TIDEGATE_TEST_HUGE") != nil, "TIDEGATE_TEST_HUGE is not set"))
struct BinlogHugeFileTests {
  /// Behind this place 32 bits are too few.
  private static let limit: UInt64 = 1 << 32

  @Test(arguments: SourceServer.available) func placesBeyondFourGigabytes(on kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    if kind == .mariaDB { try server.execute("INSTALL SONAME 'ha_blackhole'") }
    let fixture = try SourceFixture(
      "huge", on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))",
      // Its rows are in the log and nowhere else.
      "CREATE TABLE filler (id INT, v LONGTEXT) ENGINE=BLACKHOLE")
    let connector = try fixture.connector(["tables": "\(fixture.database).t"])
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    try fixture.execute("INSERT INTO t VALUES (1, 'in front')")
    let huge = try fixture.connection()
    try huge.query("BEGIN")
    try huge.query("INSERT INTO t VALUES (2, 'first')")
    try huge.query("INSERT INTO filler SELECT seq, REPEAT('x', 1000000) FROM seq_1_to_4400")
    try huge.query("INSERT INTO t VALUES (3, 'last')")
    try huge.query("COMMIT")
    try fixture.execute("UPDATE t SET v = 'behind' WHERE id < 3")
    let end = try connector.endOffset()

    var rows: [TestRow] = []
    var offsets: [Offset] = []
    let tail = try connector.tail(schema, from: start)
    try tail.readThrough(end, connector: connector, onStep: { if let offset = $0 { offsets.append(offset) } }) {
      rows.append($0)
    }
    tail.close()
    #expect(rows.map(\.description) == Self.expected)
    let beyond = try offsets.first { offset in
      try MySQLOffset(offset).position.map { $0.position > Self.limit } ?? false
    }
    try check(beyond: try #require(beyond), end, fixture, connector, schema)
  }

  private static let expected = [
    "insert(1, in front)", "insert(2, first)", "insert(3, last)", "updateBefore(1, in front)", "updateAfter(1, behind)",
    "updateBefore(2, first)", "updateAfter(2, behind)",
  ]

  /// The place behind the huge transaction, in every form in which it can be asked for.
  private func check(
    beyond: Offset, _ end: Offset, _ fixture: SourceFixture, _ connector: any SourceConnector, _ schema: RowSchema
  ) throws {
    let whole = try MySQLOffset(beyond)
    let place = try #require(whole.position)
    var forms = [whole]
    // The position alone, and GTIDs alone.
    forms.append(MySQLOffset(position: place, server: whole.server))
    forms.append(MySQLOffset(position: nil, gtids: whole.gtids, mariaDB: whole.mariaDB, server: whole.server))
    for form in forms where form.position != nil || form.gtids != nil || form.mariaDB != nil {
      let tail = try connector.tail(schema, from: form.offset)
      let rows = try tail.rows(through: end, connector: connector)
      tail.close()
      #expect(rows.map(\.description) == Array(Self.expected.dropFirst(3)), "\(form.offset)")
    }
    let given = try fixture.connector([
      "tables": "\(fixture.database).t", "scan.startup.mode": "specific-offset",
      "scan.startup.specific-offset.file": place.file, "scan.startup.specific-offset.pos": "\(place.position)",
    ])
    let planner = try given.openPlanner()
    defer { planner.close() }
    let resolved = try MySQLOffset(try planner.startOffset(for: given.startup))
    #expect(resolved.position == place)
    // What is no event's beginning is refused rather than taken for another place.
    var wrong = place
    wrong.position += 1
    let nowhere = MySQLOffset(position: wrong, server: whole.server).offset
    #expect(throws: ConnectorError.self) {
      let tail = try connector.tail(schema, from: nowhere)
      defer { tail.close() }
      _ = try tail.rows(through: end, connector: connector)
    }
  }
}
