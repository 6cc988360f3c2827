import CSQLite
import Connector
import Model

/// How one column's value is bound to a parameter.
struct ColumnBinding {
  enum Way: UInt8 {
    case integer, text, blob, float, double, date, time, timestamp, timestampLTZ
    /// The sink's column has another type than the source's: the slow way, value by value.
    case converted
  }

  let way: Way
  /// Position in the row; -1: nothing fills the column.
  let source: Int
  /// Digits after the second, for times.
  private let digits: Int
  private let sinkForm: StorageForm
  private let sourceForm: StorageForm
  private let plainWay: Way

  init(sink: DataType, source index: Int?, in schema: RowSchema) {
    source = index ?? -1
    sinkForm = StorageForm(sink)
    sourceForm = index.map { StorageForm(schema.columns[$0].type) } ?? sinkForm
    plainWay = Self.way(sourceForm)
    way = Self.reads(sourceForm, as: sinkForm) ? plainWay : .converted
    switch way == .converted ? sourceForm : sinkForm {
    case .time(let digits), .timestamp(let digits), .timestampLTZ(let digits): self.digits = digits
    default: self.digits = 0
    }
  }

  /// Whether a value of the one form, written as such, is a value of the other.
  private static func reads(_ source: StorageForm, as sink: StorageForm) -> Bool {
    switch (source, sink) {
    case (.time(let from), .time(let to)), (.timestamp(let from), .timestamp(let to)),
      (.timestampLTZ(let from), .timestampLTZ(let to)):
      from <= to
    case (.float, .double), (.fixedBinary, .blob), (.bits, .blob): true
    default: source == sink
    }
  }

  private static func way(_ form: StorageForm) -> Way {
    switch form {
    case .integer: .integer
    case .float: .float
    case .double: .double
    case .decimal, .text: .text
    case .blob, .fixedBinary, .bits: .blob
    case .date: .date
    case .time: .time
    case .timestamp: .timestamp
    case .timestampLTZ: .timestampLTZ
    }
  }

  /// Binds a value that does not stand in the row as SQLite wants it. Texts are written to `slot`, which must stay as it is
  /// until the statement has been stepped.
  func bindFormatted(
    _ row: RowView, _ statement: OpaquePointer, _ parameter: Int32, _ slot: UnsafeMutablePointer<UInt8>
  ) throws(ConnectorError) -> Int32 {
    switch way {
    case .integer, .text, .blob, .converted: return try bindConverted(row, statement, parameter, slot)
    case .float: return Self.bind(Double(row.float(source)), statement, parameter)
    case .double: return Self.bind(row.double(source), statement, parameter)
    case .date, .time, .timestamp, .timestampLTZ:
      let count = format(row.integer(source), way, to: slot)
      return slot.withMemoryRebound(to: CChar.self, capacity: count) {
        sqlite3_bind_text(statement, parameter, $0, Int32(count), nil)
      }
    }
  }

  /// SQLite makes NULL of NaN; so NaN is kept as the text `NaN`, which REAL affinity leaves alone.
  private static func bind(_ value: Double, _ statement: OpaquePointer, _ parameter: Int32) -> Int32 {
    if !value.isNaN { return sqlite3_bind_double(statement, parameter, value) }
    return [UInt8]("NaN".utf8).withUnsafeBytes { SQLiteCopy.bindText(statement, parameter, $0) }
  }

  private func format(_ value: Int64, _ way: Way, to slot: UnsafeMutablePointer<UInt8>) -> Int {
    switch way {
    case .date: return ValueText.write(date: value, to: slot)
    case .time: return ValueText.write(time: value, fraction: .digits(digits), to: slot)
    default:
      let count = ValueText.write(timestamp: value, fraction: .digits(digits), to: slot)
      if way != .timestampLTZ { return count }
      slot[count] = 0x5a
      return count + 1
    }
  }

  private func bindConverted(
    _ row: RowView, _ statement: OpaquePointer, _ parameter: Int32, _ slot: UnsafeMutablePointer<UInt8>
  ) throws(ConnectorError) -> Int32 {
    let value = stored(row, slot)
    guard let converted = value.converted(from: sourceForm, to: sinkForm) else {
      throw ConnectorError(
        .rejected, "a value of the source's \(sourceForm) has no exact counterpart in the replica's \(sinkForm)",
        remedy: "give the sink's column the source's type")
    }
    switch converted {
    case .null: return sqlite3_bind_null(statement, parameter)
    case .integer(let value): return sqlite3_bind_int64(statement, parameter, value)
    case .real(let value): return Self.bind(value, statement, parameter)
    case .text(let text):
      return Array(text.utf8).withUnsafeBytes { SQLiteCopy.bindText(statement, parameter, $0) }
    case .blob(let bytes): return bytes.withUnsafeBytes { SQLiteCopy.bindBlob(statement, parameter, $0) }
    }
  }

  private func stored(_ row: RowView, _ slot: UnsafeMutablePointer<UInt8>) -> StoredValue {
    switch plainWay {
    case .integer: return .integer(row.integer(source))
    case .text: return .text(row.text(source))
    case .blob: return .blob([UInt8](row.bytes(source)))
    case .float: return .real(Double(row.float(source)))
    case .double: return .real(row.double(source))
    case .date, .time, .timestamp, .timestampLTZ, .converted:
      let count = format(row.integer(source), plainWay, to: slot)
      return .text(String(decoding: UnsafeBufferPointer(start: slot, count: count), as: UTF8.self))
    }
  }
}
