import Connector
import Model

/// Finds the chunk that a row's key falls in.
///
/// Keys of numbers, times, bytes and binary text are compared here. For collated text only the server knows the order;
/// it is asked for a whole batch of keys at once, one round for each step of a binary search.
final class KeyLocator {
  private let columns: [KeyColumn]
  /// Positions of the key's columns in the table's rows.
  private let indexes: [Int]
  /// The chunks in key order; the lower bounds of all but the first divide the keys.
  private let chunks: FinishedChunks
  /// The bounds, where the server compares them; a key that is compared here has them in `boundRows`.
  private let bounds: [[KeyPart]]
  /// The bounds, decoded as the table's rows are: row `n` starts at `starts[n]`.
  private var boundRows = RowBatch(capacity: 4096)
  private var starts: [Int] = []

  /// Whether keys can be compared without the server.
  let isLocal: Bool

  /// - Throws: `schemaMismatch` when a key column is missing or has another type than the bounds.
  init(chunks: FinishedChunks, schema: RowSchema) throws(ConnectorError) {
    let names = chunks.columns
    self.chunks = chunks
    columns = try MySQLPlanner.keyColumns(names, of: schema.schema, table: schema.table)
    indexes = names.compactMap { schema.schema.index(of: $0) }
    isLocal = columns.allSatisfy(\.isLocal)
    bounds = isLocal ? [] : chunks.compactMap(\.range.lower)
    try decodeBounds(schema)
  }

  /// The same bounds for rows of another schema.
  func adopting(_ schema: RowSchema) throws(ConnectorError) -> KeyLocator {
    try KeyLocator(chunks: chunks, schema: schema)
  }

  private func decodeBounds(_ schema: RowSchema) throws(ConnectorError) {
    let keySchema = TableSchema(columns: columns.map(\.column), primaryKey: [])
    boundRows.reset(schema: RowSchema(table: schema.table, version: 1, schema: keySchema))
    do throws(BinlogError) {
      let types = try MySQLColumnType.types(of: keySchema)
      var decoders: [TextValueDecoder] = []
      for (type, column) in zip(types, keySchema.columns) {
        decoders.append(try TextValueDecoder(type: type, column: column, isKey: true))
      }
      for chunk in chunks {
        guard let bound = chunk.range.lower else { continue }
        starts.append(boundRows.byteCount)
        boundRows.beginRow(.insert)
        for (index, part) in bound.enumerated() where index < decoders.count {
          try decode(Self.bytes(part, columns[index]), decoders[index], column: index)
        }
        boundRows.endRow()
      }
    } catch {
      throw error.connectorError(table: schema.table)
    }
  }

  private func decode(_ bytes: [UInt8], _ decoder: TextValueDecoder, column: Int) throws(BinlogError) {
    let result: Result<Void, BinlogError> = bytes.withUnsafeBytes { text in
      do throws(BinlogError) {
        return .success(try decoder.decode(text, column: column, into: &boundRows))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  /// A bound as the text protocol would carry it.
  private static func bytes(_ part: KeyPart, _ column: KeyColumn) -> [UInt8] {
    switch (part, column.order) {
    case (.unsigned(let value), .bits(let count)): (0..<count).reversed().map { UInt8(value >> ($0 * 8) & 255) }
    case (.unsigned(let value), .members(let members)):
      value > 0 && value <= members.count ? Array(members[Int(value) - 1].utf8) : []
    case (.integer(let value), _): Array(String(value).utf8)
    case (.unsigned(let value), _): Array(String(value).utf8)
    case (.text(let value), _): Array(value.utf8)
    case (.bytes(let value), _): value
    }
  }

  // MARK: Here

  /// The number of the row's chunk, for a local key: how many bounds are at or below the key.
  func locate(_ row: RowView) -> Int {
    var low = 0
    var high = starts.count
    while low < high {
      let middle = (low + high) / 2
      if compare(row, boundRows.row(at: starts[middle])) >= 0 { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func compare(_ row: RowView, _ bound: RowView) -> Int {
    for (position, column) in columns.enumerated() {
      let index = indexes[position]
      // Rows without a value belong to the first chunk.
      if row.isNull(index) { return -1 }
      let order: Int
      switch column.order {
      case .signed, .temporal:
        let (left, right) = (row.integer(index), bound.integer(position))
        order = left < right ? -1 : left > right ? 1 : 0
      case .unsigned, .decimal:
        order = KeyComparison.decimals(row.bytes(index), bound.bytes(position))
      case .binaryText(let padded):
        order = KeyComparison.bytes(row.bytes(index), bound.bytes(position), padded: padded)
      case .members(let members):
        let (left, right) = (KeyColumn.number(of: row.text(index), in: members), boundNumber(bound, position, members))
        order = left < right ? -1 : left > right ? 1 : 0
      case .bytes, .bits, .collatedText, .named:
        order = KeyComparison.bytes(row.bytes(index), bound.bytes(position), padded: false)
      }
      if order != 0 { return order }
    }
    return 0
  }

  private func boundNumber(_ bound: RowView, _ position: Int, _ members: [String]) -> UInt64 {
    KeyColumn.number(of: bound.text(position), in: members)
  }

  // MARK: By the server

  /// The key of a row as SQL literals with their collations.
  /// - Throws: `unsupported` for a key whose values have no literal.
  func literals(_ row: RowView) throws(ConnectorError) -> [String] {
    var result: [String] = []
    for (column, index) in zip(columns, indexes) {
      // No comparison with NULL holds, which leads to the first chunk.
      result.append(row.isNull(index) ? "NULL" : try column.collatedLiteral(Self.part(row, index, column)))
    }
    return result
  }

  private static func part(_ row: RowView, _ index: Int, _ column: KeyColumn) -> KeyPart {
    switch column.order {
    case .signed: .integer(row.integer(index))
    case .unsigned: .unsigned(UInt64(row.text(index)) ?? 0)
    case .decimal, .binaryText, .collatedText, .named: .text(row.text(index))
    case .temporal: .text(TemporalLiteral.text(row.integer(index), column.column.type.kind))
    case .bytes: .bytes(Array(row.bytes(index)))
    case .bits: .unsigned(row.bytes(index).reduce(0) { $0 << 8 | UInt64($1) })
    case .members(let members): .unsigned(KeyColumn.number(of: row.text(index), in: members))
    }
  }

  /// The chunks of many keys, each as `literals` gives it.
  func locate(_ keys: [[String]], client: MySQLClient) throws(ConnectorError) -> [Int] {
    var boundLiterals: [[String]] = []
    for bound in bounds {
      var literals: [String] = []
      for (column, part) in zip(columns, bound) { literals.append(try column.collatedLiteral(part)) }
      boundLiterals.append(literals)
    }
    var low = [Int](repeating: 0, count: keys.count)
    var high = [Int](repeating: bounds.count, count: keys.count)
    while true {
      let open = keys.indices.filter { low[$0] < high[$0] }
      if open.isEmpty { return low }
      // A round's statement stays far below max_allowed_packet's default.
      for part in stride(from: 0, to: open.count, by: 100).map({ open[$0..<min($0 + 100, open.count)] }) {
        let terms = part.map { key in
          let middle = (low[key] + high[key]) / 2
          return "(" + KeySQL.comparison(keys[key], boundLiterals[middle], beyond: ">", last: ">=") + ")"
        }
        let answers = try client.query("SELECT " + terms.joined(separator: ", ")).first ?? []
        guard answers.count == part.count else { throw ConnectorError(.bug, "the server left comparisons out") }
        for (key, answer) in zip(part, answers) {
          let middle = (low[key] + high[key]) / 2
          if answer == "1" { low[key] = middle + 1 } else { high[key] = middle }
        }
      }
    }
  }
}
