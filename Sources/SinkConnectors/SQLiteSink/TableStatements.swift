import CSQLite
import Connector
import Model

/// The statements for one sink table under one source schema, and how a row's columns are bound to them.
///
/// Values are bound where they are in the batch; a statement is done with them when it has been stepped, before the batch
/// can change. Not thread-safe.
final class TableStatements {
  let table: SinkTable
  let source: RowSchema
  let hasKey: Bool
  private let name: String
  /// Of each sink column; memory of its own, so that a row costs no reference count.
  private let bindings: UnsafeMutableBufferPointer<ColumnBinding>
  /// Positions in `bindings` of the key's columns, in key order.
  private let keys: [Int]
  private unowned let database: SQLiteDatabase
  private let slots: UnsafeMutablePointer<UInt8>
  private var statements: [SQLiteStatement] = []
  // Handles of statements in `statements`, once they are prepared.
  private var upsert: OpaquePointer?
  private var remove: OpaquePointer?
  private var replaceEqual: OpaquePointer?

  init(_ database: SQLiteDatabase, _ table: SinkTable, _ source: RowSchema) throws(ConnectorError) {
    self.database = database
    self.table = table
    self.source = source
    name = try database.settings.tableName(table.id)
    hasKey = !table.schema.primaryKey.isEmpty
    bindings = .allocate(capacity: table.schema.columns.count)
    for (index, column) in table.schema.columns.enumerated() {
      let binding = ColumnBinding(sink: column.type, source: table.columnMap[index], in: source)
      bindings.initializeElement(at: index, to: binding)
    }
    keys = table.schema.keyIndexes
    slots = .allocate(capacity: max(bindings.count, 1) * 2 * ValueText.maximum)
    if let missing = keys.first(where: { bindings[$0].source < 0 }) {
      throw ConnectorError(
        .rejected, "key column \(table.schema.columns[missing].name) has no column of the source to fill it",
        table: table.id)
    }
  }

  deinit {
    bindings.deallocate()
    slots.deallocate()
  }

  /// Gives the statements up.
  func finalize() {
    for statement in statements { statement.finalize() }
    (upsert, remove, replaceEqual) = (nil, nil, nil)
  }

  // MARK: Rows

  /// Adds the row, or replaces the one with its key.
  func write(_ row: RowView) throws(ConnectorError) {
    let statement = if let upsert { upsert } else { try prepare(upsertSQL) }
    upsert = statement
    try bind(row, to: statement, from: 1, slot: 0)
    try step(statement)
  }

  /// Removes the row: the one with its key, or one that is equal to it.
  func delete(_ row: RowView) throws(ConnectorError) {
    let statement = if let remove { remove } else { try prepare(hasKey ? deleteByKeySQL : deleteEqualSQL) }
    remove = statement
    if hasKey {
      var parameter: Int32 = 1
      for key in keys {
        try bind(bindings[key], of: row, to: statement, parameter, slot: key)
        parameter += 1
      }
      try step(statement)
    } else {
      try bind(row, to: statement, from: 1, slot: 0)
      try step(statement)
      if database.changes == 0 { throw missing("delete") }
    }
  }

  /// Puts `after` in the place of `before`.
  func update(_ before: RowView, _ after: RowView) throws(ConnectorError) {
    if hasKey {
      if keyChanges(before, after) { try delete(before) }
      return try write(after)
    }
    let statement = if let replaceEqual { replaceEqual } else { try prepare(updateEqualSQL) }
    replaceEqual = statement
    try bind(after, to: statement, from: 1, slot: 0)
    try bind(before, to: statement, from: Int32(bindings.count) + 1, slot: bindings.count)
    try step(statement)
    if database.changes == 0 { throw missing("update") }
  }

  private func missing(_ operation: String) -> ConnectorError {
    ConnectorError(
      .rejected, "a row to \(operation) is not in the replica, and the table has no key", table: table.id,
      remedy: "the table in the file was changed by others; drop it there and read the table again")
  }

  private func keyChanges(_ before: RowView, _ after: RowView) -> Bool {
    for key in keys {
      let column = bindings[key].source
      if before.isNull(column) != after.isNull(column) { return true }
      if before.isNull(column) { continue }
      if source.physical[column] == .bytes {
        let (old, new) = (before.bytes(column), after.bytes(column))
        if old.count != new.count || !old.elementsEqual(new) { return true }
      } else if before.integer(column) != after.integer(column) {
        return true
      }
    }
    return false
  }

  // MARK: Binding

  @inline(__always)
  private func bind(
    _ row: RowView, to statement: OpaquePointer, from parameter: Int32, slot: Int
  ) throws(ConnectorError) {
    var index = 0
    while index < bindings.count {
      try bind(bindings[index], of: row, to: statement, parameter &+ Int32(index), slot: slot &+ index)
      index &+= 1
    }
  }

  @inline(__always)
  private func bind(
    _ binding: ColumnBinding, of row: RowView, to statement: OpaquePointer, _ parameter: Int32, slot: Int
  ) throws(ConnectorError) {
    let status: Int32
    if binding.source < 0 || row.isNull(binding.source) {
      status = sqlite3_bind_null(statement, parameter)
    } else {
      switch binding.way {
      case .integer: status = sqlite3_bind_int64(statement, parameter, row.integer(binding.source))
      case .text:
        let bytes = row.bytes(binding.source)
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        status = sqlite3_bind_text(statement, parameter, start, Int32(truncatingIfNeeded: bytes.count), nil)
      case .blob:
        let bytes = row.bytes(binding.source)
        status = sqlite3_bind_blob(
          statement, parameter, bytes.baseAddress, Int32(truncatingIfNeeded: bytes.count), nil)
      default:
        status = try binding.bindFormatted(row, statement, parameter, slots + slot &* ValueText.maximum)
      }
    }
    if status != SQLITE_OK { throw failed(status, "binding a value") }
  }

  @inline(__always)
  private func step(_ statement: OpaquePointer) throws(ConnectorError) {
    let status = sqlite3_step(statement)
    if status != SQLITE_DONE {
      let error = failed(status, "writing a row")
      sqlite3_reset(statement)
      throw error
    }
    sqlite3_reset(statement)
  }

  private func failed(_ status: Int32, _ what: String) -> ConnectorError {
    var error = database.failure(status, what)
    error.table = table.id
    return error
  }

  private func prepare(_ sql: String) throws(ConnectorError) -> OpaquePointer {
    do throws(ConnectorError) {
      let statement = try SQLiteStatement(database, sql, persistent: true)
      statements.append(statement)
      if let handle = statement.handle { return handle }
    } catch {
      var error = error
      error.table = table.id
      throw error
    }
    throw ConnectorError(.bug, "a statement was prepared to nothing", table: table.id)
  }

  // MARK: SQL

  private var columns: [String] { table.schema.columns.map { SQLText.name($0.name) } }

  private var upsertSQL: String {
    let values = (1...max(bindings.count, 1)).map { "?\($0)" }.joined(separator: ", ")
    let head = "INSERT INTO \(SQLText.name(name)) (\(columns.joined(separator: ", "))) VALUES (\(values))"
    if !hasKey { return head }
    let key = keys.map { columns[$0] }.joined(separator: ", ")
    let rest = columns.indices.filter { !keys.contains($0) }.map { "\(columns[$0]) = excluded.\(columns[$0])" }
    let action = rest.isEmpty ? "DO NOTHING" : "DO UPDATE SET \(rest.joined(separator: ", "))"
    return "\(head) ON CONFLICT (\(key)) \(action)"
  }

  private var deleteByKeySQL: String {
    let conditions = keys.enumerated().map { "\(columns[$0.element]) = ?\($0.offset + 1)" }
    return "DELETE FROM \(SQLText.name(name)) WHERE \(conditions.joined(separator: " AND "))"
  }

  private var deleteEqualSQL: String {
    "DELETE FROM \(SQLText.name(name)) WHERE \(equalRow(firstParameter: 1))"
  }

  private var updateEqualSQL: String {
    let sets = columns.enumerated().map { "\($0.element) = ?\($0.offset + 1)" }.joined(separator: ", ")
    return "UPDATE \(SQLText.name(name)) SET \(sets) WHERE \(equalRow(firstParameter: columns.count + 1))"
  }

  /// One row that is equal in every column.
  private func equalRow(firstParameter: Int) -> String {
    let names = Set(table.schema.columns.map { $0.name.lowercased() })
    let row = ["rowid", "_rowid_", "oid"].first { !names.contains($0) } ?? "rowid"
    let conditions = columns.enumerated().map { "\($0.element) IS ?\($0.offset + firstParameter)" }
    return "\(row) = (SELECT \(row) FROM \(SQLText.name(name)) WHERE \(Self.conjunction(conditions[...])) LIMIT 1)"
  }

  /// `a AND b AND …` as a balanced tree: SQLite limits the depth of an expression, not its size.
  private static func conjunction(_ conditions: ArraySlice<String>) -> String {
    if conditions.count <= 8 { return conditions.joined(separator: " AND ") }
    let middle = conditions.startIndex + conditions.count / 2
    return "(\(conjunction(conditions[..<middle]))) AND (\(conjunction(conditions[middle...])))"
  }
}
