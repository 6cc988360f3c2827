internal import CWire
import Model

/// Tables, schemas, splits and offsets.
extension WireDecoder {
  static func table(_ message: UnsafeMutablePointer<Tidegate__TableID>) throws(WireError) -> TableID {
    TableID(
      namespace: try optional(message.pointee.namespace_, unwrapped),
      schema: try optional(message.pointee.schema, unwrapped),
      table: try text(message.pointee.table, "TableID.table"))
  }

  static func type(_ message: UnsafeMutablePointer<Tidegate__DataType>) throws(WireError) -> DataType {
    let text = try text(message.pointee.text, "DataType.text")
    try WireNumbers.checkTypeText(text)
    let annotation = try optional(message.pointee.annotation) { wrapper throws(WireError) in
      guard let annotation = DataType.Annotation(text: try unwrapped(wrapper)) else {
        throw .malformed("unknown annotation of a type")
      }
      return annotation
    }
    guard let type = DataType(text: text, annotation: annotation) else { throw .malformed("unknown type") }
    try WireNumbers.check(type)
    return type
  }

  static func column(_ message: UnsafeMutablePointer<Tidegate__Column>) throws(WireError) -> Column {
    Column(
      name: try text(message.pointee.name, "Column.name"),
      type: try type(required(message.pointee.type, "Column.type")),
      comment: try optional(message.pointee.comment, unwrapped),
      defaultValue: try optional(message.pointee.default_value, unwrapped),
      nativeType: try text(message.pointee.native_type, "Column.native_type"),
      nativeCollation: try text(message.pointee.native_collation, "Column.native_collation"))
  }

  static func schema(_ message: UnsafeMutablePointer<Tidegate__TableSchema>) throws(WireError) -> TableSchema {
    TableSchema(
      columns: try list(message.pointee.n_columns, message.pointee.columns, column),
      primaryKey: try texts(
        message.pointee.n_primary_key, message.pointee.primary_key, "TableSchema.primary_key"),
      comment: try optional(message.pointee.comment, unwrapped),
      nativeDefinition: try text(message.pointee.native_definition, "TableSchema.native_definition"))
  }

  static func offset(_ message: UnsafeMutablePointer<Tidegate__Offset>) throws(WireError) -> Offset {
    Offset(try text(message.pointee.text, "Offset.text"))
  }

  static func attempt(_ message: UnsafeMutablePointer<Tidegate__AttemptID>) throws(WireError) -> AttemptID {
    AttemptID(
      pipeline: try text(message.pointee.pipeline, "AttemptID.pipeline"),
      split: try count(message.pointee.split, "AttemptID.split"),
      attempt: try count(message.pointee.attempt, "AttemptID.attempt"))
  }

  static func keyPart(_ message: UnsafeMutablePointer<Tidegate__KeyPart>) throws(WireError) -> KeyPart {
    switch message.pointee.value_case {
    case TIDEGATE__KEY_PART__VALUE_SIGNED_INTEGER: .integer(message.pointee.signed_integer)
    case TIDEGATE__KEY_PART__VALUE_UNSIGNED_INTEGER: .unsigned(message.pointee.unsigned_integer)
    case TIDEGATE__KEY_PART__VALUE_TEXT: .text(try unwrapped(required(message.pointee.text, "KeyPart.text")))
    case TIDEGATE__KEY_PART__VALUE_BINARY: .bytes(binary(message.pointee.binary))
    default: throw .malformed("KeyPart has no value that is known here")
    }
  }

  static func bound(_ message: UnsafeMutablePointer<Tidegate__Bound>) throws(WireError) -> [KeyPart] {
    try list(message.pointee.n_parts, message.pointee.parts, keyPart)
  }

  static func range(_ message: UnsafeMutablePointer<Tidegate__ChunkRange>) throws(WireError) -> ChunkRange {
    let range = ChunkRange(
      columns: try texts(message.pointee.n_columns, message.pointee.columns, "ChunkRange.columns"),
      lower: try optional(message.pointee.lower, bound), upper: try optional(message.pointee.upper, bound))
    try WireNumbers.check(range)
    return range
  }

  static func packed(_ message: UnsafeMutablePointer<Tidegate__PackedChunks>) throws(WireError) -> PackedChunks {
    let columns = try texts(message.pointee.n_columns, message.pointee.columns, "PackedChunks.columns")
    let lower = try optional(message.pointee.lower, bound)
    guard let chunks = PackedChunks(columns: columns, lower: lower, bytes: binary(message.pointee.pieces)) else {
      throw .malformed("PackedChunks.pieces are no chunks of such a key")
    }
    return chunks
  }

  static func progress(_ message: UnsafeMutablePointer<Tidegate__SplitProgress>) throws(WireError) -> SplitProgress {
    SplitProgress(
      offset: try offset(required(message.pointee.offset, "SplitProgress.offset")),
      rows: try count(message.pointee.rows, "SplitProgress.rows"),
      bytes: try count(message.pointee.bytes, "SplitProgress.bytes"),
      schemaVersions: try versions(message.pointee.n_schema_versions, message.pointee.schema_versions),
      isFinal: message.pointee.is_final != 0,
      remainder: try optional(message.pointee.remainder, range))
  }

  /// Versions by name.
  static func versions(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<Tidegate__NamedVersion>?>?
  ) throws(WireError) -> [String: Int] {
    try dictionary(
      try list(count, array) { version throws(WireError) in
        (
          try text(version.pointee.name, "NamedVersion.name"),
          try self.count(version.pointee.version, "NamedVersion.version")
        )
      })
  }

  static func committable(_ message: UnsafeMutablePointer<Tidegate__Committable>) throws(WireError) -> Committable {
    Committable(
      attempt: try attempt(required(message.pointee.attempt, "Committable.attempt")),
      sequence: try count(message.pointee.sequence, "Committable.sequence"),
      label: try text(message.pointee.label, "Committable.label"),
      progress: try progress(required(message.pointee.progress, "Committable.progress")),
      payload: try text(message.pointee.payload, "Committable.payload"))
  }
}

/// Changes of a table's structure.
extension WireDecoder {
  static func change(_ message: UnsafeMutablePointer<Tidegate__SchemaChange>) throws(WireError) -> SchemaChange {
    switch message.pointee.change_case {
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_CREATE_TABLE:
      return .createTable(try schema(required(message.pointee.create_table, "SchemaChange.create_table")))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_ADD_COLUMNS:
      let columns = try required(message.pointee.add_columns, "SchemaChange.add_columns").pointee
      return .addColumns(try list(columns.n_columns, columns.columns, added))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_ALTER_COLUMN_TYPE:
      let columns = try required(message.pointee.alter_column_type, "SchemaChange.alter_column_type").pointee
      return .alterColumnType(try list(columns.n_columns, columns.columns, altered))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_RENAME_COLUMNS:
      let columns = try required(message.pointee.rename_columns, "SchemaChange.rename_columns").pointee
      return .renameColumns(try list(columns.n_columns, columns.columns, renamed))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_DROP_COLUMNS:
      let columns = try required(message.pointee.drop_columns, "SchemaChange.drop_columns").pointee
      return .dropColumns(try texts(columns.n_columns, columns.columns, "DroppedColumns.columns"))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_TRUNCATE_TABLE: return .truncateTable
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_DROP_TABLE: return .dropTable
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_ALTER_PRIMARY_KEY:
      let key = try required(message.pointee.alter_primary_key, "SchemaChange.alter_primary_key").pointee
      return .alterPrimaryKey(try texts(key.n_columns, key.columns, "PrimaryKey.columns"))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_RENAME_TABLE:
      return .renameTable(to: try table(required(message.pointee.rename_table, "SchemaChange.rename_table")))
    case TIDEGATE__SCHEMA_CHANGE__CHANGE_REPLACE_TABLE:
      return .replaceTable(try schema(required(message.pointee.replace_table, "SchemaChange.replace_table")))
    default: throw .malformed("SchemaChange has no change that is known here")
    }
  }

  private static func added(
    _ message: UnsafeMutablePointer<Tidegate__AddedColumn>
  ) throws(WireError) -> SchemaChange.AddedColumn {
    let position = try required(message.pointee.position, "AddedColumn.position").pointee
    let place: SchemaChange.ColumnPosition =
      switch position.place_case {
      case TIDEGATE__COLUMN_POSITION__PLACE_FIRST: .first
      case TIDEGATE__COLUMN_POSITION__PLACE_LAST: .last
      case TIDEGATE__COLUMN_POSITION__PLACE_AFTER:
        .after(try unwrapped(required(position.after, "ColumnPosition.after")))
      case TIDEGATE__COLUMN_POSITION__PLACE_BEFORE:
        .before(try unwrapped(required(position.before, "ColumnPosition.before")))
      default: throw WireError.malformed("ColumnPosition has no place that is known here")
      }
    return SchemaChange.AddedColumn(
      try column(required(message.pointee.column, "AddedColumn.column")), position: place)
  }

  private static func altered(
    _ message: UnsafeMutablePointer<Tidegate__AlteredColumn>
  ) throws(WireError) -> SchemaChange.AlteredColumn {
    SchemaChange.AlteredColumn(
      try column(required(message.pointee.column, "AlteredColumn.column")),
      oldType: try type(required(message.pointee.old_type, "AlteredColumn.old_type")))
  }

  private static func renamed(
    _ message: UnsafeMutablePointer<Tidegate__RenamedColumn>
  ) throws(WireError) -> SchemaChange.RenamedColumn {
    SchemaChange.RenamedColumn(
      from: try text(message.pointee.from, "RenamedColumn.from"),
      to: try text(message.pointee.to, "RenamedColumn.to"))
  }
}
