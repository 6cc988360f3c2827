import Connector
import Model
import Wire

/// A source table under one version with the sink tables that its rows go to.
struct BoundTable {
  /// The schema that batches carry.
  let schema: RowSchema
  /// The sink tables, fitted to it.
  let targets: [SinkTable]

  init(_ binding: TableBinding) {
    let schema = RowSchema(table: binding.table, version: binding.version, schema: binding.schema)
    self.schema = schema
    self.targets = binding.targets.map { SinkTable(id: $0.id, schema: $0.schema, source: schema) }
  }
}
