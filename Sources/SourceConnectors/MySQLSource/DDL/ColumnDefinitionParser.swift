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
      guard let value = defaultClause(&cursor) else { return false }
      column.defaultClause = value
    } else if cursor.take("ON", "UPDATE") {
      cursor.advance()
      _ = cursor.parenthesised()
    } else if cursor.take("SERIAL", "DEFAULT", "VALUE") {
      column.isNullable = false
      column.isAutoIncrement = true
    } else if cursor.take("AUTO_INCREMENT") {
      column.isAutoIncrement = true
    } else if cursor.take("COMMENT") {
      column.comment = cursor.string()
    } else if cursor.take("GENERATED", "ALWAYS", "AS") || cursor.take("AS") {
      guard cursor.parenthesised() != nil else { return false }
      column.isGenerated = true
      _ = cursor.takeAny(["VIRTUAL", "STORED", "PERSISTENT"])
    } else {
      return storageAttribute(&cursor)
    }
    return true
  }

  private func textAttribute(_ column: inout ColumnDefinition, _ cursor: inout TokenCursor) -> Bool {
    if cursor.take("CHARACTER", "SET") || cursor.take("CHARSET") {
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
  private func storageAttribute(_ cursor: inout TokenCursor) -> Bool {
    if cursor.takeAny(["VISIBLE", "INVISIBLE"]) != nil { return true }
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

  /// What stands behind DEFAULT; nil when it is not understood.
  func defaultClause(_ cursor: inout TokenCursor) -> DefaultClause? {
    if let inner = cursor.parenthesised() { return .expression("(" + inner.text + ")") }
    var sign = ""
    if cursor.take(symbol: "-") { sign = "-" } else { _ = cursor.take(symbol: "+") }
    guard let token = cursor.current else { return nil }
    cursor.advance()
    switch token.kind {
    case .string, .number: return .constant(sign + token.text)
    case .symbol, .quotedName: return nil
    case .word: break
    }
    switch token.keyword {
    case "NULL": return .null
    case "TRUE": return .constant("1")
    case "FALSE": return .constant("0")
    case "NEXT":
      guard cursor.take("VALUE", "FOR"), cursor.tableName(defaultSchema: "") != nil else { return nil }
      return .expression("NEXT VALUE FOR")
    default: break
    }
    // b'101', x'4D', N'text', _utf8mb4'text'.
    if let next = cursor.current, next.kind == .string {
      let isBits = token.keyword == "B" || token.keyword == "X"
      guard isBits || token.keyword == "N" || token.keyword.hasPrefix("_") else { return .expression(token.text) }
      cursor.advance()
      return .constant(isBits ? "\(token.text.lowercased())'\(next.text)'" : next.text)
    }
    // CURRENT_TIMESTAMP, NOW(6), UUID() …
    let hasArguments = cursor.parenthesised() != nil
    return .expression(token.text + (hasArguments ? "()" : ""))
  }
}
