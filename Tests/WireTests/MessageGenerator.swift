import Model
import Wire

/// Random numbers that a seed determines (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  mutating func chance(_ parts: Int) -> Bool { below(parts) == 0 }
  mutating func bool() -> Bool { chance(2) }
}

/// Makes random messages of every kind, with the awkward values that a wire may lose: empty against absent, NUL,
/// non-ASCII text, extreme numbers.
struct MessageGenerator {
  var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  static let kinds = 11

  mutating func message(kind: Int) -> Message {
    switch kind {
    case 0: .join(Join(workerID: text(), name: text(), slots: count(), running: list { $0.attempt() }))
    case 1: .heartbeat(Heartbeat(sequence: Int64(count()), attempts: list { $0.attemptProgress() }))
    case 2: .report(Report(attempt: attempt(), event: event()))
    case 3: .leave
    case 4:
      .joined(
        Joined(epoch: Int64(count()), leaseMilliseconds: Int64(count()), heartbeatMilliseconds: Int64(count())))
    case 5: .heartbeatAck(HeartbeatAck(sequence: Int64(count())))
    case 6: .assign(Assignment(attempt: attempt(), connectors: connectors(), work: work()))
    case 7: .order(Order(attempt: attempt(), action: action()))
    case 9: .moreTables(MoreTables(attempt: attempt(), tables: list { $0.tailTable() }))
    case 8: .adminRequest(AdminRequest(verb: text(), pipeline: text(), arguments: options()))
    default: .adminReply(AdminReply(status: random.below(256), error: text(), json: text()))
    }
  }

  mutating func text() -> String {
    let pieces = [
      "", "a", "id", "order_items", "\0", "'", "\"", "é", "e\u{301}", "日本", "👩‍👩‍👧", "\r\n", "=", ",", " NOT NULL",
    ]
    return (0..<random.below(5)).map { _ in pieces[random.below(pieces.count)] }.joined()
  }

  mutating func count() -> Int {
    switch random.below(4) {
    case 0: 0
    case 1: 1 << 53
    default: random.below(1_000_000)
    }
  }

  mutating func optional<T>(_ make: (inout MessageGenerator) -> T) -> T? {
    random.bool() ? make(&self) : nil
  }

  mutating func list<T>(_ make: (inout MessageGenerator) -> T) -> [T] {
    var result: [T] = []
    for _ in 0..<(random.chance(20) ? 40 : random.below(4)) { result.append(make(&self)) }
    return result
  }

  mutating func options() -> [String: String] {
    Dictionary(list { ($0.text(), $0.text()) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func attempt() -> AttemptID { AttemptID(pipeline: text(), split: count(), attempt: count()) }
  mutating func offset() -> Offset { Offset(text()) }

  mutating func table() -> TableID {
    TableID(namespace: optional { $0.text() }, schema: optional { $0.text() }, table: text())
  }

  mutating func attemptProgress() -> AttemptProgress {
    AttemptProgress(
      attempt: attempt(), rows: count(), bytes: count(), offset: optional { $0.offset() },
      lastEventMilliseconds: optional { $0.random.bool() ? Int64($0.count()) : -Int64($0.count()) },
      isIdle: random.bool())
  }

  mutating func event() -> Report.Event {
    switch random.below(8) {
    case 0: .started(low: offset())
    case 1:
      .prepared(
        Committable(attempt: attempt(), sequence: count(), label: text(), progress: progress(), payload: text()))
    case 2: .committed(sequence: count(), progress: progress(), recovered: random.bool())
    case 3: .schemaChange(table: table(), offset: offset(), changes: list { $0.change() }, schema: schema())
    case 4: .caughtUp(end: offset())
    case 5: .pastWatermarks
    case 6:
      .failed(
        Failure(
          kind: text(), message: text(), table: optional { $0.table() }, offset: optional { $0.offset() },
          remedy: optional { $0.text() }))
    default: .cancelled
    }
  }

  mutating func tailTable() -> TailTableWork {
    TailTableWork(
      binding: binding(), ignoredThrough: optional { $0.offset() }, chunks: finishedChunks(),
      delivered: list { item in DeliveredShares([item.offset()] + item.list { $0.offset() }) })
  }

  /// Some that follow each other, and some that do not.
  mutating func finishedChunks() -> FinishedChunks {
    var chunks = list { FinishedChunk(range: $0.range(), watermark: $0.offset()) }
    for index in chunks.indices.dropFirst() where random.bool() && chunks[index - 1].range.upper != nil {
      chunks[index].range.columns = chunks[index - 1].range.columns
      chunks[index].range.lower = chunks[index - 1].range.upper
      chunks[index].range.upper = random.bool() ? nil : chunks[index].range.lower
    }
    let packed = FinishedChunks(chunks)
    return FinishedChunks(runs: packed.runs, countsLow: random.bool())
  }

  mutating func progress() -> SplitProgress {
    SplitProgress(
      offset: offset(), rows: count(), bytes: count(),
      schemaVersions: Dictionary(list { ($0.text(), $0.count()) }, uniquingKeysWith: { first, _ in first }),
      isFinal: random.bool(), remainder: optional { $0.range() })
  }

  mutating func connectors() -> ConnectorSpec {
    ConnectorSpec(
      sourceType: text(), sourceOptions: options(), sinkType: text(), sinkOptions: options(),
      secrets: list { $0.text() }, localTimeZone: optional { $0.text() }, parallelism: count())
  }

  mutating func work() -> SplitWork {
    if random.bool() { return .snapshot(SnapshotWork(binding: binding(), range: range())) }
    let shares = 1 + random.below(8)
    return .tail(
      TailWork(
        start: offset(),
        tables: list { $0.tailTable() },
        shareIndex: random.below(shares), shareCount: shares, notifyAt: optional { $0.offset() },
        commitIntervalMilliseconds: Int64(count()), formerTables: list { $0.table() },
        changedVersions: Dictionary(list { ($0.text(), $0.count()) }, uniquingKeysWith: { first, _ in first })))
  }

  mutating func action() -> Order.Action {
    switch random.below(5) {
    case 0: .proceed
    case 1: .commit(sequence: count())
    case 2: .adopt(table: table(), offset: offset(), binding: optional { $0.binding() })
    case 3: .cancel(afterCommit: random.bool())
    default: .notifyAt(offset())
    }
  }

  mutating func binding() -> TableBinding {
    TableBinding(
      table: table(), version: count(), schema: schema(),
      targets: list { TableBinding.Target(id: $0.table(), schema: $0.schema()) })
  }

  mutating func range() -> ChunkRange {
    var columns = list { $0.text() }
    if columns.isEmpty, random.bool() { columns = ["id"] }
    return ChunkRange(
      columns: columns, lower: optional { $0.bound(columns.count) }, upper: optional { $0.bound(columns.count) })
  }

  private mutating func bound(_ limit: Int) -> [KeyPart] {
    (0..<random.below(limit + 1)).map { _ in
      switch random.below(4) {
      case 0: .integer([Int64.min, -1, 0, 1, Int64.max][random.below(5)])
      case 1: .unsigned([0, 1, UInt64.max][random.below(3)])
      case 2: .text(text())
      default: .bytes((0..<random.below(4)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
      }
    }
  }
}

/// Schemas and their changes.
extension MessageGenerator {
  mutating func schema() -> TableSchema {
    TableSchema(columns: list { $0.column() }, primaryKey: list { $0.text() }, comment: optional { $0.text() })
  }

  mutating func column() -> Column {
    Column(
      name: text(), type: type(depth: 0), comment: optional { $0.text() }, defaultValue: optional { $0.text() },
      nativeType: text(), nativeCollation: text())
  }

  mutating func type(depth: Int) -> DataType {
    DataType(
      kind(depth), nullable: random.bool(), annotation: depth == 0 ? optional { $0.annotation() } : nil)
  }

  private mutating func kind(_ depth: Int) -> DataType.Kind {
    let plain: [DataType.Kind] = [
      .boolean, .tinyint, .smallint, .int, .bigint, .float, .double, .date, .string, .bytes,
      .decimal(precision: 38, scale: random.below(39)), .time(precision: random.below(10)),
      .timestamp(precision: random.below(10)), .timestampLTZ(precision: random.below(10)),
      .char(length: random.below(300)), .varchar(length: Int(Int32.max)), .binary(length: random.below(300)),
      .varbinary(length: random.below(70_000)),
    ]
    let choice = random.below(plain.count + (depth < 5 ? 2 : 0))
    if choice < plain.count { return plain[choice] }
    return choice == plain.count
      ? .array(type(depth: depth + 1)) : .map(type(depth: depth + 1), type(depth: depth + 1))
  }

  private mutating func annotation() -> DataType.Annotation {
    switch random.below(8) {
    case 0: .json
    case 1: .enumeration(list { $0.text() })
    case 2: .set(list { $0.text() })
    case 3: .uuid
    case 4: .geometry
    case 5: .unsigned
    case 6: .bit(1 + random.below(64))
    default: .year
    }
  }

  mutating func change() -> SchemaChange {
    switch random.below(10) {
    case 0: .createTable(schema())
    case 1: .addColumns(list { SchemaChange.AddedColumn($0.column(), position: $0.position()) })
    case 2: .alterColumnType(list { SchemaChange.AlteredColumn($0.column(), oldType: $0.type(depth: 0)) })
    case 3: .renameColumns(list { SchemaChange.RenamedColumn(from: $0.text(), to: $0.text()) })
    case 4: .dropColumns(list { $0.text() })
    case 5: .truncateTable
    case 6: .alterPrimaryKey(list { $0.text() })
    case 7: .renameTable(to: table())
    case 8: .replaceTable(schema())
    default: .dropTable
    }
  }

  private mutating func position() -> SchemaChange.ColumnPosition {
    switch random.below(4) {
    case 0: .first
    case 1: .last
    case 2: .after(text())
    default: .before(text())
    }
  }
}
