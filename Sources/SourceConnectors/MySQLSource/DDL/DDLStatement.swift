import Model

/// What a DDL statement does, as far as captured tables are concerned.
enum DDLStatement: Hashable, Sendable {
  case alterTable(AlterTable)
  case truncateTable(TableID)
  case dropTables([TableID])
  case renameTables([RenamedTable])
  /// Only the name: the structure is asked of the server when the table is captured.
  case createTable(TableID)
  case createIndex(TableID)
  case dropIndex(TableID)
  case createDatabase(String)
  case dropDatabase(String)
  /// Views, triggers, routines, privileges, settings: no table's structure.
  case other

  /// The tables that it names; DROP DATABASE names none.
  var tables: [TableID] {
    switch self {
    case .alterTable(let alter):
      alter.specs.reduce(into: [alter.table]) { names, spec in
        if case .renameTable(let name) = spec { names.append(name) }
      }
    case .truncateTable(let table), .createTable(let table), .createIndex(let table), .dropIndex(let table): [table]
    case .dropTables(let tables): tables
    case .renameTables(let renamed): renamed.flatMap { [$0.from, $0.to] }
    case .createDatabase, .dropDatabase, .other: []
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

/// ALTER TABLE with its specifications in order.
struct AlterTable: Hashable, Sendable {
  var table: TableID
  var specs: [AlterSpec]
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
  /// CONVERT TO CHARACTER SET: charset, and collation if given. `DEFAULT` as charset: the database's.
  case convert(charset: String, collation: String?)
  /// [DEFAULT] CHARACTER SET and COLLATE: for columns added from now on.
  case defaultCharset(charset: String?, collation: String?)
  case addPrimaryKey([String])
  case dropPrimaryKey
  /// Indexes, constraints, partitioning, engine, comment and the like: neither columns nor rows change.
  case irrelevant
  /// What cannot be followed on a captured table, in its own words: rows change without events, or it is not understood.
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
  /// A literal, without quotes.
  case constant(String)
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
}
