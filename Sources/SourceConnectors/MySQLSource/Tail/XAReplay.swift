import Connector
import Model
import Platform

/// Reads the first phase of one XA transaction again, over a connection of its own.
final class XAReplay {
  /// The transaction.
  let name: XAIdentifier
  private let dump: Dump
  private var search: XASearch?
  private var start: BinlogPosition?
  private var connection: TailConnection?
  private var lastArrival = Clock.monotonicMilliseconds()
  /// Number of the event that `next` returned last, from 1 on.
  private(set) var number = 0

  /// How second connections are made.
  struct Dump {
    var settings: MySQLSourceSettings
    /// Identity of the server whose log it is.
    var server: String
    var interrupter: Interrupter

    /// A dump from a place to the log's end.
    func open(_ start: BinlogPosition) throws(ConnectorError) -> TailConnection {
      // Far from the numbers that people give to servers and pipelines.
      let request = TailConnection.Request(
        start: MySQLOffset(position: start, server: server),
        serverID: UInt32.random(in: 1_000_000_000...4_000_000_000), heartbeat: 10_000, isBounded: true)
      return try TailConnection(settings, interrupter: interrupter, request: request, retries: 0)
    }
  }

  /// - Parameter start: where the transaction's first event begins; nil: `search` finds it.
  init(_ name: XAIdentifier, dump: Dump, start: BinlogPosition?, search: XASearch?) {
    self.name = name
    self.dump = dump
    self.start = start
    self.search = search
  }

  /// The next event, valid until the next call; nil when none arrives within `milliseconds`.
  /// - Throws: `corrupt` when the log ends before the transaction does; what `XASearch` throws.
  func next(milliseconds: Int64) throws(ConnectorError) -> BinlogEvent? {
    let deadline = Clock.monotonicMilliseconds() + milliseconds
    if start == nil {
      guard let found = try search?.step(until: deadline) else { return nil }
      start = found
      search = nil
    }
    guard let connection = try connected() else { return nil }
    guard connection.waitReadable(milliseconds: max(0, deadline - Clock.monotonicMilliseconds())) else {
      try dump.interrupter.check()
      if Clock.monotonicMilliseconds() - lastArrival > 40_000 {
        throw ConnectorError(.connection, "the server has been silent for longer than three heartbeats")
      }
      return nil
    }
    lastArrival = Clock.monotonicMilliseconds()
    guard let event = try connection.next() else {
      throw ConnectorError(.connection, "the server has ended the log within XA transaction \(name)")
    }
    number += 1
    return event
  }

  private func connected() throws(ConnectorError) -> TailConnection? {
    if let connection { return connection }
    guard let start else { return nil }
    let fresh = try dump.open(start)
    connection = fresh
    lastArrival = Clock.monotonicMilliseconds()
    return fresh
  }

  /// See `TailConnection.unpacked`.
  func unpacked(_ rows: RowsEvent) throws(BinlogError) -> RowsEvent { try connection?.unpacked(rows) ?? rows }

  func close() {
    search?.close()
    connection?.close()
    connection = nil
  }

  deinit { close() }
}

/// Finds where an XA transaction was prepared: reads log files from the newest to the oldest.
final class XASearch {
  private let name: XAIdentifier
  private let dump: XAReplay.Dump
  /// Still to be read; the next one is the last.
  private var files: [String]
  /// Where the transaction was committed: nothing behind it counts.
  private let end: BinlogPosition
  private var connection: TailConnection?
  private var file = ""
  private var position: UInt64 = 4
  private var transactionStart: UInt64 = 4
  /// The newest place found in the file.
  private var found: BinlogPosition?

  /// - Parameter files: all log files, oldest first.
  init(_ name: XAIdentifier, files: [String], end: BinlogPosition, dump: XAReplay.Dump) {
    self.name = name
    self.dump = dump
    self.end = end
    let last = BinlogPosition(file: end.file, position: UInt64.max)
    self.files = files.filter { BinlogPosition(file: $0, position: 4) <= last }
  }

  /// Goes on until it is found or the time is over; then nil.
  /// - Throws: `offsetLost` when no file has it.
  func step(until deadline: Int64) throws(ConnectorError) -> BinlogPosition? {
    var events = 0
    while true {
      guard let connection else {
        try openNext()
        continue
      }
      guard connection.waitReadable(milliseconds: max(0, deadline - Clock.monotonicMilliseconds())) else {
        try dump.interrupter.check()
        return nil
      }
      if try !take(connection) {
        close()
        if let found { return found }
      }
      events &+= 1
      if events & 255 == 0, Clock.monotonicMilliseconds() >= deadline { return nil }
    }
  }

  private func openNext() throws(ConnectorError) {
    guard let next = files.popLast() else {
      throw ConnectorError(
        .offsetLost, "XA transaction \(name) was committed, but the log no longer has where it was prepared",
        remedy: "its changes cannot be known: take a new snapshot of the tables, and raise binlog_expire_logs_seconds")
    }
    file = next
    position = 4
    connection = try dump.open(BinlogPosition(file: next, position: 4))
  }

  /// Takes note of one event; false when the file has ended.
  private func take(_ connection: TailConnection) throws(ConnectorError) -> Bool {
    guard let event = try connection.next() else { return false }
    let header = connection.header
    let isPlaced = header.nextPosition != 0 && header.flags & BinlogEventHeader.artificialFlag == 0
    if isPlaced { position = TailCursor.extended(header.nextPosition, behind: position) }
    if file == end.file, position > end.position { return false }
    switch event {
    case .gtid, .mariaDBGTID: transactionStart = position &- UInt64(header.size)
    case .xaPrepare(let prepare):
      do throws(BinlogError) {
        let prepared = try prepare.xid()
        if !prepare.isOnePhase, prepared == name { found = BinlogPosition(file: file, position: transactionStart) }
      } catch {
        throw error.connectorError()
      }
    case .rotate(let rotate) where isPlaced || rotate.file != file: return false
    default: break
    }
    return true
  }

  func close() {
    connection?.close()
    connection = nil
  }
}
