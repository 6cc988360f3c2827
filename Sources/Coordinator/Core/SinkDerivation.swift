import Model
import Pipeline

/// Derives what a sink table must do when a source table changes, from the pipeline's behavior
/// (`schema.change.behavior`, see flink-cdc's schema evolution) and the include and exclude lists.
struct SinkDerivation {
  /// The pipeline's behavior.
  var behavior: SchemaChangeBehavior
  /// Whether a kind of change reaches the sink.
  var allows: (String) -> Bool

  /// A change that the pipeline forbids.
  struct Forbidden: Error, Hashable {
    /// Why.
    let reason: String
  }

  /// The changes of the sink table, with the schema after each.
  /// - Throws: `Forbidden` under `exception`, or when a change does not fit the sink table.
  func steps(for changes: [SchemaChange], of table: TableID, current: TableSchema) throws(Forbidden) -> [SinkStep] {
    var schema = current
    var steps: [SinkStep] = []
    for change in changes where allows(change.tag) {
      for derived in try derive(change, from: schema) {
        let resulting: TableSchema
        do {
          resulting = try schema.applying(derived)
        } catch {
          throw Forbidden(reason: "\(derived.tag) does not fit sink table \(table): \(error.description)")
        }
        schema = resulting
        steps.append(SinkStep(table: table, change: derived, resulting: resulting))
      }
    }
    return steps
  }

  /// The changes of a sink table that is there already so that rows of another schema can be written to it: what is
  /// missing is added, what has another type is altered, what is not in the schema stays and becomes nullable.
  /// - Throws: as `steps(for:of:current:)`.
  func steps(toFit schema: TableSchema, _ table: TableID, current: TableSchema) throws(Forbidden) -> [SinkStep] {
    if behavior == .ignore { return [] }
    var changes: [SchemaChange] = []
    let missing = schema.columns.filter { current.index(of: $0.name) == nil }
    if !missing.isEmpty { changes.append(.addColumns(missing.map { .init(Self.nullable($0), position: .last) })) }
    var altered: [SchemaChange.AlteredColumn] = []
    for column in current.columns {
      guard let index = schema.index(of: column.name) else {
        if let loose = madeNullable(column.name, in: current) { altered.append(loose) }
        continue
      }
      if schema.columns[index].type.nullable(true) != column.type.nullable(true) {
        altered.append(.init(Self.nullable(schema.columns[index]), oldType: column.type))
      }
    }
    if !altered.isEmpty { changes.append(.alterColumnType(altered)) }
    if schema.primaryKey != current.primaryKey { changes.append(.alterPrimaryKey(schema.primaryKey)) }
    if changes.isEmpty { return [] }
    return try steps(for: changes, of: table, current: current)
  }

  private func derive(_ change: SchemaChange, from schema: TableSchema) throws(Forbidden) -> [SchemaChange] {
    if case .createTable = change { return [change] }
    switch behavior {
    case .exception:
      throw Forbidden(reason: "schema.change.behavior is exception and the source table had a change: \(change.tag)")
    case .ignore: return []
    case .evolve, .tryEvolve: return relevant(change, in: schema).map { [$0] } ?? []
    case .lenient: return lenient(change, in: schema)
    }
  }

  /// The part of a change that concerns columns which the sink table has: a filtered earlier change may have left it
  /// without some of them.
  private func relevant(_ change: SchemaChange, in schema: TableSchema) -> SchemaChange? {
    switch change {
    case .addColumns(let added):
      let missing = added.filter { schema.index(of: $0.column.name) == nil }
      return missing.isEmpty ? nil : .addColumns(missing.map { placed($0, in: schema, among: missing) })
    case .alterColumnType(let altered):
      let present = altered.filter { item in
        schema.index(of: item.column.name).map { schema.columns[$0] != item.column } ?? false
      }
      return present.isEmpty ? nil : .alterColumnType(present)
    case .renameColumns(let renamed):
      let present = renamed.filter { schema.index(of: $0.from) != nil }
      return present.isEmpty ? nil : .renameColumns(present)
    case .dropColumns(let names):
      let present = names.filter { schema.index(of: $0) != nil }
      return present.isEmpty ? nil : .dropColumns(present)
    case .alterPrimaryKey(let names): return schema.primaryKey == names ? nil : change
    case .createTable, .truncateTable, .dropTable, .renameTable, .replaceTable: return change
    }
  }

  /// A position beside a column that the sink table lacks becomes the last.
  private func placed(
    _ item: SchemaChange.AddedColumn, in schema: TableSchema, among added: [SchemaChange.AddedColumn]
  ) -> SchemaChange.AddedColumn {
    switch item.position {
    case .after(let name), .before(let name):
      let known = schema.index(of: name) != nil || added.contains { $0.column.name == name }
      return known ? item : .init(item.column, position: .last)
    case .first, .last: return item
    }
  }

  /// Lenient: nothing that a reader of the sink table relies on goes away. Added columns come last and are nullable;
  /// a renamed column appears anew beside the old one; a dropped one stays and becomes nullable; types change;
  /// tables are neither truncated nor dropped.
  private func lenient(_ change: SchemaChange, in schema: TableSchema) -> [SchemaChange] {
    switch change {
    case .addColumns(let added):
      let missing = added.filter { schema.index(of: $0.column.name) == nil }
      guard !missing.isEmpty else { return [] }
      return [.addColumns(missing.map { .init(Self.nullable($0.column), position: .last) })]
    case .renameColumns(let renamed):
      return renamed.flatMap { item in lenientRename(item, in: schema) }
    case .dropColumns(let names):
      let altered = names.compactMap { name in madeNullable(name, in: schema) }
      return altered.isEmpty ? [] : [.alterColumnType(altered)]
    case .alterColumnType: return relevant(change, in: schema).map { [$0] } ?? []
    // Rows are told apart by the key alone: a sink table that kept the old one would take different rows for one.
    case .alterPrimaryKey: return relevant(change, in: schema).map { [$0] } ?? []
    case .truncateTable, .dropTable, .renameTable: return []
    case .createTable, .replaceTable: return [change]
    }
  }

  private func lenientRename(_ item: SchemaChange.RenamedColumn, in schema: TableSchema) -> [SchemaChange] {
    guard let index = schema.index(of: item.from) else { return [] }
    var changes: [SchemaChange] = []
    if let altered = madeNullable(item.from, in: schema) { changes.append(.alterColumnType([altered])) }
    if schema.index(of: item.to) == nil {
      var column = Self.nullable(schema.columns[index])
      column.name = item.to
      changes.append(.addColumns([.init(column, position: .last)]))
    }
    return changes
  }

  private func madeNullable(_ name: String, in schema: TableSchema) -> SchemaChange.AlteredColumn? {
    guard let index = schema.index(of: name), !schema.columns[index].type.isNullable else { return nil }
    let column = schema.columns[index]
    return .init(Self.nullable(column), oldType: column.type)
  }

  private static func nullable(_ column: Column) -> Column {
    var column = column
    column.type = column.type.nullable(true)
    return column
  }
}
