import Connector
import Model
import TestKit
import Testing

/// MariaDB lets a spatial column hold no shape at all.
@Suite struct TypesEmptyShapeTests {
  @Test func anEmptyShapeIsRefusedWithItsRow() throws {
    let fixture = try SourceFixture("shape", "CREATE TABLE t (id INT PRIMARY KEY, p POINT NOT NULL)")
    let connector = try fixture.connector()
    let table = try connector.discover(fixture.table("t"))
    let schema = RowSchema(table: table.id, version: 1, schema: table.schema)
    let start = try connector.endOffset()
    try fixture.execute("INSERT IGNORE INTO t (id) VALUES (77)")
    let tail = try connector.tail(schema, from: start)
    defer { tail.close() }
    let errors = [
      #expect(throws: ConnectorError.self) { _ = try connector.read(.everything, of: schema) },
      #expect(throws: ConnectorError.self) { _ = try tail.rows(through: connector.endOffset(), connector: connector) },
    ]
    for error in errors {
      #expect(error?.kind == .unsupported)
      let text = error.map { "\($0)" } ?? ""
      #expect(text.contains("column p") && text.contains("77") && text.contains("no shape"), "\(text)")
    }
  }
}
