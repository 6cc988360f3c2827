/// Adjacent finished chunks of one table, in key order, in about a dozen bytes each.
///
/// Every chunk has watermarks of its own, and the tail needs each of them for as long as it may meet an event below:
/// with the lower of two, changes that the other chunk contains would be delivered again; with the higher one, changes
/// that the first chunk does not contain would be lost; and of a change of the table as a whole nobody could tell any
/// more on which side of it a chunk was read. So two neighbours become one chunk only where both watermarks of both are
/// the same, which changes nothing about any event. All others are kept as what differs from their predecessor: the
/// bound where the next one begins, and the numbers of the watermarks.
public struct PackedChunks: Hashable, Sendable {
  /// Columns of the chunk key; empty for a table that is one chunk.
  public let columns: [String]
  /// Where the first one begins (inclusive); nil: at the table's beginning.
  public let lower: [KeyPart]?
  /// Where the last one ends (exclusive); nil: at the table's end.
  public let upper: [KeyPart]?
  /// How many there are after neighbours of equal watermarks have become one; at least 1.
  public let count: Int
  /// The chunks, each in terms of the one before it.
  public let bytes: [UInt8]

  /// One of the chunks.
  public struct Piece: Hashable, Sendable {
    /// Inclusive; nil: from the table's beginning.
    public var lower: [KeyPart]?
    /// Exclusive; nil: to the table's end.
    public var upper: [KeyPart]?
    /// Low watermark of the first attempt.
    public var low: Offset
    /// High watermark of the committed attempt.
    public var high: Offset

    /// Makes one.
    public init(lower: [KeyPart]?, upper: [KeyPart]?, low: Offset, high: Offset) {
      self.lower = lower
      self.upper = upper
      self.low = low
      self.high = high
    }
  }

  /// Packs chunks of which each begins where the one before it ends.
  /// - Returns: nil when there is none, or when they are not adjacent.
  public init?(columns: [String], _ pieces: some Sequence<Piece>) {
    var packer = Packer()
    var (first, last): (Piece?, Piece?)
    for piece in pieces {
      if let last, last.upper == nil || last.upper != piece.lower { return nil }
      if first == nil { first = piece }
      last = piece
      packer.append(piece)
    }
    guard let first, let last else { return nil }
    packer.flush()
    self.columns = columns
    lower = first.lower
    upper = last.upper
    count = packer.count
    bytes = packer.writer.bytes
  }

  /// Takes bytes that came from elsewhere.
  /// - Returns: nil when they are no chunks of such a key.
  public init?(columns: [String], lower: [KeyPart]?, bytes: [UInt8]) {
    guard (lower?.count ?? 0) <= columns.count else { return nil }
    var iterator = Iterator(lower: lower, bytes: bytes)
    var (count, last): (Int, Piece?) = (0, nil)
    while let piece = iterator.next() {
      guard (piece.upper?.count ?? 0) <= columns.count else { return nil }
      (count, last) = (count + 1, piece)
    }
    guard let last, !iterator.isBroken else { return nil }
    self.columns = columns
    self.lower = lower
    upper = last.upper
    self.count = count
    self.bytes = bytes
  }
}

extension PackedChunks: Sequence {
  /// What is written before each chunk.
  private enum Flags {
    static let hasUpper: UInt8 = 1
    static let sameHigh: UInt8 = 2
    static let lowIsHigh: UInt8 = 4
  }

  private struct Packer {
    var writer = ByteWriter()
    var count = 0
    private var pending: Piece?
    private var high = OffsetText()
    private var bound: [KeyPart] = []

    mutating func append(_ piece: Piece) {
      if let last = pending, last.low == piece.low, last.high == piece.high {
        pending?.upper = piece.upper
        return
      }
      flush()
      pending = piece
    }

    mutating func flush() {
      guard let piece = pending else { return }
      if count == 0 { bound = piece.lower ?? [] }
      count += 1
      pending = nil
      let next = OffsetText(Array(piece.high.text.utf8))
      var flags: UInt8 = piece.upper == nil ? 0 : Flags.hasUpper
      if next == high { flags |= Flags.sameHigh }
      if piece.low == piece.high { flags |= Flags.lowIsHigh }
      writer.put(flags)
      if next != high { next.write(after: high, to: &writer) }
      if piece.low != piece.high { OffsetText(Array(piece.low.text.utf8)).write(after: next, to: &writer) }
      high = next
      guard let upper = piece.upper else { return }
      writer.put(bound: upper, after: bound)
      bound = upper
    }
  }

  /// Goes through the chunks.
  public struct Iterator: IteratorProtocol {
    private var reader: ByteReader
    private var lower: [KeyPart]?
    private var highText = OffsetText()
    private var high = Offset("")
    private var isDone = false
    /// Whether the bytes were no chunks: none follows then.
    fileprivate(set) var isBroken = false

    fileprivate init(lower: [KeyPart]?, bytes: [UInt8]) {
      reader = ByteReader(bytes)
      self.lower = lower
    }

    /// The next chunk.
    public mutating func next() -> Piece? {
      if isDone || isBroken { return nil }
      guard let piece = read() else {
        isBroken = true
        return nil
      }
      lower = piece.upper
      isDone = reader.isAtEnd
      // Nothing lies behind the table's end.
      if piece.upper == nil, !isDone { isBroken = true }
      return isBroken ? nil : piece
    }

    private mutating func read() -> Piece? {
      guard let flags = reader.byte(), flags < 8 else { return nil }
      if flags & Flags.sameHigh == 0 {
        guard let text = OffsetText(after: highText, from: &reader), let offset = Offset(text) else { return nil }
        (highText, high) = (text, offset)
      }
      var low = high
      if flags & Flags.lowIsHigh == 0 {
        guard let offset = OffsetText(after: highText, from: &reader).flatMap({ Offset($0) }) else { return nil }
        low = offset
      }
      guard flags & Flags.hasUpper != 0 else { return Piece(lower: lower, upper: nil, low: low, high: high) }
      guard let upper = reader.bound(after: lower ?? []) else { return nil }
      return Piece(lower: lower, upper: upper, low: low, high: high)
    }
  }

  /// Goes through the chunks.
  public func makeIterator() -> Iterator { Iterator(lower: lower, bytes: bytes) }
}

extension Offset {
  fileprivate init?(_ text: OffsetText) {
    guard let string = String(validating: text.bytes, as: UTF8.self) else { return nil }
    self.init(string)
  }
}

extension ByteWriter {
  /// The bound of a chunk, whose parts are near those of the bound before it.
  fileprivate mutating func put(bound: [KeyPart], after former: [KeyPart]) {
    put(count: bound.count)
    for (index, part) in bound.enumerated() {
      let former = index < former.count ? former[index] : nil
      switch part {
      case .integer(let value):
        put(0)
        put(difference: value &- (former?.signed ?? 0))
      case .unsigned(let value):
        put(1)
        put(difference: Int64(bitPattern: value &- (former?.unsigned ?? 0)))
      case .text(let value):
        put(2)
        put(Array(value.utf8), after: former?.binary ?? [])
      case .bytes(let value):
        put(3)
        put(value, after: former?.binary ?? [])
      }
    }
  }
}

extension ByteReader {
  /// What `put(bound:after:)` wrote.
  fileprivate mutating func bound(after former: [KeyPart]) -> [KeyPart]? {
    guard let count = count() else { return nil }
    var parts: [KeyPart] = []
    for index in 0..<count {
      guard let part = part(after: index < former.count ? former[index] : nil) else { return nil }
      parts.append(part)
    }
    return parts
  }

  private mutating func part(after former: KeyPart?) -> KeyPart? {
    switch byte() {
    case 0: return difference().map { .integer((former?.signed ?? 0) &+ $0) }
    case 1: return difference().map { .unsigned((former?.unsigned ?? 0) &+ UInt64(bitPattern: $0)) }
    case 2:
      guard let utf8 = bytes(after: former?.binary ?? []) else { return nil }
      return String(validating: utf8, as: UTF8.self).map { .text($0) }
    case 3: return bytes(after: former?.binary ?? []).map { .bytes($0) }
    default: return nil
    }
  }
}

extension KeyPart {
  fileprivate var signed: Int64? { if case .integer(let value) = self { value } else { nil } }
  fileprivate var unsigned: UInt64? { if case .unsigned(let value) = self { value } else { nil } }

  fileprivate var binary: [UInt8]? {
    switch self {
    case .integer, .unsigned: nil
    case .text(let value): Array(value.utf8)
    case .bytes(let value): value
    }
  }
}
