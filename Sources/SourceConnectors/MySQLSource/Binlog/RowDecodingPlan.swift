import Model

/// How the rows of one table map become rows of one schema: one step a column, worked out once.
///
/// Used by one thread.
final class RowDecodingPlan {
  /// What a step does with a column's bytes.
  enum Operation: UInt8 {
    case int8, uint8, int16, uint16, int24, uint24, int32, uint32, int64, uint64Text
    case boolean, exactBoolean, float, floatAsDouble, double, decimal, year
    case date, oldTime, oldDateTime, oldTimestamp, time, dateTime, timestamp
    /// Length bytes (`size`), then bytes: as they are, padded with zeros to `limit`, or in the column's character set.
    case bytes, paddedBytes, convertedText, jsonBinary
    case enumeration, set, bitBoolean, bits
    /// Length bytes, then bytes that stand for a text; for the last two, `size` length bytes and no padding.
    case uuid, inet4, inet6, geometry, vector
    /// MariaDB's COMPRESSED columns: length bytes, then the bytes deflated.
    case compressed
  }

  /// One column. Plain memory.
  struct Step {
    var operation: Operation
    /// Bytes of the value, of its length, or of its fraction; a decimal's precision.
    var size = 0
    /// A decimal's scale; digits of a fraction's unit; the padded length.
    var limit = 0
    /// What becomes of dates.
    var dateRules = DateRules.exact
    /// Converts the text; unmanaged because converters are kept for ever.
    var converter: Unmanaged<TextConverter>?
    /// Members of ENUM and SET.
    var members = UnsafeBufferPointer<UnsafeRawBufferPointer>(start: nil, count: 0)
  }

  /// The schema that the rows come out under.
  let schema: RowSchema
  /// The columns' types.
  let types: [MySQLColumnType]
  /// How values are carried.
  let options: ValueOptions
  /// Columns behind those of the table, eight bytes each, that are passed over.
  let hiddenColumns: Int
  /// The steps; memory of this object.
  let steps: UnsafeBufferPointer<Step>
  /// Where JSON text is put together, and compressed values are expanded; kept so that its memory is used again.
  var scratch: [UInt8] = []
  /// Expands the values of compressed columns.
  private(set) lazy var inflater = Inflater()
  private let storage: UnsafeMutableBufferPointer<Step>
  private var memberStorage = MemberStorage()

  /// Matches a table map with the schema that the registry has.
  /// - Throws: `schemaMismatch` when they differ in columns, types, lengths, signs or names; `unsupported` for a column
  ///   that cannot be carried; `prerequisite` for a storage format that must be switched off.
  init(
    tableMap: TableMap, schema: RowSchema, types: [MySQLColumnType], options: ValueOptions = ValueOptions()
  ) throws(BinlogError) {
    let columns = schema.columns
    guard tableMap.columnCount == columns.count, types.count == columns.count else {
      throw BinlogError(
        .schemaMismatch, "the log has \(tableMap.columnCount) columns for the table, its schema \(columns.count)")
    }
    try Self.checkNames(tableMap, columns)
    self.schema = schema
    self.types = types
    self.options = options
    hiddenColumns = tableMap.hiddenColumns
    storage = .allocate(capacity: columns.count)
    steps = UnsafeBufferPointer(storage)
    for (index, column) in columns.enumerated() {
      let source = BinlogColumn(map: tableMap, index: index)
      var step = try source.step(for: types[index], column: column)
      let isKey = schema.keyIndexes.contains(index)
      step.dateRules = options.dateRules(nullable: column.type.isNullable, isKey: isKey)
      if step.operation == .boolean, options.refusesNumbersInBooleans(isKey: isKey) { step.operation = .exactBoolean }
      if types[index].kind == .enumeration || types[index].kind == .set {
        step.members = memberStorage.add(types[index].members)
      }
      storage.initializeElement(at: index, to: step)
    }
  }

  deinit {
    memberStorage.free()
    storage.deallocate()
  }

  private static func checkNames(_ map: TableMap, _ columns: [Column]) throws(BinlogError) {
    guard let names = map.columnNames else { return }
    for (name, column) in zip(names, columns) where name.lowercased() != column.name.lowercased() {
      throw BinlogError(.schemaMismatch, "the log has the column \(name) where the schema has \(column.name)")
    }
  }
}

/// Memory for the members of a plan's ENUM and SET columns, so that rows copy plain bytes.
private struct MemberStorage {
  private var texts: [UnsafeMutableRawBufferPointer] = []
  private var tables: [UnsafeMutableBufferPointer<UnsafeRawBufferPointer>] = []

  mutating func add(_ members: [String]) -> UnsafeBufferPointer<UnsafeRawBufferPointer> {
    let table = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: members.count)
    for (index, member) in members.enumerated() {
      let utf8 = Array(member.utf8)
      let text = UnsafeMutableRawBufferPointer.allocate(byteCount: max(utf8.count, 1), alignment: 1)
      text.copyBytes(from: utf8)
      texts.append(text)
      table.initializeElement(at: index, to: UnsafeRawBufferPointer(rebasing: text[..<utf8.count]))
    }
    tables.append(table)
    return UnsafeBufferPointer(table)
  }

  func free() {
    for text in texts { text.deallocate() }
    for table in tables { table.deallocate() }
  }
}
