import Model

/// How the columns of a sink table's rows become a JSON object: computed once for a schema, used for every row.
///
/// Owns the field names as one block of memory, each name with its punctuation (`,"id":`) padded to 16 bytes, so that a
/// name costs one load and one store. Not thread-safe: it lives with one writer.
final class JSONRowPlan {
  /// What the bytes or the word of a column become.
  enum Form: UInt8 {
    case absent, boolean, integer, float32, float64, number, string, base64, date, time, timestamp, timestampLTZ, json
  }

  struct Field {
    var form: Form
    /// Position in the row; meaningless for `absent`.
    var source: Int
    /// Where the name begins in `names`, and its length.
    var nameStart: Int
    var nameCount: Int
  }

  let fields: UnsafeMutableBufferPointer<Field>
  let names: UnsafeMutablePointer<UInt8>

  init(table: SinkTable, source: RowSchema) {
    var text: [UInt8] = []
    fields = .allocate(capacity: table.schema.columns.count)
    for (index, column) in table.schema.columns.enumerated() {
      let name = Array("\(index == 0 ? "{" : ",")\(Self.literal(column.name)):".utf8)
      let from = table.columnMap[index]
      let form = from.map { Self.form(of: source.columns[$0].type) } ?? .absent
      fields.initializeElement(
        at: index, to: Field(form: form, source: from ?? 0, nameStart: text.count, nameCount: name.count))
      text += name
      text += [UInt8](repeating: 0, count: 16 - name.count % 16)
    }
    names = .allocate(capacity: text.count + 16)
    names.update(repeating: 0, count: text.count + 16)
    names.update(from: text, count: text.count)
  }

  deinit {
    fields.deallocate()
    names.deallocate()
  }

  static func form(of type: DataType) -> Form {
    switch type.kind {
    case .boolean: .boolean
    case .tinyint, .smallint, .int, .bigint: .integer
    case .float: .float32
    case .double: .float64
    case .decimal: .number
    case .date: .date
    case .time: .time
    case .timestamp: .timestamp
    case .timestampLTZ: .timestampLTZ
    case .char, .varchar, .string: .string
    case .binary, .varbinary, .bytes: .base64
    case .array, .map: .json
    }
  }

  /// A JSON string literal.
  static func literal(_ text: String) -> String {
    var buffer = ByteBuffer(capacity: text.utf8.count + 64)
    var text = text
    // A Swift string is always well-formed UTF-8.
    _ = text.withUTF8 { buffer.append(jsonString: UnsafeRawBufferPointer($0)) }
    return buffer.text()
  }

  /// Adds a row as an object. Returns the position of the first field whose bytes are not what its type says; what was
  /// added by then is to be thrown away.
  @inline(__always)
  func append(_ row: RowView, to buffer: inout ByteBuffer) -> Int? {
    if fields.isEmpty { buffer.append("{") }
    var index = 0
    while index < fields.count {
      let field = fields[index]
      buffer.append(padded: names + field.nameStart, used: field.nameCount)
      if field.form == .absent || row.isNull(field.source) {
        buffer.append("null")
      } else if !append(field, of: row, to: &buffer) {
        return index
      }
      index &+= 1
    }
    buffer.append(0x7d)
    return nil
  }

  @inline(__always)
  private func append(_ field: Field, of row: RowView, to buffer: inout ByteBuffer) -> Bool {
    switch field.form {
    case .integer: buffer.append(integer: row.integer(field.source))
    case .string: return buffer.append(jsonString: row.bytes(field.source))
    default: return appendRare(field, of: row, to: &buffer)
    }
    return true
  }

  private func appendRare(_ field: Field, of row: RowView, to buffer: inout ByteBuffer) -> Bool {
    switch field.form {
    case .absent: buffer.append("null")
    case .boolean:
      if row.integer(field.source) != 0 { buffer.append("true") } else { buffer.append("false") }
    case .integer: buffer.append(integer: row.integer(field.source))
    case .float32:
      let value = row.float(field.source)
      if !buffer.append(shortest: value) { Self.appendNotFinite(Double(value), to: &buffer) }
    case .float64:
      let value = row.double(field.source)
      if !buffer.append(shortest: value) { Self.appendNotFinite(value, to: &buffer) }
    case .number: return Self.append(number: row.bytes(field.source), to: &buffer)
    case .string: return buffer.append(jsonString: row.bytes(field.source))
    case .json: buffer.append(row.bytes(field.source))
    case .base64:
      buffer.append(0x22)
      buffer.append(base64: row.bytes(field.source))
      buffer.append(0x22)
    case .date, .time, .timestamp, .timestampLTZ: appendTemporal(field, of: row, to: &buffer)
    }
    return true
  }

  private func appendTemporal(_ field: Field, of row: RowView, to buffer: inout ByteBuffer) {
    buffer.append(0x22)
    let value = row.integer(field.source)
    switch field.form {
    case .date: buffer.append(date: value)
    case .time: buffer.append(time: value, fraction: .shortest)
    default: buffer.append(timestamp: value, fraction: .shortest)
    }
    if field.form == .timestampLTZ { buffer.append(0x5a) }
    buffer.append(0x22)
  }

  /// JSON has no such numbers; Jackson writes their names as strings.
  private static func appendNotFinite(_ value: Double, to buffer: inout ByteBuffer) {
    if value.isNaN {
      buffer.append("\"NaN\"")
    } else if value < 0 {
      buffer.append("\"-Infinity\"")
    } else {
      buffer.append("\"Infinity\"")
    }
  }

  /// A decimal's text is a JSON number but for leading zeros, which are left out. False for anything else.
  private static func append(number bytes: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) -> Bool {
    var at = 0
    if bytes.first == 0x2d {
      buffer.append(0x2d)
      at = 1
    }
    func isDigit(_ index: Int) -> Bool { index < bytes.count && bytes[index] &- 0x30 < 10 }
    while bytes.count > at &+ 1 && bytes[at] == 0x30 && isDigit(at &+ 1) { at &+= 1 }
    let start = at
    while isDigit(at) { at &+= 1 }
    if at == start { return false }
    if at < bytes.count && bytes[at] == 0x2e {
      let point = at
      at &+= 1
      while isDigit(at) { at &+= 1 }
      if at == point &+ 1 { return false }
    }
    guard at == bytes.count else { return false }
    buffer.append(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    return true
  }
}
