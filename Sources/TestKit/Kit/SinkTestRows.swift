import Connector
import Model

/// A value of a row that a check writes.
public enum SinkTestValue: Sendable, Hashable {
  case null
  case integer(Int64)
  case float(Float)
  case double(Double)
  case text(String)
  case bytes([UInt8])
}

extension SinkTestValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByNilLiteral {
  /// An integer.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// NULL.
  public init(nilLiteral: ()) { self = .null }
}

/// A row that a check writes: one row of a batch, or two for an update.
public enum SinkTestRow: Sendable {
  case insert([SinkTestValue])
  case update([SinkTestValue], [SinkTestValue])
  case delete([SinkTestValue])

  /// Adds the row to a batch that has been reset to its schema.
  public func append(to batch: inout RowBatch) {
    switch self {
    case .insert(let values): Self.append(.insert, values, &batch)
    case .delete(let values): Self.append(.delete, values, &batch)
    case .update(let before, let after):
      Self.append(.updateBefore, before, &batch)
      Self.append(.updateAfter, after, &batch)
    }
  }

  private static func append(_ operation: RowOperation, _ values: [SinkTestValue], _ batch: inout RowBatch) {
    batch.beginRow(operation)
    for (index, value) in values.enumerated() {
      switch value {
      case .null: break
      case .integer(let value): batch.set(index, integer: value)
      case .float(let value): batch.set(index, float: value)
      case .double(let value): batch.set(index, double: value)
      case .text(let value): batch.set(index, text: value)
      case .bytes(let value): value.withUnsafeBytes { batch.set(index, bytes: $0) }
      }
    }
    batch.endRow()
  }
}

/// A source table and the sink table of the same columns.
public struct SinkTestTable: Sendable {
  /// Name of both.
  public let id: TableID
  /// Columns and key of both.
  public let schema: TableSchema
  /// The source's schema.
  public let source: RowSchema
  /// The sink's table.
  public let sink: SinkTable

  /// Makes one from column names and types; the key is named by its columns.
  public init(_ name: String, _ columns: [(String, DataType)], key: [String] = [], version: Int = 1) {
    let schema = TableSchema(columns: columns.map { Column(name: $0.0, type: $0.1) }, primaryKey: key)
    self.init(TableID(schema: "shop", table: name), schema, version: version)
  }

  /// Makes one from a schema.
  public init(_ id: TableID, _ schema: TableSchema, version: Int = 1) {
    self.id = id
    self.schema = schema
    source = RowSchema(table: id, version: version, schema: schema)
    sink = SinkTable(id: id, schema: schema, source: source)
  }

  /// The table after a change, under the next version.
  public func applying(_ change: SchemaChange) throws -> SinkTestTable {
    SinkTestTable(id, try schema.applying(change), version: source.version + 1)
  }
}

extension DataType {
  /// A type without NULL.
  public static func required(_ kind: Kind) -> DataType { DataType(kind, nullable: false) }
}
