/// Reads a column's definition behind its name: type and attributes, in any order that the servers take.
struct ColumnDefinitionParser {
  private let dialect: DDLDialect

  init(_ dialect: DDLDialect) { self.dialect = dialect }

  /// Nil when something in it is not understood; FIRST, AFTER and partitioning are left to the caller.
  func definition(_ name: String, _ cursor: inout TokenCursor) -> ColumnDefinition? {
    let isJSON = cursor.sees("JSON")
    guard let type = ColumnTypeParser(dialect: dialect).type(&cursor) else { return nil }
    var column = ColumnDefinition(name: name, columnType: type.columnType, sizeHint: type.sizeHint)
    column.charset = type.charset
    if isJSON, dialect.flavor == .mariadb { column.collation = "utf8mb4_bin" }
    if type.isSerial {
      column.isNullable = false
      column.isAutoIncrement = true
      column.isUnique = true
    }
    while let token = cursor.current {
      if ["FIRST", "AFTER", "PARTITION", "REMOVE"].contains(token.keyword) { break }
      guard attribute(&column, &cursor) else { return nil }
    }
    return column
  }

  /// Passes one attribute; false when it is not understood.
  private func attribute(_ column: inout ColumnDefinition, _ cursor: inout TokenCursor) -> Bool {
    if textAttribute(&column, &cursor) || keyAttribute(&column, &cursor) { return true }
    if cursor.take("NOT", "NULL") {
      column.isNullable = false
    } else if cursor.take("NULL") {
      column.isNullable = true
    } else if cursor.take("DEFAULT") {
      guard let value = DefaultClauseParser(dialect: dialect).clause(&cursor) else { return false }
      column.defaultClause = value
    } else if cursor.take("ON", "UPDATE") {
      cursor.advance()
      if cursor.sees(symbol: "("), cursor.parenthesised() == nil { return false }
    } else if cursor.take("SERIAL", "DEFAULT", "VALUE") {
      column.isNullable = false
      column.isAutoIncrement = true
      column.isUnique = true
    } else if cursor.take("AUTO_INCREMENT") {
      column.isAutoIncrement = true
    } else if cursor.take("COMMENT") {
      column.comment = cursor.string()
    } else if cursor.take("GENERATED", "ALWAYS", "AS") || cursor.take("AS") {
      guard cursor.parenthesised() != nil || (cursor.take("ROW") && cursor.takeAny(["START", "END"]) != nil) else {
        return false
      }
      column.isGenerated = true
      _ = cursor.takeAny(["VIRTUAL", "STORED", "PERSISTENT"])
    } else {
      return storageAttribute(&column, &cursor)
    }
    return true
  }

  private func textAttribute(_ column: inout ColumnDefinition, _ cursor: inout TokenCursor) -> Bool {
    if cursor.takeCharset() {
      column.charset = cursor.wordOrString()?.lowercased()
    } else if cursor.take("COLLATE") {
      _ = cursor.take(symbol: "=")
      column.collation = cursor.wordOrString()?.lowercased()
    } else if cursor.take("BINARY") {
      column.hasBinaryCollation = true
    } else if cursor.take("ASCII") {
      column.charset = "latin1"
    } else if cursor.take("UNICODE") {
      column.charset = "ucs2"
    } else if cursor.take("BYTE") {
      column.charset = "binary"
    } else {
      return false
    }
    return true
  }

  private func keyAttribute(_ column: inout ColumnDefinition, _ cursor: inout TokenCursor) -> Bool {
    if cursor.take("PRIMARY", "KEY") || cursor.take("PRIMARY") || cursor.take("KEY") {
      column.isPrimaryKey = true
    } else if cursor.take("UNIQUE") {
      _ = cursor.take("KEY")
      column.isUnique = true
    } else if cursor.take("REFERENCES") {
      reference(&cursor)
    } else if cursor.take("CONSTRAINT") {
      if !cursor.sees("CHECK") { cursor.advance() }
    } else if cursor.take("CHECK") {
      _ = cursor.parenthesised()
      _ = cursor.take("NOT", "ENFORCED") || cursor.take("ENFORCED")
    } else {
      return false
    }
    return true
  }

  private func reference(_ cursor: inout TokenCursor) {
    _ = cursor.tableName(defaultSchema: "")
    _ = cursor.parenthesised()
    while cursor.takeAny(["MATCH"]) != nil { cursor.advance() }
    while cursor.take("ON", "DELETE") || cursor.take("ON", "UPDATE") {
      if !(cursor.take("SET", "NULL") || cursor.take("SET", "DEFAULT") || cursor.take("NO", "ACTION")) {
        cursor.advance()
      }
    }
  }

  /// Attributes that concern neither values nor names.
  private func storageAttribute(_ column: inout ColumnDefinition, _ cursor: inout TokenCursor) -> Bool {
    if cursor.takeAny(["VISIBLE", "INVISIBLE"]) != nil { return true }
    if cursor.take("COMPRESSED") {
      if cursor.take(symbol: "=") { cursor.advance() }
      column.isCompressed = true
      return true
    }
    if cursor.take("NOT", "SECONDARY") || cursor.take("WITHOUT", "SYSTEM", "VERSIONING")
      || cursor.take("WITH", "SYSTEM", "VERSIONING")
    {
      return true
    }
    if cursor.takeAny(["COLUMN_FORMAT", "STORAGE", "SRID"]) != nil {
      cursor.advance()
      return true
    }
    if cursor.takeAny(["ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "REF_SYSTEM_ID"]) != nil {
      _ = cursor.take(symbol: "=")
      cursor.advance()
      return true
    }
    return false
  }

}
