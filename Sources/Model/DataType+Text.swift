/// The type's SQL-like text, `DECIMAL(10,2) NOT NULL`, and back. Journal, wire and CLI use this text.
extension DataType: CustomStringConvertible {
  /// Kind and nullability; the annotation has a text of its own (`Annotation.description`).
  public var description: String { isNullable ? kind.description : "\(kind) NOT NULL" }

  /// Reads what `description` writes; nil for any other text.
  public init?(text: String, annotation: Annotation? = nil) {
    var scanner = TypeScanner(text)
    guard let type = scanner.type(), scanner.atEnd else { return nil }
    self = type
    self.annotation = annotation
  }
}

extension DataType.Kind: CustomStringConvertible {
  /// The type's name and parameters, as Flink CDC writes them.
  public var description: String {
    switch self {
    case .boolean: "BOOLEAN"
    case .tinyint: "TINYINT"
    case .smallint: "SMALLINT"
    case .int: "INT"
    case .bigint: "BIGINT"
    case .float: "FLOAT"
    case .double: "DOUBLE"
    case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
    case .date: "DATE"
    case .time(let precision): "TIME(\(precision))"
    case .timestamp(let precision): "TIMESTAMP(\(precision))"
    case .timestampLTZ(let precision): "TIMESTAMP_LTZ(\(precision))"
    case .char(let length): "CHAR(\(length))"
    case .varchar(let length): "VARCHAR(\(length))"
    case .string: "STRING"
    case .binary(let length): "BINARY(\(length))"
    case .varbinary(let length): "VARBINARY(\(length))"
    case .bytes: "BYTES"
    case .array(let element): "ARRAY<\(element)>"
    case .map(let key, let value): "MAP<\(key),\(value)>"
    }
  }
}

extension DataType.Annotation: CustomStringConvertible {
  /// `json`, `unsigned`, `bit:4`, `enum:'a','b'` …: members in single quotes, a quote inside doubled.
  public var description: String {
    switch self {
    case .json: "json"
    case .uuid: "uuid"
    case .geometry: "geometry"
    case .unsigned: "unsigned"
    case .year: "year"
    case .bit(let width): "bit:\(width)"
    case .enumeration(let members): "enum:" + Self.quoted(members)
    case .set(let members): "set:" + Self.quoted(members)
    }
  }

  /// Reads what `description` writes; nil for any other text.
  public init?(text: String) {
    switch text {
    case "json": self = .json
    case "uuid": self = .uuid
    case "geometry": self = .geometry
    case "unsigned": self = .unsigned
    case "year": self = .year
    default:
      let scalars = text.unicodeScalars
      if scalars.starts(with: "bit:".unicodeScalars), let width = Int(text.dropFirst(4)) {
        self = .bit(width)
      } else if scalars.starts(with: "enum:".unicodeScalars), let members = Self.unquoted(scalars.dropFirst(5)) {
        self = .enumeration(members)
      } else if scalars.starts(with: "set:".unicodeScalars), let members = Self.unquoted(scalars.dropFirst(4)) {
        self = .set(members)
      } else {
        return nil
      }
    }
  }

  private static func quoted(_ members: [String]) -> String {
    // By scalars, as it is read: an accent after a quote makes another character of it, but it is a quote still.
    var text = String.UnicodeScalarView()
    for (index, member) in members.enumerated() {
      if index > 0 { text.append(",") }
      text.append("'")
      for scalar in member.unicodeScalars {
        if scalar == "'" { text.append("'") }
        text.append(scalar)
      }
      text.append("'")
    }
    return String(text)
  }

  private static func unquoted(_ text: Substring.UnicodeScalarView) -> [String]? {
    var members: [String] = []
    var rest = text
    while !rest.isEmpty {
      guard rest.popFirst() == "'" else { return nil }
      var member = String.UnicodeScalarView()
      while true {
        guard let scalar = rest.popFirst() else { return nil }
        if scalar != "'" {
          member.append(scalar)
        } else if rest.first == "'" {
          rest.removeFirst()
          member.append("'")
        } else {
          break
        }
      }
      members.append(String(member))
      if let separator = rest.popFirst() {
        guard separator == ",", !rest.isEmpty else { return nil }
      }
    }
    return members
  }
}

/// Reads type texts; recursive for ARRAY and MAP, as deep as any real type goes.
private struct TypeScanner {
  private static let deepest = 64

  private var rest: Substring
  private var depth = 0

  init(_ text: String) { rest = text[...] }

  var atEnd: Bool { rest.isEmpty }

  mutating func type() -> DataType? {
    let name = word()
    guard let kind = kind(named: name) else { return nil }
    if rest.hasPrefix(" NOT NULL") {
      rest = rest.dropFirst(9)
      return DataType(kind, nullable: false)
    }
    return DataType(kind)
  }

  private mutating func kind(named name: String) -> DataType.Kind? {
    switch name {
    case "BOOLEAN": .boolean
    case "TINYINT": .tinyint
    case "SMALLINT": .smallint
    case "INT": .int
    case "BIGINT": .bigint
    case "FLOAT": .float
    case "DOUBLE": .double
    case "DATE": .date
    case "STRING": .string
    case "BYTES": .bytes
    case "DECIMAL": parameters(2).map { .decimal(precision: $0[0], scale: $0[1]) }
    case "TIME": parameters(1).map { .time(precision: $0[0]) }
    case "TIMESTAMP": parameters(1).map { .timestamp(precision: $0[0]) }
    case "TIMESTAMP_LTZ": parameters(1).map { .timestampLTZ(precision: $0[0]) }
    case "CHAR": parameters(1).map { .char(length: $0[0]) }
    case "VARCHAR": parameters(1).map { .varchar(length: $0[0]) }
    case "BINARY": parameters(1).map { .binary(length: $0[0]) }
    case "VARBINARY": parameters(1).map { .varbinary(length: $0[0]) }
    case "ARRAY": elements(1).map { .array($0[0]) }
    case "MAP": elements(2).map { .map($0[0], $0[1]) }
    default: nil
    }
  }

  private mutating func word() -> String {
    let name = rest.prefix { $0.isLetter || $0 == "_" }
    rest = rest.dropFirst(name.count)
    return String(name)
  }

  private mutating func take(_ character: Character) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func parameters(_ count: Int) -> [Int]? {
    guard take("(") else { return nil }
    var values: [Int] = []
    while values.count < count {
      if !values.isEmpty, !take(",") { return nil }
      let digits = rest.prefix { $0.isNumber }
      guard let value = Int(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      values.append(value)
    }
    return take(")") ? values : nil
  }

  private mutating func elements(_ count: Int) -> [DataType]? {
    guard depth < Self.deepest, take("<") else { return nil }
    depth += 1
    defer { depth -= 1 }
    var types: [DataType] = []
    while types.count < count {
      if !types.isEmpty, !take(",") { return nil }
      guard let element = type() else { return nil }
      types.append(element)
    }
    return take(">") ? types : nil
  }
}

extension DataType: Codable {
  private enum CodingKeys: String, CodingKey { case type, annotation }

  /// Writes the type's text, and the annotation's if there is one.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(description, forKey: .type)
    try container.encodeIfPresent(annotation?.description, forKey: .annotation)
  }

  /// Reads what `encode` writes.
  /// - Throws: `DecodingError` for any other text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let text = try container.decode(String.self, forKey: .type)
    let note = try container.decodeIfPresent(String.self, forKey: .annotation)
    guard let type = DataType(text: text) else {
      throw DecodingError.dataCorruptedError(forKey: .type, in: container, debugDescription: "unknown type \(text)")
    }
    self = type
    guard let note else { return }
    guard let annotation = Annotation(text: note) else {
      throw DecodingError.dataCorruptedError(
        forKey: .annotation, in: container, debugDescription: "unknown annotation \(note)")
    }
    self.annotation = annotation
  }
}
