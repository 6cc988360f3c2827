import Connector
import Model
import Platform
import Synchronization

/// The `values` sink type.
public enum ValuesSinkFactory: SinkFactory {
  /// `values`.
  public static let type = "values"

  /// The options of Flink CDC's values sink.
  public static let options: [OptionSpec] = [
    OptionSpec(
      "print.enabled", .boolean, default: "true", "Whether events are printed; without, they are only counted."),
    OptionSpec(
      "error.on.schema.change", .boolean, default: "false",
      "Whether a schema change other than the creation of a table stops the pipeline; for tests."),
    OptionSpec(
      "materialized.in.memory", .boolean, default: "false",
      support: .ignored(reason: "there is no in-memory database to look into; use the sqlite sink instead"),
      "In Flink CDC: keeps the tables in the memory of the JVM."),
    OptionSpec(
      "sink.api", .choice(["SINK_FUNCTION", "SINK_V2"]), default: "SINK_V2",
      support: .ignored(reason: "it chooses between two interfaces of Flink"),
      "In Flink CDC: which of Flink's sink interfaces is used."),
  ]

  /// Makes the connector, printing to stdout.
  /// - Throws: `configuration` when an option has no value of its type.
  public static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    ValuesSink(
      prints: try options.boolean("print.enabled"),
      failsOnSchemaChange: try options.boolean("error.on.schema.change"))
  }
}

/// A sink that prints every event, schema changes and rows, one line each, in the form of Flink CDC's values sink.
public struct ValuesSink: SinkConnector {
  /// Takes whole lines; false when they can go nowhere.
  public typealias Output = @Sendable ([UInt8]) -> Bool

  private let prints: Bool
  private let failsOnSchemaChange: Bool
  private let output: LineOutput

  /// Makes the connector. `output` replaces stdout, for tests; it is called by one thread at a time.
  public init(prints: Bool = true, failsOnSchemaChange: Bool = false, output: Output? = nil) {
    self.prints = prints
    self.failsOnSchemaChange = failsOnSchemaChange
    self.output = output.map(LineOutput.init) ?? LineOutput.standard
  }

  /// What is printed can be seen at once and cannot be taken back; a repeated attempt prints again (`appending`). Every
  /// line has been printed by `prepare`, so a commit has nothing left to do (`preparedSurvivesWriter`).
  public var guarantees: SinkGuarantees { SinkGuarantees(visibility: .appending, preparedSurvivesWriter: true) }

  /// There is nothing to check.
  public func validate() throws(ConnectorError) -> [String] { [] }

  /// A session that prints schema changes.
  public func openSchemaApplier() throws(ConnectorError) -> any SchemaApplier {
    ValuesSchemaApplier(prints: prints, failsOnSchemaChange: failsOnSchemaChange, output: output)
  }

  /// A writer that prints rows. Nothing can be fenced.
  public func openWriter(_ attempt: AttemptID) throws(ConnectorError) -> any SinkWriter {
    ValuesWriter(attempt, prints: prints, output: output)
  }

  /// A session for which everything is committed.
  public func openCommitter() throws(ConnectorError) -> any SinkCommitter { ValuesCommitter() }
}

/// Where the lines of all writers and appliers of this process go, a block of whole lines at a time.
final class LineOutput: Sendable {
  static let standard = LineOutput { StandardStream.output.write($0) }

  private let write: ValuesSink.Output
  /// Held while a block is written: a block may take several write(2) calls, and no other may come between.
  private let turn = Mutex(())

  init(_ write: @escaping ValuesSink.Output) { self.write = write }

  /// Writes whole lines.
  /// - Throws: `rejected` when stdout is closed.
  func print(_ lines: [UInt8]) throws(ConnectorError) {
    let done = turn.withLock { _ in write(lines) }
    if !done {
      throw ConnectorError(.rejected, "stdout is closed", remedy: "let something read what the values sink prints")
    }
  }
}

private final class ValuesCommitter: SinkCommitter {
  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome { .committed }
  func abort(_ committable: Committable) throws(ConnectorError) {}
  func lingeringLabels(pipeline: String) throws(ConnectorError) -> [String] { [] }
  func close() {}
}

/// Prints schema changes.
private final class ValuesSchemaApplier: SchemaApplier {
  private let prints: Bool
  private let failsOnSchemaChange: Bool
  private let output: LineOutput

  init(prints: Bool, failsOnSchemaChange: Bool, output: LineOutput) {
    self.prints = prints
    self.failsOnSchemaChange = failsOnSchemaChange
    self.output = output
  }

  func apply(_ change: SchemaChange, to table: TableID, resulting schema: TableSchema) throws(ConnectorError) {
    if failsOnSchemaChange {
      guard case .createTable = change else {
        throw ConnectorError(
          .unsupported, "a schema change (\(change.tag)) arrived, and error.on.schema.change is set", table: table)
      }
    }
    if prints { try output.print(Array((SchemaEventText.line(change, table) + "\n").utf8)) }
  }

  func close() {}
}
