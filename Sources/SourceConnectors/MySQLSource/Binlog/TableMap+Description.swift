import Model

/// A column as a TABLE_MAP with full metadata describes it (`binlog_row_metadata = FULL`; MySQL 8, MariaDB 10.5).
struct DescribedColumn: Hashable, Sendable {
  /// The name.
  var name: String
  /// The number that stands for its type; ENUM and SET have their own.
  var type: BinlogColumnType
  /// The type's metadata: lengths, precision, digits (see `TableMap.metadata`).
  var metadata: UInt16
  /// Whether a numeric type is unsigned; false for all others.
  var isUnsigned: Bool
  /// The number of a character column's collation; 63 is binary.
  var collation: UInt32?
  /// Members of ENUM and SET, in the column's character set.
  var members: [[UInt8]]?
  /// MySQL's number of a spatial column's type.
  var geometryType: UInt64?
  /// Elements of a VECTOR.
  var vectorSize: UInt64?
  /// False: not in `SELECT *`.
  var isVisible: Bool
  /// Position in the primary key, from 0 on.
  var keyPosition: Int?
}

extension TableMap {
  /// The table's columns as they were when the event was written; nil when the server does not log their names.
  var describedColumns: [DescribedColumn]? {
    guard let names = columnNames, names.count == columnTypes.count else { return nil }
    return (0..<columnCount).compactMap { index in
      guard let type = layout.type(index) else { return nil }
      return DescribedColumn(
        name: names[index], type: type, metadata: metadata[index], isUnsigned: unsigned?[index] ?? false,
        collation: collations[index], members: members[index], geometryType: geometryTypes[index],
        vectorSize: vectorSizes[index], isVisible: visible?[index] ?? true,
        keyPosition: primaryKey?.firstIndex(of: index))
    }
  }

  /// In what the log's description differs from a schema, in a sentence; nil when it does not, as far as the log tells.
  ///
  /// Types, lengths, precisions and signs are compared when rows are decoded (`RowDecodingPlan`), whatever the server
  /// logs; here what only full metadata have: names in order, members, text or bytes, the primary key.
  func disagreement(with schema: RowSchema, types: [MySQLColumnType]) -> String? {
    guard columnCount == schema.columns.count, types.count == columnCount else {
      return "the log has \(columnCount) columns for the table, its schema \(schema.columns.count)"
    }
    for index in 0..<columnCount {
      let column = schema.columns[index]
      if let name = columnNames?[index], name.lowercased() != column.name.lowercased() {
        return "the log has the column \(name) where the schema has \(column.name)"
      }
      if let difference = difference(index, types[index]) { return "column \(column.name): \(difference)" }
    }
    return keyDifference(schema)
  }

  private func difference(_ index: Int, _ type: MySQLColumnType) -> String? {
    if let logged = members[index] {
      guard logged.count == type.members.count else {
        return "the log has \(logged.count) members, the schema \(type.members.count)"
      }
      switch type.charset {
      case .utf8mb4, .utf8mb3, .ascii, .binary:
        for (first, second) in zip(logged, type.members) where first != Array(second.utf8) {
          return "the log has the member '\(String(decoding: first, as: UTF8.self))' where the schema has '\(second)'"
        }
      default: break
      }
    }
    guard let collation = collations[index] else { return nil }
    switch type.kind {
    case .char, .varchar, .text, .enumeration, .set:
      if MySQLCharset.isLatin1(collationID: UInt16(truncatingIfNeeded: collation)) != (type.charset == .latin1) {
        return "the log has collation number \(collation), the schema the character set \(type.charset.name)"
      }
      return collation == 63 && type.charset != .binary ? "the log has bytes, the schema \(type.text)" : nil
    case .binary, .varbinary, .blob:
      return collation == 63 ? nil : "the log has text (collation number \(collation)), the schema \(type.text)"
    default: return nil
    }
  }

  /// A schema without a primary key may have a unique key in its place, so only a key that the log names counts.
  private func keyDifference(_ schema: RowSchema) -> String? {
    guard let primaryKey, !primaryKey.isEmpty, !hasKeyPrefixes, let names = columnNames else { return nil }
    let logged = primaryKey.map { names[$0].lowercased() }
    guard Set(logged) != Set(schema.schema.primaryKey.map { $0.lowercased() }) else { return nil }
    return "the log has the primary key (\(logged.joined(separator: ", "))), the schema "
      + "(\(schema.schema.primaryKey.joined(separator: ", ")))"
  }
}
