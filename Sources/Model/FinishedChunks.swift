/// The finished chunks of a table as the tail needs them: each with the one watermark that counts. Kept packed, and
/// unpacked one after the other.
public struct FinishedChunks: Hashable, Sendable {
  /// The chunks; each element is a stretch of adjacent ones.
  public private(set) var runs: [PackedChunks]
  /// Whether the low watermark of a chunk's first attempt counts, for a sink whose attempts are not atomic; otherwise
  /// the high watermark of the committed one does.
  public let countsLow: Bool

  /// No chunks.
  public init() { self.init(runs: [], countsLow: false) }

  /// Takes packed chunks.
  public init(runs: [PackedChunks], countsLow: Bool) {
    self.runs = runs
    self.countsLow = countsLow
  }

  /// Packs chunks that are listed one by one, in any order.
  public init(_ chunks: some Sequence<FinishedChunk>) {
    var runs: [PackedChunks] = []
    var (columns, pieces): ([String], [PackedChunks.Piece]) = ([], [])
    for chunk in chunks {
      let range = chunk.range
      let piece = PackedChunks.Piece(
        lower: range.lower, upper: range.upper, low: chunk.watermark, high: chunk.watermark)
      if let last = pieces.last, last.upper != nil, last.upper == range.lower, columns == range.columns {
        pieces.append(piece)
        continue
      }
      if let run = PackedChunks(columns: columns, pieces) { runs.append(run) }
      (columns, pieces) = (range.columns, [piece])
    }
    if let run = PackedChunks(columns: columns, pieces) { runs.append(run) }
    self.init(runs: runs, countsLow: false)
  }

  /// Whether there is none.
  public var isEmpty: Bool { runs.isEmpty }

  /// The columns of the chunk key.
  public var columns: [String] { runs.first?.columns ?? [] }

  /// The same chunks from the lowest key to the highest: each run begins where another one ends, so that no key has to
  /// be compared.
  /// - Returns: nil when they do not cover the whole table, each key once.
  public func inOrder() -> FinishedChunks? {
    if runs.isEmpty { return self }
    var byLower: [[KeyPart]?: PackedChunks] = [:]
    for run in runs { byLower[run.lower] = run }
    var ordered: [PackedChunks] = []
    var lower: [KeyPart]?
    while let run = byLower.removeValue(forKey: lower) {
      ordered.append(run)
      lower = run.upper
      if lower == nil { break }
    }
    guard ordered.count == runs.count, lower == nil else { return nil }
    return FinishedChunks(runs: ordered, countsLow: countsLow)
  }
}

extension FinishedChunks: Sequence {
  /// Goes through the chunks, run by run. Neighbours of one watermark are one chunk.
  public struct Iterator: IteratorProtocol {
    private let chunks: FinishedChunks
    private var run = 0
    private var pieces: PackedChunks.Iterator?
    private var ahead: FinishedChunk?

    fileprivate init(_ chunks: FinishedChunks) {
      self.chunks = chunks
      pieces = chunks.runs.first?.makeIterator()
    }

    /// The next chunk.
    public mutating func next() -> FinishedChunk? {
      guard var chunk = ahead ?? single() else { return nil }
      ahead = single()
      while let other = ahead, other.watermark == chunk.watermark, other.range.lower != nil,
        other.range.lower == chunk.range.upper, other.range.columns == chunk.range.columns
      {
        chunk.range.upper = other.range.upper
        ahead = single()
      }
      return chunk
    }

    private mutating func single() -> FinishedChunk? {
      while run < chunks.runs.count {
        if let piece = pieces?.next() {
          let range = ChunkRange(columns: chunks.runs[run].columns, lower: piece.lower, upper: piece.upper)
          return FinishedChunk(range: range, watermark: chunks.countsLow ? piece.low : piece.high)
        }
        run += 1
        pieces = run < chunks.runs.count ? chunks.runs[run].makeIterator() : nil
      }
      return nil
    }
  }

  /// Goes through the chunks.
  public func makeIterator() -> Iterator { Iterator(self) }
}
