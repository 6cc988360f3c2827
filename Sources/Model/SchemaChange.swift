/// One change of a table's structure, as Flink CDC distinguishes them.
public enum SchemaChange: Hashable, Sendable, Codable {
  case createTable(TableSchema)
  case addColumns([AddedColumn])
  case alterColumnType([AlteredColumn])
  case renameColumns([RenamedColumn])
  case dropColumns([String])
  case truncateTable
  case dropTable
  /// Other columns tell the rows apart from now on, in this order; empty: the table has no key any more.
  case alterPrimaryKey([String])
  /// The table goes on under another name.
  case renameTable(to: TableID)
  /// Another table stands under the name now, with these columns. How it came by its rows is in no event: whoever
  /// follows must read them anew. Concerns sources and the coordinator; no sink is given it.
  case replaceTable(TableSchema)

  /// A column and where it goes.
  public struct AddedColumn: Hashable, Sendable, Codable {
    /// The new column.
    public var column: Column
    /// Its place.
    public var position: ColumnPosition
    /// Makes one.
    public init(_ column: Column, position: ColumnPosition = .last) {
      self.column = column
      self.position = position
    }
  }

  /// A column with its new definition (type, nullability, default, comment); the name stays.
  public struct AlteredColumn: Hashable, Sendable, Codable {
    /// The new definition.
    public var column: Column
    /// The type before.
    public var oldType: DataType
    /// Makes one.
    public init(_ column: Column, oldType: DataType) {
      self.column = column
      self.oldType = oldType
    }
  }

  /// A column's old and new name.
  public struct RenamedColumn: Hashable, Sendable, Codable {
    /// The name before.
    public var from: String
    /// The name after.
    public var to: String
    /// Makes one.
    public init(from: String, to: String) {
      self.from = from
      self.to = to
    }
  }

  /// Where an added column goes.
  public enum ColumnPosition: Hashable, Sendable, Codable {
    case first
    case last
    case after(String)
    case before(String)
  }

  /// The tag by which a pipeline includes or excludes this kind of change (`add.column` …).
  public var tag: String {
    switch self {
    case .createTable: "create.table"
    case .addColumns: "add.column"
    case .alterColumnType: "alter.column.type"
    case .renameColumns: "rename.column"
    case .dropColumns: "drop.column"
    case .truncateTable: "truncate.table"
    case .dropTable: "drop.table"
    case .alterPrimaryKey: "alter.primary.key"
    case .renameTable: "rename.table"
    case .replaceTable: "replace.table"
    }
  }
}

/// A change that does not fit the schema it is applied to.
public struct SchemaChangeMismatch: Error, Hashable, Sendable, CustomStringConvertible {
  /// What does not fit.
  public let description: String
}

extension TableSchema {
  /// The schema after the change. `truncateTable`, `dropTable` and `renameTable` leave it as it is.
  /// - Throws: `SchemaChangeMismatch` when a named column is missing or a new one exists already.
  public func applying(_ change: SchemaChange) throws(SchemaChangeMismatch) -> TableSchema {
    var result = self
    switch change {
    case .createTable(let schema), .replaceTable(let schema): result = schema
    case .addColumns(let added): for item in added { try result.add(item) }
    case .alterColumnType(let altered):
      for item in altered {
        let index = try result.existing(item.column.name)
        let name = result.columns[index].name
        result.columns[index] = item.column
        result.columns[index].name = name
      }
    case .renameColumns(let renamed): for item in renamed { try result.rename(item) }
    case .dropColumns(let names):
      for name in names {
        let index = try result.existing(name)
        let dropped = result.columns.remove(at: index).name
        result.primaryKey.removeAll { $0 == dropped }
      }
    case .alterPrimaryKey(let names):
      result.primaryKey = []
      for name in names { result.primaryKey.append(result.columns[try existing(name)].name) }
    case .truncateTable, .dropTable, .renameTable: break
    }
    return result
  }

  private func existing(_ name: String) throws(SchemaChangeMismatch) -> Int {
    guard let index = index(of: name) else {
      throw SchemaChangeMismatch(description: "column \(name) does not exist")
    }
    return index
  }

  private mutating func add(_ item: SchemaChange.AddedColumn) throws(SchemaChangeMismatch) {
    guard index(of: item.column.name) == nil else {
      throw SchemaChangeMismatch(description: "column \(item.column.name) exists already")
    }
    switch item.position {
    case .first: columns.insert(item.column, at: 0)
    case .last: columns.append(item.column)
    case .after(let name): columns.insert(item.column, at: try existing(name) + 1)
    case .before(let name): columns.insert(item.column, at: try existing(name))
    }
  }

  private mutating func rename(_ item: SchemaChange.RenamedColumn) throws(SchemaChangeMismatch) {
    let index = try existing(item.from)
    if let other = self.index(of: item.to), other != index {
      throw SchemaChangeMismatch(description: "column \(item.to) exists already")
    }
    let old = columns[index].name
    columns[index].name = item.to
    if let key = primaryKey.firstIndex(of: old) { primaryKey[key] = item.to }
  }
}
