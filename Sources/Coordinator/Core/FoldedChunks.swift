import Model

/// Finished chunks of a table that are not splits any more. `PackedChunks` says why each keeps its watermarks.
///
/// A pipeline keeps the records of some finished splits, for people to look at. What goes beyond that is folded, table by
/// table from the lowest key on: so the folded chunks of a table are always those below one key, each record begins where
/// the one before it ends, and a record is written once and never again. Once the tail has passed every watermark, the
/// chunks are not needed, and of all of them two numbers of their table are left.
public struct FoldedChunks: Sendable, Hashable {
  /// The source table.
  public var table: TableID
  /// Counted from 0 within the table.
  public var number: Int
  /// Splits that were folded.
  public var splits: Int
  /// Their rows.
  public var rows: Int
  /// What the tail needs to know of them.
  public var chunks: PackedChunks

  /// Makes one.
  public init(table: TableID, number: Int, splits: Int, rows: Int, chunks: PackedChunks) {
    self.table = table
    self.number = number
    self.splits = splits
    self.rows = rows
    self.chunks = chunks
  }
}

/// The finished chunks of one table: those that are folded, and the splits that can be folded next.
struct FinishedTable: Sendable {
  /// In key order.
  private(set) var folded: [FoldedChunks] = []
  /// Numbers of the finished splits that follow the folded chunks without a gap, in key order.
  private(set) var chain: [Int] = []
  /// Where the chain ends; nil: it has not begun, or has come to the table's end.
  private var end: [KeyPart]?
  private var isAtEnd = false
  /// Numbers of the other finished splits, by where they begin.
  private var beyond: [[KeyPart]?: Int] = [:]

  /// Numbers of all finished splits.
  var numbers: [Int] { chain + beyond.values.sorted() }

  /// Finished splits that do not follow the chain.
  var scattered: [Int] { beyond.values.sorted() }

  /// A split has been finished. `upper` says where a finished split ends.
  mutating func add(_ number: Int, _ range: ChunkRange, upper: (Int) -> [KeyPart]?) {
    beyond[range.lower] = number
    while !isAtEnd, let next = beyond.removeValue(forKey: end) {
      chain.append(next)
      end = upper(next)
      isAtEnd = end == nil
    }
  }

  /// Adds a record that has just been made of the chain, or that the journal has.
  mutating func append(_ record: FoldedChunks) {
    folded.append(record)
    if chain.isEmpty {
      end = record.chunks.upper
      isAtEnd = end == nil
    }
  }

  /// The splits of the chain are not splits any more.
  mutating func clearChain() { chain = [] }
}

extension PipelineState {
  /// Finished splits whose records are kept.
  var keptChunkCount: Int { splits.count - openCount }

  /// Folds what can be folded of a table, if that is at least so many splits.
  mutating func foldChunks(of table: TableID, atLeast count: Int) {
    guard let numbers = finished[table]?.chain, !numbers.isEmpty, numbers.count >= count,
      let number = finished[table]?.folded.count
    else { return }
    let chain = numbers.compactMap { splits[$0] }
    guard let packed = packed(chain), chain.count == numbers.count else { return }
    let rows = chain.reduce(0) { $0 + ($1.progress?.rows ?? 0) }
    let record = FoldedChunks(table: table, number: number, splits: chain.count, rows: rows, chunks: packed)
    for split in chain { removeSplit(split.number) }
    clearChain(of: table)
    put(folded: record)
    dirty.folded.insert(FoldKey(table: table, number: record.number))
  }

  /// Finished splits that follow each other; nil when they do not.
  private func packed(_ splits: [SplitRecord]) -> PackedChunks? {
    var columns: [String]?
    var pieces: [PackedChunks.Piece] = []
    for split in splits {
      guard case .snapshot(_, let range) = split.kind, let high = split.progress?.offset,
        columns == nil || columns == range.columns
      else { return nil }
      columns = range.columns
      pieces.append(.init(lower: range.lower, upper: range.upper, low: split.firstLow ?? high, high: high))
    }
    return columns.flatMap { PackedChunks(columns: $0, pieces) }
  }

  /// A table's finished chunks as the tail needs them. For a sink whose attempts are atomic, the committed attempt's high
  /// watermark counts. For any other, rows of an earlier attempt may be visible that the committed one did not see
  /// again: what happened since the first attempt's low watermark is replayed.
  func finishedChunks(of table: TableID, atomic: Bool) -> FinishedChunks {
    guard let finished = finished[table] else { return FinishedChunks(runs: [], countsLow: !atomic) }
    var runs = finished.folded.map(\.chunks)
    if let run = packed(finished.chain.compactMap({ splits[$0] })) { runs.append(run) }
    runs += finished.scattered.compactMap { splits[$0].flatMap { packed([$0]) } }
    return FinishedChunks(runs: runs, countsLow: !atomic)
  }

  /// Removes the finished chunks of a table. Returns how many there were, and their rows.
  mutating func removeFinishedChunks(of table: TableID) -> (chunks: Int, rows: Int) {
    let sums = totals[table] ?? ChunkTotals()
    for number in finished[table]?.numbers ?? [] { removeSplit(number) }
    removeFinished(of: table)
    return (sums.committed, sums.rows)
  }

  /// Removes all chunks of a table, finished or not. Returns how many were finished, and their rows.
  mutating func removeChunks(of table: TableID) -> (chunks: Int, rows: Int) {
    for split in openSplits where split.table == table { removeSplit(split.number) }
    return removeFinishedChunks(of: table)
  }
}
