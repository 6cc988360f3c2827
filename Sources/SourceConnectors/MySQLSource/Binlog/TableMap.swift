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
  /// Type number of each column.
  let columnTypes: [UInt8]
  /// Metadata of each column: for STRING and NEWDECIMAL the first byte is the high one, otherwise little-endian.
  let metadata: [UInt16]
  /// For each column whether its type is unsigned, where the log says so; only numeric columns count.
  let unsigned: [Bool]?
  /// The columns' names, where the log has them (`binlog_row_metadata = FULL`).
  let columnNames: [String]?
  /// Positions of the primary key's columns, where the log has them (`binlog_row_metadata = FULL`).
  let primaryKey: [Int]?
  /// The event's body, to compare the next one with.
  private let body: [UInt8]

  /// Free for the user of the map; -1 in the beginning.
  var tag = -1
  /// Free for the user of the map.
  var plan: RowDecodingPlan?

  var columnCount: Int { columnTypes.count }

  /// Decodes the event.
  init(_ event: TableMapEvent) throws(BinlogError) {
    var reader = ByteReader(event.body)
    tableID = event.tableID
    let schema = String(decoding: try reader.bytes(Int(try reader.u8())), as: UTF8.self)
    try reader.skip(1)
    let name = String(decoding: try reader.bytes(Int(try reader.u8())), as: UTF8.self)
    try reader.skip(1)
    table = TableID(schema: schema, table: name)
    columnTypes = Array(try reader.bytes(try reader.packedCount()))
    var metadataReader = ByteReader(try reader.bytes(try reader.packedCount()))
    var metadata: [UInt16] = []
    metadata.reserveCapacity(columnTypes.count)
    for type in columnTypes { metadata.append(try Self.metadata(of: type, from: &metadataReader)) }
    guard metadataReader.isAtEnd else { throw .corrupt("the TABLE_MAP event of \(table) has surplus metadata") }
    self.metadata = metadata
    try reader.skip((columnTypes.count + 7) / 8)
    let optional = try OptionalMetadata(reader.rest, columnTypes: columnTypes)
    unsigned = optional.unsigned
    columnNames = optional.columnNames
    primaryKey = optional.primaryKey
    body = Array(event.body)
  }

  /// Whether the event says the same as the one that this was made of.
  func matches(_ event: TableMapEvent) -> Bool {
    guard event.tableID == tableID, event.body.count == body.count else { return false }
    return body.withUnsafeBytes { own in
      guard let own = own.baseAddress, let other = event.body.baseAddress else { return true }
      return memoryIsEqual(own, other, event.body.count)
    }
  }

  private static func metadata(of type: UInt8, from reader: inout ByteReader) throws(BinlogError) -> UInt16 {
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
      throw .unsupported("a TABLE_MAP event has a column of the unknown type \(type)")
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
