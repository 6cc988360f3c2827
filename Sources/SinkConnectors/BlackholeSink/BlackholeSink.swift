import Connector
import Model
import Platform

/// The `blackhole` sink type.
public enum BlackholeSinkFactory: SinkFactory {
  /// `blackhole`.
  public static let type = "blackhole"
  /// There is nothing to choose.
  public static let options: [OptionSpec] = []

  /// Makes the connector; cannot fail.
  public static func make(_ options: Options, context: ConnectorContext) throws(ConnectorError) -> any SinkConnector {
    BlackholeSink()
  }
}

/// A sink that encodes every event as debezium-json and drops it: what a pipeline costs without a system to write to.
public struct BlackholeSink: SinkConnector {
  /// What all writers of this connector in this process have encoded so far.
  public struct Totals: Sendable, Hashable {
    /// Messages: an update is one.
    public var messages = 0
    /// Bytes of the messages.
    public var bytes = 0
  }

  private let shared = Monitor(Totals())

  /// Makes the connector.
  public init() {}

  /// What all writers of this value, in this process, have prepared so far. Callable from any thread.
  public var totals: Totals { shared.withLock { $0 } }

  /// Nothing is ever visible, so what is visible of an attempt before its commit is nothing (`atomic`), and a
  /// commit, by whomever, has nothing left to do and succeeds (`preparedSurvivesWriter`).
  public var guarantees: SinkGuarantees {
    SinkGuarantees(visibility: .atomic, preparedSurvivesWriter: true, commitsAlone: true)
  }

  /// There is nothing to check.
  public func validate() throws(ConnectorError) -> [String] { [] }

  /// A session that accepts every change.
  public func openSchemaApplier() throws(ConnectorError) -> any SchemaApplier { BlackholeSchemaApplier() }

  /// A writer; nothing can be fenced, since nothing is written.
  public func openWriter(_ attempt: AttemptID) throws(ConnectorError) -> any SinkWriter {
    BlackholeWriter(attempt, shared)
  }

  /// A session for which everything is committed.
  public func openCommitter() throws(ConnectorError) -> any SinkCommitter { BlackholeCommitter() }
}

private final class BlackholeSchemaApplier: SchemaApplier {
  func apply(_ change: SchemaChange, to table: TableID, resulting schema: TableSchema) throws(ConnectorError) {}
  func close() {}
}

private final class BlackholeCommitter: SinkCommitter {
  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome { .committed }
  func abort(_ committable: Committable) throws(ConnectorError) {}
  func lingeringLabels(pipeline: String) throws(ConnectorError) -> [String] { [] }
  func close() {}
}

/// Encodes rows into one buffer, which it empties whenever it holds `flushSize` bytes.
final class BlackholeWriter: SinkWriter {
  private static let flushSize = 64 * 1024

  private let attempt: AttemptID
  private let shared: Monitor<BlackholeSink.Totals>
  private var encoders = EncoderCache()
  private var buffer = ByteBuffer(capacity: 128 * 1024)
  /// Encoded since the last prepare.
  private var pending = BlackholeSink.Totals()
  /// Encoded by this attempt up to the last prepare.
  private var prepared = BlackholeSink.Totals()
  private var sequence = 0

  init(_ attempt: AttemptID, _ shared: Monitor<BlackholeSink.Totals>) {
    self.attempt = attempt
    self.shared = shared
  }

  /// Nothing is remembered; the journal knows.
  var recovered: SplitProgress? { nil }

  func write(_ batch: borrowing RowBatch, to table: SinkTable) throws(ConnectorError) {
    guard let source = batch.schema else { return }
    let encoder = encoders.encoder(table, source)
    try Self.encode(batch, with: encoder, buffer: &buffer, totals: &pending)
  }

  private static func encode(
    _ batch: borrowing RowBatch, with encoder: DebeziumJSONEncoder, buffer: inout ByteBuffer,
    totals: inout BlackholeSink.Totals
  ) throws(ConnectorError) {
    var offset = 0
    while offset < batch.byteCount {
      offset = try encoder.encode(batch, at: offset, into: &buffer)
      totals.messages &+= 1
      if buffer.count >= flushSize {
        totals.bytes &+= buffer.count
        buffer.removeAll()
      }
    }
    totals.bytes &+= buffer.count
    buffer.removeAll()
  }

  /// The payload says what was encoded since the attempt began: `messages=8096 bytes=1914210`.
  func prepare(_ progress: SplitProgress) throws(ConnectorError) -> Committable {
    sequence += 1
    let added = pending
    pending = BlackholeSink.Totals()
    prepared.messages += added.messages
    prepared.bytes += added.bytes
    shared.withLock { totals in
      totals.messages += added.messages
      totals.bytes += added.bytes
    }
    return Committable(
      attempt: attempt, sequence: sequence, label: "", progress: progress,
      payload: "messages=\(prepared.messages) bytes=\(prepared.bytes)")
  }

  func commit(_ committable: Committable) throws(ConnectorError) -> CommitOutcome { .committed }

  func abort() { pending = BlackholeSink.Totals() }

  func close() { pending = BlackholeSink.Totals() }
}
