/// One value of a chunk key, in a form that survives journal and wire.
public enum KeyPart: Hashable, Sendable, Codable {
  case integer(Int64)
  case unsigned(UInt64)
  /// Text in UTF-8, and every type whose text the source can compare (decimals, dates).
  case text(String)
  case bytes([UInt8])
}

extension KeyPart: CustomStringConvertible {
  /// The value for people; bytes as hexadecimal.
  public var description: String {
    switch self {
    case .integer(let value): String(value)
    case .unsigned(let value): String(value)
    case .text(let value): "'\(value)'"
    case .bytes(let value):
      "0x"
        + value.map { byte in
          let digits = String(byte, radix: 16)
          return byte < 16 ? "0" + digits : digits
        }.joined()
    }
  }
}

/// A range of a table's chunk key: lower bound inclusive, upper exclusive, compared as a tuple in key order.
public struct ChunkRange: Hashable, Sendable, Codable {
  /// Names of the chunk key's columns; empty for a table that is read as one chunk.
  public var columns: [String]
  /// Inclusive; nil means from the beginning.
  public var lower: [KeyPart]?
  /// Exclusive; nil means to the end.
  public var upper: [KeyPart]?

  /// Makes a range.
  public init(columns: [String], lower: [KeyPart]?, upper: [KeyPart]?) {
    self.columns = columns
    self.lower = lower
    self.upper = upper
  }

  /// The whole table.
  public static let everything = ChunkRange(columns: [], lower: nil, upper: nil)
}

extension ChunkRange: CustomStringConvertible {
  /// `id [100, 200)`, `(a, b) [(1, 'x'), …)`, `all rows`.
  public var description: String {
    if columns.isEmpty || (lower == nil && upper == nil) { return "all rows" }
    func tuple(_ parts: [KeyPart]?) -> String? {
      guard let parts else { return nil }
      return parts.count == 1 ? parts[0].description : "(\(parts.map(\.description).joined(separator: ", ")))"
    }
    let name = columns.count == 1 ? columns[0] : "(\(columns.joined(separator: ", ")))"
    return "\(name) [\(tuple(lower) ?? "…"), \(tuple(upper) ?? "…"))"
  }
}

/// A finished chunk as the tail needs it: which keys, and up to where the log is already contained in its rows.
public struct FinishedChunk: Hashable, Sendable, Codable {
  /// The chunk's keys.
  public var range: ChunkRange
  /// Events at or below this offset are dropped for the chunk's keys: the committed attempt's high watermark for a
  /// sink whose attempts are atomic, the first attempt's low watermark for any other.
  public var watermark: Offset

  /// Makes one.
  public init(range: ChunkRange, watermark: Offset) {
    self.range = range
    self.watermark = watermark
  }
}

/// Offsets at which a set of tail splits has ended. Of the keys of share i (of `offsets.count`), everything at or below
/// `offsets[i]` has been delivered; everything of a change that concerns a table as a whole, if it is at or below all of
/// them.
public struct DeliveredShares: Hashable, Sendable, Codable {
  /// One offset a share; not empty.
  public var offsets: [Offset]

  /// Makes one.
  public init(_ offsets: [Offset]) { self.offsets = offsets }
}

/// The identity of one attempt at one split: the fencing token of everything that the attempt writes.
public struct AttemptID: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The pipeline's name.
  public var pipeline: String
  /// The split's number, unique within the pipeline for ever.
  public var split: Int
  /// Counted from 1.
  public var attempt: Int

  /// Makes one.
  public init(pipeline: String, split: Int, attempt: Int) {
    self.pipeline = pipeline
    self.split = split
    self.attempt = attempt
  }

  /// `shop/17#2`.
  public var description: String { "\(pipeline)/\(split)#\(attempt)" }
}
