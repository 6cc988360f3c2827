/// A place in a server's numbered log files.
struct BinlogPosition: Hashable, Sendable, CustomStringConvertible {
  /// The file's name, such as `binlog.000042`.
  var file: String
  /// The offset of an event's first byte in the file.
  var position: UInt64

  init(file: String, position: UInt64) {
    self.file = file
    self.position = position
  }

  /// Reads `binlog.000042:1234`; nil for any other text.
  init?(text: String) {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      let position = UInt64(text[text.index(after: colon)...])
    else { return nil }
    self.init(file: String(text[..<colon]), position: position)
  }

  /// `binlog.000042:1234`.
  var description: String { "\(file):\(position)" }

  /// The number behind the file name's last dot.
  private var sequence: UInt64? {
    file.lastIndex(of: ".").flatMap { UInt64(file[file.index(after: $0)...]) }
  }
}

extension BinlogPosition: Comparable {
  /// By the number in the file's name, so that `binlog.999999` comes before `binlog.1000000`; names without a number
  /// compare as text.
  static func < (left: BinlogPosition, right: BinlogPosition) -> Bool {
    if left.file == right.file { return left.position < right.position }
    if let first = left.sequence, let second = right.sequence, first != second { return first < second }
    return left.file < right.file
  }
}
