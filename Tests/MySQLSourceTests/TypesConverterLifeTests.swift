import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

@Suite struct TypesConverterLifeTests {
  /// Decoders hold a converter without counting references, so one that has been handed out must never be replaced.
  @Test(arguments: SourceServer.available) func theFirstConverterStays(on kind: ServerKind) throws {
    let server = try SourceServer.shared(kind)
    let settings = ConnectionSettings(
      host: "127.0.0.1", port: UInt32(server.port), user: SourceServer.account, password: SourceServer.account)
    let column = Column(
      name: "x", type: DataType(.string), nativeType: "varchar(5)", nativeCollation: "gbk_chinese_ci")
    let schema = TableSchema(columns: [column], primaryKey: [])
    let version = "race \(UInt64.random(in: 0...UInt64.max))"
    var second: TextConverter?
    // Another thread asks, and is answered, while the first one still asks.
    let first = try CharsetLoader.converters(for: schema, serverVersion: version) { () throws(ConnectorError) in
      let client = try MySQLClient.connect(settings, interrupter: Interrupter())
      second = try CharsetLoader.converters(for: schema, serverVersion: version) { () throws(ConnectorError) in client
      }[
        "gbk"]
      return client
    }
    #expect(second != nil && first["gbk"] === second)
  }
}
