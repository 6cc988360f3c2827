import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// The server's estimates may be of another time: they decide how a table is cut, and nothing else.
@Suite struct PlannerEstimateTests {
  /// Plans and reads a table whose number of rows is estimated so.
  private func read(
    _ fixture: SourceFixture, _ name: String, estimate: Int, size: Int
  ) throws -> SnapshotResult {
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "\(size)"])
    var table = try connector.discover(fixture.table(name))
    table.estimatedRows = estimate
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try connector.snapshot(table, schema)
    #expect(Set(result.allRows.map(\.key)).count == result.allRows.count)
    return result
  }

  @Test(arguments: SourceServer.available, [0, 2, 2000, 2_000_000]) func anyEstimateWillDo(
    on kind: ServerKind, estimate: Int
  ) throws {
    let fixture = try SourceFixture(
      "estimate", on: kind, "CREATE TABLE dense (id INT PRIMARY KEY)",
      "INSERT INTO dense SELECT seq FROM seq_1_to_2000", "CREATE TABLE sparse (id BIGINT PRIMARY KEY)",
      "INSERT INTO sparse SELECT seq * 1000 FROM seq_1_to_2000",
      // A heap of keys at the end of a wide range.
      "CREATE TABLE heap (id BIGINT PRIMARY KEY)",
      "INSERT INTO heap SELECT IF(seq = 1, 1, 1000000 + seq) FROM seq_1_to_2000")
    for name in ["dense", "sparse", "heap"] {
      let result = try read(fixture, name, estimate: estimate, size: 100)
      #expect(result.allRows.count == 2000)
      #expect(result.rows.allSatisfy { $0.count < 600 }, "\(name)")
      #expect(result.chunks.count < 200, "\(name): \(result.chunks.count) chunks")
    }
  }

  @Test(arguments: SourceServer.available) func aChunkCostsOneQuestionAtMost(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "questions", on: kind, "CREATE TABLE t (a INT, b VARCHAR(20), PRIMARY KEY (a, b))",
      "INSERT INTO t SELECT seq DIV 50, CONCAT('k', seq) FROM seq_1_to_2000",
      "CREATE TABLE n (id INT PRIMARY KEY)", "INSERT INTO n SELECT seq FROM seq_1_to_2000", "ANALYZE TABLE t, n")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "50"])
    let planner = try #require(try connector.openPlanner() as? MySQLPlanner)
    defer { planner.close() }
    for (table, allowed) in zip(try planner.discoverTables(), [2, 41]) {
      let before = try questions(planner.client)
      var cursor: String?
      var chunks = 0
      repeat {
        let plan = try planner.planChunks(table, cursor: cursor, limit: 8)
        chunks += plan.chunks.count
        cursor = plan.cursor
      } while cursor != nil
      #expect(chunks >= 39)
      #expect(try questions(planner.client) - before <= allowed, "\(table.id)")
    }
  }

  private func questions(_ client: MySQLClient) throws -> Int {
    try client.query("SHOW SESSION STATUS LIKE 'Com_select'").first?.last.flatMap { $0 }.flatMap { Int($0) } ?? 0
  }

  @Test(arguments: SourceServer.available) func smallTablesArePlannedTogether(on kind: ServerKind) throws {
    let fixture = try SourceFixture("many", on: kind)
    let connection = try fixture.connection()
    for number in 0..<150 {
      try connection.query("CREATE TABLE s\(number) (id INT PRIMARY KEY)")
      try connection.query("INSERT INTO s\(number) VALUES (1), (2)")
    }
    try connection.query("CREATE TABLE loose (id INT)")
    try connection.query("CREATE TABLE big (id INT PRIMARY KEY)")
    try connection.query("INSERT INTO big SELECT seq FROM seq_1_to_500")
    try connection.query(
      "CREATE TABLE `a``; DROP TABLE s1; --` (`select` INT, `b``c` INT, PRIMARY KEY (`select`, `b``c`))")
    let connector = try fixture.connector(["scan.incremental.snapshot.chunk.size": "100"])
    let planner = try #require(try connector.openPlanner() as? MySQLPlanner)
    defer { planner.close() }
    var tables = try planner.discoverTables()
    #expect(tables.count == 153)
    for index in tables.indices { tables[index].estimatedRows = 0 }
    let before = try questions(planner.client)
    let plans = try planner.planWholeTables(tables)
    #expect(try questions(planner.client) - before == 2)
    #expect(plans.count == 152 && plans[fixture.table("big")] == nil)
    for table in tables {
      guard let plan = plans[table.id] else { continue }
      #expect(plan == ChunkPlan(chunks: [ChunkRange(columns: table.chunkKey, lower: nil, upper: nil)], cursor: nil))
    }
    // One that was dropped meanwhile spoils the others' question, not their plans.
    try connection.query("DROP TABLE s77")
    #expect(try planner.planWholeTables(tables).count >= 1)
    let rest = tables.filter { $0.id != fixture.table("s77") }
    #expect(try planner.planWholeTables(rest).count == 151)
  }

  @Test(arguments: SourceServer.available) func wideRowsMakeChunksOfFewerRows(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "wide", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, body LONGTEXT)",
      "INSERT INTO t SELECT seq, REPEAT('x', 20000) FROM seq_1_to_1500")
    let connector = try fixture.connector()
    var table = try connector.discover(fixture.table("t"))
    let planner = try #require(try connector.openPlanner() as? MySQLPlanner)
    defer { planner.close() }
    // Nothing is known of the rows but that there are many.
    table.estimatedRows = 1_000_000
    let columns = try MySQLPlanner.keyColumns(table.chunkKey, of: table.schema, table: table.id)
    let index = TableIndex(name: "PRIMARY", isUnique: true, isUsable: true)
    let description = TableDescription(
      id: table.id, engine: "InnoDB", collation: "", estimatedRows: 0, averageRowLength: 0, schema: table.schema,
      indexes: [index])
    let chunks = ChunkPlanner(
      client: planner.client, table: table, columns: columns, storage: TableStorage(description, key: []),
      settings: planner.settings)
    guard case .keyset(_, let rows) = try chunks.start() else {
      Issue.record("1500 keys are not a million")
      return
    }
    #expect((1500...1800).contains(rows))
  }

  /// Bytes end a chunk whose rows are wider than was known.
  @Test(arguments: SourceServer.available) func bytesEndAChunk(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "bytes", on: kind, "CREATE TABLE t (id INT PRIMARY KEY, body LONGTEXT)",
      "INSERT INTO t SELECT seq, REPEAT('x', 10000) FROM seq_1_to_300")
    var connector = try #require(try fixture.connector() as? MySQLSourceConnector)
    connector.settings.largestChunkBytes = 500_000
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let result = try connector.snapshot(table, schema)
    #expect(result.allRows.count == 300)
    #expect((5...7).contains(result.chunks.count))
  }
}
