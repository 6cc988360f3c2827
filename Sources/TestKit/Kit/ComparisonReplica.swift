import CSQLite

/// The replica side of a comparison: a SQLite file, opened for reading, in one read transaction.
final class ComparisonReplica {
  private let handle: OpaquePointer
  private let nameStyle: ComparisonRequest.NameStyle

  /// Opens the file and the transaction.
  init(_ request: ComparisonRequest) throws(ComparisonError) {
    var opened: OpaquePointer?
    let status = sqlite3_open_v2(request.replica, &opened, SQLITE_OPEN_READONLY, nil)
    guard status == SQLITE_OK, let opened else {
      let reason = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close(opened)
      throw ComparisonError("cannot open the replica \(request.replica): \(reason)")
    }
    handle = opened
    nameStyle = request.nameStyle
    sqlite3_busy_timeout(handle, 10_000)
    guard sqlite3_exec(handle, "BEGIN", nil, nil, nil) == SQLITE_OK else { throw failure("opening a transaction") }
  }

  deinit { sqlite3_close(handle) }

  /// The replica's name of a source table.
  func name(of table: ComparisonTable) -> String {
    switch nameStyle {
    case .full: table.fullName
    case .table: table.name
    }
  }

  /// Names of all tables.
  func tables() throws(ComparisonError) -> [String] {
    try strings("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", column: 0)
  }

  /// Column names of a table; empty when it does not exist.
  func columns(of table: String) throws(ComparisonError) -> [String] {
    try strings("PRAGMA table_xinfo(\(ComparisonReplica.identifier(table)))", column: 1)
  }

  /// Opens the rows of a table, in the source's order of keys when there is one.
  func rows(of table: ComparisonTable) throws(ComparisonError) -> ReplicaRows {
    func quoted(_ index: Int) -> String { ComparisonReplica.identifier(table.columns[index].name) }
    var sql = "SELECT \(table.columns.indices.map(quoted).joined(separator: ", ")) FROM "
    sql += ComparisonReplica.identifier(name(of: table))
    if table.isOrdered {
      sql += " ORDER BY " + table.key.map { table.columns[$0].kind.replicaOrder(quoted($0)) }.joined(separator: ", ")
    }
    return ReplicaRows(owner: self, statement: try prepare(sql), table: table)
  }

  fileprivate func failure(_ doing: String) -> ComparisonError {
    ComparisonError("replica: \(doing): \(String(cString: sqlite3_errmsg(handle)))")
  }

  private func prepare(_ sql: String) throws(ComparisonError) -> OpaquePointer {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw failure("\"\(sql.prefix(120))\"")
    }
    return statement
  }

  private func strings(_ sql: String, column: Int32) throws(ComparisonError) -> [String] {
    let statement = try prepare(sql)
    defer { sqlite3_finalize(statement) }
    var found: [String] = []
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW:
        if let text = sqlite3_column_text(statement, column) { found.append(String(cString: text)) }
      case SQLITE_DONE: return found
      default: throw failure("reading the catalogue")
      }
    }
  }

  private static func identifier(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// The rows of one replica table, one at a time.
final class ReplicaRows {
  private let owner: ComparisonReplica
  private let statement: OpaquePointer
  private let table: ComparisonTable

  fileprivate init(owner: ComparisonReplica, statement: OpaquePointer, table: ComparisonTable) {
    self.owner = owner
    self.statement = statement
    self.table = table
  }

  deinit { sqlite3_finalize(statement) }

  /// Puts the next row into `row`; false at the end.
  func next(_ row: inout CanonicalRow) throws(ComparisonError) -> Bool {
    switch sqlite3_step(statement) {
    case SQLITE_DONE: return false
    case SQLITE_ROW: break
    default: throw owner.failure("reading \(table.fullName)")
    }
    row.reset()
    for (index, column) in table.columns.enumerated() { append(Int32(index), column.kind, to: &row) }
    return true
  }

  private func append(_ index: Int32, _ kind: ComparisonKind, to row: inout CanonicalRow) {
    switch sqlite3_column_type(statement, index) {
    case SQLITE_INTEGER: row.append(.integer, text(index), kind: kind)
    case SQLITE_FLOAT: row.append(real: sqlite3_column_double(statement, index), kind: kind)
    case SQLITE_TEXT: row.append(.text, text(index), kind: kind)
    case SQLITE_BLOB:
      let start = sqlite3_column_blob(statement, index)
      let count = Int(sqlite3_column_bytes(statement, index))
      row.append(.blob, UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count), kind: kind)
    default: row.appendNull()
    }
  }

  /// Valid until the next step or conversion of this column.
  private func text(_ index: Int32) -> UnsafeRawBufferPointer {
    let start = sqlite3_column_text(statement, index)
    return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, index)))
  }
}
