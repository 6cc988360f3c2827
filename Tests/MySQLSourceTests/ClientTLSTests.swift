import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// TLS against a private server whose certificate names localhost, over statements and the log alike.
@Suite struct ClientTLSTests {
  /// Certificates as files: two authorities, a server's and a client's.
  private struct Certificates {
    let directory: String

    init() throws {
      directory = try TestFiles.makeDirectory("tls")
      for name in ["ca", "other"] {
        try openssl(
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-keyout", path("\(name)-key"), "-out",
          path(name), "-subj", "/CN=Test authority \(name)")
      }
      try TestFiles.write("\(directory)/names", "subjectAltName=DNS:localhost")
      for name in ["server", "client"] {
        try openssl(
          "req", "-newkey", "rsa:2048", "-nodes", "-keyout", path("\(name)-key"), "-out", path("\(name)-request"),
          "-subj", "/CN=\(name)")
        try openssl(
          "x509", "-req", "-in", path("\(name)-request"), "-CA", path("ca"), "-CAkey", path("ca-key"), "-set_serial",
          name == "server" ? "1" : "2", "-days", "30", "-out", path(name), "-extfile", "\(directory)/names")
      }
    }

    func path(_ name: String) -> String { "\(directory)/\(name).pem" }

    private func openssl(_ arguments: String...) throws {
      let child = try ChildProcess("/usr/bin/openssl", arguments, directory: directory, name: "openssl")
      guard child.wait(milliseconds: 30_000) == 0 else {
        throw SourceServerError("openssl \(arguments): \(TestFiles.read(child.errorPath))")
      }
    }
  }

  /// Rows through chunk and log, and the cipher that a session of the connector has.
  private static func read(_ fixture: SourceFixture, _ options: [String: String]) throws -> Int {
    let connector = try fixture.connector(options.merging(["connect.max-retries": "0"]) { given, _ in given })
    _ = try connector.validate()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    let chunk = try connector.read(try connector.plan(table)[0], of: schema)
    try fixture.execute("INSERT INTO t SELECT MAX(id) + 1, REPEAT('x', 100000) FROM t")
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    return chunk.1.count + (try tail.rows(through: try connector.endOffset(), connector: connector).count)
  }

  private static func failure(_ fixture: SourceFixture, _ options: [String: String]) -> ConnectorError? {
    #expect(throws: ConnectorError.self) { _ = try read(fixture, options) }
  }

  @Test func everyModeDoesWhatItSays() throws {
    let files = try Certificates()
    let server = try MariaDBServer(
      .mariaDB, .argument("--ssl-ca=\(files.path("ca"))"), .argument("--ssl-cert=\(files.path("server"))"),
      .argument("--ssl-key=\(files.path("server-key"))"))
    defer { server.stop() }
    let fixture = try SourceFixture("tls", server: server, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    try fixture.execute("INSERT INTO t VALUES (1, 'a')")
    try server.execute("CREATE USER guarded@'%' IDENTIFIED BY 'pw' REQUIRE X509; GRANT ALL ON *.* TO guarded@'%'")
    try server.execute("CREATE USER encrypted@'%' IDENTIFIED BY 'pw' REQUIRE SSL; GRANT ALL ON *.* TO encrypted@'%'")
    let ssl = ["username": "encrypted", "password": "pw"]
    let ca = ["ssl.ca": files.path("ca")]
    func with(_ options: [String: String]...) -> [String: String] { options.reduce(into: [:]) { $0.merge($1) { $1 } } }

    #expect(try Self.read(fixture, ssl) == 2)
    #expect(try Self.read(fixture, with(ssl, ["ssl.mode": "required"])) == 3)
    #expect(Self.failure(fixture, with(ssl, ["ssl.mode": "disabled"]))?.kind == .permission)
    #expect(Self.failure(fixture, with(ssl, ["jdbc.properties.useSSL": "false"]))?.kind == .permission)
    // The certificate names localhost; the test connects to 127.0.0.1.
    #expect(try Self.read(fixture, with(ssl, ca, ["ssl.mode": "verify-ca"])) == 4)
    #expect(try Self.read(fixture, with(ssl, ca, ["ssl.mode": "verify-identity", "hostname": "localhost"])) == 5)
    let name = Self.failure(fixture, with(ssl, ca, ["ssl.mode": "verify-identity"]))
    #expect(name?.kind == .configuration && name?.remedy?.contains("hostname") == true)
    let stranger = Self.failure(fixture, with(ssl, ["ssl.mode": "verify-ca", "ssl.ca": files.path("other")]))
    #expect(stranger?.kind == .configuration && stranger?.remedy?.contains("ssl.ca") == true)
    let unsigned = Self.failure(fixture, with(ssl, ["ssl.mode": "verify-ca"]))
    #expect(unsigned?.kind == .configuration)
    let missing = Self.failure(fixture, with(ssl, ["ssl.mode": "verify-ca", "ssl.ca": "/nowhere/ca.pem"]))
    #expect(missing?.kind == .configuration && missing?.message.contains("/nowhere/ca.pem") == true)

    let guarded = ["username": "guarded", "password": "pw"]
    #expect(Self.failure(fixture, guarded)?.kind == .permission)
    let client = ["ssl.cert": files.path("client"), "ssl.key": files.path("client-key")]
    #expect(try Self.read(fixture, with(guarded, client)) == 6)
    #expect(try Self.read(fixture, with(guarded, client, ca, ["ssl.mode": "verify-ca"])) == 7)
  }

  @Test func aServerWithoutTLSIsRefusedWhereItIsDemanded() throws {
    let fixture = try SourceFixture("plain", "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    try fixture.execute("INSERT INTO t VALUES (1, 'a')")
    for mode in ["required", "verify-ca", "verify-identity"] {
      let error = Self.failure(fixture, ["ssl.mode": mode])
      #expect(error?.kind == .configuration && error?.remedy != nil, "\(mode)")
    }
    #expect(try Self.read(fixture, ["ssl.mode": "preferred"]) == 2)
    #expect(try Self.read(fixture, ["ssl.mode": "disabled"]) == 3)
  }

  @Test(
    "an account with caching_sha2_password",
    .enabled(if: ServerKind.mySQL.isAvailable, .init(rawValue: ServerKind.mySQL.unavailable ?? "")))
  func cachingSHA2() throws {
    let fixture = try SourceFixture("sha2", on: .mySQL, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)")
    try fixture.execute("INSERT INTO t VALUES (1, 'a')")
    let user = "u\(UInt32.random(in: 0...UInt32.max))"
    try fixture.execute("CREATE USER \(user)@'%' IDENTIFIED WITH caching_sha2_password BY 'pw'")
    try fixture.execute("GRANT ALL ON *.* TO \(user)@'%'")
    func options(_ extra: [String: String]) -> [String: String] {
      extra.merging(["username": user, "password": "pw"]) { $1 }
    }
    // A password that the server has not seen yet must come encrypted: by TLS, or with the server's key.
    let withoutKey = options(["ssl.mode": "disabled", "jdbc.properties.allowPublicKeyRetrieval": "false"])
    #expect(Self.failure(fixture, withoutKey) != nil)
    #expect(try Self.read(fixture, options([:])) == 2)
    try fixture.execute("FLUSH PRIVILEGES")
    #expect(try Self.read(fixture, options(["ssl.mode": "disabled"])) == 3)
  }
}
