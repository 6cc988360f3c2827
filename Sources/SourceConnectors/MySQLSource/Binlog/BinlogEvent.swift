/// One parsed event. The payloads are plain views into the event's bytes: no memory, no reference counts, valid only as
/// long as the buffer that was parsed.
enum BinlogEvent {
  /// A new file's layout; now in `BinlogParser.format`. Table ids of the file before are void.
  case formatDescription
  case rotate(RotateEvent)
  case query(QueryEvent)
  /// A commit in a transactional engine, with the transaction's internal number.
  case xid(UInt64)
  case gtid(MySQLGTIDEvent)
  case previousGTIDs(PreviousGTIDsEvent)
  case mariaDBGTID(MariaDBGTIDEvent)
  case mariaDBGTIDList(MariaDBGTIDListEvent)
  case tableMap(TableMapEvent)
  case rows(RowsEvent)
  case heartbeat(HeartbeatEvent)
  case xaPrepare(XAPrepareEvent)
  /// The transaction's events, packed; they come next (see `TransactionPayloadReader`).
  case transactionPayload(TransactionPayloadEvent)
  /// Changes of which the log has only a part: partial JSON updates. Fatal for a captured table only.
  case partialRows(tableID: UInt64)
  /// The server shut down in order; another file follows.
  case stop
  /// Nothing that a reader of rows needs: query texts, checkpoints, variables for statements, ignorable events.
  case ignored(BinlogEventType)
}

/// ROTATE: the log goes on in another file.
struct RotateEvent {
  /// Name of the next file, UTF-8.
  let fileBytes: UnsafeRawBufferPointer
  /// Where to go on in it.
  let position: UInt64
  /// Made up by the server at the start of a dump, to say which file it reads from.
  let isArtificial: Bool

  var file: String { String(decoding: fileBytes, as: UTF8.self) }
}

/// QUERY: a statement, or the beginning or end of a transaction.
struct QueryEvent {
  let threadID: UInt32
  /// 0, or the error that the statement ended with after it had changed something.
  let errorCode: UInt16
  let statusVariables: UnsafeRawBufferPointer
  let schemaBytes: UnsafeRawBufferPointer
  /// The statement in the session's character set.
  let sqlBytes: UnsafeRawBufferPointer
  /// What sort of statement it is.
  let kind: StatementKind

  /// The default schema at the time.
  var schema: String { String(decoding: schemaBytes, as: UTF8.self) }

  /// The statement as text: latin1 sessions are converted, all others taken as UTF-8.
  var sql: String {
    if let collation = sessionCollation, MySQLCharset.isLatin1(collationID: collation) {
      return String(String.UnicodeScalarView(sqlBytes.map { MySQLCharset.latin1Scalar($0) }))
    }
    return String(decoding: sqlBytes, as: UTF8.self)
  }

  /// The session's `sql_mode` bits, where the event has them (status variable 1).
  var sqlMode: UInt64? { status().sqlMode }

  /// The id of the session's `character_set_client` collation, where the event has it (status variable 4).
  private var sessionCollation: UInt16? { status().collation }

  /// Walks over the status variables (MySQL: `Query_event::Query_event_status_vars`) up to the first one that is
  /// neither wanted nor stands in front of one that is.
  private func status() -> (sqlMode: UInt64?, collation: UInt16?) {
    var reader = ByteReader(statusVariables)
    var sqlMode: UInt64?
    do throws(BinlogError) {
      while !reader.isAtEnd {
        switch try reader.u8() {
        case 0: try reader.skip(4)  // flags2
        case 1: sqlMode = try reader.u64()
        case 3: try reader.skip(4)  // auto_increment_increment and _offset
        case 6: try reader.skip(Int(try reader.u8()))  // catalog
        case 4: return (sqlMode, try reader.u16())
        default: return (sqlMode, nil)
        }
      }
    } catch {
      return (sqlMode, nil)  // The variables only refine how the text is read; a torn one says nothing.
    }
    return (sqlMode, nil)
  }
}

/// GTID, ANONYMOUS_GTID and GTID_TAGGED_LOG of MySQL: the transaction that follows.
struct MySQLGTIDEvent {
  let gtid: MySQLGTID
  /// The server runs without GTIDs; `gtid` means nothing.
  let isAnonymous: Bool
}

/// PREVIOUS_GTIDS: everything that earlier files contain.
struct PreviousGTIDsEvent {
  let body: UnsafeRawBufferPointer

  func set() throws(BinlogError) -> GTIDSet { try GTIDSet(decoding: body) }
}

/// GTID of MariaDB: the event group that follows.
struct MariaDBGTIDEvent {
  let gtid: MariaDBGTID
  let flags: UInt8

  /// The group is a single statement, such as DDL, without a commit at its end (FL_STANDALONE).
  var isStandalone: Bool { flags & 0x01 != 0 }
  /// The group is an XA transaction up to its PREPARE (FL_PREPARED_XA).
  var isPreparedXA: Bool { flags & 0x40 != 0 }
  /// The group is the end of a prepared XA transaction (FL_COMPLETED_XA).
  var isCompletedXA: Bool { flags & 0x80 != 0 }
}

/// GTID_LIST of MariaDB: the last GTID of each domain and server in earlier files.
struct MariaDBGTIDListEvent {
  let body: UnsafeRawBufferPointer

  /// The position in front of this file; of each domain the entry that was written last.
  func position() throws(BinlogError) -> MariaDBGTIDPosition {
    var reader = ByteReader(body)
    let count = Int(try reader.u32() & 0x0fff_ffff)
    guard count * 16 <= reader.remaining else { throw ByteReader.truncated(count * 16, reader.remaining) }
    var position = MariaDBGTIDPosition()
    for _ in 0..<count {
      let domain = try reader.u32()
      let server = try reader.u32()
      position.advance(to: MariaDBGTID(domain: domain, server: server, sequence: try reader.u64()))
    }
    return position
  }
}

/// TABLE_MAP: which table a table id stands for from here on.
struct TableMapEvent {
  let tableID: UInt64
  let flags: UInt16
  /// Schema, name, column types, metadata (see `TableMap`).
  let body: UnsafeRawBufferPointer
  /// Written by a MariaDB, whose metadata differ in one point (see `OptionalMetadata.Layout`).
  var isMariaDB = false
}

/// WRITE_ROWS, UPDATE_ROWS or DELETE_ROWS, versions 1 and 2, and MariaDB's compressed ones.
struct RowsEvent {
  /// What happened to the rows.
  enum Kind: UInt8 {
    case insert, update, delete
  }

  let tableID: UInt64
  let flags: UInt16
  let kind: Kind
  /// Column count, bitmaps and rows (see `RowsDecoder`).
  let body: UnsafeRawBufferPointer
  /// The rows are packed; `BinlogParser.unpacked` gives the event that can be decoded.
  var isCompressed = false

  /// The statement's last rows; its table ids are no longer needed.
  var endsStatement: Bool { flags & 1 != 0 }
}

/// HEARTBEAT: nothing new; this is how far the log has been sent.
struct HeartbeatEvent {
  let fileBytes: UnsafeRawBufferPointer
  let position: UInt64
  /// The position may be cut off to its low 32 bits.
  let is32Bit: Bool

  var file: String { String(decoding: fileBytes, as: UTF8.self) }
}

/// XA_PREPARE: the end of an XA transaction's first phase.
struct XAPrepareEvent {
  /// Prepared and committed in one: this is the commit.
  let isOnePhase: Bool
  /// Format, lengths and bytes of the transaction's identifier.
  let xidBytes: UnsafeRawBufferPointer

  /// The transaction's identifier.
  func xid() throws(BinlogError) -> XAIdentifier { try XAIdentifier(xidBytes) }
}
