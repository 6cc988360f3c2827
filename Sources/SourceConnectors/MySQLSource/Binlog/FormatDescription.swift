/// FORMAT_DESCRIPTION: the layout of a log file's events.
struct FormatDescription: Sendable, Hashable {
  /// How the events end.
  enum Checksum: UInt8, Sendable {
    case none = 0
    case crc32 = 1
  }

  /// The server that wrote the file, as `SELECT VERSION()` has it.
  var serverVersion = ""
  /// What stands behind each event.
  var checksum = Checksum.none
  /// Bytes of the fixed part behind the header, by event type (index 0: type 1).
  var postHeaderLengths: [UInt8] = []

  /// What is assumed before the first FORMAT_DESCRIPTION has come.
  init() {}

  /// Reads the event behind its header.
  ///
  /// The algorithm byte and a checksum are always there in servers that know checksums (MySQL from 5.6.1, MariaDB from
  /// 5.3), whatever the algorithm is.
  init(body: UnsafeRawBufferPointer) throws(BinlogError) {
    var reader = ByteReader(body)
    let version = try reader.u16()
    guard version == 4 else {
      throw .unsupported(
        "the log has binlog version \(version); only version 4 is known", remedy: "use a server of MySQL 5.6 or later")
    }
    let text = try reader.bytes(50)
    serverVersion = String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    try reader.skip(4)
    let headerLength = try reader.u8()
    guard headerLength == BinlogEventHeader.size else {
      throw .unsupported("the log's events have headers of \(headerLength) bytes; 19 are expected")
    }
    guard Self.hasChecksums(serverVersion) else {
      postHeaderLengths = Array(reader.rest)
      return
    }
    guard reader.remaining > 5 else { throw ByteReader.truncated(6, reader.remaining) }
    postHeaderLengths = Array(try reader.bytes(reader.remaining - 5))
    let algorithm = try reader.u8()
    guard let checksum = Checksum(rawValue: algorithm) else {
      throw .unsupported("the log uses checksum algorithm \(algorithm), which is not known")
    }
    self.checksum = checksum
  }

  /// Whether servers of this version know checksums: MySQL from 5.6.1, MariaDB from 5.3 on.
  private static func hasChecksums(_ version: String) -> Bool {
    let parts = version.split(separator: ".").prefix(3).map { part in
      Int(part.prefix { $0.isASCII && $0.isNumber }) ?? 0
    }
    guard parts.count == 3 else { return true }
    if version.contains("MariaDB") { return (parts[0], parts[1]) >= (5, 3) }
    return (parts[0], parts[1], parts[2]) >= (5, 6, 1)
  }

  /// The length of an event type's fixed part, where the file says it.
  func postHeaderLength(_ type: BinlogEventType) -> Int? {
    let index = Int(type.rawValue) - 1
    return postHeaderLengths.indices.contains(index) ? Int(postHeaderLengths[index]) : nil
  }
}
