/// A column of a table.
public struct Column: Hashable, Sendable, Codable {
  /// The name as the source spells it.
  public var name: String
  /// Logical type, nullability and annotation.
  public var type: DataType
  /// The user's comment, where the pipeline carries comments.
  public var comment: String?
  /// The default as plain text (no quotes) where it is a constant; nil when there is none or it is an expression.
  /// Rows that existed before an `ADD COLUMN` have this value at the source.
  public var defaultValue: String?
  /// The source's own type text (MySQL: COLUMN_TYPE, `int(10) unsigned`, `enum('a','b')`); only the source reads it.
  public var nativeType: String
  /// The collation of a character column (MySQL: `utf8mb4_general_ci`), else empty; only the source reads it.
  public var nativeCollation: String

  /// Makes a column.
  public init(
    name: String, type: DataType, comment: String? = nil, defaultValue: String? = nil, nativeType: String = "",
    nativeCollation: String = ""
  ) {
    self.name = name
    self.type = type
    self.comment = comment
    self.defaultValue = defaultValue
    self.nativeType = nativeType
    self.nativeCollation = nativeCollation
  }
}

/// The columns and key of a table, as they were at one place in the source's log.
public struct TableSchema: Hashable, Sendable, Codable {
  /// The columns in the source's order, which is the order of values in the source's log.
  public var columns: [Column]
  /// Names of the primary key's columns, in key order; empty for a table without a key.
  public var primaryKey: [String]
  /// The table's comment, where the pipeline carries comments.
  public var comment: String?
  /// What else the source must know of the table in order to follow its later changes (MySQL: all keys and the default
  /// collation); only the source reads it.
  public var nativeDefinition: String

  /// Makes a schema.
  public init(columns: [Column], primaryKey: [String], comment: String? = nil, nativeDefinition: String = "") {
    self.columns = columns
    self.primaryKey = primaryKey
    self.comment = comment
    self.nativeDefinition = nativeDefinition
  }

  /// The position of the column of that name (exact spelling first, then without regard to ASCII case, as MySQL has it).
  public func index(of name: String) -> Int? {
    if let index = columns.firstIndex(where: { $0.name == name }) { return index }
    let lowered = name.lowercased()
    return columns.firstIndex { $0.name.lowercased() == lowered }
  }

  /// Positions of the key's columns, in key order.
  public var keyIndexes: [Int] { primaryKey.compactMap { index(of: $0) } }
}

/// A schema as it travels with rows: table, version, and what the hot path needs, computed once.
///
/// Immutable and shared; a batch holds one reference to it, rows hold none.
public final class RowSchema: Sendable {
  /// The source table.
  public let table: TableID
  /// The registry's version of this schema, counted from 1 for each source table.
  public let version: Int
  /// Columns and key.
  public let schema: TableSchema
  /// How each column's value is stored.
  public let physical: [Physical]
  /// Positions of the key's columns, in key order.
  public let keyIndexes: [Int]

  /// Computes what the hot path needs.
  public init(table: TableID, version: Int, schema: TableSchema) {
    self.table = table
    self.version = version
    self.schema = schema
    self.physical = schema.columns.map { $0.type.physical }
    self.keyIndexes = schema.keyIndexes
  }

  /// The columns in order.
  public var columns: [Column] { schema.columns }
}
