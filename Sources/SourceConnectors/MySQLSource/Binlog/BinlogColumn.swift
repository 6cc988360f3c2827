import Model

/// A column as a TABLE_MAP describes it; finds the step that decodes it into the schema's column.
struct BinlogColumn {
  private let code: BinlogColumnType?
  private let rawCode: UInt8
  private let metadata: Int
  private let isUnsigned: Bool?

  init(map: TableMap, index: Int) {
    rawCode = map.columnTypes[index]
    metadata = Int(map.metadata[index])
    isUnsigned = OptionalMetadata.isNumeric(rawCode) ? map.unsigned?[index] : nil
    // ENUM and SET come as STRING with their own number in the metadata's first byte.
    if rawCode == BinlogColumnType.string.rawValue, metadata >> 8 == 247 || metadata >> 8 == 248 {
      code = BinlogColumnType(rawValue: UInt8(metadata >> 8))
    } else {
      code = BinlogColumnType(rawValue: rawCode)
    }
  }

  typealias Step = RowDecodingPlan.Step

  func step(for type: MySQLColumnType, column: Column) throws(BinlogError) -> Step {
    let found: Step? =
      switch type.kind {
      case .tinyint, .smallint, .mediumint, .int, .bigint, .year, .float, .double, .decimal:
        number(type, column)
      case .bit: bit(type)
      case .date, .time, .datetime, .timestamp: try temporal(type, column)
      case .char, .binary: try fixedString(type, column)
      case .varchar, .varbinary: try variableString(type, column)
      case .text(let lengthBytes), .blob(let lengthBytes): try blob(type, column, lengthBytes)
      case .json: json()
      case .geometry: code == .geometry ? Step(operation: .geometry, size: metadata) : nil
      case .vector: vector(type)
      case .uuid: fixedBytes(.uuid, 16)
      case .inet4: fixedBytes(.inet4, 4)
      case .inet6: fixedBytes(.inet6, 16)
      case .enumeration, .set: members(type)
      case .unsupported: nil
      }
    if type.kind == .unsupported {
      throw .unsupported("column \(column.name) has the type \(type.text), which is not carried")
    }
    guard let found, found.size <= 8 || found.operation == .decimal else {
      throw BinlogError(
        .schemaMismatch,
        "the log has column \(column.name) as type \(rawCode) with metadata \(metadata), the schema as \(type.text)")
    }
    return found
  }

  private func number(_ type: MySQLColumnType, _ column: Column) -> Step? {
    if let isUnsigned, isUnsigned != type.isUnsigned, type.kind != .year { return nil }
    let unsigned = type.isUnsigned
    switch (type.kind, code) {
    case (.tinyint, .tiny):
      if column.type.kind == .boolean { return Step(operation: .boolean) }
      return Step(operation: unsigned ? .uint8 : .int8)
    case (.smallint, .short): return Step(operation: unsigned ? .uint16 : .int16)
    case (.mediumint, .int24): return Step(operation: unsigned ? .uint24 : .int24)
    case (.int, .long): return Step(operation: unsigned ? .uint32 : .int32)
    case (.bigint, .longlong): return Step(operation: unsigned ? .uint64Text : .int64)
    case (.year, .year): return Step(operation: .year)
    case (.float, .float):
      return metadata == 4 ? Step(operation: column.type.kind == .float ? .float : .floatAsDouble) : nil
    case (.double, .double): return metadata == 8 ? Step(operation: .double) : nil
    case (.decimal, .newdecimal):
      let (precision, scale) = type.decimalDigits
      return metadata == precision << 8 | scale ? Step(operation: .decimal, size: precision, limit: scale) : nil
    default: return nil
    }
  }

  /// Metadata: bits beyond whole bytes in the low byte, whole bytes in the high one.
  private func bit(_ type: MySQLColumnType) -> Step? {
    guard code == .bit, metadata & 0xff + metadata >> 8 * 8 == type.bitWidth else { return nil }
    if type.bitWidth == 1 { return Step(operation: .bitBoolean) }
    return Step(operation: .bits, size: (type.bitWidth + 7) / 8)
  }

  private func temporal(_ type: MySQLColumnType, _ column: Column) throws(BinlogError) -> Step? {
    let digits = type.fractionalDigits
    switch (type.kind, code) {
    case (.date, .date), (.date, .newdate): return Step(operation: .date)
    case (.time, .time2): return fraction(.time, digits)
    case (.datetime, .datetime2): return fraction(.dateTime, digits)
    case (.timestamp, .timestamp2): return fraction(.timestamp, digits)
    case (.time, .time), (.datetime, .datetime), (.timestamp, .timestamp):
      guard digits == 0 else {
        throw BinlogError(
          .prerequisite, "column \(column.name) (\(type.text)) is stored in MariaDB's own temporal format",
          remedy: "set mysql56_temporal_format = ON and rebuild the table (ALTER TABLE … FORCE)")
      }
      return Step(operation: type.kind == .time ? .oldTime : type.kind == .datetime ? .oldDateTime : .oldTimestamp)
    default: return nil
    }
  }

  /// A fraction takes (digits + 1) / 2 bytes and counts units of 10^-2, 10^-4 or 10^-6 seconds.
  private func fraction(_ operation: RowDecodingPlan.Operation, _ digits: Int) -> Step? {
    guard metadata == digits else { return nil }
    let size = (digits + 1) / 2
    return Step(operation: operation, size: size, limit: [1, 10_000, 100, 1][size])
  }

  /// The longest value of a STRING column: the two high bits hide, inverted, in bits 4 and 5 of the metadata's first byte.
  var fixedLength: Int? {
    guard code == .string || metadata >> 8 & 0x30 != 0x30, rawCode == BinlogColumnType.string.rawValue else {
      return nil
    }
    let high = metadata >> 8
    guard high | 0x30 == Int(BinlogColumnType.string.rawValue) else { return nil }
    return metadata & 0xff | ((high & 0x30) ^ 0x30) << 4
  }

  private func fixedString(_ type: MySQLColumnType, _ column: Column) throws(BinlogError) -> Step? {
    guard let maximum = fixedLength else { return nil }
    return try string(type, column, maximum: maximum, length: type.length ?? 1)
  }

  /// A type of MariaDB's that is logged as BINARY: a length byte, and the bytes without zeros at their end.
  private func fixedBytes(_ operation: RowDecodingPlan.Operation, _ length: Int) -> Step? {
    fixedLength == length ? Step(operation: operation, size: 1, limit: length) : nil
  }

  /// MySQL's own type number with the length's bytes, or MariaDB's VARBINARY.
  private func vector(_ type: MySQLColumnType) -> Step? {
    let bytes = (type.length ?? 0) * 4
    switch code {
    case .vector: return Step(operation: .vector, size: metadata)
    case .varchar: return metadata == bytes ? Step(operation: .vector, size: bytes < 256 ? 1 : 2) : nil
    default: return nil
    }
  }

  private func variableString(_ type: MySQLColumnType, _ column: Column) throws(BinlogError) -> Step? {
    guard let length = type.length else { return nil }
    if type.isCompressed {
      // The metadata counts one byte more, for the header.
      guard code == .mariaVarcharCompressed else { return nil }
      let step = try string(type, column, maximum: metadata - 1, length: length)
      return step.map { compressed($0, size: metadata < 256 ? 1 : 2, limit: metadata - 1) }
    }
    guard code == .varchar || code == .varString else { return nil }
    return try string(type, column, maximum: metadata, length: length)
  }

  private func string(
    _ type: MySQLColumnType, _ column: Column, maximum: Int, length: Int
  ) throws(BinlogError) -> Step? {
    let isBinary = type.kind == .binary || type.kind == .varbinary
    let width = isBinary ? 1 : type.charset.maximumCharacterLength
    guard maximum == length * width else { return nil }
    let lengthBytes = maximum < 256 ? 1 : 2
    if type.kind == .binary { return Step(operation: .paddedBytes, size: lengthBytes, limit: length) }
    return try text(type, column, lengthBytes)
  }

  private func text(_ type: MySQLColumnType, _ column: Column, _ lengthBytes: Int) throws(BinlogError) -> Step {
    guard type.usesCharset else { return Step(operation: .bytes, size: lengthBytes) }
    switch type.charset {
    case .utf8mb4, .utf8mb3, .ascii, .binary: return Step(operation: .bytes, size: lengthBytes)
    default: break
    }
    guard let converter = type.converter ?? TextConverter.builtIn(type.charset) else {
      throw .unsupported("column \(column.name) has the character set \(type.charset.name), which is not known")
    }
    return Step(operation: .convertedText, size: lengthBytes, converter: Unmanaged.passUnretained(converter))
  }

  private func compressed(_ step: Step, size: Int, limit: Int) -> Step {
    Step(operation: .compressed, size: size, limit: limit, converter: step.converter)
  }

  private func blob(_ type: MySQLColumnType, _ column: Column, _ lengthBytes: Int) throws(BinlogError) -> Step? {
    guard metadata == lengthBytes else { return nil }
    let step = try text(type, column, lengthBytes)
    if type.isCompressed {
      let limit = lengthBytes == 4 ? Int(Int32.max) : 1 << (8 * lengthBytes) - 1
      return code == .mariaBlobCompressed ? compressed(step, size: lengthBytes, limit: limit) : nil
    }
    switch code {
    case .blob, .tinyBlob, .mediumBlob, .longBlob: return step
    default: return nil
    }
  }

  /// MySQL's own binary format, or MariaDB's LONGTEXT.
  private func json() -> Step? {
    guard metadata == 4 else { return nil }
    if code == .json { return Step(operation: .jsonBinary, size: 4) }
    return code == .blob ? Step(operation: .bytes, size: 4) : nil
  }

  private func members(_ type: MySQLColumnType) -> Step? {
    let count = type.members.count
    if type.kind == .enumeration {
      let size = count < 256 ? 1 : 2
      return code == .enumeration && metadata & 0xff == size ? Step(operation: .enumeration, size: size) : nil
    }
    let bytes = (count + 7) / 8
    let size = bytes > 4 ? 8 : bytes
    return code == .set && metadata & 0xff == size ? Step(operation: .set, size: size) : nil
  }
}
