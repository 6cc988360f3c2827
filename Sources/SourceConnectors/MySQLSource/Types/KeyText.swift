import Model

/// A row's key for error messages: `id=5, name='x'`, shortened.
enum KeyText {
  private static let longest = 60

  /// Of a row of a batch. Empty for tables without a key.
  static func of(_ row: RowView, _ schema: RowSchema) -> String {
    schema.keyIndexes.map { column in
      let name = schema.columns[column].name
      if row.isNull(column) { return "\(name)=NULL" }
      switch schema.physical[column] {
      case .integer: return "\(name)=\(row.integer(column))"
      case .float32: return "\(name)=\(row.float(column))"
      case .float64: return "\(name)=\(row.double(column))"
      case .bytes: return "\(name)='\(shortened(row.bytes(column)))'"
      }
    }.joined(separator: ", ")
  }

  /// Of values as the server sent them: nil for NULL.
  static func of(_ schema: RowSchema, _ value: (Int) -> UnsafeRawBufferPointer?) -> String {
    schema.keyIndexes.map { column in
      "\(schema.columns[column].name)=" + (value(column).map { "'\(shortened($0))'" } ?? "NULL")
    }.joined(separator: ", ")
  }

  private static func shortened(_ bytes: UnsafeRawBufferPointer) -> String {
    let text = String(decoding: bytes.prefix(longest), as: UTF8.self)
    return bytes.count > longest ? text + "…" : text
  }
}
