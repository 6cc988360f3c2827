import Model

/// What the rows that exist already hold in a column that is added. They are in no event.
///
/// | definition | their value | what is done |
/// | --- | --- | --- |
/// | `DEFAULT` literal (numbers, texts, `b''`, `x''`, dates, enumerations) | the literal, as the type has it | the column's default carries it |
/// | nullable, no `DEFAULT` or `DEFAULT NULL` | NULL | nothing to carry |
/// | `NOT NULL` without `DEFAULT` | the type's implicit value: 0, '', the first member, the zero date | the default carries it |
/// | the same for `TIMESTAMP`, `BINARY`, `JSON`, spatial types | what no text can tell for certain | the table is read anew |
/// | `CURRENT_TIMESTAMP`, any other expression | computed by the server, row by row | the table is read anew |
/// | a `TIMESTAMP` literal | depends on the writer's time zone | the table is read anew |
/// | `AUTO_INCREMENT`, `SERIAL`; generated columns, stored or virtual | computed by the server | the table is read anew |
/// | a time literal with more digits of a second than the type has | rounded or cut | the table is read anew |
/// | a literal of bytes that are no UTF-8 | cannot be carried as text | the table is read anew |
enum AddedColumn {
  /// What the existing rows hold.
  enum Filling: Hashable {
    case null
    /// A constant, in the form of `Column.defaultValue`.
    case value(String)
    /// Only the table itself tells.
    case unknown(String)
  }

  static func filling(
    _ definition: ColumnDefinition, _ type: MySQLColumnType, isNullable: Bool, _ options: ValueOptions
  ) -> Filling {
    if definition.isGenerated { return .unknown("column \(definition.name) is generated") }
    if definition.isAutoIncrement { return .unknown("column \(definition.name) numbers the rows") }
    switch definition.defaultClause {
    case .null: return .null
    case .expression(let rule): return .unknown("column \(definition.name) is filled with \(rule)")
    case .constant, .bytes:
      guard type.kind != .timestamp, let text = DefaultText.canonical(definition.defaultClause, type) else {
        return .unknown("column \(definition.name) is filled with a value that is not carried")
      }
      if options.isLossless, type.isBoolean(options), text != "0", text != "1" {
        return .unknown("column \(definition.name) is filled with \(text), which a BOOLEAN cannot hold")
      }
      return type.carriedDefault(text, nullable: isNullable, options: options).map { .value($0) } ?? .null
    case .none:
      if isNullable { return .null }
      guard let text = type.implicitDefault(options) else {
        return .unknown("column \(definition.name) is filled with its type's own value")
      }
      return .value(text)
    }
  }
}

extension MySQLColumnType {
  /// What a NOT NULL column without DEFAULT holds in rows that were there before it; nil where that is a value that is
  /// not carried (a zero date).
  fileprivate func implicitDefault(_ options: ValueOptions) -> String? {
    switch kind {
    case .tinyint, .smallint, .mediumint, .int, .bigint, .year, .float, .double: "0"
    case .decimal: (scale ?? 0) > 0 ? "0." + String(repeating: "0", count: scale ?? 0) : "0"
    case .char, .varchar, .text, .varbinary, .blob, .set: ""
    case .enumeration: members.first
    case .time: "00:00:00" + (fractionalDigits > 0 ? "." + String(repeating: "0", count: fractionalDigits) : "")
    case .bit: bitWidth == 1 ? "0" : "b'0'"
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
