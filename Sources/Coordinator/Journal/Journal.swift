/// Where the coordinator's state is kept. Every implementation makes a whole list of records durable, or none of it.
protocol Journal: AnyObject {
  /// The number of this start, one more than the last one's.
  var epoch: Int64 { get }

  /// Everything that is kept, pipelines first.
  /// - Throws: when the journal cannot be read; nothing may be started then.
  func load() throws(JournalError) -> [JournalRecord]

  /// Makes the records durable, all of them together, before it returns.
  /// - Throws: when it cannot; the coordinator must stop then, because it cannot keep its promises.
  func write(_ records: [JournalRecord]) throws(JournalError)

  /// Gives the storage up.
  func close()
}

/// A journal that cannot be read or written.
public struct JournalError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened, to which file, and what to do.
  public let description: String
}
