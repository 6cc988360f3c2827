import Connector
import Model
import Pipeline
import Platform
import Wire

/// The body of a slot's thread: makes the connectors, runs the attempt, and reports how it ended.
struct AttemptRunner: Sendable {
  let registry: ConnectorRegistry
  let assignment: Assignment
  let context: AttemptContext

  private static let log = Log("worker")

  /// Runs the attempt to its end.
  func run() {
    do {
      try runAttempt()
    } catch {
      report(error)
    }
  }

  private func runAttempt() throws(ConnectorError) {
    let (source, sink) = try connectors()
    switch assignment.work {
    case .snapshot(let work):
      try SnapshotAttempt(context: context, work: work, source: source, sink: sink).run()
    case .tail(let work):
      var tail = try TailAttempt(context: context, work: work, source: source, sink: sink)
      try tail.run()
    }
  }

  private func connectors() throws(ConnectorError) -> (any SourceConnector, any SinkConnector) {
    let spec = assignment.connectors
    for secret in spec.secrets { Secrets.register(secret) }
    guard let sourceFactory = registry.source(spec.sourceType), let sinkFactory = registry.sink(spec.sinkType) else {
      throw ConnectorError(
        .configuration, "this worker has no source \(spec.sourceType) or no sink \(spec.sinkType)",
        remedy: "run the same version on coordinator and workers")
    }
    for option in sourceFactory.options where option.isSecret { spec.sourceOptions[option.key].map(Secrets.register) }
    for option in sinkFactory.options where option.isSecret { spec.sinkOptions[option.key].map(Secrets.register) }
    let connectorContext = ConnectorContext(
      pipeline: assignment.attempt.pipeline, localTimeZone: spec.localTimeZone, parallelism: spec.parallelism)
    let source = try sourceFactory.make(
      Options(spec.sourceOptions, specs: sourceFactory.options), context: connectorContext)
    let sink = try sinkFactory.make(Options(spec.sinkOptions, specs: sinkFactory.options), context: connectorContext)
    return (source, sink)
  }

  /// A blocking call that was interrupted fails in any way it likes: what counts is what the attempt was told.
  private func report(_ error: ConnectorError) {
    let (abandoned, cancel) = context.mailbox.withLock { ($0.isAbandoned, $0.cancelAfterCommit) }
    if abandoned { return }
    if cancel == false || (error.kind == .cancelled && cancel != nil) { return context.report(.cancelled) }
    Self.log.warning(
      "attempt failed",
      ["attempt": context.attempt.description, "kind": error.kind.rawValue, "error": error.description])
    context.report(
      .failed(
        Failure(
          kind: error.kind.rawValue, message: Secrets.redact(error.message), table: error.table, offset: error.offset,
          remedy: error.remedy)))
  }
}
