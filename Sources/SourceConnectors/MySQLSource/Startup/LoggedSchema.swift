import Model

/// A table's columns as the log itself describes them in front of its rows (`binlog_row_metadata = FULL`), for a start in
/// the past of a table that is not what it was.
///
/// The log does not tell everything: a `TINYINT(1)` looks like any TINYINT, `FLOAT(7,3)` like FLOAT, defaults and comments
/// are missing. So a column that no statement has touched since is today's; the others are read without loss: as TINYINT,
/// as FLOAT.
struct LoggedSchema {
  let map: TableMap
  let columns: [DescribedColumn]
  /// Names of the collations, by their numbers.
  let collations: [UInt32: String]
  let isMariaDB: Bool

  /// Nil when the log does not name the columns.
  init?(_ map: TableMap, collations: [UInt32: String], isMariaDB: Bool) {
    guard map.problem == nil, let columns = map.describedColumns, columns.count == map.columnCount else { return nil }
    self.map = map
    self.columns = columns
    self.collations = collations
    self.isMariaDB = isMariaDB
  }

  /// The schema that the rows were written under.
  /// - Parameters:
  ///   - today: the table as it is now.
  ///   - touched: names of columns that statements have defined anew since, in lower case; nil: any may have been.
  ///   - hasPrimaryKey: today's key is declared as such.
  /// - Throws: `unsupported` for what the description leaves open.
  func schema(
    today: TableSchema, touched: Set<String>?, hasPrimaryKey: Bool, options: ValueOptions
  ) throws(BinlogError) -> TableSchema {
    var result = TableSchema(columns: [], primaryKey: [])
    result.comment = today.comment
    for (index, column) in columns.enumerated() {
      if let touched, !touched.contains(column.name.lowercased()), let known = unchanged(index, column, today) {
        result.columns.append(known)
      } else {
        result.columns.append(try described(index, column, options))
      }
    }
    result.primaryKey = try key(today, touched, hasPrimaryKey: hasPrimaryKey, in: result)
    return result
  }

  /// Today's column of that name, if it fits the description.
  private func unchanged(_ index: Int, _ column: DescribedColumn, _ today: TableSchema) -> Column? {
    guard let place = today.index(of: column.name) else { return nil }
    let known = today.columns[place]
    guard known.type.isNullable == map.nullable[index],
      let type = try? MySQLColumnType(columnType: known.nativeType, collation: known.nativeCollation),
      (try? BinlogColumn(map: map, index: index).step(for: type, column: known)) != nil
    else { return nil }
    return known
  }

  private func described(
    _ index: Int, _ column: DescribedColumn, _ options: ValueOptions
  ) throws(BinlogError) -> Column {
    let (text, collation) = try nativeType(index, column)
    let type = try MySQLColumnType(columnType: text, collation: collation)
    guard
      let dataType = type.dataType(
        nullable: map.nullable[index], treatTinyint1AsBoolean: options.treatTinyint1AsBoolean)
    else { throw .unsupported("column \(column.name) had the type \(text), which is not carried") }
    return Column(name: column.name, type: dataType, nativeType: text, nativeCollation: collation)
  }

  /// The key is the description's; without a primary key a unique one may have told the rows apart, which it does not say.
  private func key(
    _ today: TableSchema, _ touched: Set<String>?, hasPrimaryKey: Bool, in schema: TableSchema
  ) throws(BinlogError) -> [String] {
    let logged = columns.filter { $0.keyPosition != nil }.sorted { ($0.keyPosition ?? 0) < ($1.keyPosition ?? 0) }
    if !logged.isEmpty, !map.hasKeyPrefixes { return logged.map(\.name) }
    if logged.isEmpty, !hasPrimaryKey {
      if today.primaryKey.isEmpty { return [] }
      let isKept = today.primaryKey.allSatisfy { name in
        schema.index(of: name) != nil && touched?.contains(name.lowercased()) == false
      }
      if isKept { return today.primaryKey }
    }
    throw .unsupported("the log does not tell which columns told its rows apart then")
  }
}

/// Types in the catalog's words.
extension LoggedSchema {
  private func nativeType(_ index: Int, _ column: DescribedColumn) throws(BinlogError) -> (String, String) {
    let metadata = Int(column.metadata)
    let sign = column.isUnsigned ? " unsigned" : ""
    func digits(_ name: String) -> (String, String) { (metadata == 0 ? name : "\(name)(\(metadata))", "") }
    switch column.type {
    case .tiny: return ("tinyint(4)" + sign, "")
    case .short: return ("smallint" + sign, "")
    case .int24: return ("mediumint" + sign, "")
    case .long: return ("int" + sign, "")
    case .longlong: return ("bigint" + sign, "")
    case .float: return ("float" + sign, "")
    case .double: return ("double" + sign, "")
    case .newdecimal: return ("decimal(\(metadata >> 8),\(metadata & 0xff))" + sign, "")
    case .bit: return ("bit(\(metadata & 0xff + metadata >> 8 * 8))", "")
    case .year: return ("year", "")
    case .date, .newdate: return ("date", "")
    case .time2: return digits("time")
    case .datetime2: return digits("datetime")
    case .timestamp2: return digits("timestamp")
    case .json: return ("json", "")
    case .vector: return ("vector(\(column.vectorSize ?? 0))", "")
    case .geometry: return (try geometry(column), "")
    case .varchar, .varString: return try sized(column, bytes: metadata, "varchar", "varbinary")
    case .string: return try fixed(index, column)
    case .blob: return try large(column, lengthBytes: metadata)
    case .enumeration, .set: return try listed(column)
    default: throw .unsupported("column \(column.name) was of a type that the log does not describe enough")
    }
  }

  /// Nil for bytes.
  private func collation(_ column: DescribedColumn) throws(BinlogError) -> String? {
    guard let number = column.collation, number != 63 else { return nil }
    guard let name = collations[number] else {
      throw .unsupported("column \(column.name) had the collation number \(number), which the server does not name")
    }
    return name
  }

  private func sized(
    _ column: DescribedColumn, bytes: Int, _ text: String, _ binary: String
  ) throws(BinlogError) -> (String, String) {
    guard let collation = try collation(column) else { return ("\(binary)(\(bytes))", "") }
    let width = MySQLCharset(collation: collation).maximumCharacterLength
    return ("\(text)(\(bytes / max(width, 1)))", collation)
  }

  private func fixed(_ index: Int, _ column: DescribedColumn) throws(BinlogError) -> (String, String) {
    guard let bytes = BinlogColumn(map: map, index: index).fixedLength else {
      throw .unsupported("column \(column.name) was of a type that the log does not describe enough")
    }
    let found = try sized(column, bytes: bytes, "char", "binary")
    if isMariaDB, found.1.isEmpty, bytes == 16 || bytes == 4 {
      throw .unsupported(
        "column \(column.name) may have been BINARY(\(bytes)), UUID or INET, which look alike in the log")
    }
    return found
  }

  private func large(_ column: DescribedColumn, lengthBytes: Int) throws(BinlogError) -> (String, String) {
    guard (1...4).contains(lengthBytes) else {
      throw .corrupt("column \(column.name) is described with \(lengthBytes) bytes of length")
    }
    let size = ["tiny", "", "medium", "long"][lengthBytes - 1]
    guard let collation = try collation(column) else { return (size + "blob", "") }
    return (size + "text", collation)
  }

  private func listed(_ column: DescribedColumn) throws(BinlogError) -> (String, String) {
    let collation = try collation(column) ?? "binary"
    var members: [String] = []
    for bytes in column.members ?? [] {
      let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
      switch MySQLCharset(collation: collation) {
      case .utf8mb4, .utf8mb3, .ascii, .binary: break
      case .ucs2, .utf16, .utf16le, .utf32:
        throw .unsupported("column \(column.name) had members in the character set of \(collation)")
      case .latin1, .other:
        guard isPlain else {
          throw .unsupported("column \(column.name) had members in the character set of \(collation)")
        }
      }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw .corrupt("column \(column.name) has members that are no text")
      }
      members.append("'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'")
    }
    guard !members.isEmpty else { throw .unsupported("the log does not tell the members of column \(column.name)") }
    return ("\(column.type == .set ? "set" : "enum")(\(members.joined(separator: ",")))", collation)
  }

  private func geometry(_ column: DescribedColumn) throws(BinlogError) -> String {
    let names = [
      "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
      "geometrycollection",
    ]
    guard let number = column.geometryType, number < UInt64(names.count) else { return "geometry" }
    return names[Int(number)]
  }
}
