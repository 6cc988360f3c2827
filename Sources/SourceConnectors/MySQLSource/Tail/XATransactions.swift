import Connector
import Model

/// What a tail reader knows of XA transactions.
///
/// The log has an XA transaction's rows where it was prepared, but they hold from where it was committed, and there the
/// log has its name only. So nothing is kept: at the commit the transaction is read again, from where it began, over a
/// second connection (`XAReplay`).
struct XATransactions {
  /// A transaction between its two phases.
  struct Prepared {
    /// Where its first event begins.
    var start: BinlogPosition
    /// The tables that it changes; nil: too many to remember.
    var tables: Set<TableID>?
    fileprivate var order: UInt64 = 0
  }

  private var prepared: [XAIdentifier: Prepared] = [:]
  private var clock: UInt64 = 0
  /// Tables of the transaction whose first phase is being read.
  private var openTables: Set<TableID>? = []
  /// The transaction that is delivered at the moment.
  var replay: XAReplay?
  /// The tables of the log itself, while `replay` has its own.
  var outerMaps: TableMapCache?
  /// Ends second connections.
  let interrupter = Interrupter()
  /// When reading a transaction again failed first.
  var failingSince: Int64?

  /// Transactions remembered at a time, and tables of each. Those beyond are looked up in the log when they are
  /// committed.
  private static let limit = 4096
  private static let tableLimit = 64

  /// A first phase begins.
  mutating func begin() { openTables = [] }

  /// The open first phase changes a table.
  mutating func note(_ table: TableID) {
    openTables?.insert(table)
    if let count = openTables?.count, count > Self.tableLimit { openTables = nil }
  }

  /// The open transaction as it would be remembered.
  func open(from start: BinlogPosition) -> Prepared { Prepared(start: start, tables: openTables) }

  /// The open first phase has ended.
  mutating func remember(_ transaction: Prepared, _ name: XAIdentifier) {
    if prepared.count >= Self.limit {
      let median = prepared.values.map(\.order).sorted()[prepared.count / 2]
      prepared = prepared.filter { $0.value.order >= median }
    }
    clock += 1
    var transaction = transaction
    transaction.order = clock
    prepared[name] = transaction
  }

  /// The transaction's second phase.
  mutating func take(_ name: XAIdentifier) -> Prepared? { prepared.removeValue(forKey: name) }

  /// Another server's log: its places are others.
  mutating func forgetPlaces() { prepared.removeAll() }
}
