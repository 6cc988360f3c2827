import Connector

/// Row changes and statements of the log that the user does not want (`debezium.skipped.operations`).
struct SkippedOperations: OptionSet, Sendable, Hashable {
  let rawValue: UInt8
  static let inserts = SkippedOperations(rawValue: 1)
  static let updates = SkippedOperations(rawValue: 2)
  static let deletes = SkippedOperations(rawValue: 4)
  static let truncates = SkippedOperations(rawValue: 8)

  /// Whether changes of the kind are passed over.
  func contains(_ kind: RowsEvent.Kind) -> Bool {
    switch kind {
    case .insert: contains(.inserts)
    case .update: contains(.updates)
    case .delete: contains(.deletes)
    }
  }
}

extension MySQLSourceSettings {
  /// Reads `c,u,d,t`, or `none`.
  static func skippedOperations(_ text: String?) throws(ConnectorError) -> SkippedOperations {
    var result: SkippedOperations = []
    for part in (text ?? "").split(separator: ",") {
      switch part.lowercased().filter({ $0 != " " }) {
      case "c": result.insert(.inserts)
      case "u": result.insert(.updates)
      case "d": result.insert(.deletes)
      case "t": result.insert(.truncates)
      case "none", "r", "": break
      default:
        throw ConnectorError(
          .configuration, "option debezium.skipped.operations has an operation that is not known: \(part)",
          remedy: "use c (inserts), u (updates), d (deletes), t (truncates), or none")
      }
    }
    return result
  }

  /// Debezium's modes of failure: only the strict ones have a counterpart.
  static func checkFailureModes(_ foreign: inout ForeignOptions) {
    for name in ["event.processing.failure.handling.mode", "inconsistent.schema.handling.mode"] {
      guard let mode = foreign.debezium(name)?.lowercased(), mode != "fail" else { continue }
      foreign.warn(
        "option debezium.\(name) is taken as fail: an event that cannot be read stops the pipeline, with the remedy")
    }
    if let mode = foreign.debezium("snapshot.locking.mode")?.lowercased(), mode != "none" {
      foreign.warn("option debezium.snapshot.locking.mode is taken as none: the snapshot takes no locks")
    }
    if let text = foreign.jdbc("useSSL"), text.isEmpty { foreign.warn("option jdbc.properties.useSSL is empty") }
  }

  /// Metadata that rows are to carry.
  /// - Throws: `configuration` for names that Flink CDC does not know either.
  static func checkMetadata(_ text: String?, _ foreign: inout ForeignOptions) throws(ConnectorError) {
    for part in (text ?? "").split(separator: ",") {
      let name = part.filter { $0 != " " }
      guard name == "op_ts" else {
        throw ConnectorError(
          .configuration, "option metadata.list has a name that is not known: \(name)",
          remedy: "op_ts is the only one")
      }
      foreign.warn(
        "option metadata.list: op_ts has no effect: it is there for transforms, which a pipeline cannot have, and no "
          + "sink carries it")
    }
  }
}
