import Connector
import Model

@testable import MySQLSource

/// Reads a log of events as the tail reader does. Checksums are left out: a mutated event would never pass them.
enum EventFuzzer {
  /// FORMAT_DESCRIPTION of two servers.
  private static let formats = [format("9.7.4", types: 42), format("10.11.19-MariaDB-log", types: 171)]

  /// The event for a server whose files have no checksums.
  private static func format(_ version: String, types: Int) -> [UInt8] {
    var lengths = [UInt8](repeating: 0, count: types)
    for type in [19, 23, 24, 25] where type <= types { lengths[type - 1] = 8 }
    for type in [30, 31, 32, 39] where type <= types { lengths[type - 1] = 10 }
    let name = Array(version.utf8) + [UInt8](repeating: 0, count: 50 - version.utf8.count)
    let body: [UInt8] = [4, 0] + name + [0, 0, 0, 0, 19] + lengths + [0, 0, 0, 0, 0]
    var event = [UInt8](repeating: 0, count: 19) + body
    event[4] = 15
    event[9] = UInt8(truncatingIfNeeded: event.count)
    event[10] = UInt8(truncatingIfNeeded: event.count >> 8)
    return event
  }

  private final class Log {
    var parser = BinlogParser(verifiesChecksums: false)
    var maps = TableMapCache()
    let payload = TransactionPayloadReader()
    var batch = RowBatch(capacity: 4096)

    init(flavor: Int) {
      EventFuzzer.formats[flavor % EventFuzzer.formats.count].withUnsafeBytes { bytes in
        _ = FuzzTarget.succeeds { _ = try parser.parse(bytes) }
      }
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws {
      let event = try parser.parse(bytes)
      guard case .transactionPayload(let packed) = event else { return try take(event) }
      try unpack(packed)
    }

    func unpack(_ packed: TransactionPayloadEvent) throws {
      let outer = parser.header
      try payload.begin(packed)
      while let inner = try payload.next() { try take(try parser.parse(inner: inner, of: outer)) }
    }

    private func take(_ event: BinlogEvent) throws {
      switch event {
      case .tableMap(let map):
        let map = try maps.register(map)
        precondition(map.describedColumns?.count ?? 0 <= map.columnCount)
      case .rows(let rows): try decode(rows)
      case .query(let query): _ = (query.sql, query.schema, query.sqlMode)
      case .previousGTIDs(let previous): _ = try previous.set()
      case .mariaDBGTIDList(let list): _ = try list.position()
      case .xaPrepare(let prepare): _ = try prepare.xid()
      case .rotate(let rotate): _ = BinlogFile.number(of: rotate.file)
      case .heartbeat(let heartbeat):
        var cursor = TailCursor(MySQLOffset(position: BinlogPosition(file: heartbeat.file, position: 1 << 40)))
        cursor.settle(in: heartbeat.file, at: heartbeat.position, is32Bit: heartbeat.is32Bit)
        precondition(cursor.position >= 1 << 40)
      default: break
      }
    }

    private func decode(_ rows: RowsEvent) throws {
      let map = try maps.table(for: rows)
      if map.plan == nil {
        let schema = FuzzSchema(map)
        _ = map.disagreement(with: schema.rows, types: schema.types)
        map.plan = try RowDecodingPlan(tableMap: map, schema: schema.rows, types: schema.types)
      }
      guard let plan = map.plan else { return }
      var decoder = try RowsDecoder(try parser.unpacked(rows), plan: plan)
      batch.reset(schema: plan.schema)
      while try decoder.next(into: &batch) {
        if batch.byteCount > 1 << 20 { batch.reset(schema: plan.schema) }
      }
    }
  }

  /// The first byte picks the server; then events, each as long as its header says, without checksums.
  static func run(_ input: UnsafeRawBufferPointer) {
    guard let flavor = input.first else { return }
    let log = Log(flavor: Int(flavor))
    var rest = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    while rest.count >= BinlogEventHeader.size {
      let size = Int(UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: 9, as: UInt32.self)))
      let taken = min(max(size, BinlogEventHeader.size), rest.count)
      let event = UnsafeRawBufferPointer(rebasing: rest[..<taken])
      FuzzTarget.succeeds { try log.take(event) }
      rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
    }
  }

  static func runPayload(_ input: UnsafeRawBufferPointer) {
    let log = Log(flavor: 0)
    FuzzTarget.succeeds { try log.unpack(try TransactionPayloadEvent(input)) }
  }
}

/// A schema that a table map's columns fit, as far as there is one, so that rows are decoded and not refused.
struct FuzzSchema {
  private(set) var types: [MySQLColumnType] = []
  let rows: RowSchema

  init(_ map: TableMap) {
    var columns: [Column] = []
    for index in 0..<map.columnCount {
      let text = Self.type(map, index)
      let collation = text.hasPrefix("varchar") || text.hasPrefix("enum") ? "utf8mb3_general_ci" : ""
      guard let type = try? MySQLColumnType(columnType: text, collation: collation),
        let dataType = type.dataType(nullable: true, treatTinyint1AsBoolean: true)
      else { continue }
      types.append(type)
      columns.append(
        Column(
          name: map.columnNames?[index] ?? "c\(index)", type: dataType, nativeType: text, nativeCollation: collation))
    }
    rows = RowSchema(table: map.table, version: 1, schema: TableSchema(columns: columns, primaryKey: []))
  }

  private static func type(_ map: TableMap, _ index: Int) -> String {
    let metadata = Int(map.metadata[index])
    let sign = map.unsigned?[index] ?? false ? " unsigned" : ""
    switch map.layout.type(index) {
    case .tiny: return (index % 2 == 0 ? "tinyint(1)" : "tinyint") + sign
    case .short: return "smallint" + sign
    case .int24: return "mediumint" + sign
    case .long: return "int" + sign
    case .longlong: return "bigint" + sign
    case .float: return "float" + sign
    case .double: return "double" + sign
    case .newdecimal: return "decimal(\(metadata >> 8),\(metadata & 0xff))" + sign
    case .year: return "year"
    case .date, .newdate: return "date"
    case .time: return "time"
    case .datetime: return "datetime"
    case .timestamp: return "timestamp"
    case .time2: return "time(\(metadata))"
    case .datetime2: return "datetime(\(metadata))"
    case .timestamp2: return "timestamp(\(metadata))"
    case .bit: return "bit(\(metadata & 0xff + metadata >> 8 * 8))"
    case .varchar, .varString:
      return metadata % 3 == 0 ? "varchar(\(metadata / 3))" : "varbinary(\(metadata))"
    case .string: return "binary(\(metadata & 0xff | ((metadata >> 8 & 0x30) ^ 0x30) << 4))"
    case .json: return "json"
    case .geometry: return "geometry"
    case .vector: return "vector(4)"
    case .mariaVarcharCompressed: return "varbinary(\(metadata)) /*M!100301 COMPRESSED*/"
    case .tinyBlob, .blob, .mediumBlob, .longBlob:
      return metadata == 1 ? "tinyblob" : metadata == 2 ? "blob" : metadata == 3 ? "mediumblob" : "longblob"
    case .enumeration: return members("enum", metadata & 0xff == 1 ? 3 : 300)
    case .set: return members("set", min(max(metadata & 0xff, 1), 8) * 8)
    default: return "unknown"
    }
  }

  private static func members(_ name: String, _ count: Int) -> String {
    name + "(" + (0..<count).map { "'m\($0)'" }.joined(separator: ",") + ")"
  }
}
