import TestKit
import Testing
import Wire

/// Tables that begin to match while the pipeline runs: `scan.newly-added-table.enabled`,
/// `scan.binlog.newly-added-table.enabled`, neither; tables that go and come again.
@Suite("New tables", .serialized)
struct NewTableTests {
  private func started(_ kind: ServerKind, _ options: [String: String]) throws -> ClusterFixture {
    try started(SourceServer.shared(kind), options)
  }

  private func started(_ server: SourceServer, _ options: [String: String]) throws -> ClusterFixture {
    let cluster = try ClusterFixture("new_tables", server: server)
    let database = cluster.database
    try server.execute("CREATE DATABASE `\(database)`; CREATE DATABASE `\(database)_off`")
    try server.execute(
      "CREATE TABLE old (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO old VALUES (1, 'a'), (2, 'b')",
      database: database)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 3)
    try cluster.submit(cluster.pipelineText(source: options))
    try cluster.awaitState("tail")
    return cluster
  }

  private func run(_ cluster: ClusterFixture, _ statements: String...) throws {
    let session = try SourceConnection(cluster.server, database: cluster.database)
    defer { session.close() }
    for statement in statements {
      try session.query(statement.replacing("$O", with: "`\(cluster.database)_off`"))
    }
  }

  private func captured(_ cluster: ClusterFixture) throws -> [String] {
    (try cluster.status()?.tables ?? []).filter { $0.state != "dropped" }
      .map { String($0.table.split(separator: ".").last ?? "") }.sorted()
  }

  @Test("with their rows", .timeLimit(.minutes(3)), arguments: SourceServer.available)
  func snapshotted(on kind: ServerKind) throws {
    let cluster = try started(kind, ["scan.newly-added-table.enabled": "true"])
    try run(
      cluster, "CREATE TABLE $O.moved (id INT PRIMARY KEY, v INT)", "INSERT INTO $O.moved VALUES (1, 1), (2, 2)",
      "CREATE TABLE fresh (id INT PRIMARY KEY, v INT)", "INSERT INTO fresh VALUES (1, 10)",
      "CREATE TABLE copied AS SELECT * FROM old", "CREATE TABLE alike LIKE old", "INSERT INTO alike SELECT * FROM old",
      "RENAME TABLE $O.moved TO moved", "UPDATE moved SET v = v + 1", "UPDATE fresh SET v = 11")
    try cluster.awaitEqual()
    #expect(try captured(cluster) == ["alike", "copied", "fresh", "moved", "old"])
    try run(cluster, "DELETE FROM moved WHERE id = 1", "INSERT INTO copied VALUES (9, 'late')", "DROP TABLE fresh")
    try cluster.awaitEqual()
  }

  @Test("from the log alone", .timeLimit(.minutes(3)), arguments: SourceServer.available)
  func streamed(on kind: ServerKind) throws {
    let cluster = try started(kind, ["scan.binlog.newly-added-table.enabled": "true"])
    try run(
      cluster, "CREATE TABLE fresh (id INT PRIMARY KEY, v INT)", "INSERT INTO fresh VALUES (1, 10), (2, 20)",
      "CREATE TABLE copied AS SELECT * FROM old", "CREATE TABLE alike LIKE old", "INSERT INTO alike SELECT * FROM old",
      "ALTER TABLE fresh ADD COLUMN w INT DEFAULT 5", "UPDATE fresh SET v = 11 WHERE id = 1")
    try cluster.awaitEqual()
    #expect(try captured(cluster) == ["alike", "copied", "fresh", "old"])
    try run(cluster, "DROP TABLE copied", "CREATE TABLE copied (k BIGINT PRIMARY KEY)", "INSERT INTO copied VALUES (5)")
    try cluster.awaitEqual()
  }

  @Test("not at all", .timeLimit(.minutes(3)), arguments: SourceServer.available)
  func ignored(on kind: ServerKind) throws {
    let cluster = try started(kind, [:])
    try run(
      cluster, "CREATE TABLE fresh (id INT PRIMARY KEY, v INT)", "INSERT INTO fresh VALUES (1, 10)",
      "INSERT INTO old VALUES (3, 'c')")
    cluster.comparedTables = ["old"]
    try cluster.awaitEqual()
    #expect(try captured(cluster) == ["old"])
    cluster.comparedTables = nil
    #expect(cluster.differences().contains("fresh"))
  }

  /// A table that was captured, was dropped, and is made again, whatever happens to the tail in between.
  @Test("that were there before", .timeLimit(.minutes(3)), arguments: SourceServer.available, [false, true])
  func madeAgain(on kind: ServerKind, killed: Bool) throws {
    let cluster = try started(kind, [:])
    let first = try #require(cluster.workers.first)
    try run(cluster, "CREATE TABLE $O.kept LIKE old", "INSERT INTO $O.kept VALUES (7, 'kept')", "DROP TABLE old")
    try cluster.awaitState("tail")
    let dropped = try eventually(within: ClusterFixture.patience) { try captured(cluster).isEmpty }
    #expect(dropped)
    if killed {
      first.kill()
      try cluster.startWorker(slots: 3)
    }
    try run(
      cluster, "CREATE TABLE old (id INT PRIMARY KEY, w BIGINT, v VARCHAR(9))",
      "INSERT INTO old VALUES (1, 5000000000, 'x'), (2, NULL, 'y')")
    try cluster.awaitEqual()
    // Another table takes the name, with rows that the log does not tell.
    try run(cluster, "DROP TABLE old", "RENAME TABLE $O.kept TO old", "INSERT INTO old VALUES (8, 'more')")
    try cluster.awaitEqual()
  }

  /// The catalog does not show yet what the log tells already.
  @Test(
    "that the server shows late", .timeLimit(.minutes(3)), .enabled(if: ServerKind.mySQL.isAvailable),
    arguments: [[ServerSetting.lateCommits(milliseconds: 200)], [.lateCommits(milliseconds: 200), .withoutGTIDs]])
  func shownLate(settings: [ServerSetting]) throws {
    let server = try SourceServer(.mySQL, settings: settings)
    defer { server.stop() }
    let cluster = try started(server, [:])
    for round in 0..<3 {
      try run(
        cluster, "CREATE TABLE $O.kept LIKE old", "INSERT INTO $O.kept VALUES (\(round), 'kept')", "DROP TABLE old",
        "RENAME TABLE $O.kept TO old", "INSERT INTO old VALUES (8, 'more')")
      try cluster.awaitEqual()
      try run(
        cluster, "DROP TABLE old", "CREATE TABLE old (PRIMARY KEY (id)) AS SELECT 5 AS id, 'five' AS v",
        "INSERT INTO old VALUES (6, 'six')")
      try cluster.awaitEqual()
    }
  }
}
