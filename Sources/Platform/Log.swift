import Glibc

/// Structured log lines to stderr: `2026-01-31T12:00:00.000Z info worker split committed split=shop/17#1 rows=8096`, or
/// the same as one JSON object a line. Message constant, data in the fields; secrets are replaced by `***`.
public struct Log: Sendable {
  /// Severity, in rising order.
  public enum Level: Int, Sendable, CaseIterable {
    case debug, info, warning, error

    /// The level of that name, nil for any other.
    public init?(name: String) {
      guard let level = Self.allCases.first(where: { $0.name == name }) else { return nil }
      self = level
    }

    /// The level's name in lower case.
    public var name: String { String(describing: self) }
  }

  /// How a line is written.
  public enum Format: String, Sendable { case text, json }

  private struct Settings {
    var level = Level.info
    var format = Format.text
    var sink: (@Sendable (String) -> Void)?
  }

  private static let settings = Monitor(Settings())

  /// Sets the process's level and format. `sink` replaces stderr, for tests.
  public static func configure(level: Level, format: Format, sink: (@Sendable (String) -> Void)? = nil) {
    settings.withLock { settings in
      settings.level = level
      settings.format = format
      settings.sink = sink
    }
  }

  /// The part of the product that speaks: `coordinator`, `worker`, `mysql` …
  public let component: String

  /// Makes a logger for a component.
  public init(_ component: String) { self.component = component }

  /// Details for whoever looks for a fault.
  public func debug(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.debug, message, fields)
  }
  /// Normal events of the life of a process.
  public func info(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.info, message, fields)
  }
  /// Something that needs attention, but stops nothing.
  public func warning(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.warning, message, fields)
  }
  /// Something failed.
  public func error(_ message: StaticString, _ fields: KeyValuePairs<String, String> = [:]) {
    write(.error, message, fields)
  }

  /// An event whose message was made elsewhere; still a constant text with its data in the fields.
  public func event(_ level: Level, _ message: String, _ fields: [(key: String, value: String)]) {
    write(level, message, fields)
  }

  private func write(_ level: Level, _ message: StaticString, _ fields: KeyValuePairs<String, String>) {
    write(level, message.description, fields.map { (key: $0.key, value: $0.value) })
  }

  private func write(_ level: Level, _ message: String, _ fields: [(key: String, value: String)]) {
    let settings = Self.settings.withLock { $0 }
    guard level.rawValue >= settings.level.rawValue else { return }
    let time = Self.timestamp(Clock.wallMilliseconds())
    var line: String
    // Only values are redacted, the rest is constant: a secret that happens to be a word of it must not break the line.
    // Before they are quoted: a secret with a quote in it would look otherwise afterwards.
    let fields = fields.map { ($0.key, Secrets.redact($0.value)) }
    switch settings.format {
    case .text:
      line = "\(time) \(level.name) \(component) \(message)"
      for (key, value) in fields { line += " \(key)=\(Self.quotedIfNeeded(value))" }
    case .json:
      line = "{\"time\":\"\(time)\",\"level\":\"\(level.name)\",\"component\":\(JSONText.quoted(component))"
      line += ",\"message\":\(JSONText.quoted(message))"
      for (key, value) in fields { line += ",\(JSONText.quoted(key)):\(JSONText.quoted(value))" }
      line += "}"
    }
    if let sink = settings.sink {
      sink(line)
    } else {
      StandardStream.error.writeLine(line)
    }
  }

  private static func quotedIfNeeded(_ value: String) -> String {
    let plain = value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7f }
    return plain && !value.isEmpty ? value : JSONText.quoted(value)
  }

  /// `2026-01-31T12:00:00.000Z` for milliseconds since 1970-01-01 UTC.
  public static func timestamp(_ milliseconds: Int64) -> String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let fraction = String(milliseconds % 1000 + 1000).dropFirst()
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
  }
}

/// JSON string literals for the few places that write JSON by hand.
public enum JSONText {
  /// The text as a JSON string literal, quotes included.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7f}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Whole lines to stdout or stderr: one write(2) a line, so that lines of several threads never mix.
public enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes the text and a newline. A closed stream is ignored: there is nobody left to tell.
  public func writeLine(_ text: String) {
    write(Array((text + "\n").utf8))
  }

  /// Writes all the bytes; false when the stream is closed.
  @discardableResult
  public func write(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let written = Glibc.write(rawValue, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written < 0 {
          if errno == EINTR { continue }
          return false
        }
        rest = rest.dropFirst(written)
      }
      return true
    }
  }
}
