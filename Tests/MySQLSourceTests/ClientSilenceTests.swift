import Connector
import Model
import Platform
import TestKit
import Testing

@testable import MySQLSource

/// Servers that send nothing: those that are busy are waited for, those that are gone are not.
@Suite struct ClientSilenceTests {
  @Test(arguments: SourceServer.available) func aFrozenServerIsNoticedWhileAChunkIsRead(on kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    let fixture = try SourceFixture(
      "frozen", on: kind, server: server, "CREATE TABLE t (id INT PRIMARY KEY, v LONGTEXT)",
      // More than the kernel holds on the way.
      "INSERT INTO t SELECT seq, REPEAT('v', 20000) FROM seq_1_to_2000")
    var connector = try #require(try fixture.connector(["connect.timeout": "500ms"]) as? MySQLSourceConnector)
    connector.settings.connection.silence = 200
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let reader = try connector.makeSnapshotReader(SnapshotRequest(schema: schema, range: .everything))
    defer { reader.close() }
    _ = try reader.open()
    var batch = RowBatch()
    batch.reset(schema: schema)
    #expect(try reader.read(into: &batch, byteLimit: 4096))
    server.freeze()
    defer { server.thaw() }
    let start = Clock.monotonicMilliseconds()
    let error = #expect(throws: ConnectorError.self) {
      var more = true
      while more {
        batch.reset(schema: schema)
        more = try reader.read(into: &batch, byteLimit: 1 << 20)
      }
    }
    #expect(error?.kind == .connection)
    #expect(error?.message.contains("does not answer a new connection") == true, "\(error?.message ?? "")")
    // By far less than the read timeout, an hour.
    #expect(Clock.monotonicMilliseconds() - start < 60_000)
  }

  @Test(arguments: SourceServer.available) func aFrozenServerIsNoticedBeforeItsFirstByte(on kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    let fixture = try SourceFixture("frozen", on: kind, server: server)
    let client = try client(fixture, silence: 200)
    defer { client.close() }
    server.freeze()
    defer { server.thaw() }
    // A stopped process has threads that stop a moment later.
    let error = #expect(throws: ConnectorError.self) { while true { _ = try client.query("SELECT 1") } }
    #expect(error?.kind == .connection)
    #expect(error?.message.contains("does not answer a new connection") == true, "\(error?.message ?? "")")
  }

  @Test(arguments: SourceServer.available) func aSlowStatementIsWaitedFor(on kind: ServerKind) throws {
    let server = try SourceServer(kind)
    defer { server.stop() }
    let fixture = try SourceFixture("slow", on: kind, server: server)
    let observer = try fixture.connection()
    func connections() throws -> Int {
      Int(try observer.query("SHOW GLOBAL STATUS LIKE 'Connections'")[0][1] ?? "") ?? 0
    }
    #expect(try observer.query("SELECT GET_LOCK('slow', 0)") == [["1"]])
    let settings = try settings(fixture, silence: 50)
    let answer = Monitor<Result<String?, any Error>?>(nil)
    let thread = DedicatedThread(name: "slow") {
      let result = Result {
        let client = try MySQLClient.connect(settings, interrupter: Interrupter())
        defer { client.close() }
        return try client.scalar("SELECT GET_LOCK('slow', 600)")
      }
      answer.update { $0 = result }
    }
    // The server is asked again and again, and the statement is let go on.
    let before = try connections()
    while try connections() < before + 4 {
      if let early = answer.withLock({ $0 }) {
        Issue.record("it did not wait: \(early)")
        break
      }
    }
    try observer.query("DO RELEASE_LOCK('slow')")
    thread.join()
    #expect(try answer.withLock { $0 }?.get() == "1")
  }

  private func settings(_ fixture: SourceFixture, silence: Int64) throws -> ConnectionSettings {
    let connector = try #require(try fixture.connector(["connect.timeout": "500ms"]) as? MySQLSourceConnector)
    var settings = connector.settings.connection
    settings.silence = silence
    return settings
  }

  private func client(_ fixture: SourceFixture, silence: Int64) throws -> MySQLClient {
    try MySQLClient.connect(try settings(fixture, silence: silence), interrupter: Interrupter())
  }
}
