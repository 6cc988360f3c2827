extension BinlogParser {
  /// Parses what stands between header and checksum.
  func payload(_ type: BinlogEventType, _ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    switch type {
    case .writeRows, .updateRows, .deleteRows, .writeRowsV1, .updateRowsV1, .deleteRowsV1: try rows(type, body)
    case .tableMap: try tableMap(body)
    case .xid: try xid(body)
    case .gtid, .anonymousGTID: try gtid(body, isAnonymous: type == .anonymousGTID)
    case .mariaGTID: try mariaDBGTID(body)
    case .query: try query(body, extraHeader: 0)
    case .executeLoadQuery: try query(body, extraHeader: 13)
    case .rotate: try rotate(body)
    case .heartbeat: .heartbeat(HeartbeatEvent(fileBytes: body, position: UInt64(header.nextPosition)))
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
      .incident, .partialUpdateRows, .transactionPayload, .gtidTagged, .mariaStartEncryption, .mariaQueryCompressed,
      .mariaWriteRowsCompressedV1, .mariaUpdateRowsCompressedV1, .mariaDeleteRowsCompressedV1,
      .mariaWriteRowsCompressed, .mariaUpdateRowsCompressed, .mariaDeleteRowsCompressed:
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
    case .partialUpdateRows:
      BinlogError(
        .prerequisite, "the source logs partial JSON updates (PARTIAL_UPDATE_ROWS event)",
        remedy: "SET GLOBAL binlog_row_value_options = '' and reconnect the applications")
    case .transactionPayload:
      BinlogError(
        .prerequisite, "the source logs compressed transactions (TRANSACTION_PAYLOAD event)",
        remedy: "SET GLOBAL binlog_transaction_compression = OFF and reconnect the applications")
    case .gtidTagged:
      BinlogError(
        .unsupported, "the source logs a transaction with a tagged GTID (GTID_TAGGED_LOG event)",
        remedy: "do not set gtid_next to AUTOMATIC:tag on the source")
    case .mariaStartEncryption:
      BinlogError(
        .prerequisite, "the source sends its log encrypted (START_ENCRYPTION event)",
        remedy: "set encrypt_binlog = OFF on the source")
    case .mariaQueryCompressed, .mariaWriteRowsCompressedV1, .mariaUpdateRowsCompressedV1,
      .mariaDeleteRowsCompressedV1, .mariaWriteRowsCompressed, .mariaUpdateRowsCompressed, .mariaDeleteRowsCompressed:
      BinlogError(
        .prerequisite, "the source logs compressed events (type \(type.rawValue))",
        remedy: "SET GLOBAL log_bin_compress = OFF")
    default:
      BinlogError(
        .unsupported, "the log has an event of type \(type.rawValue), which only servers before MySQL 5.6 write",
        remedy: "use a server of MySQL 5.6 or later with binlog_format = ROW")
    }
  }

  private func rows(_ type: BinlogEventType, _ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let tableID = try reader.littleEndian(6)
    let flags = try reader.u16()
    let kind: RowsEvent.Kind =
      switch type {
      case .writeRows, .writeRowsV1: .insert
      case .updateRows, .updateRowsV1: .update
      default: .delete
      }
    if type.rawValue >= BinlogEventType.writeRows.rawValue {
      // Version 2: the length of extra data, which counts its own two bytes.
      let extra = Int(try reader.u16())
      guard extra >= 2 else { throw .corrupt("a rows event with \(extra) bytes of extra data") }
      try reader.skip(extra - 2)
    }
    // An event for no table, which only says that a statement has ended.
    if tableID == 0x00ff_ffff { return .ignored(type) }
    return .rows(RowsEvent(tableID: tableID, flags: flags, kind: kind, body: reader.rest))
  }

  private func tableMap(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    let tableID = try reader.littleEndian(6)
    let flags = try reader.u16()
    return .tableMap(TableMapEvent(tableID: tableID, flags: flags, body: reader.rest))
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
  private func query(_ body: UnsafeRawBufferPointer, extraHeader: Int) throws(BinlogError) -> BinlogEvent {
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
    let sql = reader.rest
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
    return .heartbeat(HeartbeatEvent(fileBytes: file, position: position))
  }

  private func xaPrepare(_ body: UnsafeRawBufferPointer) throws(BinlogError) -> BinlogEvent {
    var reader = ByteReader(body)
    return .xaPrepare(XAPrepareEvent(isOnePhase: try reader.u8() != 0))
  }
}
