/// How far an attempt has come; stored with its rows where the sink can.
public struct SplitProgress: Hashable, Sendable, Codable {
  /// Snapshot split: the high watermark, once its last row is in. Tail split: where a successor starts.
  public var offset: Offset
  /// Rows written by this attempt since it began.
  public var rows: Int
  /// Bytes written by this attempt since it began, in the form of row batches.
  public var bytes: Int
  /// Tail split: tables whose schema at `offset` has another version than when the present set of tail splits began, by
  /// table id text; 0: the tail does not have the table any more. Of thousands of tables it is few that have changed.
  public var schemaVersions: [String: Int]
  /// Whether the split has ended with this (snapshot splits).
  public var isFinal: Bool
  /// Snapshot split: the part of its range that the attempt has left unread, because there was more in it than a chunk
  /// should hold. The coordinator makes it a split of its own in the step that records the commit. Nil: all was read.
  public var remainder: ChunkRange?

  /// Makes one.
  public init(
    offset: Offset, rows: Int, bytes: Int, schemaVersions: [String: Int] = [:], isFinal: Bool,
    remainder: ChunkRange? = nil
  ) {
    self.offset = offset
    self.rows = rows
    self.bytes = bytes
    self.schemaVersions = schemaVersions
    self.isFinal = isFinal
    self.remainder = remainder
  }
}

/// What a sink needs in order to commit, or abort, what an attempt has prepared.
public struct Committable: Hashable, Sendable, Codable {
  /// Whose work it is.
  public var attempt: AttemptID
  /// Counted from 1 within the attempt: a tail split commits many times.
  public var sequence: Int
  /// The sink-side transaction name; empty where the sink has none.
  public var label: String
  /// How far the attempt has come with this.
  public var progress: SplitProgress
  /// The sink's own data.
  public var payload: String

  /// Makes one.
  public init(attempt: AttemptID, sequence: Int, label: String, progress: SplitProgress, payload: String = "") {
    self.attempt = attempt
    self.sequence = sequence
    self.label = label
    self.progress = progress
    self.payload = payload
  }
}
