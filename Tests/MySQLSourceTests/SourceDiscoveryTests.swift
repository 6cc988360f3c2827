import Connector
import Model
import MySQLSource
import TestKit
import Testing

@Suite struct SourceDiscoveryTests {
  @Test(arguments: SourceServer.available) func findsBaseTablesWithColumnsAndKeys(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "discovery", on: kind,
      """
      CREATE TABLE b (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(20) NOT NULL DEFAULT 'it''s' COMMENT 'who',
        price DECIMAL(10,2), flag TINYINT(1), kind ENUM('x','y')) COMMENT 'things'
      """,
      "CREATE TABLE a (x INT, y INT NOT NULL, z INT NOT NULL, UNIQUE KEY nullable (x), UNIQUE KEY good (y, z))",
      "CREATE TABLE c (x INT)", "CREATE VIEW v AS SELECT * FROM c", "CREATE TABLE skipped (id INT PRIMARY KEY)")
    let connector = try fixture.connector([
      "tables.exclude": "\(fixture.database).skip\\.*", "include-comments.enabled": "true",
    ])
    let planner = try connector.openPlanner()
    defer { planner.close() }
    let tables = try planner.discoverTables()
    #expect(tables.map(\.id.table) == ["a", "b", "c"])
    #expect(tables.map(\.schema.primaryKey) == [["y", "z"], ["id"], []])
    #expect(tables.map(\.chunkKey) == [["y", "z"], ["id"], []])
    let schema = tables[1].schema
    #expect(schema.comment == "things")
    #expect(schema.columns[1].comment == "who")
    #expect(schema.columns[1].defaultValue == "it's")
    #expect(
      schema.columns.map(\.type.kind) == [
        .decimal(precision: 20, scale: 0), .varchar(length: 20), .decimal(precision: 10, scale: 2), .boolean, .string,
      ])
    #expect(schema.columns.map(\.type.isNullable) == [false, false, true, true, true])
    #expect(try planner.describe(fixture.table("nothing")) == nil)
  }

  @Test(arguments: SourceServer.available) func refusesWhatItCannotCarry(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "refused", on: kind, "CREATE TABLE lossy (id INT PRIMARY KEY, place ENUM('', 'point'))",
      "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM")
    func discover(_ table: String) throws {
      let options = ["tables": "\(fixture.database).\(table)", "types.lossless": "true"]
      let planner = try fixture.connector(options).openPlanner()
      defer { planner.close() }
      _ = try planner.discoverTables()
    }
    let lossy = #expect(throws: ConnectorError.self) { try discover("lossy") }
    #expect(lossy?.kind == .unsupported)
    #expect(lossy?.table == fixture.table("lossy"))
    #expect(lossy?.message.contains("place") == true && lossy?.message.contains("point") == true)
    let old = #expect(throws: ConnectorError.self) { try discover("old") }
    #expect(old?.kind == .unsupported && old?.message.contains("MyISAM") == true)
    let none = #expect(throws: ConnectorError.self) { try discover("nothing") }
    #expect(none?.kind == .configuration)
  }

  @Test(arguments: SourceServer.available) func findsThousandsOfTablesWithFewQueries(on kind: ServerKind) throws {
    let fixture = try SourceFixture("many", on: kind)
    let connection = try fixture.connection()
    for start in stride(from: 0, to: 1200, by: 100) {
      try connection.query(
        (start..<start + 100).map { "CREATE TABLE t\($0) (id INT PRIMARY KEY, v TEXT)" }.joined(separator: ";"))
    }
    let before = try connection.query("SHOW GLOBAL STATUS LIKE 'Com_select'")
    let planner = try fixture.connector().openPlanner()
    defer { planner.close() }
    let tables = try planner.discoverTables()
    #expect(tables.count == 1200)
    #expect(tables.map(\.id) == tables.map(\.id).sorted())
    #expect(tables.allSatisfy { $0.schema.columns.count == 2 && $0.chunkKey == ["id"] })
    #expect(!before.isEmpty)
    try fixture.execute("DROP DATABASE \(fixture.database)")
  }

  @Test func readsOptions() throws {
    let base = ["hostname": "h", "username": "u", "password": "p", "tables": "a.b"]
    func make(_ extra: [String: String]) throws -> any SourceConnector {
      let values = base.merging(extra) { $1 }
      return try MySQLSourceFactory.make(
        Options(values, specs: MySQLSourceFactory.options), context: ConnectorContext(pipeline: "p"))
    }
    #expect(try make([:]).startup == .initial)
    #expect(try make(["scan.startup.mode": "snapshot"]).startup == .snapshotOnly)
    #expect(try make(["scan.startup.mode": "latest-offset"]).startup == .latestOffset)
    let place = [
      "scan.startup.mode": "specific-offset", "scan.startup.specific-offset.file": "binlog.000003",
      "scan.startup.specific-offset.pos": "1234",
    ]
    #expect(try make(place).startup == .specificOffset(Offset("file=binlog.000003;pos=1234")))
    for wrong in [
      ["scan.startup.mode": "specific-offset"], ["scan.startup.mode": "timestamp"], ["server-id": "9-3"],
      ["server-id": "x"], ["connect.timeout": "100ms"], ["scan.incremental.snapshot.chunk.key-column": "nocolon"],
      ["chunk-key.even-distribution.factor.lower-bound": "-1"],
    ] {
      let error = #expect(throws: ConnectorError.self) { _ = try make(wrong) }
      #expect(error?.kind == .configuration, "\(wrong)")
    }
  }
}

@Suite struct SourcePreflightTests {
  @Test(arguments: SourceServer.available) func acceptsAProperServer(on kind: ServerKind) throws {
    let fixture = try SourceFixture(
      "preflight", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE TABLE loose (x INT)")
    let warnings = try fixture.connector(namesServerIDs: false).validate()
    #expect(warnings.contains { $0.contains("loose") })
    #expect(warnings.contains { $0.contains("server-id") })
    let quiet = try fixture.connector(["server-id": "5401-5408", "tables": "\(fixture.database).t"]).validate()
    #expect(quiet == [])
  }

  @Test(arguments: SourceServer.available) func refusesAServerWithoutBinlog(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .argument("--skip-log-bin"))
    defer { server.stop() }
    let fixture = try SourceFixture("nolog", on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    let connector = try fixture.connector()
    let error = #expect(throws: ConnectorError.self) { _ = try connector.validate() }
    #expect(error?.kind == .prerequisite)
    #expect(error?.message.contains("log_bin") == true && error?.remedy != nil)
  }

  @Test(arguments: SourceServer.available) func refusesStatementFormatAndPartialImages(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .argument("--binlog-format=MIXED"))
    defer { server.stop() }
    let fixture = try SourceFixture("format", on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY)")
    let connector = try fixture.connector()
    let format = #expect(throws: ConnectorError.self) { _ = try connector.validate() }
    #expect(format?.kind == .prerequisite && format?.message.contains("binlog_format") == true)
    try server.execute("SET GLOBAL binlog_format = 'ROW'; SET GLOBAL binlog_row_image = 'MINIMAL'")
    let image = #expect(throws: ConnectorError.self) { _ = try connector.validate() }
    #expect(image?.kind == .prerequisite && image?.message.contains("binlog_row_image") == true)
  }

  @Test(arguments: SourceServer.available) func namesMissingPrivileges(on kind: ServerKind) throws {
    let fixture = try SourceFixture("rights", on: kind, "CREATE TABLE t (id INT PRIMARY KEY)")
    let user = "u\(UInt32.random(in: 0...UInt32.max))"
    try fixture.execute("CREATE USER '\(user)'@'%' IDENTIFIED BY 'very-secret'")
    let connector = try fixture.connector(["username": user, "password": "very-secret"])
    func failure() throws -> ConnectorError? { #expect(throws: ConnectorError.self) { _ = try connector.validate() } }
    let monitor = kind == .mariaDB ? "BINLOG MONITOR" : "REPLICATION CLIENT"
    #expect(try failure()?.message.contains(monitor) == true)
    try fixture.execute("GRANT \(monitor) ON *.* TO '\(user)'@'%'")
    let slave = try failure()
    #expect(slave?.kind == .permission && slave?.message.contains("REPLICATION SLAVE") == true)
    try fixture.execute("GRANT REPLICATION SLAVE ON *.* TO '\(user)'@'%'")
    let select = try failure()
    #expect(select?.kind == .configuration && select?.remedy?.contains("SELECT") == true)
    try fixture.execute("GRANT SELECT ON \(fixture.database).* TO '\(user)'@'%'")
    #expect(try connector.validate() == [])
    let wrong = try fixture.connector(["username": user, "password": "not-the-password", "connect.max-retries": "0"])
    let login = #expect(throws: ConnectorError.self) { _ = try wrong.validate() }
    #expect(login?.kind == .permission)
    #expect(login?.description.contains("not-the-password") == false)
  }
}
