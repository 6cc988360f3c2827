import Connector
import Model
import Platform

/// Turns a startup mode into a place of the log: file and position, and what was committed before them, so that later
/// offsets can be followed to another server.
struct StartResolver {
  let settings: MySQLSourceSettings
  let client: MySQLClient
  let facts: ServerFacts
  let interrupter: Interrupter
  private static let log = Log("mysql")

  /// The offset behind which the tail begins.
  /// - Throws: `configuration` for a start that is no place of this server's log; `offsetLost` when it was purged.
  func resolve(_ startup: SourceStartup) throws(ConnectorError) -> MySQLOffset {
    switch startup {
    case .initial, .snapshotOnly, .latestOffset: try client.currentOffset(facts)
    case .earliestOffset: try earliest()
    case .timestamp(let milliseconds): try at(milliseconds)
    case .specificOffset(let offset): try specific(try MySQLOffset(offset))
    }
  }

  // MARK: Earliest

  private func earliest() throws(ConnectorError) -> MySQLOffset {
    let files = try client.binlogFiles(facts)
    return try start(of: files[0])
  }

  /// The place in front of a file's first event.
  private func start(of file: String) throws(ConnectorError) -> MySQLOffset {
    let walk = try open(file)
    defer { walk.close() }
    while let event = try walk.next() {
      if cursorKnowsPast(walk) || isTransactional(event) { break }
    }
    return MySQLOffset(
      position: BinlogPosition(file: file, position: 4), gtids: facts.hasGTIDs ? walk.cursor.gtids : nil,
      mariaDB: facts.isMariaDB ? walk.cursor.mariaDB : nil, server: facts.identity)
  }

  private func open(_ file: String) throws(ConnectorError) -> LogWalk {
    let start = MySQLOffset(position: BinlogPosition(file: file, position: 4), server: facts.identity)
    return try LogWalk(settings, interrupter: interrupter, from: start)
  }

  /// Whether the head of the file has told what was committed before it.
  private func cursorKnowsPast(_ walk: LogWalk) -> Bool {
    facts.isMariaDB ? walk.cursor.mariaDB != nil : facts.hasGTIDs ? walk.cursor.gtids != nil : false
  }

  private func isTransactional(_ event: BinlogEvent) -> Bool {
    switch event {
    case .gtid, .mariaDBGTID, .query, .rows, .xid: true
    default: false
    }
  }

  // MARK: A time

  /// The place in front of the first transaction that ended at or after an instant, as the server's clock was then.
  /// The log has whole seconds.
  private func at(_ milliseconds: Int64) throws(ConnectorError) -> MySQLOffset {
    let second = milliseconds / 1000
    let files = try client.binlogFiles(facts)
    // The first file that was begun at or after the instant; the place is in front of its end.
    var low = 0
    var high = files.count
    while low < high {
      let middle = (low + high) / 2
      if try firstTime(of: files[middle]) < second { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else {
      Self.log.warning(
        "the log begins after the time to start at: everything that it has is read",
        ["scan.startup.timestamp-millis": String(milliseconds), "first file": files[0]])
      return try start(of: files[0])
    }
    let walk = try open(files[low - 1])
    defer { walk.close() }
    var before = walk.cursor.offset
    while try walk.next() != nil {
      if walk.hasEndedTransaction, Int64(walk.header.timestamp) >= second { return before }
      if !walk.cursor.isOpen { before = walk.cursor.offset }
    }
    Self.log.warning(
      "nothing was committed yet at or after the time to start at: the start is the log's end",
      ["scan.startup.timestamp-millis": String(milliseconds)])
    return before
  }

  /// Seconds since 1970-01-01 at which a file was begun.
  private func firstTime(of file: String) throws(ConnectorError) -> Int64 {
    let walk = try open(file)
    defer { walk.close() }
    while try walk.next() != nil {
      if walk.header.timestamp != 0 { return Int64(walk.header.timestamp) }
    }
    throw ConnectorError(.corrupt, "the log file \(file) has no event with a time")
  }

  // MARK: A place

  private func specific(_ given: MySQLOffset) throws(ConnectorError) -> MySQLOffset {
    if let gtids = given.gtids { return try past(gtids, given) }
    if let domains = given.mariaDB {
      guard facts.isMariaDB else {
        throw ConnectorError(
          .configuration, "the start is a GTID position of MariaDB, but the server is a MySQL", offset: given.offset,
          remedy: "write MySQL's GTIDs: uuid:1-7")
      }
      return MySQLOffset(position: nil, mariaDB: domains, server: facts.identity, skip: given.skip)
    }
    guard let position = given.position else {
      throw ConnectorError(.configuration, "the start names no place", offset: given.offset)
    }
    return try place(position, given)
  }

  /// Finds the transaction that a position belongs to.
  private func place(_ place: BinlogPosition, _ given: MySQLOffset) throws(ConnectorError) -> MySQLOffset {
    func refuse(_ why: String) -> ConnectorError {
      ConnectorError(
        .configuration, why, offset: given.offset,
        remedy: "SHOW BINARY LOGS names the files, SHOW BINLOG EVENTS IN 'file' the positions")
    }
    let walk = try open(place.file)
    defer { walk.close() }
    // The file's head (format, what was committed before) is no place: whoever starts within it starts behind it.
    var isInHead = true
    var reached = walk.state
    while isInHead || reached.cursor.position < place.position || walk.isInPayload {
      guard let event = try walk.next() else {
        if reached.cursor.position >= place.position { break }
        throw refuse("the log file \(place.file) ends at \(reached.cursor.position), before the place to start at")
      }
      guard walk.cursor.file == place.file else {
        // The event that ends a file is a place too: the next file's beginning.
        guard place.position <= UInt64(walk.header.nextPosition) else {
          throw refuse("the log file \(place.file) ends at \(walk.header.nextPosition), before the place to start at")
        }
        reached = walk.state
        break
      }
      if isInHead, isTransactional(event) {
        if place.position <= reached.cursor.position { return try start(of: place.file).with(given.skip) }
        isInHead = false
      }
      // The server keeps some events to itself (MariaDB's ANNOTATE_ROWS), which leaves gaps.
      if !isInHead, place.position <= walk.eventStart { break }
      if !isInHead, place.position < walk.cursor.position {
        throw refuse("no event begins at position \(place.position) of \(place.file)")
      }
      if endsHead(event) { isInHead = false }
      reached = walk.state
    }
    guard reached.cursor.isOpen, reached.events > 0 else { return reached.cursor.offset.with(given.skip) }
    guard given.skip == nil else {
      throw refuse("the place lies within a transaction, and skip-events or skip-rows count from a transaction's start")
    }
    return reached.cursor.offset.with(StartSkip(events: reached.events, rows: 0))
  }

  private func endsHead(_ event: BinlogEvent) -> Bool {
    switch event {
    case .previousGTIDs, .mariaDBGTIDList: true
    default: false
    }
  }

  /// The transactions of a set that the user gave. As in Flink CDC, `uuid:5-9` means that the server's transactions
  /// before 5 are known too.
  private func past(_ given: GTIDSet, _ start: MySQLOffset) throws(ConnectorError) -> MySQLOffset {
    guard facts.hasGTIDs, let executed = try client.executedGTIDs(facts) else {
      throw ConnectorError(
        .configuration, "the start is a GTID set, but the server has no GTIDs", offset: start.offset,
        remedy: facts.isMariaDB ? "write MariaDB's GTIDs: 0-1-42" : "set gtid_mode=ON, or give file and position")
    }
    let unknown = given.subtracting(executed)
    guard unknown.isEmpty else {
      throw ConnectorError(
        .offsetLost, "the server has not executed the transactions \(unknown)", offset: start.offset,
        remedy: "check scan.startup.specific-offset.gtid-set against @@gtid_executed of this server")
    }
    var set = given
    for (source, ranges) in given.intervals {
      guard let last = ranges.last?.upperBound else { continue }
      set.insert(1...last, of: source)
    }
    set = set.subtracting(set.subtracting(executed))
    let missing = try client.purgedGTIDs().subtracting(set)
    let named = missing.intervals.keys.filter { given.intervals[$0] != nil }
    guard named.isEmpty else {
      throw ConnectorError(
        .offsetLost, "the server's log no longer has the transactions \(missing)", offset: start.offset,
        remedy: "take a new snapshot, and raise binlog_expire_logs_seconds")
    }
    if !missing.isEmpty {
      Self.log.warning(
        "transactions of servers that the start does not name were purged and are taken as known",
        ["gtids": missing.description])
      set.formUnion(missing)
    }
    return MySQLOffset(position: nil, gtids: set, server: facts.identity, skip: start.skip)
  }
}

extension MySQLOffset {
  /// The same place with something to be passed over behind it.
  fileprivate func with(_ skip: StartSkip?) -> MySQLOffset {
    var result = self
    result.skip = skip ?? self.skip
    return result
  }
}

extension MySQLClient {
  /// The names of the log files that the server still has, oldest first; not empty.
  /// - Throws: `prerequisite` when there is no binary log.
  func binlogFiles(_ facts: ServerFacts) throws(ConnectorError) -> [String] {
    let files = try query("SHOW BINARY LOGS").compactMap { $0.first ?? nil }
    guard !files.isEmpty else {
      throw ConnectorError(
        .prerequisite, "the server writes no binary log", remedy: "start it with log_bin and binlog_format=ROW")
    }
    return files
  }

  /// MySQL: transactions that are executed and no longer in the log.
  func purgedGTIDs() throws(ConnectorError) -> GTIDSet {
    let text = try scalar("SELECT @@global.gtid_purged") ?? ""
    do {
      return try GTIDSet(parsing: text)
    } catch {
      throw error.connectorError()
    }
  }
}
