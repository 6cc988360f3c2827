import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Tail splits that are replaced by another number of them: nothing is lost, and nothing comes twice.
@Suite struct TailDeliveredTests {
  /// Two shares end at different places; three others, and after them one, go on from the lowest place.
  @Test(arguments: ["id INT PRIMARY KEY, v INT", "id INT NULL, v INT"])
  func otherNumbersOfSharesGoOn(columns: String) throws {
    let fixture = try SourceFixture("handover", "CREATE TABLE t (\(columns))")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let connection = try fixture.connection()
    let hasKey = !table.schema.primaryKey.isEmpty
    var ends = [try connector.endOffset()]
    for round in 0..<6 {
      for key in 0..<30 {
        try connection.query("INSERT INTO t VALUES (\(round * 100 + key), \(round))")
        if key % 3 == 0 { try connection.query("UPDATE t SET id = id + 1000 WHERE id = \(round * 50 + key)") }
        if key % 5 == 0 { try connection.query("DELETE FROM t WHERE id = \(round * 30 + key) LIMIT 1") }
      }
      ends.append(try connector.endOffset())
    }
    var replica = TestReplica(hasKey: hasKey)
    var delivered: [DeliveredShares] = []
    // By set: where about each share ends (numbers of `ends`); the next set starts where the lowest has ended.
    var start = ends[0]
    for stops in [[2, 4], [5, 2, 3], [6]] {
      var reached: [Offset] = []
      for (share, stop) in stops.enumerated() {
        let item = TailTable(schema: schema, ignoredThrough: nil, chunks: [], delivered: delivered)
        let tail = try connector.tail(
          TailRequest(
            start: start, tables: [item], shareIndex: share, shareCount: stops.count, clientIndex: share))
        defer { tail.close() }
        if !delivered.isEmpty { #expect(!tail.isPastWatermarks) }
        // By a heartbeat an earlier set may be at a place behind the rows: others write to the same log.
        let end = stop == 6 ? try connector.endOffset() : ends[stop]
        try tail.readThrough(end, connector: connector, byteLimit: 1) { replica.apply($0) }
        reached.append(try #require(tail.committableOffset))
        if stop == 6 { #expect(tail.isPastWatermarks) }
      }
      delivered.append(DeliveredShares(reached))
      start = try reached.dropFirst().reduce(reached[0]) { lowest, offset in
        try connector.hasPassed(offset, end: lowest) ? lowest : offset
      }
    }
    #expect(replica.problems == [])
    var expected = TestReplica(hasKey: hasKey)
    for row in try connector.read(.everything, of: schema).1 { expected.apply(row) }
    #expect(replica.rows == expected.rows)
    #expect(replica.bag.filter { expected.bag[$0.key] != $0.value } == [:])
    #expect(expected.bag.filter { replica.bag[$0.key] != $0.value } == [:])
  }
}
