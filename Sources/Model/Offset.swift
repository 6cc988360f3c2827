/// A place in a source's log, in the text form of the source that made it.
///
/// Only the source can compare two offsets; everybody else stores and hands them on. The text is canonical: the same
/// place has the same text.
public struct Offset: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The source's own text form.
  public let text: String

  /// Wraps a source's text.
  public init(_ text: String) { self.text = text }

  /// The text.
  public var description: String { text }
}

/// Offsets that bracket the moment at which a chunk was read.
///
/// Everything at or below `low` is certainly in the chunk's rows, nothing above `high` is. Where the source knows the
/// exact moment, the two are equal.
public struct Watermarks: Hashable, Sendable {
  /// Certainly visible to the read.
  public var low: Offset
  /// Certainly covers the read.
  public var high: Offset

  /// Makes a pair.
  public init(low: Offset, high: Offset) {
    self.low = low
    self.high = high
  }
}
