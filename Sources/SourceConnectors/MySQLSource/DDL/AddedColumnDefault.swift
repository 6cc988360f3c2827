import Model

extension AlterPlan {
  /// An added column with the value that the server gives to the rows that exist already: the constant default, or the
  /// type's implicit one where NOT NULL forbids NULL. These rows do not appear in the log, so the value must be known.
  /// - Throws: `unsupported` when the server computes it.
  func existingRowsFilled(_ column: Column, _ definition: ColumnDefinition) throws(BinlogError) -> Column {
    var column = column
    if definition.isGenerated || definition.isAutoIncrement { throw Self.computed(definition, "its own rule") }
    switch definition.defaultClause {
    case .constant, .null: break
    case .expression(let text): throw Self.computed(definition, text)
    case .none:
      guard !column.type.isNullable else { break }
      let type = try MySQLColumnType(columnType: column.nativeType, collation: column.nativeCollation)
      guard let value = type.implicitDefault(applier.values) else {
        throw Self.computed(definition, "a value that is not carried")
      }
      column.defaultValue = value
    }
    return column
  }

  private static func computed(_ definition: ColumnDefinition, _ rule: String) -> BinlogError {
    .unsupported(
      "column \(definition.name) was added, and the server has filled the rows that existed with \(rule), which the log "
        + "does not tell",
      remedy: "drop the pipeline and submit it again, so that the table is read anew")
  }
}

extension MySQLColumnType {
  /// What a NOT NULL column without DEFAULT holds in rows that were there before it; nil where that is a value that is
  /// not carried or has no text form (bits).
  fileprivate func implicitDefault(_ options: ValueOptions) -> String? {
    switch kind {
    case .tinyint, .smallint, .mediumint, .int, .bigint, .year, .float, .double: "0"
    case .decimal: (scale ?? 0) > 0 ? "0." + String(repeating: "0", count: scale ?? 0) : "0"
    case .char, .varchar, .text, .varbinary, .blob, .set: ""
    case .enumeration: members.first
    case .time: "00:00:00"
    case .bit: length == nil || length == 1 ? "0" : nil
    // The zero date, as it is carried.
    case .date: options.isLossless ? nil : "1970-01-01"
    case .datetime: options.isLossless ? nil : "1970-01-01 00:00:00"
    case .uuid: "00000000-0000-0000-0000-000000000000"
    case .inet4: "0.0.0.0"
    case .inet6: "::"
    // A TIMESTAMP may have been given CURRENT_TIMESTAMP without saying so (explicit_defaults_for_timestamp).
    case .timestamp, .binary, .json, .geometry, .vector, .unsupported: nil
    }
  }
}
