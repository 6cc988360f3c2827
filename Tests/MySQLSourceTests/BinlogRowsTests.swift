import Model
import Testing

@testable import MySQLSource

/// Rows of real servers: what the log gives and what the snapshot gives must be the same, bit by bit.
@Suite struct BinlogRowsTests {
  @Test(arguments: RecordedTable.all)
  func logAndSnapshotAgree(_ table: RecordedTable) throws {
    let schema = try table.schema()
    let snapshot = try table.snapshotRows(schema)
    let logged = try table.loggedRows(schema)
    #expect(snapshot.count == table.rows.count)
    #expect(logged.count >= snapshot.count)
    for (first, second) in zip(snapshot, logged) { #expect(first == second) }
  }

  @Test(arguments: RecordedTable.all.filter { $0.name == "integers" })
  func updatesAndDeletes(_ table: RecordedTable) throws {
    let rows = try table.loggedRows(try table.schema())
    #expect(
      rows.map(\.operation) == [
        .insert, .insert, .insert, .insert, .updateBefore, .updateAfter, .delete, .delete, .delete, .delete,
      ])
    #expect(rows[4].values == rows[2].values)
    #expect(rows[4].values[6] == .integer(-1))
    #expect(rows[5].values[6] == .integer(0))
    #expect(rows[6].values == rows[0].values)
    #expect(rows[8].values == rows[5].values)
  }
}
