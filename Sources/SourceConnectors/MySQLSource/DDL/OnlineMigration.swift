import Model

/// The tables that tools for online schema changes work with, told by their names: gh-ost's `_t_gho`, `_t_ghc`, `_t_del`;
/// pt-online-schema-change's `_t_new`, `_t_old` (with more underscores where the name is taken); Vitess's `_vt_…` and
/// `_…_vrepl`.
enum MigrationTable {
  /// Whether it is one of them.
  static func matches(_ table: TableID) -> Bool {
    let name = table.table
    guard name.hasPrefix("_") else { return false }
    return name.hasPrefix("_vt_")
      || ["_gho", "_ghc", "_del", "_new", "_old", "_vrepl"].contains { name.hasSuffix($0) && name.count > $0.count + 1 }
  }

  /// Whether it takes the original's place in the end.
  static func isGhost(_ table: TableID) -> Bool {
    let name = table.table
    return matches(table)
      && (name.hasPrefix("_vt_vrp_") || ["_gho", "_new", "_vrepl"].contains { name.hasSuffix($0) })
  }
}

/// A table that will take the place of a captured one, as its statements have made it so far.
struct GhostTable: Hashable, Sendable {
  /// What it was made as: the same as the table that it will replace, or nothing is known of its rows.
  var original: TableSchema
  /// Changes since then.
  var changes: [SchemaChange] = []
  var schema: TableSchema
  /// Why its rows are not those that the captured table's events have led to.
  var rereading: String?
  /// Its columns are not known for certain: a statement was not understood, or what LIKE copied is gone.
  var isUnknown = false
}

/// Ghost tables that are being made. Their rows are the captured table's own, copied and kept up by the tool, so that
/// only the schema changes when they take its name.
///
/// The statements that have made them travel in the offset, as a migration takes hours and a reader that starts again may
/// find the log before its offset purged. The catalog could not replace them: when the reader comes to the final RENAME,
/// the table may have been changed again.
struct OnlineMigrations: Hashable, Sendable {
  /// A statement about a ghost table, with what is needed to read it again.
  struct Statement: Hashable, Sendable {
    var table: TableID
    var defaultSchema: String
    var sqlMode: UInt64
    /// Fingerprint of the schema that LIKE copied; 0 where the statement has columns of its own.
    var fingerprint: UInt64
    var sql: String
  }

  private(set) var ghosts: [TableID: GhostTable] = [:]
  private(set) var statements: [Statement] = []

  /// More than this is not carried in offsets (UTF-8 bytes); the tables are then read anew in the end.
  static let limit = 64 << 10

  var isEmpty: Bool { ghosts.isEmpty && statements.isEmpty }

  mutating func put(_ table: TableID, _ ghost: GhostTable, _ statement: Statement) {
    ghosts[table] = ghost
    statements.append(statement)
  }

  mutating func forget(_ table: TableID) {
    ghosts[table] = nil
    statements.removeAll { $0.table == table }
  }

  /// The ghost has another name now, which is again a ghost's.
  mutating func rename(_ table: TableID, to name: TableID) {
    guard let ghost = ghosts.removeValue(forKey: table) else { return }
    // Its statements speak of the former name, so they are of no use to a later reader.
    forget(table)
    ghosts[name] = ghost
  }

  // MARK: Text

  /// As offsets carry it: hexadecimal; nil when there is nothing, or too much, to carry.
  var text: String? {
    guard !statements.isEmpty else { return nil }
    var bytes: [UInt8] = []
    for statement in statements {
      let fields = [
        statement.table.schema ?? "", statement.table.table, statement.defaultSchema, String(statement.sqlMode),
        String(statement.fingerprint), statement.sql,
      ]
      for field in fields {
        // A length in decimal, a colon, the bytes.
        bytes += Array("\(field.utf8.count):".utf8)
        bytes += Array(field.utf8)
      }
    }
    guard bytes.count <= Self.limit else { return nil }
    return bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// The statements in an offset's text; nil when it is not of that form.
  static func statements(_ text: String) -> [Statement]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2), digits.count <= 2 * limit else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 2)
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else { return nil }
      bytes.append(byte)
    }
    var rest = bytes[...]
    var statements: [Statement] = []
    while !rest.isEmpty {
      var fields: [String] = []
      for _ in 0..<6 {
        guard let field = takeField(&rest) else { return nil }
        fields.append(field)
      }
      guard let mode = UInt64(fields[3]), let fingerprint = UInt64(fields[4]) else { return nil }
      statements.append(
        Statement(
          table: TableID(schema: fields[0], table: fields[1]), defaultSchema: fields[2], sqlMode: mode,
          fingerprint: fingerprint, sql: fields[5]))
    }
    return statements
  }

  private static func takeField(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard let colon = rest.firstIndex(of: 0x3a), let count = Int(String(decoding: rest[..<colon], as: UTF8.self)),
      count >= 0, count <= rest.endIndex - colon - 1
    else { return nil }
    let end = colon + 1 + count
    defer { rest = rest[end...] }
    return String(validating: rest[(colon + 1)..<end], as: UTF8.self)
  }
}

extension TableSchema {
  /// Whether both have the same columns and key, as far as rows are concerned.
  func hasSameRows(as other: TableSchema) -> Bool {
    columns.count == other.columns.count && primaryKey == other.primaryKey
      && zip(columns, other.columns).allSatisfy { own, other in
        own.name == other.name && own.type == other.type
          && MySQLCharset(collation: own.nativeCollation) == MySQLCharset(collation: other.nativeCollation)
      }
  }

  /// A number that differs for schemas that differ in names, types or key (FNV-1a).
  var fingerprint: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let parts = columns.flatMap { [$0.name, $0.type.description, $0.nativeType, $0.nativeCollation] } + primaryKey
    for part in parts {
      for byte in Array(part.utf8) + [0] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return hash
  }
}
