import Connector
import Model

/// What is wrong with an event, a value, a column type or a statement. It knows nothing of tables and offsets: who
/// catches it adds them (`connectorError`).
struct BinlogError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Where the fault lies; the same words as in `ConnectorError.Kind`.
  enum Kind: Hashable, Sendable {
    /// Bytes that break their own format or checksum.
    case corrupt
    /// Something that this version cannot carry faithfully.
    case unsupported
    /// A server setting that change data capture cannot live with.
    case prerequisite
    /// The event does not fit the schema that the registry has for the table.
    case schemaMismatch
    /// A statement counts on the table's default character set, which cannot be known any more.
    case unknownDefault
  }

  /// Where the fault lies.
  var kind: Kind
  /// What happened, in one sentence.
  var message: String
  /// What the user can do about it.
  var remedy: String?

  init(_ kind: Kind, _ message: String, remedy: String? = nil) {
    self.kind = kind
    self.message = message
    self.remedy = remedy
  }

  static func corrupt(_ message: String) -> BinlogError { BinlogError(.corrupt, message) }

  static func unsupported(_ message: String, remedy: String? = nil) -> BinlogError {
    BinlogError(.unsupported, message, remedy: remedy)
  }

  /// The same error, told of a column.
  func inColumn(_ name: String) -> BinlogError { BinlogError(kind, "column \(name): \(message)", remedy: remedy) }

  /// The same error, told of the row with a key; `key` is empty for tables without one.
  func inRow(key: String) -> BinlogError {
    key.isEmpty ? self : BinlogError(kind, "\(message), in the row with the key \(key)", remedy: remedy)
  }

  /// The same error as the connector interfaces have it.
  func connectorError(table: TableID? = nil, offset: Offset? = nil) -> ConnectorError {
    let kind: ConnectorError.Kind =
      switch self.kind {
      case .corrupt: .corrupt
      case .unsupported, .unknownDefault: .unsupported
      case .prerequisite: .prerequisite
      case .schemaMismatch: .schemaMismatch
      }
    return ConnectorError(kind, message, table: table, offset: offset, remedy: remedy)
  }

  /// Message and remedy.
  var description: String { remedy.map { "\(message) — \($0)" } ?? message }
}
