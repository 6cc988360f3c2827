import Model

/// Dates and times (MySQL: sql-common/my_time.cc, `my_datetime_packed_from_binary` and its neighbours).
extension RowsDecoder {
  @inline(__always) mutating func temporal(
    _ step: RowDecodingPlan.Step, _ column: Int
  ) throws(BinlogError) -> Int64? {
    switch step.operation {
    case .date: try date(step, column)
    case .dateTime: try dateTime(step, column)
    case .timestamp: try timestamp(step, column)
    case .time: try time(step, column)
    case .oldDateTime: try oldDateTime(step, column)
    case .oldTimestamp: try instant(UInt64(try reader.u32()), fraction: 0, step, column)
    default: try oldTime(column)
    }
  }

  /// What becomes of a date that the calendar does not have; nil: NULL. `time` counts when the date is kept.
  @inline(never) private func replaced(
    _ date: (Int, Int, Int), time: Int64, unit: Int64, _ step: RowDecodingPlan.Step, _ column: Int
  ) throws(BinlogError) -> Int64? {
    switch Temporal.replacement(year: date.0, month: date.1, day: date.2, step.dateRules) {
    case .null: return nil
    case .epoch: return 0
    case .days(let days): return Int64(days) * unit + time
    case .none: throw Temporal.invalid(name(column), Self.text(date.0, date.1, date.2))
    }
  }

  /// 5 bits of day, 4 of month, 15 of year.
  private mutating func date(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int64? {
    let value = Int(truncatingIfNeeded: try reader.littleEndian(3))
    let (year, month, day) = (value >> 9, value >> 5 & 15, value & 31)
    guard let days = Temporal.days(year: year, month: month, day: day) else {
      return try replaced((year, month, day), time: 0, unit: 1, step, column)
    }
    return Int64(days)
  }

  /// Big-endian: 1 bit of sign (always set), 17 of year * 13 + month, 5 of day, 5 of hour, 6 of minute, 6 of second.
  private mutating func dateTime(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int64? {
    let packed = try reader.bigEndian(5)
    let fraction = try fraction(step, column)
    guard packed & 1 << 39 != 0 else { throw .corrupt("column \(name(column)) holds a negative time of \(packed)") }
    let month = Int(truncatingIfNeeded: packed >> 22 & 0x1_ffff)
    return try instant(
      (month / 13, month % 13, Int(truncatingIfNeeded: packed >> 17 & 31)),
      (
        Int(truncatingIfNeeded: packed >> 12 & 31), Int(truncatingIfNeeded: packed >> 6 & 63),
        Int(truncatingIfNeeded: packed & 63)
      ), fraction, step, column)
  }

  private mutating func timestamp(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int64? {
    let seconds = try reader.bigEndian(4)
    return try instant(seconds, fraction: try fraction(step, column), step, column)
  }

  /// Second 0 stands for the zero date. (MariaDB has times within that second; they have a fraction.)
  private func instant(
    _ seconds: UInt64, fraction: Int, _ step: RowDecodingPlan.Step, _ column: Int
  ) throws(BinlogError) -> Int64? {
    if seconds == 0, fraction == 0 { return try replaced((0, 0, 0), time: 0, unit: 1, step, column) }
    return Int64(seconds) &* 1_000_000 &+ Int64(fraction)
  }

  private func instant(
    _ date: (Int, Int, Int), _ time: (Int, Int, Int), _ fraction: Int, _ step: RowDecodingPlan.Step, _ column: Int
  ) throws(BinlogError) -> Int64? {
    guard
      let microseconds = Temporal.microseconds(
        hour: time.0, minute: time.1, second: time.2, fraction: fraction)
    else { throw .corrupt("column \(name(column)) holds the time \(time.0):\(time.1):\(time.2)") }
    guard let days = Temporal.days(year: date.0, month: date.1, day: date.2) else {
      return try replaced(date, time: microseconds, unit: CivilTime.microsecondsPerDay, step, column)
    }
    return Int64(days) &* CivilTime.microsecondsPerDay &+ microseconds
  }

  private mutating func fraction(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int {
    if step.size == 0 { return 0 }
    let value = Int(truncatingIfNeeded: try reader.bigEndian(step.size)) &* step.limit
    guard value < 1_000_000 else { throw .corrupt("column \(name(column)) holds a fraction of \(value) microseconds") }
    return value
  }

  /// Big-endian, offset by the sign bit: 1 bit, 11 of hour (one unused), 6 of minute, 6 of second, then the fraction, all as one number.
  private mutating func time(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int64 {
    let width = step.size &* 8
    let packed = Int64(bitPattern: try reader.bigEndian(3 &+ step.size)) &- 0x80_0000 &<< Int64(width)
    let magnitude = Int(packed.magnitude)
    let value = magnitude >> width
    let (hour, minute, second) = (value >> 12 & 0x3ff, value >> 6 & 63, value & 63)
    let fraction = (magnitude & (1 &<< width &- 1)) &* step.limit
    guard minute <= 59, second <= 59, fraction < 1_000_000 else {
      throw .corrupt("column \(name(column)) holds the time \(hour):\(minute):\(second)")
    }
    let microseconds = Int64((hour &* 60 &+ minute) &* 60 &+ second) &* 1_000_000 &+ Int64(fraction)
    return packed < 0 ? 0 &- microseconds : microseconds
  }

  /// Before MySQL 5.6: the decimal number hhmmss, signed.
  private mutating func oldTime(_ column: Int) throws(BinlogError) -> Int64 {
    let raw = Int(truncatingIfNeeded: try reader.littleEndian(3))
    let value = raw >= 1 << 23 ? raw - 1 << 24 : raw
    let magnitude = abs(value)
    let (hour, minute, second) = (magnitude / 10_000, magnitude / 100 % 100, magnitude % 100)
    guard minute <= 59, second <= 59 else { throw .corrupt("column \(name(column)) holds the time \(value)") }
    let microseconds = Int64((hour * 60 + minute) * 60 + second) * 1_000_000
    return value < 0 ? -microseconds : microseconds
  }

  /// Before MySQL 5.6: the decimal number YYYYMMDDhhmmss.
  private mutating func oldDateTime(_ step: RowDecodingPlan.Step, _ column: Int) throws(BinlogError) -> Int64? {
    let value = try reader.u64()
    guard value <= 99_991_231_235_959 else { throw .corrupt("column \(name(column)) holds the time \(value)") }
    let date = Int(value / 1_000_000)
    let time = Int(value % 1_000_000)
    return try instant(
      (date / 10_000, date / 100 % 100, date % 100), (time / 10_000, time / 100 % 100, time % 100), 0, step,
      column)
  }

  private static func text(_ year: Int, _ month: Int, _ day: Int) -> String {
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}
