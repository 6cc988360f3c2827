import Connector
import Model
import Platform

/// A connection that receives the binary log, event by event.
final class TailConnection {
  private let client: MySQLClient
  let facts: ServerFacts
  private var parser: BinlogParser
  private let payload = TransactionPayloadReader()
  private var payloadHeader = BinlogEventHeader()
  /// The next event may be one of the transaction payload at hand.
  var isInPayload: Bool { payload.isActive }
  /// Number of the event that `next` returned last within its transaction payload, from 1 on; 0 outside of one.
  private(set) var payloadIndex = 0
  /// The dump begins at the file's start, because the place is beyond what the request can say; events up to it are
  /// passed over.
  private var passing: Passing?

  private struct Passing {
    var wanted: UInt64
    var position: UInt64 = 4
  }

  /// Where the dump starts and how the client presents itself.
  struct Request {
    var start: MySQLOffset
    var serverID: UInt32
    /// Milliseconds after which the server says that there is nothing new.
    var heartbeat: Int64
    /// The dump ends at the end of the log.
    var isBounded: Bool
    /// Whether the events' checksums are verified.
    var verifiesChecksums = true
  }

  /// Header of the event that `next` returned last.
  private(set) var header = BinlogEventHeader()

  /// Connects and asks for the log.
  /// - Throws: what `MySQLClient.connect` throws; `offsetLost` when the start belongs to another server.
  init(
    _ settings: MySQLSourceSettings, interrupter: Interrupter, request: Request, retries: Int
  ) throws(ConnectorError) {
    parser = BinlogParser(verifiesChecksums: request.verifiesChecksums)
    var connection = settings.connection
    connection.connectRetries = retries
    // Silence for several heartbeats means that the other end is gone without a word.
    let silence = UInt32(clamping: max(30, request.heartbeat * 3 / 1000))
    client = try MySQLClient.connect(connection, interrupter: interrupter, readTimeout: silence)
    facts = try ServerFacts(client)
    try Self.checkServer(request.start, facts)
    try Self.checkHistory(request.start, client, facts, interrupter)
    try Self.prepare(client, facts, request)
    if case .position(_, let position) = try Start(request.start, facts), position > UInt64(UInt32.max) {
      passing = Passing(wanted: position)
    }
    try Self.dump(client, facts, request)
  }

  private static func checkServer(_ start: MySQLOffset, _ facts: ServerFacts) throws(ConnectorError) {
    if start.server.isEmpty || start.server == facts.identity { return }
    if facts.hasGTIDs ? start.gtids != nil : facts.isMariaDB && start.mariaDB != nil { return }
    throw ConnectorError(
      .offsetLost,
      "the offset belongs to another server (\(start.server)) than the one that answers (\(facts.identity))",
      offset: start.offset, remedy: "point the pipeline at the server it was started with, or start it anew")
  }

  /// Milliseconds in which a server must come to have the transactions that were read already.
  private static let patience: Int64 = 10_000

  /// A MySQL that was promoted without all transactions of its predecessor would send the new ones as if nothing were
  /// missing, since it looks at its own GTIDs alone. A transaction is sent a moment before it counts as executed, and a
  /// replica may still be following: both are waited for.
  private static func checkHistory(
    _ start: MySQLOffset, _ client: MySQLClient, _ facts: ServerFacts, _ interrupter: Interrupter
  ) throws(ConnectorError) {
    guard facts.hasGTIDs, let known = start.gtids else { return }
    let deadline = Clock.monotonicMilliseconds() + patience
    while true {
      guard let executed = try client.executedGTIDs(facts) else { return }
      let missing = known.subtracting(executed)
      if missing.isEmpty { return }
      guard Clock.monotonicMilliseconds() < deadline else {
        throw ConnectorError(
          .offsetLost, "the server lacks transactions that were read already: \(missing)", offset: start.offset,
          remedy: "point the pipeline at a server that has them; if they are lost, take a new snapshot")
      }
      try interrupter.pause(milliseconds: 200)
    }
  }

  private static func prepare(
    _ client: MySQLClient, _ facts: ServerFacts, _ request: Request
  ) throws(ConnectorError) {
    let nanoseconds = request.heartbeat * 1_000_000
    // Events come with their checksums as they are in the file, and are verified here.
    try client.execute(
      "SET @master_binlog_checksum = @@global.binlog_checksum, @master_heartbeat_period = \(nanoseconds)")
    if facts.isMariaDB {
      // 4: this client understands GTID events.
      try client.execute("SET @mariadb_slave_capability = 4")
      if case .domains(let domains) = try Start(request.start, facts) {
        try client.execute(
          "SET @slave_connect_state = \(SQLText.string(domains.description)), @slave_gtid_strict_mode = 0, "
            + "@slave_gtid_ignore_duplicates = 0")
      }
      return
    }
    try client.execute(
      "SET @source_binlog_checksum = @@global.binlog_checksum, @source_heartbeat_period = \(nanoseconds)")
    // A server that finds another dump of the same identity ends that one; each connection is its own.
    try client.execute("SET @slave_uuid = UUID()")
    try client.execute("SET @replica_uuid = @slave_uuid")
  }

  private static let nonBlocking: UInt16 = 1
  private static let heartbeatV2: UInt16 = 2
  private static let throughGTID: UInt16 = 4

  /// Heartbeats with 64-bit positions: MySQL from 8.0.26 on.
  private static func knowsHeartbeatV2(_ facts: ServerFacts) -> Bool {
    guard !facts.isMariaDB else { return false }
    let parts = facts.version.split(separator: ".").prefix(3).map { part in Int(part.prefix { $0.isNumber }) ?? 0 }
    return parts.count == 3 && (parts[0], parts[1], parts[2]) >= (8, 0, 26)
  }

  /// How the server is told where to begin.
  private enum Start {
    case gtids(GTIDSet)
    case domains(MariaDBGTIDPosition)
    case position(file: String, UInt64)

    /// GTIDs of MySQL wherever there are some. MariaDB's only where file and position are another server's, or none:
    /// a server that is asked by GTID reads a whole file to find it.
    init(_ start: MySQLOffset, _ facts: ServerFacts) throws(ConnectorError) {
      if facts.hasGTIDs, let gtids = start.gtids {
        self = .gtids(gtids)
      } else if let place = start.position, start.server.isEmpty || start.server == facts.identity {
        self = .position(file: place.file, place.position)
      } else if facts.isMariaDB, let domains = start.mariaDB {
        self = .domains(domains)
      } else {
        throw ConnectorError(
          .offsetLost, "the server cannot start its log at this offset", offset: start.offset,
          remedy: "GTID sets need gtid_mode=ON; start the pipeline anew from the end of the log")
      }
    }
  }

  private static func dump(_ client: MySQLClient, _ facts: ServerFacts, _ request: Request) throws(ConnectorError) {
    var payload: [UInt8] = []
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { payload.append(contentsOf: $0) }
    }
    var flags: UInt16 = (request.isBounded ? nonBlocking : 0) | (knowsHeartbeatV2(facts) ? heartbeatV2 : 0)
    switch try Start(request.start, facts) {
    case .gtids(let gtids):
      // COM_BINLOG_DUMP_GTID: flags, server id, file name (none), position, length and bytes of the GTID set.
      flags |= throughGTID
      let set = gtids.encoded()
      append(flags)
      append(request.serverID)
      append(UInt32(0))
      append(UInt64(4))
      append(UInt32(truncatingIfNeeded: set.count))
      try client.sendCommand(0x1e, payload + set)
    case .domains: try sendPlace(file: "", 4)
    // The request has 32 bits for the position: one beyond begins at the file's start (see `passing`).
    case .position(let file, let position): try sendPlace(file: file, UInt32(exactly: position) ?? 4)
    }
    /// COM_BINLOG_DUMP: position, flags, server id, file name to the packet's end.
    func sendPlace(file: String, _ position: UInt32) throws(ConnectorError) {
      append(position)
      append(flags)
      append(request.serverID)
      try client.sendCommand(0x12, payload + Array(file.utf8))
    }
  }

  /// Whether the first bytes of an event are in this process already.
  var hasBuffered: Bool { payload.isActive || client.hasBuffered }

  /// Whether an event has arrived or arrives within `milliseconds`.
  func waitReadable(milliseconds: Int64) -> Bool { payload.isActive || client.waitReadable(milliseconds: milliseconds) }

  /// The next event, valid until the next call; nil at the end of a bounded dump. Behind a transaction payload come the
  /// events in it.
  /// - Throws: what the parser throws; `connection` and others from the network.
  func next() throws(ConnectorError) -> BinlogEvent? {
    do {
      if payload.isActive {
        if let event = try payload.next() {
          payloadIndex += 1
          let parsed = try parser.parse(inner: event, of: payloadHeader)
          header = parser.header
          return parsed
        }
        payloadIndex = 0
      }
    } catch {
      payload.cancel()
      throw error.connectorError()
    }
    while let bytes = try receive() {
      if try passesOver(bytes) { continue }
      do {
        return try parse(bytes)
      } catch {
        throw error.connectorError()
      }
    }
    return nil
  }

  /// The event with its rows unpacked, if they are packed; valid until the next call of this or of `next`.
  func unpacked(_ rows: RowsEvent) throws(BinlogError) -> RowsEvent { try parser.unpacked(rows) }

  private func receive() throws(ConnectorError) -> UnsafeRawBufferPointer? {
    let packet = try client.readPacket()
    guard packet.count > 1, packet[0] == 0 else {
      // 0xfe: the server has ended the dump, because it shuts down or because a bounded one is complete.
      if packet.count < 9, packet.first == 0xfe { return nil }
      throw ConnectorError(.corrupt, "the server sent a packet that is no binlog event")
    }
    return UnsafeRawBufferPointer(rebasing: packet[1...])
  }

  private func parse(_ bytes: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    let event = try parser.parse(bytes)
    header = parser.header
    switch event {
    case .transactionPayload(let packed):
      payloadHeader = header
      try payload.begin(packed)
    case .rotate(let rotate) where passing != nil:
      // The dump begins at the file's start, the reader's place is the wanted one.
      return .rotate(RotateEvent(fileBytes: rotate.fileBytes, position: passing?.wanted ?? 4, isArtificial: true))
    case .formatDescription where passing != nil: header.nextPosition = 0
    default: break
    }
    return event
  }

  /// Whether the event lies in front of the wanted place. Rotates and formats are needed all the same.
  private func passesOver(_ bytes: UnsafeRawBufferPointer) throws(ConnectorError) -> Bool {
    guard var state = passing else { return false }
    let event: BinlogEventHeader
    do {
      event = try BinlogEventHeader(bytes)
    } catch {
      throw error.connectorError()
    }
    if event.nextPosition == 0 || event.flags & BinlogEventHeader.artificialFlag != 0 { return false }
    if state.position == state.wanted {
      passing = nil
      return false
    }
    // By its end rather than its size: MariaDB keeps some events to itself, which leaves gaps.
    state.position = TailCursor.extended(event.nextPosition, behind: state.position)
    passing = state
    guard state.position <= state.wanted, event.type != .rotate else {
      throw ConnectorError(
        .offsetLost, "no event begins at position \(state.wanted) of the log file",
        remedy: "the file is another one than before: take a new snapshot")
    }
    return event.type != .formatDescription
  }

  func close() {
    payload.cancel()
    client.close()
  }
}
