import BlackholeSink
import CSQLite
import Connector
import Foundation
import Model
import SQLiteSink
import TestKit
import Testing
import ValuesSink

/// That `body` throws a `ConnectorError` of this kind.
func expectError(_ kind: ConnectorError.Kind, location: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
  do {
    try body()
    Issue.record("no error, expected \(kind)", sourceLocation: location)
  } catch {
    #expect((error as? ConnectorError)?.kind == kind, "\(error)", sourceLocation: location)
  }
}

/// A directory of one test, removed at its end.
final class TestDirectory: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "tidegate-sink-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }
}

/// Looks into a SQLite replica through a connection of its own.
struct SQLiteProbe: SinkProbe {
  let directory: TestDirectory
  var extra: [String: String] = [:]

  init(_ extra: [String: String] = [:]) throws {
    directory = try TestDirectory()
    self.extra = extra
  }

  var path: String { directory.file("replica.db") }
  var features: Set<SinkFeature> { [.readable, .keyless, .fencing, .recovery] }

  func makeSink() throws -> any SinkConnector { try makeSink([:]) }

  func makeFullSink() throws -> (any SinkConnector)? { try makeSink(["max.size": "200kb"]) }

  func makeSink(_ more: [String: String]) throws -> any SinkConnector {
    var values = extra.merging(more) { $1 }
    values["path"] = path
    values["busy.timeout"] = values["busy.timeout"] ?? "20s"
    return try SQLiteSinkFactory.make(
      Options(values, specs: SQLiteSinkFactory.options), context: ConnectorContext(pipeline: "conformance"))
  }

  func hasTable(_ table: TableID) throws -> Bool {
    try !Replica(path).rows("SELECT 1 FROM sqlite_schema WHERE name = '\(table)'").isEmpty
  }

  func rows(of table: TableID, schema: TableSchema) throws -> [[String?]] {
    let columns = schema.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return try Replica(path).rows("SELECT \(columns) FROM \"\(table)\"").map { row in
      try zip(row, schema.columns).map { try Self.text($0, $1.type) }
    }
  }

  /// Checks the storage class, too: a value must not have been turned into another on its way into the file.
  private static func text(_ cell: Replica.Cell, _ type: DataType) throws -> String? {
    switch (type.kind, cell) {
    case (_, .null): return nil
    case (.boolean, .integer(let value)): return value == 0 ? "false" : value == 1 ? "true" : "not boolean: \(value)"
    case (.tinyint, .integer(let value)), (.smallint, .integer(let value)), (.int, .integer(let value)),
      (.bigint, .integer(let value)):
      return "\(value)"
    case (.float, .real(let value)):
      try #require(Double(Float(value)) == value)
      return "\(Float(value))"
    case (.double, .real(let value)): return "\(value)"
    case (.binary, .blob(let bytes)), (.varbinary, .blob(let bytes)), (.bytes, .blob(let bytes)):
      return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    case (.decimal, .text(let text)), (.date, .text(let text)), (.time, .text(let text)),
      (.timestamp, .text(let text)), (.timestampLTZ, .text(let text)), (.char, .text(let text)),
      (.varchar, .text(let text)), (.string, .text(let text)):
      return text
    default: return "\(type) stored as \(cell)"
    }
  }
}

/// A connection of an outsider, straight through the C interface.
final class Replica {
  enum Cell: Equatable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
  }

  struct Failure: Error { let text: String }

  private var handle: OpaquePointer?

  init(_ path: String, create: Bool = false) throws {
    let flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0)
    guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else {
      throw Failure(text: "cannot open \(path)")
    }
  }

  deinit { sqlite3_close_v2(handle) }

  func run(_ sql: String) throws {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else {
      throw Failure(text: String(cString: sqlite3_errmsg(handle)))
    }
  }

  func rows(_ sql: String) throws -> [[Cell]] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK else {
      throw Failure(text: String(cString: sqlite3_errmsg(handle)))
    }
    defer { sqlite3_finalize(statement) }
    var rows: [[Cell]] = []
    while sqlite3_step(statement) == SQLITE_ROW {
      rows.append((0..<sqlite3_column_count(statement)).map { Self.cell(statement, $0) })
    }
    return rows
  }

  private static func cell(_ statement: OpaquePointer?, _ column: Int32) -> Cell {
    let type = sqlite3_column_type(statement, column)
    switch type {
    case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
    case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
    case SQLITE_TEXT, SQLITE_BLOB:
      let start = sqlite3_column_blob(statement, column)
      let count = Int(sqlite3_column_bytes(statement, column))
      let bytes = [UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
      return type == SQLITE_BLOB ? .blob(bytes) : .text(String(decoding: bytes, as: UTF8.self))
    default: return .null
    }
  }
}

struct ValuesProbe: SinkProbe {
  var features: Set<SinkFeature> { [] }
  func makeSink() throws -> any SinkConnector { ValuesSink(output: { _ in true }) }
  func makeFullSink() throws -> (any SinkConnector)? { nil }
  func hasTable(_ table: TableID) throws -> Bool { false }
  func rows(of table: TableID, schema: TableSchema) throws -> [[String?]] { [] }
}

struct BlackholeProbe: SinkProbe {
  var features: Set<SinkFeature> { [] }
  func makeSink() throws -> any SinkConnector { BlackholeSink() }
  func makeFullSink() throws -> (any SinkConnector)? { nil }
  func hasTable(_ table: TableID) throws -> Bool { false }
  func rows(of table: TableID, schema: TableSchema) throws -> [[String?]] { [] }
}

@Suite("Sink conformance") struct SinkConformanceTests {
  @Test("sqlite", arguments: SinkConformance.checks)
  func sqlite(_ check: SinkCheck) throws { try check.run(on: SQLiteProbe()) }

  @Test("sqlite, strict tables without rowid", arguments: SinkConformance.checks)
  func sqliteStrict(_ check: SinkCheck) throws {
    try check.run(on: SQLiteProbe(["table.create.strict": "true", "table.create.without-rowid": "true"]))
  }

  @Test("values", arguments: SinkConformance.checks)
  func values(_ check: SinkCheck) throws { try check.run(on: ValuesProbe()) }

  @Test("blackhole", arguments: SinkConformance.checks)
  func blackhole(_ check: SinkCheck) throws { try check.run(on: BlackholeProbe()) }

  @Test("every check applies to sqlite") func everyCheckApplies() throws {
    let probe = try SQLiteProbe()
    for check in SinkConformance.checks { #expect(try check.applies(to: probe), "\(check)") }
  }
}
