/// The types of binlog events (MySQL: `mysql::binlog::event::Log_event_type` in libs/mysql/binlog/event/binlog_event.h;
/// MariaDB: knowledge base, "Replication Protocol", "2. Binlog Event Header").
enum BinlogEventType: UInt8, Sendable {
  case startV3 = 1
  case query = 2
  case stop = 3
  case rotate = 4
  case intvar = 5
  case load = 6
  case createFile = 8
  case appendBlock = 9
  case execLoad = 10
  case deleteFile = 11
  case newLoad = 12
  case rand = 13
  case userVar = 14
  case formatDescription = 15
  case xid = 16
  case beginLoadQuery = 17
  case executeLoadQuery = 18
  case tableMap = 19
  case preGAWriteRows = 20
  case preGAUpdateRows = 21
  case preGADeleteRows = 22
  case writeRowsV1 = 23
  case updateRowsV1 = 24
  case deleteRowsV1 = 25
  case incident = 26
  case heartbeat = 27
  case ignorable = 28
  case rowsQuery = 29
  case writeRows = 30
  case updateRows = 31
  case deleteRows = 32
  case gtid = 33
  case anonymousGTID = 34
  case previousGTIDs = 35
  case transactionContext = 36
  case viewChange = 37
  case xaPrepare = 38
  case partialUpdateRows = 39
  case transactionPayload = 40
  case heartbeatV2 = 41
  case gtidTagged = 42
  case mariaAnnotateRows = 160
  case mariaBinlogCheckpoint = 161
  case mariaGTID = 162
  case mariaGTIDList = 163
  case mariaStartEncryption = 164
  case mariaQueryCompressed = 165
  case mariaWriteRowsCompressedV1 = 166
  case mariaUpdateRowsCompressedV1 = 167
  case mariaDeleteRowsCompressedV1 = 168
  case mariaWriteRowsCompressed = 169
  case mariaUpdateRowsCompressed = 170
  case mariaDeleteRowsCompressed = 171
}

/// The 19 bytes in front of each event (binlog version 4).
struct BinlogEventHeader: Sendable, Hashable {
  /// Bytes that the header takes.
  static let size = 19
  /// Flag: the event may be passed over by who does not know it (LOG_EVENT_IGNORABLE_F).
  static let ignorableFlag: UInt16 = 0x80
  /// Flag: made up by the dumping server, not in the file (LOG_EVENT_ARTIFICIAL_F).
  static let artificialFlag: UInt16 = 0x20
  /// Flag of a FORMAT_DESCRIPTION: the file is still being written (LOG_EVENT_BINLOG_IN_USE_F).
  static let inUseFlag: UInt16 = 0x01

  /// Seconds since 1970-01-01 UTC when the statement began; 0 in artificial events.
  var timestamp: UInt32 = 0
  /// The type's number; it may be one that this version does not know.
  var typeCode: UInt8 = 0
  /// The server that the event was born on.
  var serverID: UInt32 = 0
  /// Bytes of the whole event, header and checksum included.
  var size: UInt32 = 0
  /// Position behind the event in its file, modulo 2^32; 0 in artificial events.
  var nextPosition: UInt32 = 0
  /// See the flag constants.
  var flags: UInt16 = 0

  /// The type, nil when this version does not know it.
  var type: BinlogEventType? { BinlogEventType(rawValue: typeCode) }

  init() {}

  /// Reads the header at the front of an event.
  /// - Throws: `corrupt` when the event is shorter than its header, or not as long as the header says.
  init(_ event: UnsafeRawBufferPointer) throws(BinlogError) {
    guard event.count >= Self.size else { throw ByteReader.truncated(Self.size, event.count) }
    func number<T: FixedWidthInteger>(at offset: Int) -> T {
      T(littleEndian: event.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    timestamp = number(at: 0)
    typeCode = event[4]
    serverID = number(at: 5)
    size = number(at: 9)
    nextPosition = number(at: 13)
    flags = number(at: 17)
    guard Int(size) == event.count else {
      throw .corrupt("an event of type \(typeCode) says that it has \(size) bytes, but \(event.count) came")
    }
  }
}
