import Model

/// An option that a connector knows: the one list from which validation, messages and documentation come.
public struct OptionSpec: Sendable, Hashable {
  /// What a value must look like.
  public enum ValueType: Sendable, Hashable {
    case text
    /// Integer within the range.
    case integer(ClosedRange<Int>)
    case boolean
    /// Java's Duration as Flink reads it: `30s`, `500 ms`, `2 min`, `1h`, `1d`; a bare number is milliseconds.
    case duration
    /// Flink's MemorySize: `64mb`, `1 gb`, `512kb`; a bare number is bytes.
    case size
    /// One of the names, compared without regard to case.
    case choice([String])
  }

  /// How this product treats the option.
  public enum Support: Sendable, Hashable {
    case supported
    /// Accepted with a warning that says why it does not apply here.
    case ignored(reason: String)
    /// Known in Flink CDC; this version refuses it.
    case notYet
  }

  /// The key; one that ends in `.` is a prefix and stands for every key that begins with it.
  public var key: String
  /// What a value must look like.
  public var type: ValueType
  /// Whether the option must be given.
  public var isRequired: Bool
  /// The value where none is given, in the form of the file.
  public var defaultValue: String?
  /// Whether values are secret.
  public var isSecret: Bool
  /// How this product treats the option.
  public var support: Support
  /// One sentence for the documentation.
  public var summary: String

  /// Makes a specification.
  public init(
    _ key: String, _ type: ValueType = .text, required: Bool = false, default defaultValue: String? = nil,
    secret: Bool = false, support: Support = .supported, _ summary: String
  ) {
    self.key = key
    self.type = type
    self.isRequired = required
    self.defaultValue = defaultValue
    self.isSecret = secret
    self.support = support
    self.summary = summary
  }
}

/// A connector's options as the user gave them, checked against the connector's specifications, defaults filled in.
public struct Options: Sendable, Hashable {
  /// Values by key, as text. Secrets are resolved: never print this.
  public private(set) var values: [String: String]
  /// Values that the file gives, as opposed to defaults.
  public private(set) var given: Set<String>

  /// Takes the user's values and adds the specifications' defaults. Values must have been checked before.
  public init(_ values: [String: String], specs: [OptionSpec]) {
    self.values = values
    self.given = Set(values.keys)
    for spec in specs where self.values[spec.key] == nil {
      self.values[spec.key] = spec.defaultValue
    }
  }

  /// The text of an option, nil when it has neither value nor default.
  public subscript(_ key: String) -> String? { values[key] }

  /// The text of an option that has a value or a default.
  /// - Throws: `configuration` when it has neither.
  public func text(_ key: String) throws(ConnectorError) -> String {
    guard let value = values[key] else {
      throw ConnectorError(.configuration, "option \(key) is missing")
    }
    return value
  }

  /// An integer option.
  /// - Throws: `configuration` when it is missing or not an integer.
  public func integer(_ key: String) throws(ConnectorError) -> Int {
    let value = try text(key)
    guard let number = Int(value) else {
      throw ConnectorError(.configuration, "option \(key) is not an integer: \(value)")
    }
    return number
  }

  /// A boolean option.
  /// - Throws: `configuration` when it is missing or neither `true` nor `false`.
  public func boolean(_ key: String) throws(ConnectorError) -> Bool {
    switch try text(key).lowercased() {
    case "true": return true
    case "false": return false
    case let other: throw ConnectorError(.configuration, "option \(key) is neither true nor false: \(other)")
    }
  }

  /// A duration option, in milliseconds.
  /// - Throws: `configuration` when it is missing or no duration.
  public func milliseconds(_ key: String) throws(ConnectorError) -> Int64 {
    let value = try text(key)
    guard let duration = OptionText.milliseconds(value) else {
      throw ConnectorError(.configuration, "option \(key) is no duration (such as 30s or 5 min): \(value)")
    }
    return duration
  }

  /// A size option, in bytes.
  /// - Throws: `configuration` when it is missing or no size.
  public func bytes(_ key: String) throws(ConnectorError) -> Int {
    let value = try text(key)
    guard let size = OptionText.bytes(value) else {
      throw ConnectorError(.configuration, "option \(key) is no size (such as 64mb): \(value)")
    }
    return size
  }

  /// Options whose key begins with the prefix, without it.
  public func group(_ prefix: String) -> [String: String] {
    var result: [String: String] = [:]
    for (key, value) in values where key.hasPrefix(prefix) {
      result[String(key.dropFirst(prefix.count))] = value
    }
    return result
  }
}

/// Texts of durations and sizes, as Flink reads them.
public enum OptionText {
  /// `30s`, `500 ms`, `2 min`, `1h`, `1 d`; a bare number is milliseconds. Nil for anything else, or on overflow.
  public static func milliseconds(_ text: String) -> Int64? {
    guard let (number, unit) = split(text) else { return nil }
    let factors: [String: Int64] = [
      "": 1, "ms": 1, "milli": 1, "millis": 1, "millisecond": 1, "milliseconds": 1, "s": 1000, "sec": 1000,
      "secs": 1000, "second": 1000, "seconds": 1000, "min": 60_000, "m": 60_000, "minute": 60_000, "minutes": 60_000,
      "h": 3_600_000, "hour": 3_600_000, "hours": 3_600_000, "d": 86_400_000, "day": 86_400_000, "days": 86_400_000,
    ]
    return product(number, factors[unit])
  }

  /// `64mb`, `1 gb`, `512kb`; a bare number is bytes. Nil for anything else, or on overflow.
  public static func bytes(_ text: String) -> Int? {
    guard let (number, unit) = split(text) else { return nil }
    let factors: [String: Int64] = [
      "": 1, "b": 1, "bytes": 1, "k": 1 << 10, "kb": 1 << 10, "kibibytes": 1 << 10, "m": 1 << 20, "mb": 1 << 20,
      "mebibytes": 1 << 20, "g": 1 << 30, "gb": 1 << 30, "gibibytes": 1 << 30, "t": 1 << 40, "tb": 1 << 40,
      "tebibytes": 1 << 40,
    ]
    return product(number, factors[unit]).map(Int.init)
  }

  private static func split(_ text: String) -> (Int64, String)? {
    let trimmed = text.drop { $0 == " " }
    let digits = trimmed.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    let unit = trimmed.dropFirst(digits.count).filter { $0 != " " }.lowercased()
    return (number, unit)
  }

  private static func product(_ number: Int64, _ factor: Int64?) -> Int64? {
    guard let factor else { return nil }
    let (result, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : result
  }
}
