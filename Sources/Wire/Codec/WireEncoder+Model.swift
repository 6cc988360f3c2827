internal import CWire
import Model

/// Tables, schemas, splits and offsets.
extension WireEncoder {
  func table(_ id: TableID) throws(WireError) -> UnsafeMutablePointer<Tidegate__TableID> {
    let message = try make(tidegate__table_id__init)
    message.pointee.namespace_ = try optional(id.namespace, wrapped)
    message.pointee.schema = try optional(id.schema, wrapped)
    message.pointee.table = try text(id.table)
    return message
  }

  func type(_ type: DataType) throws(WireError) -> UnsafeMutablePointer<Tidegate__DataType> {
    let message = try make(tidegate__data_type__init)
    let description = type.description
    try WireNumbers.checkTypeText(description)
    try WireNumbers.check(type)
    message.pointee.text = try text(description)
    message.pointee.annotation = try optional(type.annotation?.description, wrapped)
    return message
  }

  func column(_ column: Column) throws(WireError) -> UnsafeMutablePointer<Tidegate__Column> {
    let message = try make(tidegate__column__init)
    message.pointee.name = try text(column.name)
    message.pointee.type = try type(column.type)
    message.pointee.comment = try optional(column.comment, wrapped)
    message.pointee.default_value = try optional(column.defaultValue, wrapped)
    message.pointee.native_type = try text(column.nativeType)
    message.pointee.native_collation = try text(column.nativeCollation)
    return message
  }

  func schema(_ schema: TableSchema) throws(WireError) -> UnsafeMutablePointer<Tidegate__TableSchema> {
    let message = try make(tidegate__table_schema__init)
    (message.pointee.n_columns, message.pointee.columns) = try list(schema.columns, column)
    (message.pointee.n_primary_key, message.pointee.primary_key) = try texts(schema.primaryKey)
    message.pointee.comment = try optional(schema.comment, wrapped)
    message.pointee.native_definition = try text(schema.nativeDefinition)
    return message
  }

  func offset(_ offset: Offset) throws(WireError) -> UnsafeMutablePointer<Tidegate__Offset> {
    let message = try make(tidegate__offset__init)
    message.pointee.text = try text(offset.text)
    return message
  }

  func attempt(_ id: AttemptID) throws(WireError) -> UnsafeMutablePointer<Tidegate__AttemptID> {
    let message = try make(tidegate__attempt_id__init)
    message.pointee.pipeline = try text(id.pipeline)
    message.pointee.split = try count(id.split, "AttemptID.split")
    message.pointee.attempt = try count(id.attempt, "AttemptID.attempt")
    return message
  }

  func keyPart(_ part: KeyPart) throws(WireError) -> UnsafeMutablePointer<Tidegate__KeyPart> {
    let message = try make(tidegate__key_part__init)
    switch part {
    case .integer(let value):
      message.pointee.value_case = TIDEGATE__KEY_PART__VALUE_SIGNED_INTEGER
      message.pointee.signed_integer = value
    case .unsigned(let value):
      message.pointee.value_case = TIDEGATE__KEY_PART__VALUE_UNSIGNED_INTEGER
      message.pointee.unsigned_integer = value
    case .text(let value):
      message.pointee.value_case = TIDEGATE__KEY_PART__VALUE_TEXT
      message.pointee.text = try wrapped(value)
    case .bytes(let value):
      message.pointee.value_case = TIDEGATE__KEY_PART__VALUE_BINARY
      message.pointee.binary = try binary(value)
    }
    return message
  }

  func bound(_ parts: [KeyPart]) throws(WireError) -> UnsafeMutablePointer<Tidegate__Bound> {
    let message = try make(tidegate__bound__init)
    (message.pointee.n_parts, message.pointee.parts) = try list(parts, keyPart)
    return message
  }

  func range(_ range: ChunkRange) throws(WireError) -> UnsafeMutablePointer<Tidegate__ChunkRange> {
    try WireNumbers.check(range)
    let message = try make(tidegate__chunk_range__init)
    (message.pointee.n_columns, message.pointee.columns) = try texts(range.columns)
    message.pointee.lower = try optional(range.lower, bound)
    message.pointee.upper = try optional(range.upper, bound)
    return message
  }

  func packed(_ chunks: PackedChunks) throws(WireError) -> UnsafeMutablePointer<Tidegate__PackedChunks> {
    let message = try make(tidegate__packed_chunks__init)
    (message.pointee.n_columns, message.pointee.columns) = try texts(chunks.columns)
    message.pointee.lower = try optional(chunks.lower, bound)
    message.pointee.pieces = try binary(chunks.bytes)
    return message
  }

  func progress(_ progress: SplitProgress) throws(WireError) -> UnsafeMutablePointer<Tidegate__SplitProgress> {
    let message = try make(tidegate__split_progress__init)
    message.pointee.offset = try offset(progress.offset)
    message.pointee.rows = try count(progress.rows, "SplitProgress.rows")
    message.pointee.bytes = try count(progress.bytes, "SplitProgress.bytes")
    (message.pointee.n_schema_versions, message.pointee.schema_versions) = try versions(progress.schemaVersions)
    message.pointee.is_final = progress.isFinal ? 1 : 0
    message.pointee.remainder = try optional(progress.remainder, range)
    return message
  }

  /// Versions by name, sorted.
  func versions(
    _ versions: [String: Int]
  ) throws(WireError) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Tidegate__NamedVersion>?>?) {
    try list(sorted(versions)) { version throws(WireError) in
      let named = try make(tidegate__named_version__init)
      named.pointee.name = try text(version.key)
      named.pointee.version = try count(version.value, "NamedVersion.version")
      return named
    }
  }

  func committable(_ committable: Committable) throws(WireError) -> UnsafeMutablePointer<Tidegate__Committable> {
    let message = try make(tidegate__committable__init)
    message.pointee.attempt = try attempt(committable.attempt)
    message.pointee.sequence = try count(committable.sequence, "Committable.sequence")
    message.pointee.label = try text(committable.label)
    message.pointee.progress = try progress(committable.progress)
    message.pointee.payload = try text(committable.payload)
    return message
  }
}

/// Changes of a table's structure.
extension WireEncoder {
  func change(_ change: SchemaChange) throws(WireError) -> UnsafeMutablePointer<Tidegate__SchemaChange> {
    let message = try make(tidegate__schema_change__init)
    switch change {
    case .createTable(let created):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_CREATE_TABLE
      message.pointee.create_table = try schema(created)
    case .addColumns(let columns):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_ADD_COLUMNS
      message.pointee.add_columns = try make(tidegate__added_columns__init)
      (message.pointee.add_columns.pointee.n_columns, message.pointee.add_columns.pointee.columns) =
        try list(columns, added)
    case .alterColumnType(let columns):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_ALTER_COLUMN_TYPE
      message.pointee.alter_column_type = try make(tidegate__altered_columns__init)
      (message.pointee.alter_column_type.pointee.n_columns, message.pointee.alter_column_type.pointee.columns) =
        try list(columns, altered)
    case .renameColumns(let columns):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_RENAME_COLUMNS
      message.pointee.rename_columns = try make(tidegate__renamed_columns__init)
      (message.pointee.rename_columns.pointee.n_columns, message.pointee.rename_columns.pointee.columns) =
        try list(columns, renamed)
    case .dropColumns(let names):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_DROP_COLUMNS
      message.pointee.drop_columns = try make(tidegate__dropped_columns__init)
      (message.pointee.drop_columns.pointee.n_columns, message.pointee.drop_columns.pointee.columns) =
        try texts(names)
    case .truncateTable:
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_TRUNCATE_TABLE
      message.pointee.truncate_table = try empty()
    case .dropTable:
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_DROP_TABLE
      message.pointee.drop_table = try empty()
    case .alterPrimaryKey(let names):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_ALTER_PRIMARY_KEY
      message.pointee.alter_primary_key = try make(tidegate__primary_key__init)
      (message.pointee.alter_primary_key.pointee.n_columns, message.pointee.alter_primary_key.pointee.columns) =
        try texts(names)
    case .renameTable(let name):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_RENAME_TABLE
      message.pointee.rename_table = try table(name)
    case .replaceTable(let replacing):
      message.pointee.change_case = TIDEGATE__SCHEMA_CHANGE__CHANGE_REPLACE_TABLE
      message.pointee.replace_table = try schema(replacing)
    }
    return message
  }

  private func added(
    _ item: SchemaChange.AddedColumn
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__AddedColumn> {
    let message = try make(tidegate__added_column__init)
    message.pointee.column = try column(item.column)
    let position = try make(tidegate__column_position__init)
    switch item.position {
    case .first:
      position.pointee.place_case = TIDEGATE__COLUMN_POSITION__PLACE_FIRST
      position.pointee.first = try empty()
    case .last:
      position.pointee.place_case = TIDEGATE__COLUMN_POSITION__PLACE_LAST
      position.pointee.last = try empty()
    case .after(let name):
      position.pointee.place_case = TIDEGATE__COLUMN_POSITION__PLACE_AFTER
      position.pointee.after = try wrapped(name)
    case .before(let name):
      position.pointee.place_case = TIDEGATE__COLUMN_POSITION__PLACE_BEFORE
      position.pointee.before = try wrapped(name)
    }
    message.pointee.position = position
    return message
  }

  private func altered(
    _ item: SchemaChange.AlteredColumn
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__AlteredColumn> {
    let message = try make(tidegate__altered_column__init)
    message.pointee.column = try column(item.column)
    message.pointee.old_type = try type(item.oldType)
    return message
  }

  private func renamed(
    _ item: SchemaChange.RenamedColumn
  ) throws(WireError) -> UnsafeMutablePointer<Tidegate__RenamedColumn> {
    let message = try make(tidegate__renamed_column__init)
    message.pointee.from = try text(item.from)
    message.pointee.to = try text(item.to)
    return message
  }
}
