import Model
import Testing

@Suite("Row batches")
struct RowBatchTests {
  private enum Value: Equatable {
    case null
    case integer(Int64)
    case float(Float)
    case double(Double)
    case bytes([UInt8])
  }

  private struct Row: Equatable {
    var operation: RowOperation
    var values: [Value]
  }

  private static func schema(_ random: inout TestRandom) -> RowSchema {
    let kinds: [DataType.Kind] = [.bigint, .float, .double, .string, .bytes, .decimal(precision: 9, scale: 2), .date]
    let count = random.pick([1, 3, 63, 64, 65, 130])
    let columns = (0..<count).map { Column(name: "c\($0)", type: DataType(random.pick(kinds))) }
    return RowSchema(
      table: TableID(table: "t"), version: 1, schema: TableSchema(columns: columns, primaryKey: ["c0"]))
  }

  private static func row(_ schema: RowSchema, _ random: inout TestRandom) -> Row {
    let values: [Value] = schema.physical.map { physical in
      if random.below(4) == 0 { return .null }
      switch physical {
      case .integer: return .integer(Int64(bitPattern: random.next()))
      case .float32: return .float(Float(random.below(1000)) / 7)
      case .float64: return .double(Double(random.below(1000)) / 7)
      case .bytes: return .bytes(random.bytes(random.below(random.below(40) == 0 ? 3000 : 20)))
      }
    }
    return Row(operation: random.pick([.insert, .updateBefore, .updateAfter, .delete]), values: values)
  }

  private static func write(_ row: Row, into batch: inout RowBatch) {
    batch.beginRow(row.operation)
    for (column, value) in row.values.enumerated() {
      switch value {
      case .null: break
      case .integer(let value): batch.set(column, integer: value)
      case .float(let value): batch.set(column, float: value)
      case .double(let value): batch.set(column, double: value)
      case .bytes(let value): value.withUnsafeBytes { batch.set(column, bytes: $0) }
      }
    }
    batch.endRow()
  }

  private static func read(_ view: RowView, _ schema: RowSchema) -> Row {
    let values: [Value] = schema.physical.enumerated().map { column, physical in
      if view.isNull(column) { return .null }
      switch physical {
      case .integer: return .integer(view.integer(column))
      case .float32: return .float(view.float(column))
      case .float64: return .double(view.double(column))
      case .bytes: return .bytes(Array(view.bytes(column)))
      }
    }
    return Row(operation: view.operation, values: values)
  }

  private static func rows(_ batch: borrowing RowBatch, _ schema: RowSchema) -> [Row] {
    var rows: [Row] = []
    batch.forEachRow { rows.append(read($0, schema)) }
    return rows
  }

  @Test("Rows of any kind come out as they went in, also when the batch is used again", arguments: 1...60)
  func roundTrip(seed: Int) {
    var random = TestRandom(seed: seed)
    var batch = RowBatch(capacity: random.pick([0, 4096, 100_000]))
    for _ in 0..<3 {
      let schema = Self.schema(&random)
      batch.reset(schema: schema)
      let (isEmpty, count, isSame) = (batch.isEmpty, batch.count, batch.schema === schema)
      #expect(isEmpty && count == 0 && isSame)
      let rows = (0..<random.below(60)).map { _ in Self.row(schema, &random) }
      for row in rows {
        if random.below(5) == 0 {
          // A row that is given up leaves no trace.
          batch.beginRow(.delete)
          if let column = schema.physical.firstIndex(of: .bytes) { batch.set(column, text: "given up") }
          batch.abandonRow()
        }
        Self.write(row, into: &batch)
      }
      let written = batch.count
      #expect(written == rows.count)
      let read = Self.rows(batch, schema)
      #expect(read == rows)
      var offset = 0
      for row in rows {
        let view = batch.row(at: offset)
        #expect(Self.read(view, schema) == row && view.size % 8 == 0)
        offset += view.size
      }
      let end = batch.byteCount
      #expect(offset == end)
    }
  }

  @Test("Copied rows are the same, under another operation if wanted", arguments: 1...30)
  func copying(seed: Int) {
    var random = TestRandom(seed: seed)
    let schema = Self.schema(&random)
    var source = RowBatch(capacity: 0)
    source.reset(schema: schema)
    let rows = (0..<40).map { _ in Self.row(schema, &random) }
    for row in rows { Self.write(row, into: &source) }
    var target = RowBatch(capacity: 0)
    target.reset(schema: schema)
    var expected: [Row] = []
    source.forEachRow { view in
      let row = Self.read(view, schema)
      let operation: RowOperation? = expected.count % 2 == 0 ? nil : .delete
      target.append(copying: view, as: operation)
      expected.append(Row(operation: operation ?? row.operation, values: row.values))
    }
    let copies = Self.rows(target, schema)
    #expect(copies == expected)
    let copied = target.count
    #expect(copied == rows.count)
    Self.write(rows[0], into: &target)
    let all = Self.rows(target, schema)
    #expect(all == expected + [rows[0]])
  }

  @Test("The last rows can be taken back", arguments: 1...20)
  func removing(seed: Int) {
    var random = TestRandom(seed: seed)
    let schema = Self.schema(&random)
    var batch = RowBatch(capacity: 0)
    batch.reset(schema: schema)
    var expected: [Row] = []
    for _ in 0..<60 {
      let rows = (0..<random.below(4)).map { _ in Self.row(schema, &random) }
      let start = batch.byteCount
      for row in rows { Self.write(row, into: &batch) }
      if random.below(2) == 0 { batch.removeLast(rows.count, from: start) } else { expected += rows }
      let (count, isEmpty) = (batch.count, batch.isEmpty)
      #expect(count == expected.count && isEmpty == expected.isEmpty)
      let changes = batch.changeCount
      #expect(changes == expected.filter { $0.operation != .updateBefore }.count)
    }
    let read = Self.rows(batch, schema)
    #expect(read == expected)
  }

  @Test("One huge row grows the batch, and its memory is given back")
  func hugeRow() {
    let schema = RowSchema(
      table: TableID(table: "t"), version: 1,
      schema: TableSchema(columns: [Column(name: "a", type: DataType(.bytes))], primaryKey: []))
    var batch = RowBatch(capacity: 4096)
    batch.reset(schema: schema)
    let huge = [UInt8](repeating: 7, count: 9 * 1024 * 1024)
    huge.withUnsafeBytes {
      batch.beginRow(.insert)
      batch.set(0, bytes: $0)
      batch.endRow()
    }
    let isWhole = batch.row(at: 0).bytes(0).elementsEqual(huge)
    #expect(isWhole)
    batch.reset(schema: schema)
    let isEmpty = batch.isEmpty
    #expect(isEmpty)
    for number in 0..<1000 {
      batch.beginRow(.insert)
      batch.set(0, text: "row \(number)")
      batch.endRow()
    }
    var seen: [String] = []
    batch.forEachRow { seen.append($0.text(0)) }
    #expect(seen == (0..<1000).map { "row \($0)" })
  }
}
