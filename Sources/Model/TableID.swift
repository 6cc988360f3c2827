/// The name of a table in a source or a sink: up to three parts, as in Flink CDC.
///
/// A MySQL table has a schema (its database) and a name; a PostgreSQL table a schema and a name, with the database as
/// namespace where the pipeline asks for it.
public struct TableID: Hashable, Sendable, Codable {
  /// First part, nil for most systems.
  public var namespace: String?
  /// The MySQL database, or the PostgreSQL schema.
  public var schema: String?
  /// The table's own name.
  public var table: String

  /// Makes an id from its parts.
  public init(namespace: String? = nil, schema: String? = nil, table: String) {
    self.namespace = namespace
    self.schema = schema
    self.table = table
  }

  /// The parts that are present, outermost first.
  public var parts: [String] { [namespace, schema, table].compactMap { $0 } }
}

extension TableID: CustomStringConvertible, Comparable {
  /// The parts joined by dots: `shop.orders`. For people and for selectors; never for SQL.
  public var description: String { parts.joined(separator: ".") }

  /// Orders by the bytes of the dotted text.
  public static func < (left: TableID, right: TableID) -> Bool {
    // Most comparisons are of tables of one database: sorting thousands of them must not make a text for each.
    if left.schema == right.schema, left.namespace == right.namespace {
      return left.table.utf8.lexicographicallyPrecedes(right.table.utf8)
    }
    return left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
  }
}
