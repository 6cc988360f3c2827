import CSQLite
import Connector

/// A prepared statement; belongs to its database and to the database's thread.
final class SQLiteStatement {
  private unowned let database: SQLiteDatabase
  private let sql: String
  private(set) var handle: OpaquePointer?

  /// Prepares one statement. `persistent`: it will be used again and again.
  init(_ database: SQLiteDatabase, _ sql: String, persistent: Bool) throws(ConnectorError) {
    self.database = database
    self.sql = sql
    var prepared: OpaquePointer?
    let flags = persistent ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
    let status = sqlite3_prepare_v3(database.handle, sql, -1, flags, &prepared, nil)
    self.handle = prepared
    if status != SQLITE_OK { throw database.failure(status, sql) }
  }

  deinit { finalize() }

  /// Gives the statement up. Callable more than once.
  func finalize() {
    sqlite3_finalize(handle)
    handle = nil
  }

  /// Ends a run and forgets what was bound.
  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  /// Binds a parameter, counted from 1. The text is copied.
  func bind(_ index: Int32, _ value: String?) throws(ConnectorError) {
    guard let value else { return try check(sqlite3_bind_null(handle, index)) }
    let bytes = Array(value.utf8)
    let status = bytes.withUnsafeBytes { SQLiteCopy.bindText(handle, index, $0) }
    try check(status)
  }

  /// Binds a parameter, counted from 1.
  func bind(_ index: Int32, _ value: Int) throws(ConnectorError) {
    try check(sqlite3_bind_int64(handle, index, Int64(value)))
  }

  private func check(_ status: Int32) throws(ConnectorError) {
    if status != SQLITE_OK { throw database.failure(status, sql) }
  }

  /// Runs to the next row; false after the last one, and the statement is ready for the next run then.
  func step() throws(ConnectorError) -> Bool {
    let status = sqlite3_step(handle)
    if status == SQLITE_ROW { return true }
    guard status == SQLITE_DONE else {
      let error = database.failure(status, sql)
      sqlite3_reset(handle)
      throw error
    }
    sqlite3_reset(handle)
    return false
  }

  /// Runs a statement that returns no row.
  func run() throws(ConnectorError) {
    while try step() {}
  }

  /// A column of the current row as text, nil for NULL.
  func text(_ column: Int32) -> String? {
    guard let bytes = sqlite3_column_text(handle, column) else { return nil }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  /// A column of the current row as an integer, 0 for NULL.
  func integer(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
}

/// Binding of bytes that do not outlive the call: SQLite gets a copy of its own and frees it.
enum SQLiteCopy {
  /// Binds a copy of the bytes as text.
  static func bindText(_ statement: OpaquePointer?, _ index: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard let copy = copy(bytes) else { return SQLITE_NOMEM }
    let text = copy.assumingMemoryBound(to: CChar.self)
    return sqlite3_bind_text64(statement, index, text, UInt64(bytes.count), sqlite3_free, UInt8(SQLITE_UTF8))
  }

  /// Binds a copy of the bytes as a blob.
  static func bindBlob(_ statement: OpaquePointer?, _ index: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    guard let copy = copy(bytes) else { return SQLITE_NOMEM }
    return sqlite3_bind_blob64(statement, index, copy, UInt64(bytes.count), sqlite3_free)
  }

  /// The bytes in SQLite's own memory; one byte for none, since no memory at all would mean NULL.
  static func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer? {
    guard let copy = sqlite3_malloc64(UInt64(max(bytes.count, 1))) else { return nil }
    if let source = bytes.baseAddress { copy.copyMemory(from: source, byteCount: bytes.count) }
    return copy
  }
}
