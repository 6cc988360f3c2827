import Connector
import Model

/// Decides where a chunk that has grown too big is ended while it is read.
///
/// Rows come in the order of the chunk key. Once a chunk has spent its budget, it ends before the next row whose key
/// differs from the one before: everything below that key has been read, everything from it on is the remainder.
final class ChunkCut {
  private let columns: [KeyColumn]
  /// Positions of the key's columns in the rows.
  private let indexes: [Int]
  /// No two rows have the same key.
  private let isUnique: Bool
  private var rowsLeft: Int
  private var bytesLeft: Int
  /// The key of the row before, as it came; empty before the first row that `boundary` was asked about.
  private var previous: [[UInt8]?] = []
  /// Asks the server whether two values, as literals with their collations, are different.
  private let differOnServer: (String, String) throws(ConnectorError) -> Bool

  /// Nil when the chunk must be read to its end: it has no key, or one whose text may stand for several values.
  init?(
    _ columns: [KeyColumn], schema: TableSchema, rows: Int, bytes: Int,
    differOnServer: @escaping (String, String) throws(ConnectorError) -> Bool
  ) {
    guard !columns.isEmpty, columns.allSatisfy(\.hasExactText) else { return nil }
    self.columns = columns
    indexes = columns.compactMap { schema.index(of: $0.column.name) }
    isUnique = !schema.primaryKey.isEmpty && Set(schema.primaryKey).isSubset(of: columns.map(\.column.name))
    rowsLeft = rows
    bytesLeft = bytes
    self.differOnServer = differOnServer
  }

  /// Counts rows that were read.
  func count(rows: Int, bytes: Int) {
    rowsLeft -= rows
    bytesLeft -= bytes
  }

  /// Whether the chunk should end.
  var isDue: Bool { rowsLeft <= 0 || bytesLeft <= 0 }

  /// The row's key if the chunk can end before this row; to be asked for every row once the cut is due.
  func boundary(_ row: MySQLStream.Values, _ lengths: UnsafeMutablePointer<UInt>) throws(ConnectorError) -> [KeyPart]? {
    if isUnique { return try key(row, lengths) }
    if !previous.isEmpty, try isAfterPrevious(row, lengths) { return try key(row, lengths) }
    remember(row, lengths)
    return nil
  }

  private func value(
    _ column: Int, _ row: MySQLStream.Values, _ lengths: UnsafeMutablePointer<UInt>
  ) -> UnsafeRawBufferPointer? {
    row[indexes[column]].map { UnsafeRawBufferPointer(start: $0, count: Int(lengths[indexes[column]])) }
  }

  /// Nil when a value is NULL: those rows belong to the first chunk.
  private func key(_ row: MySQLStream.Values, _ lengths: UnsafeMutablePointer<UInt>) throws(ConnectorError)
    -> [KeyPart]?
  {
    var parts: [KeyPart] = []
    for (index, column) in columns.enumerated() {
      guard let bytes = value(index, row, lengths) else { return nil }
      parts.append(try column.part(ofRow: bytes))
    }
    return parts
  }

  private func remember(_ row: MySQLStream.Values, _ lengths: UnsafeMutablePointer<UInt>) {
    if previous.isEmpty { previous = Array(repeating: nil, count: columns.count) }
    for index in columns.indices {
      guard let bytes = value(index, row, lengths) else {
        previous[index] = nil
        continue
      }
      if let before = previous[index], before.elementsEqual(bytes) { continue }
      previous[index] = Array(bytes)
    }
  }

  private func isAfterPrevious(
    _ row: MySQLStream.Values, _ lengths: UnsafeMutablePointer<UInt>
  ) throws(ConnectorError) -> Bool {
    for (index, column) in columns.enumerated() {
      guard let bytes = value(index, row, lengths) else { return false }
      guard let before = previous[index] else { return true }
      if before.elementsEqual(bytes) { continue }
      switch column.order {
      case .binaryText(padded: true):
        if before.withUnsafeBytes({ KeyComparison.bytes($0, bytes, padded: true) }) != 0 { return true }
      case .collatedText:
        let (left, right) = (String(decoding: before, as: UTF8.self), String(decoding: bytes, as: UTF8.self))
        if try differOnServer(try column.collatedLiteral(.text(left)), try column.collatedLiteral(.text(right))) {
          return true
        }
      default: return true
      }
    }
    return false
  }
}
