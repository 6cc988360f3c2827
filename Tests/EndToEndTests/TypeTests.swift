import TestKit
import Testing

/// Every type's extreme values through snapshot and tail into the replica, compared typed.
@Suite("Types", .serialized)
struct TypeTests {
  private static let names = ["keyed", "keyless"]

  private func change(_ cluster: ClusterFixture, _ statements: [String]) throws {
    let session = try SourceConnection(cluster.server, database: cluster.database)
    defer { session.close() }
    try session.query("SET SESSION time_zone = '+00:00', sql_mode = ''")
    for statement in statements { try session.query(statement) }
    try cluster.awaitEqual()
  }

  @Test("all types, extreme values", .timeLimit(.minutes(4)), arguments: SourceServer.available)
  func extremes(on kind: ServerKind) throws {
    let table = TypeTable(kind)
    let server = try SourceServer.shared(kind)
    let cluster = try ClusterFixture("types", server: server)
    try server.execute("CREATE DATABASE `\(cluster.database)` CHARACTER SET utf8mb4")
    let session = try SourceConnection(server, database: cluster.database)
    defer { session.close() }
    try session.query("SET SESSION time_zone = '+00:00', sql_mode = ''")
    let rows = 0..<table.rowCount
    for name in Self.names {
      try session.query(table.create(name, hasKey: name == "keyed"))
      for row in rows { try session.query(table.insert(name, id: row, row: row)) }
    }
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 2)
    try cluster.submit(cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "3"]))
    try cluster.awaitState("tail")
    try cluster.awaitEqual()
    try change(cluster, Self.names.flatMap { name in rows.map { table.insert(name, id: 100 + $0, row: $0) } })
    try change(cluster, Self.names.flatMap { name in rows.map { table.update(name, id: $0, row: $0 + 1) } })
    try change(cluster, Self.names.map { "UPDATE \($0) SET id = id + 1000 WHERE id % 3 = 0" })
    try change(cluster, Self.names.flatMap { name in rows.map { table.update(name, id: 100 + $0, row: $0 + 2) } })
    try change(cluster, Self.names.map { "DELETE FROM \($0) WHERE id % 4 < 2" })
    try change(cluster, Self.names.map { "DELETE FROM \($0)" })
  }
}
