import CSQLite
import Connector

/// The text of a table's definition.
struct TableDefinition {
  struct ColumnText {
    var name: String
    var declared: String
    init(_ name: String, _ declared: String) {
      self.name = name
      self.declared = declared
    }
  }

  var columns: [ColumnText]
  /// In key order.
  var key: [String]
  var isStrict: Bool
  var isWithoutRowID: Bool

  func sql(_ name: String) -> String {
    let keySet = Set(key)
    var parts = columns.map { column in
      "\(SQLText.name(column.name)) \(column.declared)" + (keySet.contains(column.name) ? " NOT NULL" : "")
    }
    if !key.isEmpty { parts.append("PRIMARY KEY (\(key.map(SQLText.name).joined(separator: ", ")))") }
    let traits = [isStrict ? "STRICT" : nil, isWithoutRowID ? "WITHOUT ROWID" : nil].compactMap { $0 }
    return "CREATE TABLE \(SQLText.name(name)) (\(parts.joined(separator: ", "))) \(traits.joined(separator: ", "))"
  }
}

/// Makes a table anew with other types or another key, since SQLite cannot change a table's: new table, rows copied and converted, old
/// table dropped, new one renamed, indexes and triggers made again. All in the caller's transaction.
struct TableRebuild {
  struct Change {
    var column: String
    var from: StorageForm
    var to: StorageForm
  }

  private static let temporaryName = "_tidegate_rebuild"

  private let database: SQLiteDatabase

  init(_ database: SQLiteDatabase) { self.database = database }

  /// A primary key as the table shall have it.
  struct Key {
    /// In key order; empty: none.
    var columns: [String]
    /// Whether a table with a key is WITHOUT ROWID.
    var isWithoutRowID: Bool
  }

  /// - Parameter newKey: nil, the key stays.
  func perform(_ changes: [Change], _ table: String, key newKey: Key? = nil) throws(ConnectorError) {
    let catalog = TableCatalog(database)
    let actual = try catalog.actual(table)
    let traits = try catalog.traits(table)
    let attachments = try catalog.attachments(table)
    try registerConversion(changes)

    let columns = actual.map { column in
      let change = changes.first { $0.column == column.name }
      return TableDefinition.ColumnText(column.name, change?.to.declared ?? column.declared)
    }
    let key = newKey?.columns ?? actual.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }.map(\.name)
    let definition = TableDefinition(
      columns: columns, key: key, isStrict: traits.strict,
      isWithoutRowID: newKey.map { $0.isWithoutRowID && !$0.columns.isEmpty } ?? traits.withoutRowID)
    let names = actual.map { SQLText.name($0.name) }.joined(separator: ", ")
    let values = actual.map { column in
      guard let index = changes.firstIndex(where: { $0.column == column.name }) else {
        return SQLText.name(column.name)
      }
      return "tidegate_convert(\(index), \(SQLText.name(column.name)))"
    }
    try database.run(definition.sql(Self.temporaryName))
    try database.run(
      "INSERT INTO \(SQLText.name(Self.temporaryName)) (\(names)) SELECT \(values.joined(separator: ", ")) "
        + "FROM \(SQLText.name(table))")
    try database.run("DROP TABLE \(SQLText.name(table))")
    try database.run("ALTER TABLE \(SQLText.name(Self.temporaryName)) RENAME TO \(SQLText.name(table))")
    for statement in attachments { try database.run(statement) }
  }

  /// Makes `tidegate_convert(change, value)` known to the connection. SQLite keeps the context until the function is
  /// registered again or the connection is closed, and then gives it back to `destroy`.
  private func registerConversion(_ changes: [Change]) throws(ConnectorError) {
    let context = Unmanaged.passRetained(ConversionContext(changes)).toOpaque()
    let status = sqlite3_create_function_v2(
      database.handle, "tidegate_convert", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, context, ConversionContext.convert,
      nil, nil, ConversionContext.destroy)
    guard status == SQLITE_OK else { throw database.failure(status, "registering the conversion of values") }
  }
}

/// What `tidegate_convert` needs to know.
private final class ConversionContext {
  private let changes: [TableRebuild.Change]

  init(_ changes: [TableRebuild.Change]) { self.changes = changes }

  static let destroy: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    if let context { Unmanaged<ConversionContext>.fromOpaque(context).release() }
  }

  static let convert: @convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
    call, count, arguments in
    guard let context = sqlite3_user_data(call), let arguments, count == 2 else {
      return sqlite3_result_error(call, "tidegate_convert takes two arguments", -1)
    }
    let changes = Unmanaged<ConversionContext>.fromOpaque(context).takeUnretainedValue().changes
    let index = Int(sqlite3_value_int(arguments[0]))
    guard changes.indices.contains(index) else {
      return sqlite3_result_error(call, "tidegate_convert knows no such change", -1)
    }
    let change = changes[index]
    let value = StoredValue(argument: arguments[1])
    guard let converted = value.converted(from: change.from, to: change.to) else {
      let shown =
        "a value of column \(change.column) has no exact counterpart in its new type (\(change.from) to "
        + "\(change.to)); drop the table in the file and read it again"
      return sqlite3_result_error(call, shown, -1)
    }
    converted.give(to: call)
  }
}

extension StoredValue {
  /// The value of a function's argument.
  fileprivate init(argument: OpaquePointer?) {
    let count = Int(sqlite3_value_bytes(argument))
    switch sqlite3_value_type(argument) {
    case SQLITE_INTEGER: self = .integer(sqlite3_value_int64(argument))
    case SQLITE_FLOAT: self = .real(sqlite3_value_double(argument))
    case SQLITE_TEXT:
      let start = sqlite3_value_text(argument)
      self = .text(String(decoding: UnsafeBufferPointer(start: start, count: start == nil ? 0 : count), as: UTF8.self))
    case SQLITE_BLOB:
      let start = sqlite3_value_blob(argument)
      self = .blob([UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)))
    default: self = .null
    }
  }

  /// Makes the value a function's result; SQLite gets copies of its own.
  fileprivate func give(to call: OpaquePointer?) {
    switch self {
    case .null: sqlite3_result_null(call)
    case .integer(let value): sqlite3_result_int64(call, value)
    case .real(let value): sqlite3_result_double(call, value)
    case .text(let text):
      Array(text.utf8).withUnsafeBytes { bytes in
        guard let copy = SQLiteCopy.copy(bytes) else { return sqlite3_result_error_nomem(call) }
        let start = copy.assumingMemoryBound(to: CChar.self)
        sqlite3_result_text64(call, start, UInt64(bytes.count), sqlite3_free, UInt8(SQLITE_UTF8))
      }
    case .blob(let bytes):
      bytes.withUnsafeBytes { bytes in
        guard let copy = SQLiteCopy.copy(bytes) else { return sqlite3_result_error_nomem(call) }
        sqlite3_result_blob64(call, copy, UInt64(bytes.count), sqlite3_free)
      }
    }
  }
}
