import TestKit

/// A type that the workload's columns can have, how values of it are written in SQL, and into what it may be changed.
enum WorkloadType: CaseIterable, Sendable {
  case tinyint, int, bigint, unsigned, double, decimal, wideDecimal, date, datetime, fineDatetime, time, timestamp
  case char, varchar, wideVarchar, text, latin, binary, varbinary, blob, enumeration, longEnumeration, set, bit, json
  case boolean

  /// The type as a column definition begins.
  var definition: String {
    switch self {
    case .tinyint: "TINYINT"
    case .int: "INT"
    case .bigint: "BIGINT"
    case .unsigned: "BIGINT UNSIGNED"
    case .double: "DOUBLE"
    case .decimal: "DECIMAL(12,3)"
    case .wideDecimal: "DECIMAL(30,6)"
    case .date: "DATE"
    case .datetime: "DATETIME"
    case .fineDatetime: "DATETIME(6)"
    case .time: "TIME(3)"
    case .timestamp: "TIMESTAMP(2) NULL"
    case .char: "CHAR(12)"
    case .varchar: "VARCHAR(40)"
    case .wideVarchar: "VARCHAR(400)"
    case .text: "TEXT"
    case .latin: "VARCHAR(30) CHARACTER SET latin1"
    case .binary: "BINARY(6)"
    case .varbinary: "VARBINARY(60)"
    case .blob: "BLOB"
    case .enumeration: "ENUM('a','b','c''d')"
    case .longEnumeration: "ENUM('a','b','c''d','e,f','ü')"
    case .set: "SET('x','y','z')"
    case .bit: "BIT(12)"
    case .json: "JSON"
    case .boolean: "TINYINT(1)"
    }
  }

  /// What a column of the type can be modified into, with every value kept.
  var widened: [WorkloadType] {
    switch self {
    case .tinyint: [.int, .bigint]
    case .int: [.bigint, .varchar]
    case .bigint: [.varchar]
    case .decimal: [.wideDecimal]
    case .date: [.datetime, .fineDatetime]
    case .datetime: [.fineDatetime]
    case .char: [.varchar, .text]
    case .varchar: [.wideVarchar, .text]
    case .wideVarchar: [.text]
    case .latin: [.varchar, .text]
    case .varbinary: [.blob]
    case .enumeration: [.longEnumeration, .varchar]
    default: []
    }
  }

  /// Whether a literal default is allowed on every server.
  var mayHaveDefault: Bool {
    switch self {
    case .text, .blob, .json: false
    default: true
    }
  }

  /// Types for which a server finds no value of its own that it would accept again.
  var mustBeNullable: Bool {
    switch self {
    case .date, .datetime, .fineDatetime, .timestamp, .json: true
    default: false
    }
  }

  /// A random value as SQL, never NULL.
  func value(using random: inout SeededRandom) -> String {
    let number = random.below(1 << 30)
    switch self {
    case .tinyint: return "\(number % 256 - 128)"
    case .int: return "\(number * 4 - (1 << 31))"
    case .bigint: return "\(Int64(bitPattern: random.next()))"
    case .unsigned: return "\(random.next())"
    case .double: return "\(Double(number) / 7)"
    case .decimal: return "\(number % 1_000_000).\(number % 1000)"
    case .wideDecimal: return "-\(random.next()).\(number % 1_000_000)"
    case .date: return "DATE '2000-01-01' + INTERVAL \(number % 10_000) DAY"
    case .datetime, .timestamp: return "TIMESTAMP '2001-01-01 00:00:00' + INTERVAL \(number) SECOND"
    case .fineDatetime: return "TIMESTAMP '2001-01-01 00:00:00' + INTERVAL \(random.next() >> 14) MICROSECOND"
    case .time: return "SEC_TO_TIME(\(number % 3_000_000 - 1_500_000) + 0.\(number % 1000))"
    case .char, .varchar, .wideVarchar: return "'ü\(number % 100_000)'"
    case .text: return "REPEAT('text \(number) ', \(1 + number % 60))"
    case .latin: return "'ß\(number % 1000)'"
    case .binary, .varbinary: return "UNHEX('\(Self.hexadecimal(number))')"
    case .blob: return "REPEAT(UNHEX('\(Self.hexadecimal(number))'), \(1 + number % 60))"
    case .enumeration: return "\(1 + number % 3)"
    case .longEnumeration: return "\(1 + number % 5)"
    case .set: return "\(number % 8)"
    case .bit: return "\(number % 4096)"
    case .json: return "'{\"n\": \(number), \"list\": [1.5, null, \"\(number % 7)\"]}'"
    case .boolean: return "\(number % 2)"
    }
  }

  private static func hexadecimal(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return digits.count % 2 == 0 ? digits : "0" + digits
  }
}

/// A column that the workload has added, and may change, rename and drop again.
struct WorkloadColumn: Sendable {
  var name: String
  var type: WorkloadType
  var isNullable: Bool
  var defaultValue: String?

  init(name: String, using random: inout SeededRandom) {
    self.name = name
    type = WorkloadType.allCases[random.below(WorkloadType.allCases.count)]
    isNullable = type.mustBeNullable || random.below(3) > 0
    defaultValue = type.mayHaveDefault && random.below(2) == 0 ? Self.literal(type, random.below(100)) : nil
  }

  private static func literal(_ type: WorkloadType, _ number: Int) -> String? {
    switch type {
    case .tinyint, .int, .bigint, .unsigned, .double, .decimal, .wideDecimal: "\(number)"
    case .boolean: "\(number % 2)"
    case .date, .datetime, .fineDatetime: "'2020-02-\(10 + number % 19)'"
    case .char, .varchar, .wideVarchar, .latin: "'d''\(number)'"
    case .enumeration, .longEnumeration: "'b'"
    case .set: "'x,z'"
    default: nil
    }
  }

  /// The definition, without the name.
  var definition: String {
    type.definition + (isNullable ? "" : " NOT NULL") + (defaultValue.map { " DEFAULT \($0)" } ?? "")
  }

  /// Whether an INSERT must name it.
  var isDemanded: Bool { !isNullable && defaultValue == nil }

  func value(using random: inout SeededRandom) -> String {
    let value = type.value(using: &random)
    return isNullable && random.below(5) == 0 ? "NULL" : value
  }
}
