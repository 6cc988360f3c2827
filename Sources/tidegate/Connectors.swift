import BlackholeSink
import MySQLSource
import Pipeline
import SQLiteSink
import ValuesSink

/// Every connector of this build: one line each.
let connectors = ConnectorRegistry(
  sources: [
    MySQLSourceFactory.self
  ],
  sinks: [
    SQLiteSinkFactory.self,
    ValuesSinkFactory.self,
    BlackholeSinkFactory.self,
  ])
