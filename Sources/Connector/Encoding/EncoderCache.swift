import Model

/// A writer's encoders, one for each pair of sink table and source schema that it has met. Bounded: what was made first
/// goes first. Looked up once a batch. Not thread-safe.
public struct EncoderCache {
  private static let limit = 256

  private struct Entry {
    let table: SinkTable
    let source: RowSchema
    let encoder: DebeziumJSONEncoder
  }

  private var entries: [ObjectIdentifier: Entry] = [:]
  private var order: [ObjectIdentifier] = []

  /// An empty cache.
  public init() {}

  /// The encoder for rows of `source` into `table`. Both are compared by identity: the caller keeps one object of each
  /// while rows of that version arrive.
  public mutating func encoder(_ table: SinkTable, _ source: RowSchema) -> DebeziumJSONEncoder {
    let id = ObjectIdentifier(table)
    if let entry = entries[id], entry.source === source { return entry.encoder }
    let encoder = DebeziumJSONEncoder(table: table, source: source)
    if entries.updateValue(Entry(table: table, source: source, encoder: encoder), forKey: id) == nil {
      order.append(id)
      if order.count > Self.limit { entries[order.removeFirst()] = nil }
    }
    return encoder
  }
}
