import CMySQL

/// The source side of a comparison: one connection, reading one consistent snapshot, through the client library alone.
final class ComparisonSource {
  private let handle: UnsafeMutablePointer<MYSQL>
  private let movesShortYears: Bool

  /// Connects and opens the snapshot.
  init(_ request: ComparisonRequest) throws(ComparisonError) {
    movesShortYears = request.movesShortYears
    guard let handle = mysql_init(nil) else { throw ComparisonError("out of memory for a MySQL connection") }
    let connected = mysql_real_connect(
      handle, request.host, request.user, request.password, nil, UInt32(request.port), nil, 0)
    guard connected != nil else {
      let reason = String(cString: mysql_error(handle))
      mysql_close(handle)
      throw ComparisonError("cannot connect to \(request.user)@\(request.host):\(request.port): \(reason)")
    }
    self.handle = handle
    for statement in [
      "SET NAMES utf8mb4",
      "SET SESSION time_zone='+00:00', sql_mode='', max_sort_length=8192, net_write_timeout=3600",
      "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ] { try execute(statement) }
  }

  deinit { mysql_close(handle) }

  /// Base tables of a database, sorted by name.
  func tables(of database: String) throws(ComparisonError) -> [String] {
    try strings(
      """
      SELECT TABLE_NAME FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = \(literal(database)) AND TABLE_TYPE = 'BASE TABLE' ORDER BY CAST(TABLE_NAME AS BINARY)
      """
    ).compactMap { $0[0] }
  }

  /// Columns and key of a table.
  func describe(_ database: String, _ table: String) throws(ComparisonError) -> ComparisonTable {
    let place = "TABLE_SCHEMA = \(literal(database)) AND TABLE_NAME = \(literal(table))"
    let keyNames = try strings(
      "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE \(place) AND INDEX_NAME = 'PRIMARY' "
        + "ORDER BY SEQ_IN_INDEX"
    ).compactMap { $0[0] }
    var columns: [ComparisonColumn] = []
    for row in try strings(
      "SELECT COLUMN_NAME, LOWER(DATA_TYPE), LOWER(COLUMN_TYPE), IS_NULLABLE, DATETIME_PRECISION "
        + "FROM information_schema.COLUMNS WHERE \(place) ORDER BY ORDINAL_POSITION")
    {
      guard let name = row[0], let dataType = row[1], let columnType = row[2] else { continue }
      guard let kind = ComparisonKind(dataType: dataType, columnType: columnType) else {
        throw ComparisonError("\(database).\(table).\(name): columns of type \(columnType) cannot be compared")
      }
      columns.append(
        ComparisonColumn(
          name: name, kind: kind, isNullable: row[3] == "YES", digits: row[4].flatMap { Int($0) } ?? 0,
          movesShortYears: movesShortYears && !keyNames.contains(name)))
    }
    guard !columns.isEmpty else { throw ComparisonError("the source has no table \(database).\(table)") }
    let key = keyNames.compactMap { name in columns.firstIndex { $0.name == name } }
    return ComparisonTable(database: database, name: table, columns: columns, key: key)
  }

  /// Opens the rows of a table, in key order when there is one.
  func rows(of table: ComparisonTable) throws(ComparisonError) -> SourceRows {
    func quoted(_ index: Int) -> String { ComparisonSource.identifier(table.columns[index].name) }
    let selected = table.columns.indices.map { table.columns[$0].sourceExpression(quoted($0)) }
    var sql = "SELECT \(selected.joined(separator: ", ")) FROM "
    sql += "\(ComparisonSource.identifier(table.database)).\(ComparisonSource.identifier(table.name))"
    if table.isOrdered {
      sql += " ORDER BY " + table.key.map { table.columns[$0].kind.sourceOrder(quoted($0)) }.joined(separator: ", ")
    }
    try execute(sql)
    guard let result = mysql_use_result(handle) else { throw failure("reading \(table.fullName)") }
    return SourceRows(owner: self, result: result, table: table)
  }

  fileprivate func failure(_ doing: String) -> ComparisonError {
    ComparisonError("\(doing): \(String(cString: mysql_error(handle)))")
  }

  /// Whether the last call on this connection failed; a row reader's end and its failure look alike.
  fileprivate var hasFailed: Bool { mysql_errno(handle) != 0 }

  private func execute(_ sql: String) throws(ComparisonError) {
    if mysql_real_query(handle, sql, UInt(sql.utf8.count)) != 0 {
      throw failure("source refused \"\(sql.prefix(120))\"")
    }
  }

  private func strings(_ sql: String) throws(ComparisonError) -> [[String?]] {
    try execute(sql)
    guard let result = mysql_store_result(handle) else { throw failure("reading the source's catalogue") }
    defer { mysql_free_result(result) }
    let count = Int(mysql_num_fields(result))
    var rows: [[String?]] = []
    while let row = mysql_fetch_row(result) {
      rows.append((0..<count).map { index in row[index].map { String(cString: $0) } })
    }
    return rows
  }

  private func literal(_ text: String) -> String {
    var buffer = [CChar](repeating: 0, count: text.utf8.count * 2 + 1)
    let length = mysql_real_escape_string(handle, &buffer, text, UInt(text.utf8.count))
    return "'" + String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self) + "'"
  }

  private static func identifier(_ name: String) -> String {
    "`" + name.split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``") + "`"
  }
}

/// The rows of one source table, one at a time. While it lives, its connection can do nothing else.
final class SourceRows {
  private let owner: ComparisonSource
  private let result: UnsafeMutablePointer<MYSQL_RES>
  private let table: ComparisonTable

  fileprivate init(owner: ComparisonSource, result: UnsafeMutablePointer<MYSQL_RES>, table: ComparisonTable) {
    self.owner = owner
    self.result = result
    self.table = table
  }

  deinit { mysql_free_result(result) }

  /// Puts the next row into `row`; false at the end.
  func next(_ row: inout CanonicalRow) throws(ComparisonError) -> Bool {
    guard let values = mysql_fetch_row(result), let lengths = mysql_fetch_lengths(result) else {
      if owner.hasFailed { throw owner.failure("reading \(table.fullName)") }
      return false
    }
    row.reset()
    for (index, column) in table.columns.enumerated() {
      guard let value = values[index] else {
        row.appendNull()
        continue
      }
      let bytes = UnsafeRawBufferPointer(start: value, count: Int(lengths[index]))
      switch column.kind {
      case .float, .double:
        guard let number = Double(String(decoding: bytes, as: UTF8.self)) else {
          throw ComparisonError("\(table.fullName).\(column.name): the source sent a number that is none")
        }
        row.append(real: number, kind: column.kind)
      case .spatial, .vector:
        let shape = column.kind == .vector ? ComparisonShape(vector: bytes) : ComparisonShape(spatial: bytes)
        guard let shape else {
          throw ComparisonError("\(table.fullName).\(column.name): the source sent a value that is none of its type")
        }
        row.append(shape)
      default: row.append(column.kind.storage, bytes, kind: column.kind)
      }
    }
    return true
  }
}
