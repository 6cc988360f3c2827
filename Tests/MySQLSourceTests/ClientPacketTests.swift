import Connector
import Model
import MySQLSource
import Platform
import TestKit
import Testing

/// Rows and events around and beyond the 16 MiB at which a packet goes on in another one, and streams of damaged bytes.
@Suite struct ClientPacketTests {
  /// The longest part of a packet, in bytes.
  private static let part = 0xff_ffff

  @Test(arguments: SourceServer.available, ["disabled", "required"])
  func largeRowsAndEvents(on kind: ServerKind, encryption: String) throws {
    // Debian's MariaDB has no certificate by default.
    if kind == .mariaDB, encryption == "required" { return }
    let server = try SourceServer(kind, .argument("--max-allowed-packet=300M"))
    defer { server.stop() }
    let fixture = try SourceFixture(
      "packets", on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    // What stands around the value: in a row of the snapshot its length (4 bytes) and the id (2), in an event what the
    // log says of the first one, behind the packet's status byte.
    let (row, event) = (6, try overhead(fixture) + 1)
    var lengths = [
      1: Self.part - row - 1, 2: Self.part - row, 3: Self.part - row + 1, 4: 2 * Self.part - 11, 5: 50_000_000,
    ]
    for (index, length) in (-1...1).enumerated() { lengths[6 + index] = Self.part - event + length }
    let connector = try fixture.connector(["ssl.mode": encryption])
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    for (id, length) in lengths.sorted(by: { $0.key < $1.key }) {
      try fixture.execute("INSERT INTO t VALUES (\(id), REPEAT('\(id)', \(length)))")
    }
    let (_, rows) = try connector.read(.everything, of: schema)
    #expect(measure(rows) == lengths)
    let tail = try connector.tail(
      TailRequest(start: start, tables: [TailTable(schema: schema, ignoredThrough: nil, chunks: [])]))
    defer { tail.close() }
    #expect(measure(try tail.rows(through: try connector.endOffset(), connector: connector)) == lengths)
  }

  /// Bytes of an event with one row around a long value.
  private func overhead(_ fixture: SourceFixture) throws -> Int {
    let length = 100_000
    let before = try #require(try fixture.query("SHOW BINARY LOGS").last)
    try fixture.execute("INSERT INTO t VALUES (1, REPEAT('x', \(length)))")
    try fixture.execute("DELETE FROM t")
    let events = try fixture.query("SHOW BINLOG EVENTS IN '\(before[0] ?? "")' FROM \(before[1] ?? "")")
    let sizes = events.filter { $0[2]?.hasPrefix("Write_rows") ?? false }.compactMap { row -> Int? in
      guard let from = row[1].flatMap({ Int($0) }), let to = row[4].flatMap({ Int($0) }) else { return nil }
      return to - from
    }
    return try #require(sizes.first) - length
  }

  /// Lengths by id, of rows whose value is what it should be; -1 for others.
  private func measure(_ rows: [TestRow]) -> [Int: Int] {
    var result: [Int: Int] = [:]
    for row in rows {
      guard let id = row.values[0], let number = Int(id), let text = row.values[1] else { continue }
      result[number] = text == String(repeating: id, count: text.utf8.count) ? text.utf8.count : -1
    }
    return result
  }

  /// Any bytes may come from a server, or from whoever is in between. Nothing but an error, or other values, may follow.
  @Test func damagedStreams() throws {
    let fixture = try SourceFixture("damage", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(300), d DATETIME(3))")
    let proxy = try ClientProxy(to: fixture.server.port)
    defer { proxy.close() }
    let connector = try fixture.connector([
      "port": "\(proxy.port)", "ssl.mode": "disabled", "connect.max-retries": "0", "connect.timeout": "5s",
      "jdbc.properties.socketTimeout": "1000",
    ])
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let rows = (0..<2000).map { "(\($0), REPEAT('v\($0)', \($0 % 60)), '2024-01-01 00:00:00.5')" }
    try fixture.execute("INSERT INTO t VALUES \(rows.joined(separator: ", "))")
    var failures = 0
    for seed in 0..<60 {
      proxy.damage(seed: UInt64(seed), behind: 3000 + seed * 400)
      do {
        _ = try connector.read(.everything, of: schema)
      } catch let error as ConnectorError {
        #expect(error.kind != .bug, "\(error)")
        failures += 1
      }
    }
    #expect(failures > 10)
    proxy.damage(seed: nil, behind: 0)
    #expect(try connector.read(.everything, of: schema).1.count == 2000)
  }
}
