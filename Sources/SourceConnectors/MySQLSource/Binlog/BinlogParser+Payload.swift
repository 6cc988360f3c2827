extension BinlogParser {
  /// Parses what stands between header and checksum.
  mutating func payload(_ type: BinlogEventType, _ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    switch type {
    case .writeRows, .updateRows, .deleteRows, .writeRowsV1, .updateRowsV1, .deleteRowsV1: try rows(type, body)
    case .mariaWriteRowsCompressed, .mariaUpdateRowsCompressed, .mariaDeleteRowsCompressed,
      .mariaWriteRowsCompressedV1, .mariaUpdateRowsCompressedV1, .mariaDeleteRowsCompressedV1:
      try rows(type, body)
    case .partialUpdateRows: try partialRows(body)
    case .transactionPayload: .transactionPayload(try TransactionPayloadEvent(body))
    case .tableMap: try tableMap(body)
    case .xid: try xid(body)
    case .gtid, .anonymousGTID: try gtid(body, isAnonymous: type == .anonymousGTID)
    case .gtidTagged: .gtid(MySQLGTIDEvent(gtid: try MySQLGTID(tagged: body), isAnonymous: false))
    case .mariaGTID: try mariaDBGTID(body)
    case .query: try query(body, extraHeader: 0)
    case .mariaQueryCompressed: try query(body, extraHeader: 0, isCompressed: true)
    case .executeLoadQuery: try query(body, extraHeader: 13)
    case .rotate: try rotate(body)
    case .heartbeat: try heartbeat(body)
    case .heartbeatV2: try heartbeatV2(body)
    case .previousGTIDs: .previousGTIDs(PreviousGTIDsEvent(body: body))
    case .mariaGTIDList: .mariaDBGTIDList(MariaDBGTIDListEvent(body: body))
    case .xaPrepare: try xaPrepare(body)
    case .stop: .stop
    case .formatDescription: .formatDescription
    case .intvar, .rand, .userVar, .ignorable, .rowsQuery, .transactionContext, .viewChange, .mariaAnnotateRows,
      .mariaBinlogCheckpoint, .beginLoadQuery, .appendBlock, .deleteFile:
      .ignored(type)
    case .startV3, .load, .createFile, .execLoad, .newLoad, .preGAWriteRows, .preGAUpdateRows, .preGADeleteRows,
      .incident, .mariaStartEncryption:
      throw Self.refusal(type)
    }
  }

  /// Why an event that may hide row changes cannot be read, and what to do.
  private static func refusal(_ type: BinlogEventType) -> BinlogError {
    switch type {
    case .incident:
      BinlogError(
        .corrupt, "the source reports an incident: changes may be missing from its log (INCIDENT event)",
        remedy: "see the source's error log for the cause, then take a new snapshot")
    case .mariaStartEncryption:
      BinlogError(
        .prerequisite, "the source sends its log encrypted (START_ENCRYPTION event)",
        remedy: "set encrypt_binlog = OFF on the source")
    default:
      BinlogError(
        .unsupported, "the log has an event of type \(type.rawValue), which only servers before MySQL 5.6 write",
        remedy: "use a server of MySQL 5.6 or later with binlog_format = ROW")
    }
  }

  private func rows(_ type: BinlogEventType, _ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let tableID = try self.tableID(&reader, of: type)
    let flags = try reader.u16()
    let kind: RowsEvent.Kind =
      switch type {
      case .writeRows, .writeRowsV1, .mariaWriteRowsCompressed, .mariaWriteRowsCompressedV1: .insert
      case .updateRows, .updateRowsV1, .mariaUpdateRowsCompressed, .mariaUpdateRowsCompressedV1: .update
      default: .delete
      }
    let isCompressed = type.rawValue >= BinlogEventType.mariaWriteRowsCompressedV1.rawValue
    if Self.hasExtraData(type) {
      // Version 2: the length of extra data (partitions, NDB), which counts its own two bytes.
      let extra = Int(try reader.u16())
      guard extra >= 2 else { throw .corrupt("a rows event with \(extra) bytes of extra data") }
      try reader.skip(extra - 2)
    }
    // An event for no table, which only says that a statement has ended.
    if tableID == 0x00ff_ffff { return .ignored(type) }
    return .rows(
      RowsEvent(tableID: tableID, flags: flags, kind: kind, body: reader.rest, isCompressed: isCompressed))
  }

  /// Rows events of version 2.
  private static func hasExtraData(_ type: BinlogEventType) -> Bool {
    switch type {
    case .writeRows, .updateRows, .deleteRows, .partialUpdateRows, .mariaWriteRowsCompressed,
      .mariaUpdateRowsCompressed, .mariaDeleteRowsCompressed:
      true
    default: false
    }
  }

  /// Six bytes; four in files whose fixed part has only six.
  private func tableID(_ reader: inout ByteReader, of type: BinlogEventType) throws(BinlogError) -> UInt64 {
    try reader.littleEndian(format.postHeaderLength(type) == 6 ? 4 : 6)
  }

  private func partialRows(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    return .partialRows(tableID: try tableID(&reader, of: .partialUpdateRows))
  }

  private func tableMap(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let tableID = try self.tableID(&reader, of: .tableMap)
    let flags = try reader.u16()
    return .tableMap(TableMapEvent(tableID: tableID, flags: flags, body: reader.rest, isMariaDB: isMariaDB))
  }

  private func xid(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    return .xid(try reader.u64())
  }

  private func gtid(_ body: UnsafeRawBufferPointer, isAnonymous: Bool) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    try reader.skip(1)
    let source = try MySQLUUID(reading: &reader)
    let number = Int64(bitPattern: try reader.u64())
    guard isAnonymous || number > 0 else { throw .corrupt("a GTID with the number \(number)") }
    return .gtid(MySQLGTIDEvent(gtid: MySQLGTID(source: source, number: number), isAnonymous: isAnonymous))
  }

  private func mariaDBGTID(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let sequence = try reader.u64()
    let domain = try reader.u32()
    let gtid = MariaDBGTID(domain: domain, server: header.serverID, sequence: sequence)
    return .mariaDBGTID(MariaDBGTIDEvent(gtid: gtid, flags: try reader.u8()))
  }

  /// `extraHeader`: EXECUTE_LOAD_QUERY has file id, text positions and a duplicates mode behind the fixed part.
  private mutating func query(
    _ body: UnsafeRawBufferPointer, extraHeader: Int, isCompressed: Bool = false
  ) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let threadID = try reader.u32()
    try reader.skip(4)
    let schemaLength = Int(try reader.u8())
    let errorCode = try reader.u16()
    let statusLength = Int(try reader.u16())
    try reader.skip(extraHeader)
    let status = try reader.bytes(statusLength)
    let schema = try reader.bytes(schemaLength)
    try reader.skip(1)
    let none = UnsafeRawBufferPointer(start: nil, count: 0)
    let sql = isCompressed ? try inflate(reader.rest, behind: none) : reader.rest
    return .query(
      QueryEvent(
        threadID: threadID, errorCode: errorCode, statusVariables: status, schemaBytes: schema, sqlBytes: sql,
        kind: StatementKind(classifying: sql)))
  }

  private func rotate(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let position = try reader.u64()
    // Artificial events have no place in a file; some servers set the flag as well.
    let isArtificial = header.nextPosition == 0 || header.flags & BinlogEventHeader.artificialFlag != 0
    return .rotate(RotateEvent(fileBytes: reader.rest, position: position, isArtificial: isArtificial))
  }

  /// The file's name; the position is the header's. MariaDB puts one beyond 32 bits in front of the name, and 0 into the
  /// header.
  private func heartbeat(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    var position = UInt64(header.nextPosition)
    if position == 0, isMariaDB { position = try reader.u64() }
    return .heartbeat(HeartbeatEvent(fileBytes: reader.rest, position: position, is32Bit: position >> 32 == 0))
  }

  /// Fields of type, length, value: 1 the file's name, 2 the position, 0 the end (MySQL: `Heartbeat_event_v2`).
  private func heartbeatV2(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    var file = UnsafeRawBufferPointer(start: nil, count: 0)
    var position: UInt64 = 0
    while !reader.isAtEnd {
      let type = try reader.packedInteger()
      if type == 0 { break }
      var field = ByteReader(try reader.bytes(try reader.packedCount()))
      switch type {
      case 1: file = field.rest
      case 2: position = try field.packedInteger()
      default: break
      }
    }
    return .heartbeat(HeartbeatEvent(fileBytes: file, position: position, is32Bit: false))
  }

  private func xaPrepare(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let isOnePhase = try reader.u8() != 0
    return .xaPrepare(XAPrepareEvent(isOnePhase: isOnePhase, xidBytes: reader.rest))
  }
}
