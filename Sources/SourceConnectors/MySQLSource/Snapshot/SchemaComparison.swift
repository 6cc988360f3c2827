import Model

/// Whether the server's table is the one that the registry knows.
enum SchemaComparison {
  /// What differs, in words; nil when rows of the one are rows of the other. Comments, defaults and the spelling of
  /// native types do not matter.
  static func difference(registry: TableSchema, server: TableSchema) -> String? {
    guard registry.columns.count == server.columns.count else {
      return "it has \(server.columns.count) columns instead of \(registry.columns.count)"
    }
    for (expected, found) in zip(registry.columns, server.columns) {
      if expected.name != found.name { return "column \(found.name) stands where \(expected.name) was" }
      if expected.type != found.type {
        return "column \(found.name) is \(found.type) (\(found.nativeType)) instead of \(expected.type)"
      }
      if charset(expected) != charset(found) {
        return "column \(found.name) has the collation \(found.nativeCollation) instead of \(expected.nativeCollation)"
      }
    }
    if registry.primaryKey != server.primaryKey {
      return "its key is (\(server.primaryKey.joined(separator: ", "))) instead of "
        + "(\(registry.primaryKey.joined(separator: ", ")))"
    }
    return nil
  }

  private static func charset(_ column: Column) -> Substring? { column.nativeCollation.split(separator: "_").first }
}
