import BlackholeSink
import Pipeline
import SQLiteSink
import ValuesSink

/// Every connector of this build: one line each.
let connectors = ConnectorRegistry(
  sources: [],
  sinks: [
    SQLiteSinkFactory.self,
    ValuesSinkFactory.self,
    BlackholeSinkFactory.self,
  ])
