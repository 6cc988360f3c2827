import Model

/// What a DDL statement does, as far as tables are concerned.
enum DDLStatement: Hashable, Sendable {
  case alterTable(AlterTable)
  case truncateTable(TableID)
  case dropTables([TableID])
  case renameTables([RenamedTable])
  case createTable(CreateTable)
  /// CREATE DATABASE or ALTER DATABASE.
  case defineDatabase(String)
  case dropDatabase(String)
  /// Views, triggers, routines, privileges, settings: no table's structure.
  case other

  /// The tables that it names and that it may change; DROP DATABASE names none.
  var tables: [TableID] {
    switch self {
    case .alterTable(let alter):
      alter.specs.reduce(into: [alter.table]) { names, spec in
        switch spec {
        case .renameTable(let name), .exchangePartition(let name): names.append(name)
        default: break
        }
      }
    case .truncateTable(let table): [table]
    case .createTable(let create): [create.table]
    case .dropTables(let tables): tables
    case .renameTables(let renamed): renamed.flatMap { [$0.from, $0.to] }
    case .defineDatabase, .dropDatabase, .other: []
    }
  }

  /// Whether it names the table or drops the table's database. `ignoringCase`: the server folds table names
  /// (`lower_case_table_names` is not 0), so a statement may spell them otherwise than the table maps do.
  func affects(_ table: TableID, ignoringCase: Bool = false) -> Bool {
    if case .dropDatabase(let name) = self {
      return TableID(table: name).matches(TableID(table: table.schema ?? ""), ignoringCase: ignoringCase)
    }
    return tables.contains { $0.matches(table, ignoringCase: ignoringCase) }
  }
}

extension TableID {
  /// The same name, with or without regard to case.
  func matches(_ other: TableID, ignoringCase: Bool) -> Bool {
    if self == other { return true }
    return ignoringCase && schema?.lowercased() == other.schema?.lowercased()
      && table.lowercased() == other.table.lowercased()
  }
}

/// A pair of RENAME TABLE.
struct RenamedTable: Hashable, Sendable {
  var from: TableID
  var to: TableID
}

/// ALTER TABLE with its specifications in order; CREATE INDEX and DROP INDEX are written as such.
struct AlterTable: Hashable, Sendable {
  var table: TableID
  var specs: [AlterSpec]
  /// ALTER IGNORE TABLE: rows that do not fit are changed or removed.
  var isIgnoring = false
}

/// CREATE TABLE.
struct CreateTable: Hashable, Sendable {
  var table: TableID
  var ifNotExists = false
  /// OR REPLACE: what was there before is dropped.
  var replaces = false
  /// LIKE: columns and keys are those of this table.
  var like: TableID?
  /// Columns of a SELECT, which only the server knows, come behind the defined ones.
  var hasSelect = false
  var columns: [ColumnDefinition] = []
  /// In the order of the statement, inline ones included.
  var keys: [KeyDefinition] = []
  /// Columns of a PERIOD, which are NOT NULL.
  var periodColumns: [String] = []
  var charset: String?
  var collation: String?
  var comment: String?
  /// Not a table of rows: a sequence, or system-versioned, in its own words.
  var special: String?
  /// A part that is not understood, in its own words.
  var unsupported: String?
}

/// A key as DDL defines it.
struct KeyDefinition: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case primary, unique, plain
  }

  /// A column of the key.
  struct Part: Hashable, Sendable {
    /// Nil for an expression.
    var column: String?
    /// Only the beginning of the value counts.
    var hasPrefix = false
  }

  var kind: Kind
  /// Nil: the server makes one up.
  var name: String?
  var parts: [Part]
  var ifNotExists = false
}

/// One specification of an ALTER TABLE.
enum AlterSpec: Hashable, Sendable {
  case addColumn(ColumnDefinition, position: ColumnPlace, ifNotExists: Bool)
  case dropColumn(String, ifExists: Bool)
  case modifyColumn(ColumnDefinition, position: ColumnPlace, ifExists: Bool)
  case changeColumn(String, ColumnDefinition, position: ColumnPlace, ifExists: Bool)
  case renameColumn(from: String, to: String, ifExists: Bool)
  /// ALTER COLUMN … SET DEFAULT or DROP DEFAULT.
  case setDefault(String, DefaultClause)
  case renameTable(TableID)
  /// CONVERT TO CHARACTER SET: charset, and collation if given. `default` as charset: the database's.
  case convert(charset: String, collation: String?)
  /// [DEFAULT] CHARACTER SET and COLLATE: for columns added from now on.
  case defaultCharset(charset: String?, collation: String?)
  case tableComment(String)
  case addKey(KeyDefinition)
  case dropPrimaryKey
  /// DROP INDEX, DROP KEY, DROP CONSTRAINT.
  case dropKey(String)
  case renameKey(from: String, to: String)
  /// Rows come, go or change without events, in the specification's own words.
  case rowsChange(String)
  /// EXCHANGE PARTITION: the rows of both tables change without events.
  case exchangePartition(with: TableID)
  /// Constraints, partitioning, engine, storage and the like: neither columns nor keys nor rows change.
  case irrelevant
  /// What is not understood, or cannot be carried, in its own words.
  case unsupported(String)
}

/// Where a column of an ALTER TABLE goes.
enum ColumnPlace: Hashable, Sendable {
  /// Nothing said: at the end for new columns, where it was for old ones.
  case unspecified
  case first
  case after(String)
}

/// A DEFAULT clause.
enum DefaultClause: Hashable, Sendable {
  case none
  case null
  /// A text or a number, without quotes.
  case constant(String)
  /// `b'101'`, `x'4D'`, `0x4D`: bytes, or a number for a numeric column.
  case bytes([UInt8])
  /// CURRENT_TIMESTAMP, or an expression in parentheses.
  case expression(String)
}

/// A column's definition in DDL, its type in the form of information_schema's COLUMN_TYPE.
struct ColumnDefinition: Hashable, Sendable {
  var name: String
  /// `int(10) unsigned`, `varchar(20)`, `enum('a','b')`.
  var columnType: String
  /// The n of TEXT(n) and BLOB(n), from which, with the character set, the server chooses one of four sizes.
  var sizeHint: Int?
  /// Named explicitly, or given by the type (BINARY, JSON, NATIONAL, `ASCII`, `UNICODE`).
  var charset: String?
  var collation: String?
  /// The attribute BINARY: the character set's `_bin` collation.
  var hasBinaryCollation = false
  /// NOT NULL or NULL, where said; PRIMARY KEY and SERIAL imply NOT NULL.
  var isNullable: Bool?
  var defaultClause = DefaultClause.none
  var comment: String?
  /// GENERATED ALWAYS AS, virtual or stored.
  var isGenerated = false
  var isAutoIncrement = false
  /// An inline PRIMARY KEY.
  var isPrimaryKey = false
  /// An inline UNIQUE.
  var isUnique = false
  /// MariaDB's COMPRESSED storage.
  var isCompressed = false
}
