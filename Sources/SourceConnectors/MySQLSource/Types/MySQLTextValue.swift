import Glibc
import Model
import Platform

/// A column's name and type for messages: one for each that the process has read, kept for ever.
private final class ColumnLabel: Sendable {
  let name: String
  let typeText: String

  private static let made = Monitor<[String: [String: ColumnLabel]]>([:])

  private init(_ name: String, _ typeText: String) {
    self.name = name
    self.typeText = typeText
  }

  /// The label of that name and type.
  static func shared(name: String, typeText: String) -> ColumnLabel {
    made.withLock { made in
      if let label = made[name]?[typeText] { return label }
      let label = ColumnLabel(name, typeText)
      made[name, default: [:]][typeText] = label
      return label
    }
  }
}

/// Decodes the values of one column of the text protocol (connection in utf8mb4, session time zone UTC) into a row
/// batch. What `RowsDecoder` makes of the same value in the log is the same, bit by bit.
struct TextValueDecoder: Sendable {
  /// What is done with the text.
  private enum Operation: UInt8, Sendable {
    case copy, signed, boolean, exactBoolean, bit, unsignedText, decimal, float32, float64, date, dateTime, time
    case converted, compactJSON, geometry, vector, uncertainMember
  }

  private let operation: Operation
  private let dateRules: DateRules
  private let keepsRings: Bool
  private let scale: Int
  /// For messages only. Unmanaged, so that a decoder is plain memory and costs nothing to reach on the hot path; safe,
  /// because a label that has been made is never freed.
  private let label: Unmanaged<ColumnLabel>
  /// Unmanaged for the same reason: converters are kept for ever.
  private let converter: Unmanaged<TextConverter>?

  /// - Parameter isKey: the column belongs to the table's key.
  /// - Throws: `unsupported` when the column's type is one that is not carried.
  init(
    type: MySQLColumnType, column: Column, options: ValueOptions = ValueOptions(), isKey: Bool = false
  ) throws(BinlogError) {
    dateRules = options.dateRules(nullable: column.type.isNullable, isKey: isKey)
    keepsRings = options.isLossless
    converter = type.snapshotConverter.map { Unmanaged.passUnretained($0) }
    label = Unmanaged.passUnretained(ColumnLabel.shared(name: column.name, typeText: type.text))
    scale = type.kind == .decimal ? type.decimalDigits.scale : 0
    operation =
      switch type.kind {
      case .tinyint:
        if column.type.kind != .boolean {
          .signed
        } else {
          options.refusesNumbersInBooleans(isKey: isKey) ? .exactBoolean : .boolean
        }
      case .smallint, .mediumint, .int, .year: .signed
      case .bigint: type.isUnsigned ? .unsignedText : .signed
      case .float: column.type.kind == .float ? .float32 : .float64
      case .double: .float64
      case .decimal: .decimal
      case .bit: type.bitWidth == 1 ? .bit : .copy
      case .date: .date
      case .time: .time
      case .datetime, .timestamp: .dateTime
      case .char, .varchar, .text: type.snapshotConverter == nil ? .copy : .converted
      case .json: options.usesCompactJSON ? .compactJSON : .copy
      case .geometry: .geometry
      case .vector: .vector
      case .enumeration, .set: type.hasUncertainMembers ? .uncertainMember : .copy
      case .binary, .varbinary, .blob, .uuid, .inet4, .inet6: .copy
      case .unsupported: throw .unsupported("column \(column.name) has the type \(type.text), which is not carried")
      }
  }

  /// Sets a column of the row being written to a value that is not NULL.
  /// - Throws: `unsupported` for dates and booleans that the options do not admit; `corrupt` for text that the column's
  ///   type cannot have.
  func decode(_ text: UnsafeRawBufferPointer, column: Int, into batch: inout RowBatch) throws(BinlogError) {
    switch operation {
    case .copy: batch.set(column, bytes: text)
    case .signed:
      guard let value = Self.integer(text) else { throw malformed(text) }
      batch.set(column, integer: value)
    case .boolean:
      guard let value = Self.integer(text) else { throw malformed(text) }
      batch.set(column, integer: value == 0 ? 0 : 1)
    case .exactBoolean:
      guard let value = Self.integer(text) else { throw malformed(text) }
      guard value == 0 || value == 1 else { throw Self.notBoolean(label.takeUnretainedValue().name, value) }
      batch.set(column, integer: value)
    case .bit:
      guard text.count == 1, text[0] <= 1 else { throw malformed(text) }
      batch.set(column, integer: Int64(text[0]))
    case .unsignedText, .decimal:
      guard DecimalText.set(column, text: text, scale: scale, in: &batch) else { throw malformed(text) }
    case .float32:
      guard let value = Self.double(text) else { throw malformed(text) }
      batch.set(column, float: Float(value))
    case .float64:
      guard let value = Self.double(text) else { throw malformed(text) }
      batch.set(column, double: value)
    case .date:
      guard let days = Temporal.date(text) else { return try replaceDate(text, column, &batch, isDate: true) }
      batch.set(column, integer: Int64(days))
    case .dateTime:
      guard let value = Temporal.dateTime(text) else { return try replaceDate(text, column, &batch, isDate: false) }
      batch.set(column, integer: value)
    case .time:
      guard let value = Temporal.time(text) else { throw malformed(text) }
      batch.set(column, integer: value)
    case .converted, .compactJSON, .geometry, .vector, .uncertainMember: try decodeRare(text, column, &batch)
    }
  }

  @inline(never) private func decodeRare(
    _ text: UnsafeRawBufferPointer, _ column: Int, _ batch: inout RowBatch
  ) throws(BinlogError) {
    switch operation {
    case .compactJSON: JSONSpacing.set(column, compacting: text, in: &batch)
    case .uncertainMember:
      // Characters of four bytes: the row has them, the list of members does not.
      guard !text.contains(where: { $0 >= 0xf0 }) else { throw unknownMember(text) }
      batch.set(column, bytes: text)
    case .converted:
      guard let converter = converter?.takeUnretainedValue() else { throw malformed(text) }
      if let offset = converter.set(column, bytes: text, in: &batch) {
        throw converter.invalid(label.takeUnretainedValue().name, text, at: offset)
      }
    default:
      do throws(BinlogError) {
        if operation == .vector { return try VectorText.set(column, value: text, in: &batch) }
        try SpatialText.set(column, value: text, keepsRings: keepsRings, in: &batch)
      } catch {
        throw error.inColumn(label.takeUnretainedValue().name)
      }
    }
  }

  /// Sets the column to what a date becomes that the calendar does not have.
  @inline(never) private func replaceDate(
    _ text: UnsafeRawBufferPointer, _ column: Int, _ batch: inout RowBatch, isDate: Bool
  ) throws(BinlogError) {
    guard let (date, time) = Temporal.replacement(text, dateRules), isDate == (text.count == 10) else {
      throw malformed(text)
    }
    switch date {
    case .null: break
    case .epoch: batch.set(column, integer: 0)
    case .days(let days):
      batch.set(column, integer: isDate ? Int64(days) : Int64(days) &* CivilTime.microsecondsPerDay &+ time)
    case .none: throw invalidDate(text)
    }
  }

  /// The error for a TINYINT(1) that a BOOLEAN would lose.
  static func notBoolean(_ column: String, _ value: Int64) -> BinlogError {
    .unsupported(
      "column \(column) is TINYINT(1) and is carried as BOOLEAN, but holds \(value)",
      remedy: "set treat-tinyint1-as-boolean.enabled: false in the source")
  }

  @inline(never) private func unknownMember(_ text: UnsafeRawBufferPointer) -> BinlogError {
    .unsupported(
      "column \(label.takeUnretainedValue().name) holds the member '\(Self.excerpt(text))', which the server's catalog "
        + "shows as \(label.takeUnretainedValue().typeText): the log's numbers cannot be told as text",
      remedy: "rename the member to one without characters beyond U+FFFF, or leave the table out with tables.exclude")
  }

  @inline(never) private func malformed(_ text: UnsafeRawBufferPointer) -> BinlogError {
    .corrupt(
      "column \(label.takeUnretainedValue().name) of type \(label.takeUnretainedValue().typeText) came with the text '\(Self.excerpt(text))'"
    )
  }

  @inline(never) private func invalidDate(_ text: UnsafeRawBufferPointer) -> BinlogError {
    Temporal.invalid(label.takeUnretainedValue().name, Self.excerpt(text))
  }

  private static func excerpt(_ text: UnsafeRawBufferPointer) -> String {
    String(decoding: text.prefix(40), as: UTF8.self)
  }

  /// `-?` and digits that fit an Int64.
  @inline(__always) static func integer(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard let first = text.first else { return nil }
    let isNegative = first == 0x2d
    let start = isNegative ? 1 : 0
    guard text.count > start else { return nil }
    var value: UInt64 = 0
    if text.count &- start <= 18 {
      for index in start..<text.count {
        let digit = text[index] &- 0x30
        guard digit <= 9 else { return nil }
        value = value &* 10 &+ UInt64(digit)
      }
      return isNegative ? 0 &- Int64(value) : Int64(value)
    }
    for index in start..<text.count {
      let digit = text[index] &- 0x30
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      guard digit <= 9, !overflow, !carry else { return nil }
      value = sum
    }
    if isNegative { return value <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- value) : nil }
    return Int64(exactly: value)
  }

  /// Powers of ten that a Double holds exactly.
  private static let powers: InlineArray<23, Double> = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  /// The double nearest to a decimal text. Up to 2^53 with an exponent of at most 22, one exact division or
  /// multiplication gives it (Clinger 1990); all others go through `strtod`, in the C locale that the process runs in.
  static func double(_ text: UnsafeRawBufferPointer) -> Double? {
    var index = 0
    let isNegative = text.first == 0x2d
    if isNegative { index = 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var point: Int?
    while index < text.count {
      let byte = text[index]
      if byte == 0x2e, point == nil {
        point = digits
      } else if byte &- 0x30 <= 9, digits < 18 {
        mantissa = mantissa &* 10 &+ UInt64(byte &- 0x30)
        digits &+= 1
      } else {
        return slowDouble(text)
      }
      index &+= 1
    }
    let decimals = point.map { digits - $0 } ?? 0
    guard digits > 0, mantissa <= 1 << 53 else { return slowDouble(text) }
    let value = Double(mantissa) / powers[decimals]
    return isNegative ? -value : value
  }

  private static func slowDouble(_ text: UnsafeRawBufferPointer) -> Double? {
    // Nothing but digits, sign, point and exponent: `strtod` would take names and hexadecimal as well. The server
    // prints doubles with a scale in up to 340 characters.
    guard !text.isEmpty, text.count < 400,
      text.allSatisfy({ $0 &- 0x30 <= 9 || $0 == 0x2d || $0 == 0x2b || $0 == 0x2e || $0 == 0x65 || $0 == 0x45 })
    else { return nil }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { buffer -> Double? in
      for index in 0..<text.count { buffer[index] = CChar(bitPattern: text[index]) }
      buffer[text.count] = 0
      guard let start = buffer.baseAddress else { return nil }
      var end: UnsafeMutablePointer<CChar>?
      let value = strtod(start, &end)
      return end == start + text.count && value.isFinite ? value : nil
    }
  }
}
