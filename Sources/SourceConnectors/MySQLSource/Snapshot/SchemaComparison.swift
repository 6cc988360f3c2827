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
      if shown(expected.type) != shown(found.type) {
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

  /// A statement tells members that the catalog cannot (see `MySQLColumnType.hasUncertainMembers`).
  private static func shown(_ type: DataType) -> DataType {
    var type = type
    switch type.annotation {
    case .enumeration(let members)?: type.annotation = .enumeration(members.map(shown))
    case .set(let members)?: type.annotation = .set(members.map(shown))
    default: break
    }
    return type
  }

  private static func shown(_ member: String) -> String {
    String(String.UnicodeScalarView(member.unicodeScalars.map { $0.value > 0xffff ? "?" : $0 }))
  }

  private static func charset(_ column: Column) -> Substring? { column.nativeCollation.split(separator: "_").first }
}
