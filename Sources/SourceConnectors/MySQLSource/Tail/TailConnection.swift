import Connector
import Model

/// A connection that receives the binary log, event by event.
final class TailConnection {
  private let client: MySQLClient
  let facts: ServerFacts
  private(set) var parser = BinlogParser()

  /// Where the dump starts and how the client presents itself.
  struct Request {
    var start: MySQLOffset
    var serverID: UInt32
    /// Milliseconds after which the server says that there is nothing new.
    var heartbeat: Int64
    /// The dump ends at the end of the log.
    var isBounded: Bool
  }

  /// Header of the event that `next` returned last.
  var header: BinlogEventHeader { parser.header }

  /// Connects and asks for the log.
  /// - Throws: what `MySQLClient.connect` throws; `offsetLost` when the start belongs to another server.
  init(
    _ settings: MySQLSourceSettings, interrupter: Interrupter, request: Request, retries: Int
  ) throws(ConnectorError) {
    var connection = settings.connection
    connection.connectRetries = retries
    // Silence for several heartbeats means that the other end is gone without a word.
    let silence = UInt32(clamping: max(30, request.heartbeat * 3 / 1000))
    client = try MySQLClient.connect(connection, interrupter: interrupter, readTimeout: silence)
    facts = try ServerFacts(client)
    try Self.checkServer(request.start, facts)
    try Self.prepare(client, facts, request)
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
  private static let throughGTID: UInt16 = 4

  /// How the server is told where to begin.
  private enum Start {
    case gtids(GTIDSet)
    case domains(MariaDBGTIDPosition)
    case position(file: String, UInt32)

    /// GTIDs of MySQL wherever there are some. MariaDB's only where file and position are another server's, or none:
    /// a server that is asked by GTID reads a whole file to find it.
    init(_ start: MySQLOffset, _ facts: ServerFacts) throws(ConnectorError) {
      if facts.hasGTIDs, let gtids = start.gtids {
        self = .gtids(gtids)
      } else if let place = start.position, start.server.isEmpty || start.server == facts.identity,
        let position = UInt32(exactly: place.position)
      {
        self = .position(file: place.file, position)
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
    var flags: UInt16 = request.isBounded ? nonBlocking : 0
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
    case .position(let file, let position): try sendPlace(file: file, position)
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
  var hasBuffered: Bool { client.hasBuffered }

  /// Whether an event has arrived or arrives within `milliseconds`.
  func waitReadable(milliseconds: Int64) -> Bool { client.waitReadable(milliseconds: milliseconds) }

  /// The next event, valid until the next call; nil at the end of a bounded dump.
  func next() throws(ConnectorError) -> BinlogEvent? {
    let packet = try client.readPacket()
    guard packet.count > 1, packet[0] == 0 else {
      // 0xfe: the server has ended the dump, because it shuts down or because a bounded one is complete.
      if packet.count < 9, packet.first == 0xfe { return nil }
      throw ConnectorError(.corrupt, "the server sent a packet that is no binlog event")
    }
    do {
      return try parser.parse(UnsafeRawBufferPointer(rebasing: packet[1...]))
    } catch {
      throw error.connectorError()
    }
  }

  func close() { client.close() }
}
