import Connector

/// The connectors that a pipeline file may name.
public struct ConnectorRegistry: Sendable {
  private let sources: [String: any SourceFactory.Type]
  private let sinks: [String: any SinkFactory.Type]

  /// Lists the connectors. Of two with the same `type` the later one counts.
  public init(sources: [any SourceFactory.Type], sinks: [any SinkFactory.Type]) {
    self.sources = Dictionary(sources.map { ($0.type, $0) }) { $1 }
    self.sinks = Dictionary(sinks.map { ($0.type, $0) }) { $1 }
  }

  /// The source connector of that type, nil when there is none.
  public func source(_ type: String) -> (any SourceFactory.Type)? { sources[type] }

  /// The sink connector of that type, nil when there is none.
  public func sink(_ type: String) -> (any SinkFactory.Type)? { sinks[type] }

  /// The names of the source connectors, sorted.
  public var sourceTypes: [String] { sources.keys.sorted() }

  /// The names of the sink connectors, sorted.
  public var sinkTypes: [String] { sinks.keys.sorted() }
}
