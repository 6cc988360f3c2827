import Connector
import Model

/// What the conformance suite needs to know about a sink under test, and how it looks into it.
public protocol SinkProbe: Sendable {
  /// A connector to the same sink, as another process would make it.
  func makeSink() throws -> any SinkConnector
  /// A connector to the same sink with next to no room left, and the same with room again; nil where that cannot be
  /// played.
  func makeFullSink() throws -> (any SinkConnector)?
  /// The table's rows in no particular order, columns in the schema's order, NULL as nil. Texts are: integers and decimals
  /// as their digits, BOOLEAN `true`/`false`, FLOAT and DOUBLE as Swift prints them, character types as they are, binary
  /// types in lower-case hexadecimal, DATE `YYYY-MM-DD`, TIME `[-]HH:MM:SS[.f]`, TIMESTAMP `YYYY-MM-DD HH:MM:SS[.f]`,
  /// TIMESTAMP_LTZ the same in UTC with `Z`, with exactly as many digits as the type has.
  /// Called only when `features` contains `readable`.
  func rows(of table: TableID, schema: TableSchema) throws -> [[String?]]
  /// Whether the table exists; called only when `features` contains `readable`.
  func hasTable(_ table: TableID) throws -> Bool
  /// What the sink can do beyond what its guarantees say.
  var features: Set<SinkFeature> { get }
}

/// What a sink can do beyond what its guarantees say; decides which checks apply.
public enum SinkFeature: Sendable, Hashable {
  /// Rows can be read back.
  case readable
  /// Tables without a key: update and delete change exactly one equal row.
  case keyless
  /// A later attempt keeps an earlier one from writing.
  case fencing
  /// The sink itself knows what a split has committed.
  case recovery
}

/// One thing that a sink must do.
public struct SinkCheck: Sendable, CustomStringConvertible {
  /// What is checked, for the test's name.
  public let name: String
  /// Features without which the check means nothing.
  public let needs: Set<SinkFeature>
  /// Visibilities to which it applies.
  public let visibilities: [SinkGuarantees.Visibility]
  /// Throws when the sink does something else.
  let body: @Sendable (SinkBench) throws -> Void

  init(
    _ name: String, needs: Set<SinkFeature> = [],
    visibilities: [SinkGuarantees.Visibility] = [.atomic, .idempotent, .appending],
    _ body: @escaping @Sendable (SinkBench) throws -> Void
  ) {
    self.name = name
    self.needs = needs
    self.visibilities = visibilities
    self.body = body
  }

  /// The name.
  public var description: String { name }

  /// Whether the check applies to the sink.
  public func applies(to probe: some SinkProbe) throws -> Bool {
    let visibility = try probe.makeSink().guarantees.visibility
    return needs.isSubset(of: probe.features) && visibilities.contains(visibility)
  }

  /// Runs the check on a sink that holds nothing yet; nothing happens when it does not apply.
  /// - Throws: `SinkConformanceFailure`, or what the sink threw where it must not.
  public func run(on probe: some SinkProbe) throws {
    guard try applies(to: probe) else { return }
    try body(SinkBench(probe))
  }
}

/// What a sink did and should not have done.
public struct SinkConformanceFailure: Error, CustomStringConvertible {
  /// What was found, and what was expected.
  public let description: String
}

/// The conformance suite that every sink passes: run each check on a fresh sink.
public enum SinkConformance {
  /// All checks.
  public static let checks: [SinkCheck] =
    rowChecks + schemaChecks + keyChecks + columnChecks + transactionChecks + attemptChecks + [typeCheck]
}

/// A sink under test, and shorthand for what checks do with it. Lives on one thread.
final class SinkBench {
  let probe: any SinkProbe
  let guarantees: SinkGuarantees
  static let pipeline = "conformance"

  init(_ probe: any SinkProbe) throws {
    self.probe = probe
    guarantees = try probe.makeSink().guarantees
  }

  var isReadable: Bool { probe.features.contains(.readable) }

  /// Creates the table and hands back what writers need.
  func create(_ table: SinkTestTable) throws {
    try apply(.createTable(table.schema), table.id, table.schema)
  }

  func apply(_ change: SchemaChange, _ id: TableID, _ schema: TableSchema) throws {
    let applier = try probe.makeSink().openSchemaApplier()
    defer { applier.close() }
    try applier.apply(change, to: id, resulting: schema)
  }

  func writer(split: Int = 1, attempt: Int = 1) throws -> any SinkWriter {
    try probe.makeSink().openWriter(AttemptID(pipeline: Self.pipeline, split: split, attempt: attempt))
  }

  /// Writes the rows and commits them, with a writer of its own.
  func commit(_ rows: [SinkTestRow], to table: SinkTestTable, split: Int = 1, attempt: Int = 1) throws {
    let writer = try writer(split: split, attempt: attempt)
    defer { writer.close() }
    try write(rows, to: table, with: writer)
    try commit(writer, rows: rows.count)
  }

  func write(_ rows: [SinkTestRow], to table: SinkTestTable, with writer: any SinkWriter) throws {
    var batch = RowBatch()
    batch.reset(schema: table.source)
    for row in rows { row.append(to: &batch) }
    try writer.write(batch, to: table.sink)
  }

  @discardableResult
  func commit(_ writer: any SinkWriter, rows: Int = 0, offset: String = "o") throws -> Committable {
    let committable = try writer.prepare(progress(offset, rows))
    try expect(try writer.commit(committable), .committed, "commit by the writer that prepared")
    return committable
  }

  func progress(_ offset: String, _ rows: Int = 0, isFinal: Bool = false) -> SplitProgress {
    SplitProgress(
      offset: Offset(offset), rows: rows, bytes: rows * 100, schemaVersions: ["shop.\"é": 3, "a.b": 1],
      isFinal: isFinal)
  }

  func expect<T: Equatable>(_ found: T, _ wanted: T, _ what: String) throws {
    if found != wanted {
      throw SinkConformanceFailure(description: "\(what): found \(found), expected \(wanted)")
    }
  }

  /// The table's rows, whatever their order.
  func expect(_ table: SinkTestTable, _ wanted: [[String?]], _ what: String) throws {
    func key(_ row: [String?]) -> String { row.map { $0.map { "'\($0)'" } ?? "NULL" }.joined(separator: ",") }
    let found = try probe.rows(of: table.id, schema: table.schema).map(key).sorted()
    try expect(found, wanted.map(key).sorted(), what)
  }

  /// That `body` throws an error of one of the kinds.
  func expectError(_ kinds: [ConnectorError.Kind], _ what: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as ConnectorError {
      if kinds.contains(error.kind) { return }
      throw SinkConformanceFailure(description: "\(what): failed with \(error.kind): \(error)")
    }
    throw SinkConformanceFailure(description: "\(what): succeeded, expected \(kinds)")
  }
}
