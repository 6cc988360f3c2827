/// Parses the events of one binlog connection: header, checksum, payload. Keeps what later events depend on, the file's
/// format. Layouts: MySQL's libs/mysql/binlog/event headers; MariaDB's knowledge base, "Replication Protocol".
///
/// Used by one thread; copies share the memory that compressed events are unpacked to.
struct BinlogParser {
  /// The format of the file being read.
  private(set) var format = FormatDescription()
  /// The header of the event that was parsed last.
  private(set) var header = BinlogEventHeader()
  private let verifiesChecksums: Bool
  private var hasFormat = false
  /// Made when the first compressed event comes.
  private var inflater: EventInflater?

  /// - Parameter verifiesChecksums: whether the CRC of each event that has one is computed and compared.
  init(verifiesChecksums: Bool = true) { self.verifiesChecksums = verifiesChecksums }

  /// Parses a whole event: header, body, checksum; without the network protocol's status byte.
  /// - Throws: `corrupt` for a broken event or checksum, `unsupported` or `prerequisite` for an event that would make
  ///   the reader miss rows.
  mutating func parse(_ event: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    header = try BinlogEventHeader(event)
    let type = header.type
    if type == .formatDescription { return try parseFormat(event) }
    let body = try bodyWithoutChecksum(event)
    guard let type else {
      if header.flags & BinlogEventHeader.ignorableFlag != 0 { return .ignored(.ignorable) }
      throw .unsupported("an event of the unknown type \(header.typeCode) in the log of a server \(serverName)")
    }
    return try payload(type, body)
  }

  /// Parses an event out of a transaction's payload. It has no checksum, and its place is that of the payload.
  /// - Throws: as `parse`; `corrupt` for events that have no place within a transaction.
  mutating func parse(
    inner event: UnsafeRawBufferPointer, of outer: BinlogEventHeader
  ) throws(BinlogError) -> BinlogEvent {
    header = try BinlogEventHeader(event)
    header.nextPosition = outer.nextPosition
    guard let type = header.type else {
      if header.flags & BinlogEventHeader.ignorableFlag != 0 { return .ignored(.ignorable) }
      throw .unsupported("an event of the unknown type \(header.typeCode) in a transaction of a server \(serverName)")
    }
    switch type {
    case .formatDescription, .rotate, .transactionPayload, .gtid, .anonymousGTID, .gtidTagged, .mariaGTID, .heartbeat,
      .heartbeatV2, .stop:
      throw .corrupt("a transaction's payload has an event of type \(type.rawValue)")
    default: break
    }
    var reader = ByteReader(event)
    try reader.skip(BinlogEventHeader.size)
    return try payload(type, reader.rest)
  }

  /// The event with its rows unpacked; the same one when they are not packed. Valid until the next call and the next
  /// event.
  mutating func unpacked(_ rows: RowsEvent) throws(BinlogError) -> RowsEvent {
    guard rows.isCompressed else { return rows }
    var reader = ByteReader(rows.body)
    let columns = try reader.packedInteger()
    guard columns <= UInt64(rows.body.count) * 8 else { throw ByteReader.truncated(Int(clamping: columns / 8), 0) }
    try reader.skip((Int(columns) + 7) / 8 * (rows.kind == .update ? 2 : 1))
    let front = UnsafeRawBufferPointer(rebasing: rows.body.dropLast(reader.remaining))
    let body = try inflate(reader.rest, behind: front)
    return RowsEvent(tableID: rows.tableID, flags: rows.flags, kind: rows.kind, body: body)
  }

  /// See `EventInflater.inflate`.
  mutating func inflate(
    _ packed: UnsafeRawBufferPointer, behind front: UnsafeRawBufferPointer
  ) throws(BinlogError) -> UnsafeRawBufferPointer {
    let inflater = inflater ?? EventInflater()
    self.inflater = inflater
    return try inflater.inflate(packed, behind: front)
  }

  /// Whether the file was written by a MariaDB.
  private(set) var isMariaDB = false

  private var serverName: String { format.serverVersion.isEmpty ? "of unknown version" : format.serverVersion }

  private mutating func parseFormat(_ event: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    let format = try FormatDescription(body: UnsafeRawBufferPointer(rebasing: event.dropFirst(BinlogEventHeader.size)))
    // The checksum is computed as if the flag "in use" were clear; the flag is set while the file is being written.
    if verifiesChecksums, format.checksum == .crc32 {
      var front = [UInt8](event.prefix(BinlogEventHeader.size))
      front[17] &= ~UInt8(BinlogEventHeader.inUseFlag)
      let crc = front.withUnsafeBytes { CRC32.checksum($0) }
      try Self.verify(event, skipping: BinlogEventHeader.size, seed: crc, header: header)
    }
    self.format = format
    isMariaDB = format.serverVersion.contains("MariaDB")
    hasFormat = true
    return .formatDescription
  }

  /// The bytes between header and checksum.
  private func bodyWithoutChecksum(_ event: UnsafeRawBufferPointer) throws(BinlogError) -> UnsafeRawBufferPointer {
    var reader = ByteReader(event)
    try reader.skip(BinlogEventHeader.size)
    if format.checksum == .crc32 {
      guard reader.remaining >= 4 else { throw ByteReader.truncated(4, reader.remaining) }
      if verifiesChecksums { try Self.verify(event, skipping: 0, seed: 0, header: header) }
      try reader.dropLast(4)
    } else if !hasFormat, reader.remaining >= 4, Self.checksumMatches(event, skipping: 0, seed: 0) {
      // Before the first FORMAT_DESCRIPTION comes an artificial ROTATE, which says nowhere whether it has a checksum.
      try reader.dropLast(4)
    }
    return reader.rest
  }

  private static func checksumMatches(_ event: UnsafeRawBufferPointer, skipping front: Int, seed: UInt32) -> Bool {
    guard event.count >= front + 4 else { return false }
    let stored = UInt32(littleEndian: event.loadUnaligned(fromByteOffset: event.count - 4, as: UInt32.self))
    return CRC32.checksum(UnsafeRawBufferPointer(rebasing: event[front..<(event.count - 4)]), seed: seed) == stored
  }

  private static func verify(
    _ event: UnsafeRawBufferPointer, skipping front: Int, seed: UInt32, header: BinlogEventHeader
  ) throws(BinlogError) {
    guard !checksumMatches(event, skipping: front, seed: seed) else { return }
    throw BinlogError(
      .corrupt,
      "the checksum of the event of type \(header.typeCode) that ends at position \(header.nextPosition) is wrong",
      remedy:
        "the event was damaged on the source's disk or on the way; check the log with mysqlbinlog --verify-binlog-checksum"
    )
  }
}
