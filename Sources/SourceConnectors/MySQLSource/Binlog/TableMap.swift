import Model

/// The numbers that stand for column types in TABLE_MAP events (MySQL: `enum_field_types`; MariaDB adds 140 and 141).
enum BinlogColumnType: UInt8, Sendable {
  case decimal = 0
  case tiny = 1
  case short = 2
  case long = 3
  case float = 4
  case double = 5
  case null = 6
  case timestamp = 7
  case longlong = 8
  case int24 = 9
  case date = 10
  case time = 11
  case datetime = 12
  case year = 13
  case newdate = 14
  case varchar = 15
  case bit = 16
  case timestamp2 = 17
  case datetime2 = 18
  case time2 = 19
  case typedArray = 20
  case mariaBlobCompressed = 140
  case mariaVarcharCompressed = 141
  case vector = 242
  case json = 245
  case newdecimal = 246
  case enumeration = 247
  case set = 248
  case tinyBlob = 249
  case mediumBlob = 250
  case longBlob = 251
  case blob = 252
  case varString = 253
  case string = 254
  case geometry = 255
}

/// A TABLE_MAP event: the table that a table id stands for, and how its columns are laid out in rows events.
///
/// A class, so that its users can tell by identity that nothing has changed. Used by one thread.
final class TableMap {
  /// The id, valid within one log file.
  let tableID: UInt64
  /// Schema (database) and name.
  let table: TableID
  /// What stands behind the name could not be understood. It matters only to those who read the table's rows; the map
  /// has no columns then.
  let problem: BinlogError?
  private let details: Details
  /// The event's body, to compare the next one with.
  private let body: [UInt8]

  /// Free for the user of the map; -1 in the beginning.
  var tag = -1
  /// Free for the user of the map.
  var plan: RowDecodingPlan?

  /// What stands behind the table's name.
  private struct Details {
    var layout: OptionalMetadata.Layout
    var optional: OptionalMetadata
    var nullable: [Bool] = []

    init(_ reader: inout ByteReader, isMariaDB: Bool) throws(BinlogError) {
      let columnTypes = Array(try reader.bytes(try reader.packedCount()))
      var metadataReader = ByteReader(try reader.bytes(try reader.packedCount()))
      var metadata: [UInt16] = []
      metadata.reserveCapacity(columnTypes.count)
      for type in columnTypes { metadata.append(try TableMap.metadata(of: type, from: &metadataReader)) }
      guard metadataReader.isAtEnd else { throw .corrupt("a TABLE_MAP event has surplus metadata") }
      let nulls = try reader.bytes((columnTypes.count + 7) / 8)
      nullable = columnTypes.indices.map { nulls[$0 >> 3] >> UInt8($0 & 7) & 1 == 1 }
      layout = OptionalMetadata.Layout(columnTypes: columnTypes, metadata: metadata, isMariaDB: isMariaDB)
      optional = try OptionalMetadata(reader.rest, layout: layout)
    }

    /// No columns.
    init(isMariaDB: Bool) throws(BinlogError) {
      layout = OptionalMetadata.Layout(columnTypes: [], metadata: [], isMariaDB: isMariaDB)
      optional = try OptionalMetadata(UnsafeRawBufferPointer(start: nil, count: 0), layout: layout)
    }
  }

  /// The columns' types and their metadata.
  var layout: OptionalMetadata.Layout { details.layout }
  /// Whether each column may be NULL.
  var nullable: [Bool] { details.nullable }
  /// Type number of each column.
  var columnTypes: [UInt8] { details.layout.columnTypes }
  /// Metadata of each column: for STRING and NEWDECIMAL the first byte is the high one, otherwise little-endian.
  var metadata: [UInt16] { details.layout.metadata }
  /// For each column whether its type is unsigned, where the log says so; only numeric columns count.
  var unsigned: [Bool]? { details.optional.unsigned }
  /// The number of each character, ENUM and SET column's collation, where the log says so.
  var collations: [UInt32?] { details.optional.collations }
  /// The columns' names, where the log has them (`binlog_row_metadata = FULL`, as everything below).
  var columnNames: [String]? { details.optional.columnNames }
  /// Members of the ENUM and SET columns.
  var members: [[[UInt8]]?] { details.optional.members }
  /// MySQL's numbers of the spatial columns' types; these are logged always.
  var geometryTypes: [UInt64?] { details.optional.geometryTypes }
  /// Elements of the VECTOR columns.
  var vectorSizes: [UInt64?] { details.optional.vectorSizes }
  /// Positions of the primary key's columns.
  var primaryKey: [Int]? { details.optional.primaryKey }
  /// The primary key has only the beginnings of some columns.
  var hasKeyPrefixes: Bool { details.optional.hasKeyPrefixes }
  /// Whether each column is in `SELECT *`.
  var visible: [Bool]? { details.optional.visible }

  /// The number of the table's columns; those that MariaDB keeps for itself, behind them, do not count.
  var columnCount: Int { columnTypes.count - hiddenColumns }

  /// Columns at the end that no statement shows. MariaDB keeps a hash for each UNIQUE key that is too long for an index, or
  /// said to be one of hashes, and logs it with the rows.
  private(set) var hiddenColumns = 0

  /// What MariaDB calls such columns, with a number behind.
  private static let hiddenName = "DB_ROW_HASH_"

  /// Whether the last columns may be hidden ones: BIGINT, and by their names where the log has names.
  func mayHide(_ count: Int) -> Bool {
    guard details.layout.isMariaDB, count > 0, count < columnTypes.count else { return false }
    return columnTypes.indices.suffix(count).allSatisfy { index in
      columnTypes[index] == BinlogColumnType.longlong.rawValue
        && columnNames.map { $0[index].hasPrefix(Self.hiddenName) } ?? true
    }
  }

  /// The last columns are hidden ones.
  func hide(_ count: Int) { hiddenColumns = count }

  /// Decodes the event.
  /// - Throws: `corrupt` when it does not even name its table.
  init(_ event: TableMapEvent) throws(BinlogError) {
    var reader = ByteReader(event.body)
    tableID = event.tableID
    let schema = String(decoding: try reader.bytes(Int(try reader.u8())), as: UTF8.self)
    try reader.skip(1)
    let name = String(decoding: try reader.bytes(Int(try reader.u8())), as: UTF8.self)
    try reader.skip(1)
    table = TableID(schema: schema, table: name)
    body = Array(event.body)
    do throws(BinlogError) {
      details = try Details(&reader, isMariaDB: event.isMariaDB)
      problem = nil
      let named = (details.optional.columnNames ?? []).reversed().prefix { $0.hasPrefix(Self.hiddenName) }.count
      if mayHide(named) { hiddenColumns = named }
    } catch {
      details = try Details(isMariaDB: event.isMariaDB)
      problem = error
    }
  }

  /// Whether the event says the same as the one that this was made of.
  func matches(_ event: TableMapEvent) -> Bool {
    guard event.tableID == tableID, event.body.count == body.count else { return false }
    return body.withUnsafeBytes { own in
      guard let own = own.baseAddress, let other = event.body.baseAddress else { return true }
      return memoryIsEqual(own, other, event.body.count)
    }
  }

  fileprivate static func metadata(of type: UInt8, from reader: inout ByteReader) throws(BinlogError) -> UInt16 {
    switch BinlogColumnType(rawValue: type) {
    case .float, .double, .timestamp2, .datetime2, .time2, .json, .geometry, .vector, .blob, .tinyBlob, .mediumBlob,
      .longBlob, .mariaBlobCompressed:
      return UInt16(try reader.u8())
    case .varchar, .bit, .mariaVarcharCompressed:
      return try reader.u16()
    case .string, .newdecimal, .enumeration, .set, .varString:
      let high = UInt16(try reader.u8())
      return high << 8 | UInt16(try reader.u8())
    case .tiny, .short, .long, .null, .timestamp, .longlong, .int24, .date, .time, .datetime, .year, .newdate, .decimal:
      return 0
    case .typedArray, nil:
      throw .unsupported("the log has a column of the unknown type \(type)")
    }
  }
}

/// Whether two memory areas hold the same bytes: eight at a time.
@inline(__always) func memoryIsEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
  var offset = 0
  while offset &+ 8 <= count {
    let first = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let second = right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    if first != second { return false }
    offset &+= 8
  }
  while offset < count {
    let first = left.load(fromByteOffset: offset, as: UInt8.self)
    let second = right.load(fromByteOffset: offset, as: UInt8.self)
    if first != second { return false }
    offset &+= 1
  }
  return true
}
