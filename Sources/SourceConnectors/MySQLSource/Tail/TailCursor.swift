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
  /// MariaDB, where the start was given as GTIDs and no file is known yet.
  private(set) var mariaDB: MariaDBGTIDPosition?
  /// Identity of the server that file and position belong to.
  var server: String
  /// GTID of the open transaction.
  private(set) var openGTID: MySQLGTID?
  /// Between a transaction's first event and its end.
  private(set) var isOpen = false
  /// The open transaction ends with a commit of its own rather than with its first statement.
  private(set) var hasBegun = false
  /// The open transaction is the first phase of an XA transaction.
  var isXA = false
  /// Rows of the open transaction have been handed out.
  var hasHandedOut = false

  init(_ start: MySQLOffset) {
    file = start.position?.file ?? ""
    fileNumber = start.position.flatMap { BinlogFile.number(of: $0.file) } ?? 0
    position = start.position?.position ?? 4
    boundary = start.position
    gtids = start.gtids
    mariaDB = start.mariaDB
    server = start.server
  }

  /// The last complete transaction's end as an offset.
  var offset: MySQLOffset {
    MySQLOffset(position: boundary, gtids: gtids, mariaDB: boundary == nil ? mariaDB : nil, server: server)
  }

  /// The end of the event that was met last, as if its transaction ended with it.
  var eventOffset: MySQLOffset {
    var result = MySQLOffset(position: BinlogPosition(file: file, position: position), gtids: gtids, server: server)
    if let openGTID { result.gtids?.insert(openGTID) }
    return result
  }

  /// The event that was met last.
  var place: LogPlace { LogPlace(file: fileNumber, position: position, gtid: openGTID) }

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
  }

  /// Takes note of an event's end. `next` is the header's 32-bit position; a transaction of over 4 GiB makes it wrap.
  mutating func advance(to next: UInt32) {
    var end = position & ~0xffff_ffff | UInt64(next)
    if end < position { end += 1 << 32 }
    position = end
    if !isOpen { settle() }
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

  private mutating func settle() {
    if !file.isEmpty { boundary = BinlogPosition(file: file, position: position) }
  }

  /// A transaction's GTID event.
  mutating func open(gtid: MySQLGTID?, hasBegun: Bool) {
    isOpen = true
    self.hasBegun = hasBegun
    openGTID = gtid
    isXA = false
  }

  /// A statement: servers without GTID events begin their transactions with one.
  mutating func openIfNeeded() { isOpen = true }

  /// BEGIN, or XA START.
  mutating func begin() {
    isOpen = true
    hasBegun = true
  }

  /// The end of the open transaction.
  mutating func end() {
    if let openGTID { gtids?.insert(openGTID) }
    openGTID = nil
    isOpen = false
    hasBegun = false
    isXA = false
    hasHandedOut = false
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
}
