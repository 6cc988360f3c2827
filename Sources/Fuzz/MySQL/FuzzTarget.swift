import Connector
import Model

@testable import MySQLSource

/// What is fuzzed: code that reads bytes which a server, or somebody in between, has sent. Anything but a result or a
/// typed error (a trap, a read outside the buffer, memory by an unchecked length) is found by libFuzzer; what must hold
/// beside is checked with preconditions.
enum FuzzTarget: String, CaseIterable {
  /// Events behind a byte that picks the server: parser, table maps, rows.
  case events
  /// A TRANSACTION_PAYLOAD's body, and the events in it.
  case payload
  /// The packed part of a MariaDB event.
  case inflate
  /// MySQL's binary JSON.
  case json
  /// GTID sets, GTID positions and XA identifiers, as text and as bytes.
  case names
  /// Statements that change tables.
  case statements

  /// The one that this process runs.
  ///
  /// `nonisolated(unsafe)`: written once, before libFuzzer starts, and read on libFuzzer's thread, which is the same.
  nonisolated(unsafe) static var current = FuzzTarget.events

  func run(_ input: UnsafeRawBufferPointer) {
    switch self {
    case .events: EventFuzzer.run(input)
    case .payload: EventFuzzer.runPayload(input)
    case .inflate: Self.inflate(input)
    case .json: Self.json(input)
    case .names: Self.names(input)
    case .statements: Self.statements(input)
    }
  }

  /// Whether the call ended without an error; errors are expected.
  @discardableResult
  static func succeeds(_ body: () throws -> Void) -> Bool { (try? body()) != nil }

  private static func inflate(_ input: UnsafeRawBufferPointer) {
    let inflater = EventInflater()
    succeeds {
      let front = UnsafeRawBufferPointer(rebasing: input.prefix(3))
      let result = try inflater.inflate(input, behind: front)
      precondition(result.count >= front.count && result.count <= EventInflater.largest + front.count)
    }
  }

  private static func json(_ input: UnsafeRawBufferPointer) {
    var text: [UInt8] = []
    succeeds { try JSONBinary.appendText(of: input, to: &text) }
    precondition(text.count <= 1 << 16 + input.count * 64)
  }

  private static func names(_ input: UnsafeRawBufferPointer) {
    let text = String(decoding: input, as: UTF8.self)
    if let set = try? GTIDSet(parsing: text) {
      precondition((try? GTIDSet(parsing: set.description)) == set)
      let encoded = set.encoded()
      precondition(encoded.withUnsafeBytes { try? GTIDSet(decoding: $0) } == set)
    }
    if let set = try? GTIDSet(decoding: input) { precondition((try? GTIDSet(parsing: set.description)) == set) }
    if let position = try? MariaDBGTIDPosition(parsing: text) {
      precondition((try? MariaDBGTIDPosition(parsing: position.description)) == position)
    }
    if let name = try? XAIdentifier(statement: text) {
      precondition((try? XAIdentifier(statement: "XA COMMIT \(name)")) == name)
    }
    if let name = try? XAIdentifier(input) {
      precondition((try? XAIdentifier(statement: "XA COMMIT \(name)")) == name)
    }
    succeeds { _ = try MySQLGTID(tagged: input) }
  }

  private static func statements(_ input: UnsafeRawBufferPointer) {
    _ = StatementKind(classifying: input)
    let sql = String(decoding: input, as: UTF8.self)
    for version in ["9.7.4", "5.7.44", "10.11.19-MariaDB-log"] {
      let dialect = DDLDialect(serverVersion: version, sqlMode: version.hasPrefix("5") ? 0x10_0004 : 0)
      succeeds { _ = try DDLParser.parse(sql, defaultSchema: "shop", dialect: dialect) }
      _ = DDLParser.mentions(TableID(schema: "shop", table: "orders"), in: sql, dialect: dialect)
    }
  }
}
