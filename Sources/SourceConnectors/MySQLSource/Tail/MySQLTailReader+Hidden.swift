import Connector
import Model

/// Columns of MariaDB's that only the log shows.
extension MySQLTailReader {
  /// Finds out whether the columns that a table map has beyond the schema's are MariaDB's own. Without names in the log
  /// their form does not tell for certain: the table must have as many keys that may come with one.
  func hideColumns(_ map: TableMap, _ table: CapturedTable) throws(ConnectorError) {
    let surplus = map.columnCount - table.schema.columns.count
    guard map.hiddenColumns == 0, map.mayHide(surplus) else { return }
    let (columns, hashed) = try asked { client throws(ConnectorError) in
      let facts = CatalogFacts(client: client)
      return (try facts.columns(of: table.id), try facts.hashedKeys(of: table.id))
    }
    // The catalog may be ahead of the reader's place, and its keys others; but where its columns are the schema's, the
    // schema lacks none.
    let isWhole = columns == table.schema.columns.map { $0.name.lowercased() }
    let known = TableDefinition(table.schema.schema.nativeDefinition).keys?.keys.count { key in
      key.isUnique && key.name != TableKeys.primaryName
        && (isWhole || hashed.contains(key.name.lowercased()) || table.isLong(key))
    }
    if surplus <= known ?? hashed.count { map.hide(surplus) }
  }
}

extension CapturedTable {
  /// The shortest key that an index may be too short for, in bytes (row format COMPACT).
  private static let longestCertain = 767

  /// Whether the key may be too long for an index.
  fileprivate func isLong(_ key: TableKeys.Key) -> Bool {
    var bytes = 0
    for name in key.columns {
      guard let type = schema.schema.index(of: name).map({ types[$0] }) else { continue }
      switch type.kind {
      case .text, .blob:
        // The beginning of a value is as long as the key says, which is not known here.
        if key.isWhole { return true }
        bytes += Self.longestCertain
      case .char, .varchar: bytes += (type.length ?? 1) * type.charset.maximumCharacterLength
      case .binary, .varbinary: bytes += type.length ?? 1
      default: bytes += 8
      }
    }
    return bytes > Self.longestCertain
  }
}

extension CatalogFacts {
  /// The names of the table's columns, in lower case.
  fileprivate func columns(of table: TableID) throws(ConnectorError) -> [String] {
    let rows = try client.query(
      "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = \(SQLText.string(table.schema ?? "")) "
        + "AND TABLE_NAME = \(SQLText.string(table.table)) ORDER BY ORDINAL_POSITION")
    return rows.compactMap { ($0.first ?? nil)?.lowercased() }
  }

  /// The names, in lower case, of the table's UNIQUE keys that are kept as hashes.
  fileprivate func hashedKeys(of table: TableID) throws(ConnectorError) -> Set<String> {
    let rows = try client.query(
      "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND INDEX_TYPE = 'HASH' "
        + "AND TABLE_SCHEMA = \(SQLText.string(table.schema ?? "")) AND TABLE_NAME = \(SQLText.string(table.table))")
    return Set(rows.compactMap { ($0.first ?? nil)?.lowercased() })
  }
}
