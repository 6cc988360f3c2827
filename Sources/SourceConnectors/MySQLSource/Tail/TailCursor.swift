import Connector
import Model

/// Where a tail reader is in the log: the last complete transaction, and the open one.
struct TailCursor {
  /// The file being read; empty before the server has named it.
  private(set) var file: String
  /// Number in the file's name.
  private(set) var fileNumber: UInt64
  /// End of the last event, in bytes from the file's start.
  private(set) var position: UInt64
  /// End of the last complete transaction, or of the last event outside one.
  private(set) var boundary: BinlogPosition?
  /// MySQL: every transaction up to the boundary.
  private(set) var gtids: GTIDSet?
  /// MariaDB: the last transaction of each domain up to the boundary; nil when the start did not tell it.
  private(set) var mariaDB: MariaDBGTIDPosition?
  /// Whether the boundary is a place to start from. After a start by MariaDB's GTIDs the server first sends the head of
  /// a file that may begin long before the start.
  private var isPlaced: Bool
  /// Identity of the server that file and position belong to.
  var server: String
  /// GTID of the open transaction.
  private(set) var openGTID: MySQLGTID?
  /// The same in MariaDB.
  private(set) var openDomain: MariaDBGTID?
  /// Between a transaction's first event and its end.
  private(set) var isOpen = false
  /// The open transaction ends with a commit of its own rather than with its first statement.
  private(set) var hasBegun = false
  /// Where the open transaction's first event begins.
  private(set) var transactionStart: UInt64 = 4
  /// The open transaction is the first phase of an XA transaction.
  var isXA = false
  /// Rows of the open transaction have been handed out.
  var hasHandedOut = false
  /// What is still to be passed over after a start within a transaction; nil: nothing.
  private(set) var skip: StartSkip?
  /// The same, as it was at the boundary.
  private var boundarySkip: StartSkip?
  /// Tables that migrations are making, as offsets carry them.
  var migrations: String?
  /// Events of the open transaction are being passed over.
  private(set) var isSkipping = false

  init(_ start: MySQLOffset) {
    file = start.position?.file ?? ""
    fileNumber = start.position.flatMap { BinlogFile.number(of: $0.file) } ?? 0
    position = start.position?.position ?? 4
    boundary = start.position
    gtids = start.gtids
    mariaDB = start.mariaDB
    server = start.server
    isPlaced = start.position != nil || start.mariaDB == nil
    skip = start.skip
    boundarySkip = start.skip
    migrations = start.migrations
  }

  /// The last complete transaction's end as an offset.
  var offset: MySQLOffset {
    var result = MySQLOffset(position: boundary, gtids: gtids, mariaDB: mariaDB, server: server, skip: boundarySkip)
    result.migrations = migrations
    return result
  }

  /// The end of the event that was met last, in front of the rest of its transaction.
  var offsetWithinTransaction: MySQLOffset {
    MySQLOffset(
      position: BinlogPosition(file: file, position: position), gtids: gtids, mariaDB: mariaDB, server: server)
  }

  /// The end of the event that was met last, as if its transaction ended with it.
  var eventOffset: MySQLOffset {
    var result = MySQLOffset(
      position: BinlogPosition(file: file, position: position), gtids: gtids, mariaDB: mariaDB, server: server)
    if let openGTID { result.gtids?.insert(openGTID) }
    if let openDomain { result.mariaDB?.advance(to: openDomain) }
    return result
  }

  /// The event that was met last.
  var place: LogPlace { LogPlace(file: fileNumber, position: position, gtid: openGTID, domain: openDomain) }

  /// A reconnect: the server sends the open transaction again from its beginning.
  mutating func rewind() {
    if let boundary {
      file = boundary.file
      fileNumber = BinlogFile.number(of: boundary.file) ?? 0
      position = boundary.position
    }
    isOpen = false
    hasBegun = false
    isXA = false
    openGTID = nil
    openDomain = nil
    skip = boundarySkip
    isSkipping = false
  }

  /// Another server answers: its files are others, and only GTIDs say where to go on.
  mutating func move(to server: String) {
    self.server = server
    boundary = nil
    isPlaced = mariaDB == nil
    position = 4
  }

  /// What was committed up to here, as the head of a log file or the planner knows it.
  mutating func know(gtids: GTIDSet? = nil, mariaDB: MariaDBGTIDPosition? = nil) {
    if let gtids { self.gtids = gtids }
    if let mariaDB { self.mariaDB = mariaDB }
  }

  /// Takes note of an event's end. `next` is the header's 32-bit position; files of over 4 GiB make it wrap.
  mutating func advance(to next: UInt32) {
    position = Self.extended(next, behind: position)
    if !isOpen { settle() }
  }

  /// The 64-bit position at or behind another one that has these low 32 bits.
  static func extended(_ low: UInt32, behind position: UInt64) -> UInt64 {
    let end = position & ~0xffff_ffff | UInt64(low)
    return end < position ? end &+ 1 << 32 : end
  }

  /// The log goes on in another file.
  mutating func rotate(to name: String, position: UInt64) {
    if name != file {
      file = name
      fileNumber = BinlogFile.number(of: name) ?? 0
    }
    self.position = position
    if !isOpen { settle() }
  }

  /// The server says that it has sent everything up to a place (a heartbeat). One that lags behind what has arrived says
  /// nothing; `is32Bit`: the place may be cut off to its low 32 bits.
  mutating func settle(in name: String, at reported: UInt64, is32Bit: Bool) {
    guard !isOpen, reported > 0 else { return }
    var end = reported
    if name == file {
      if is32Bit {
        end = Self.extended(UInt32(truncatingIfNeeded: reported), behind: position)
        if end &- position > 1 << 31 { return }
      }
      guard end >= position else { return }
    }
    isPlaced = true
    rotate(to: name, position: end)
  }

  private mutating func settle() {
    if isPlaced, !file.isEmpty { boundary = BinlogPosition(file: file, position: position) }
  }

  /// A transaction's GTID event, which is also its first one.
  mutating func open(gtid: MySQLGTID?, domain: MariaDBGTID? = nil, hasBegun: Bool, header: BinlogEventHeader) {
    isOpen = true
    position = Self.extended(header.nextPosition, behind: position)
    transactionStart = position >= UInt64(header.size) ? position &- UInt64(header.size) : 4
    openGTID = gtid
    openDomain = domain
    isXA = false
    self.hasBegun = false
    if hasBegun { begin() }
  }

  /// Where the open transaction begins.
  var start: BinlogPosition { BinlogPosition(file: file, position: transactionStart) }

  /// A statement: servers without GTID events begin their transactions with one.
  mutating func openIfNeeded() { isOpen = true }

  /// BEGIN, or XA START.
  mutating func begin() {
    isOpen = true
    if let skip, skip.events > 0 { isSkipping = true }
    hasBegun = true
  }

  /// An event of the open transaction is done with; called for each one while something is to be passed over.
  mutating func countSkipped() {
    guard isSkipping, let pending = skip else { return }
    skip = StartSkip(events: pending.events - 1, rows: pending.rows)
    isSkipping = pending.events > 1
  }

  /// The rows of the event at hand that are to be passed over; asked once for each rows event that is not skipped.
  mutating func takeSkippedRows() -> Int {
    guard let pending = skip else { return 0 }
    skip = StartSkip(events: pending.events, rows: 0)
    return pending.rows
  }

  /// The end of the open transaction.
  mutating func end() {
    if let openGTID { gtids?.insert(openGTID) }
    if let openDomain { mariaDB?.advance(to: openDomain) }
    openGTID = nil
    openDomain = nil
    isOpen = false
    hasBegun = false
    isXA = false
    hasHandedOut = false
    isSkipping = false
    boundarySkip = skip
    isPlaced = true
    settle()
  }
}

/// The place of one event, in a form that compares fast.
struct LogPlace {
  /// Number of the file.
  var file: UInt64
  /// End of the event.
  var position: UInt64
  /// GTID of its transaction (MySQL).
  var gtid: MySQLGTID?
  /// GTID of its transaction (MariaDB).
  var domain: MariaDBGTID?
}

/// The place of one rows event, for telling whether it was handed out before: its end, and its number among those that
/// share it (events of one transaction payload, or of one XA transaction that is delivered at its commit).
struct RowsPlace: Comparable {
  var file: UInt64
  var position: UInt64
  /// 0 for an event with a place of its own.
  var number: Int

  static func < (left: RowsPlace, right: RowsPlace) -> Bool {
    (left.file, left.position, left.number) < (right.file, right.position, right.number)
  }
}
