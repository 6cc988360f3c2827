import TestKit
import Testing

/// Which servers this run's tests have had: a server that is not there shows as a skipped test, with the reason.
@Suite("Servers") struct ServerLaneTests {
  @Test("MySQL lane", .enabled(if: ServerKind.mySQL.isAvailable, .init(rawValue: ServerKind.mySQL.unavailable ?? "")))
  func mySQL() throws {
    let server = try SourceServer.shared(.mySQL)
    #expect(SourceServer.available.contains(.mySQL))
    #expect(try server.variable("version").hasPrefix("9."))
    #expect(try server.variable("gtid_mode") == "ON")
    // The account's plugin is the server's default, which needs TLS or the server's key.
    #expect(try server.query("SELECT plugin FROM mysql.user WHERE user = 'tidegate'") == [["caching_sha2_password"]])
  }

  @Test("MariaDB lane") func mariaDB() throws {
    let server = try SourceServer.shared(.mariaDB)
    #expect(try server.variable("version").contains("MariaDB"))
  }

  @Test("sequences are written out for servers without them", arguments: SourceServer.available)
  func sequences(on kind: ServerKind) throws {
    let server = try SourceFixture("sequences", on: kind)
    #expect(try server.query("SELECT COUNT(*), MIN(seq), MAX(seq) FROM seq_3_to_2000") == [["1998", "3", "2000"]])
    #expect(try server.query("SELECT 'seq_x', seq FROM seq_1_to_2 WHERE seq = 2") == [["seq_x", "2"]])
  }

  @Test("servers with other settings", arguments: SourceServer.available)
  func settings(on kind: ServerKind) throws {
    let server = try SourceServer(kind, .withoutGTIDs, .fullMetadata, .compressedLog)
    defer { server.stop() }
    #expect(try server.variable("binlog_row_metadata") == "FULL")
    switch kind {
    case .mySQL:
      #expect(try server.variable("gtid_mode") == "OFF")
      #expect(try server.variable("binlog_transaction_compression") == "ON")
    case .mariaDB: #expect(try server.variable("log_bin_compress") == "ON")
    }
    try server.execute("CREATE DATABASE kept")
    try server.restart()
    #expect(try server.query("SHOW DATABASES LIKE 'kept'").count == 1)
  }
}
