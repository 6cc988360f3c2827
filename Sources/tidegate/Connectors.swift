import BlackholeSink
import Pipeline
import ValuesSink

/// Every connector of this build: one line each.
let connectors = ConnectorRegistry(
  sources: [],
  sinks: [
    ValuesSinkFactory.self,
    BlackholeSinkFactory.self,
  ])
