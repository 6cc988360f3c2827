import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// A table's rows as the snapshot and as the log gives them.
struct BothPaths {
  let fixture: SourceFixture
  let connector: any SourceConnector
  let start: Offset
  let connection: SourceConnection
  let table: TableID

  /// Makes the table `t` on a server. The connection has no `sql_mode`, so that zero dates and refused members are taken.
  init(_ name: String, on kind: ServerKind, options: [String: String] = [:], create: String) throws {
    fixture = try SourceFixture(name, on: kind)
    connection = try fixture.connection()
    _ = try connection.query("SET sql_mode = '', time_zone = '+00:00'")
    _ = try connection.query("CREATE TABLE t (\(create))")
    connector = try fixture.connector(options)
    start = try connector.endOffset()
    table = fixture.table("t")
  }

  func execute(_ sql: String) throws { _ = try connection.query(sql) }

  func schema() throws -> RowSchema {
    RowSchema(table: table, version: 1, schema: try connector.discover(table).schema)
  }

  /// The rows of the snapshot, by key.
  func snapshot() throws -> [TestRow] {
    let found = try connector.discover(table)
    let rows = try connector.snapshot(found, RowSchema(table: table, version: 1, schema: found.schema)).allRows
    return rows.sorted { Int($0.key[0] ?? "") ?? 0 < Int($1.key[0] ?? "") ?? 0 }
  }

  /// The rows of the log, in order.
  func logged() throws -> [TestRow] {
    let tail = try connector.tail(try schema(), from: start)
    defer { tail.close() }
    return try tail.rows(through: try connector.endOffset(), connector: connector)
  }

  /// The rows of both, which must be inserts and the same, value by value; the key must rise.
  func rows() throws -> [TestRow] {
    let (read, logged) = (try snapshot(), try logged())
    let names = try schema().columns.map(\.name)
    try #require(read.count == logged.count)
    for (left, right) in zip(read, logged) {
      for (index, name) in names.enumerated() where left.values[index] != right.values[index] {
        Issue.record(
          "\(fixture.server.kind) row \(left.key) column \(name): snapshot \(left.values[index] ?? "NULL"), log \(right.values[index] ?? "NULL")"
        )
      }
    }
    return read
  }

  /// The values of one column.
  func values(_ column: String) throws -> [String?] {
    let index = try #require(try schema().columns.firstIndex { $0.name == column })
    return try rows().map { $0.values[index] }
  }

  /// What reading the snapshot, and reading the log, complain of.
  func errors() throws -> [ConnectorError] {
    let first = #expect(throws: ConnectorError.self) { try snapshot() }
    let second = #expect(throws: ConnectorError.self) { try logged() }
    return [first, second].compactMap { $0 }
  }
}
