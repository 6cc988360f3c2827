import Model
import Testing

@testable import MySQLSource

/// A table as a real server logged it: what its rows were in the log, and in the text protocol.
struct RecordedTable: Sendable, CustomTestStringConvertible {
  var server: String
  var name: String
  /// `name|COLUMN_TYPE|COLLATION_NAME`.
  var columns: [String]
  /// TABLE_MAP and rows events, whole, in hexadecimal.
  var events: [String]
  /// The rows that the first statement inserted.
  var rows: [String]

  var testDescription: String { "\(server).\(name)" }

  static let all = numbers + times + oldTimes + strings + json

  func schema(treatTinyint1AsBoolean: Bool = true) throws -> RowSchema {
    var columns: [Column] = []
    for text in self.columns {
      let first = try #require(text.firstIndex(of: "|"))
      let last = try #require(text.lastIndex(of: "|"))
      let columnType = String(text[text.index(after: first)..<last])
      let collation = String(text[text.index(after: last)...])
      let type = try MySQLColumnType(columnType: columnType, collation: collation)
      let dataType = try #require(
        type.dataType(nullable: true, treatTinyint1AsBoolean: treatTinyint1AsBoolean), "\(columnType)")
      columns.append(
        Column(
          name: String(text[..<first]), type: dataType, nativeType: columnType, nativeCollation: collation))
    }
    return RowSchema(
      table: TableID(schema: "rec", table: name), version: 1, schema: TableSchema(columns: columns, primaryKey: []))
  }

  /// A parser that has seen the server's format.
  func parser() throws -> BinlogParser {
    var parser = BinlogParser()
    let format = hexBytes(try #require(Self.formats[server]))
    let event = try format.withUnsafeBytes { bytes in
      try parser.parse(bytes)
    }
    guard case .formatDescription = event else { throw BinlogError.corrupt("no format") }
    return parser
  }

  /// A recorded row's values: nil for NULL.
  static func values(_ row: String) -> [[UInt8]?] {
    row.split(separator: "|", omittingEmptySubsequences: false).map { field in
      if field == "~" { return nil }
      var bytes: [UInt8] = []
      var rest = Array(field.utf8)[...]
      while let byte = rest.popFirst() {
        if byte == 0x25 {
          bytes.append(hexBytes(String(decoding: rest.prefix(2), as: UTF8.self))[0])
          rest = rest.dropFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return bytes
    }
  }

  /// The rows as the snapshot would read them.
  func snapshotRows(_ schema: RowSchema) throws -> [Row] {
    let types = try MySQLColumnType.types(of: schema.schema)
    let decoders = try zip(types, schema.columns).map { try TextValueDecoder(type: $0, column: $1) }
    var batch = RowBatch()
    batch.reset(schema: schema)
    for row in rows {
      batch.beginRow(.insert)
      for (column, value) in Self.values(row).enumerated() {
        guard let value else { continue }
        try value.withUnsafeBytes { try decoders[column].decode($0, column: column, into: &batch) }
      }
      batch.endRow()
    }
    return Row.rows(of: batch, schema)
  }

  /// All row changes of the recorded events, in order.
  func loggedRows(_ schema: RowSchema, events: [[UInt8]]? = nil) throws -> [Row] {
    var parser = try parser()
    var cache = TableMapCache()
    var rows: [Row] = []
    var batch = RowBatch()
    for event in events ?? self.events.map(hexBytes) {
      try event.withUnsafeBytes { bytes in
        switch try parser.parse(bytes) {
        case .tableMap(let map): _ = try cache.register(map)
        case .rows(let event):
          let map = try cache.table(for: event)
          let plan = try RowDecodingPlan(
            tableMap: map, schema: schema, types: try MySQLColumnType.types(of: schema.schema))
          var decoder = try RowsDecoder(event, plan: plan)
          batch.reset(schema: schema)
          while try decoder.next(into: &batch) {}
          rows += Row.rows(of: batch, schema)
        default: break
        }
      }
    }
    return rows
  }
}

/// A row taken out of a batch, to be compared and printed.
struct Row: Equatable, CustomStringConvertible {
  enum Value: Equatable {
    case null
    case integer(Int64)
    case float(UInt32)
    case double(UInt64)
    case bytes([UInt8])
  }

  var operation: RowOperation
  var values: [Value]

  static func rows(of batch: borrowing RowBatch, _ schema: RowSchema) -> [Row] {
    var rows: [Row] = []
    batch.forEachRow { view in
      let values = schema.physical.indices.map { column -> Value in
        if view.isNull(column) { return .null }
        switch schema.physical[column] {
        case .integer: return .integer(view.integer(column))
        case .float32: return .float(view.float(column).bitPattern)
        case .float64: return .double(view.double(column).bitPattern)
        case .bytes: return .bytes(Array(view.bytes(column)))
        }
      }
      rows.append(Row(operation: view.operation, values: values))
    }
    return rows
  }

  var description: String {
    "\(operation) "
      + values.map { value in
        switch value {
        case .null: "NULL"
        case .integer(let value): String(value)
        case .float(let bits): String(Float(bitPattern: bits))
        case .double(let bits): String(Double(bitPattern: bits))
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self) ?? "\(bytes)"
        }
      }.joined(separator: " | ")
  }
}

/// The bytes of a text of hexadecimal digits.
func hexBytes(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8).map { digit -> UInt8 in digit > 0x39 ? (digit | 0x20) - 0x57 : digit - 0x30 }
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// A generator whose sequence depends on its seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
