import Connector
import Model

/// A table of the pipeline as the tail reader has it.
final class CapturedTable {
  /// The name.
  private(set) var id: TableID
  /// Schema in force at the reader's place.
  private(set) var schema: RowSchema
  /// Native types of its columns.
  private(set) var types: [MySQLColumnType]
  private let options: ValueOptions
  /// What was read already; nil once the reader is past it.
  var filter: WatermarkFilter?
  /// The table is gone, or is not followed any more.
  private(set) var isDropped = false

  /// - Throws: `unsupported` when a column's native type cannot be read; what `WatermarkFilter` throws.
  /// - Parameter converters: those of the schema's character sets (`CharsetLoader`).
  init(
    _ table: TailTable, server: String, options: ValueOptions, converters: [String: TextConverter]
  ) throws(ConnectorError) {
    id = table.schema.table
    schema = table.schema
    self.options = options
    types = try Self.types(of: table.schema, converters)
    filter = try WatermarkFilter(table, server: server)
  }

  private static func types(
    of schema: RowSchema, _ converters: [String: TextConverter]
  ) throws(ConnectorError) -> [MySQLColumnType] {
    do {
      return try MySQLColumnType.types(of: schema.schema, converters: converters)
    } catch {
      throw error.connectorError(table: schema.table)
    }
  }

  /// Whether the table has a key.
  var hasKey: Bool { !schema.keyIndexes.isEmpty }

  /// Takes the schema that the registry has given; nil: the table is gone.
  func adopt(_ schema: RowSchema?, converters: [String: TextConverter]) throws(ConnectorError) {
    guard let schema else {
      isDropped = true
      return
    }
    types = try Self.types(of: schema, converters)
    try filter?.adopt(schema)
    self.schema = schema
    isDropped = false
  }

  /// The table goes on under another name.
  func rename(to name: TableID) { id = name }

  /// The decoding of the table's rows under a table map, made once for each.
  func plan(_ map: TableMap) throws(ConnectorError) -> RowDecodingPlan {
    if let plan = map.plan, plan.schema === schema { return plan }
    do throws(BinlogError) {
      if let problem = map.problem { throw problem }
      if let difference = map.disagreement(with: schema, types: types) {
        throw BinlogError(.schemaMismatch, difference)
      }
      let plan = try RowDecodingPlan(tableMap: map, schema: schema, types: types, options: options)
      map.plan = plan
      return plan
    } catch {
      throw error.connectorError(table: id)
    }
  }
}
