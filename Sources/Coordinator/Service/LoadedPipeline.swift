import Connector
import Model
import Pipeline
import Wire

/// A pipeline's definition with its connectors made: what the machine must know, and what the jobs need.
struct LoadedPipeline: Sendable {
  let definition: PipelineDefinition
  let source: any SourceConnector
  let sink: any SinkConnector
  let profile: PipelineProfile

  /// Makes the connectors of a parsed definition.
  /// - Throws: `ConnectorError` when an option is wrong.
  init(_ definition: PipelineDefinition, uid: String, registry: ConnectorRegistry) throws(ConnectorError) {
    guard let sourceFactory = registry.source(definition.sourceType),
      let sinkFactory = registry.sink(definition.sinkType)
    else { throw ConnectorError(.configuration, "unknown source or sink type") }
    let settings = definition.settings
    let context = ConnectorContext(
      pipeline: uid, localTimeZone: settings.localTimeZone, parallelism: settings.parallelism ?? 1)
    let source = try sourceFactory.make(definition.sourceOptions, context: context)
    let sink = try sinkFactory.make(definition.sinkOptions, context: context)
    let router = try TableRouter(definition.routes, mode: settings.routeMode)
    self.definition = definition
    self.source = source
    self.sink = sink
    self.profile = PipelineProfile(
      startup: source.startup, guarantees: sink.guarantees, behavior: settings.schemaChangeBehavior,
      allows: { definition.allows($0) }, targets: { router.targets(for: $0) }, tailCount: settings.tailParallelism,
      commitIntervalMilliseconds: settings.commitIntervalMilliseconds, parallelism: settings.parallelism,
      connectors: ConnectorSpec(
        sourceType: definition.sourceType, sourceOptions: Self.given(definition.sourceOptions),
        sinkType: definition.sinkType, sinkOptions: Self.given(definition.sinkOptions), secrets: definition.secrets,
        localTimeZone: settings.localTimeZone, parallelism: settings.parallelism ?? 1),
      newTables: source.newTables, selects: { source.selects($0) },
      hasPassed: { offset, end in
        do throws(ConnectorError) {
          return try source.hasPassed(offset, end: end)
        } catch {
          return nil
        }
      },
      routeProblem: { table in
        do throws(ConnectorError) {
          try router.check(table)
          return nil
        } catch {
          return error.description
        }
      })
  }

  private static func given(_ options: Options) -> [String: String] {
    options.values.filter { options.given.contains($0.key) }
  }
}
