/// A column's type: one of Flink CDC's types, its nullability, and what else the source knows about it.
public struct DataType: Hashable, Sendable {
  /// Flink CDC's logical types. Lengths count characters (CHAR, VARCHAR) or bytes (BINARY, VARBINARY);
  /// precisions of temporal types are digits of a second, 0 to 9.
  public indirect enum Kind: Hashable, Sendable {
    case boolean
    case tinyint, smallint, int, bigint
    case float, double
    case decimal(precision: Int, scale: Int)
    case date
    case time(precision: Int)
    case timestamp(precision: Int)
    case timestampLTZ(precision: Int)
    case char(length: Int)
    case varchar(length: Int)
    case string
    case binary(length: Int)
    case varbinary(length: Int)
    case bytes
    case array(DataType)
    case map(DataType, DataType)
  }

  /// What the source's own type was, where Flink CDC's type says less. Sinks that have the native type use it,
  /// the others ignore it.
  public enum Annotation: Hashable, Sendable {
    case json
    case enumeration([String])
    case set([String])
    case uuid
    case geometry
    case unsigned
    case bit(Int)
    case year
  }

  /// The logical type.
  public var kind: Kind
  /// Whether a value may be NULL.
  public var isNullable: Bool
  /// The source's own type, where it says more than `kind`.
  public var annotation: Annotation?

  /// Makes a type; nullable unless told otherwise.
  public init(_ kind: Kind, nullable: Bool = true, annotation: Annotation? = nil) {
    self.kind = kind
    self.isNullable = nullable
    self.annotation = annotation
  }

  /// The same type with another nullability.
  public func nullable(_ isNullable: Bool) -> DataType {
    DataType(kind, nullable: isNullable, annotation: annotation)
  }
}

/// How a value of a type is stored in a row batch (see `RowBatch`).
public enum Physical: UInt8, Sendable {
  /// A two's-complement Int64 in the word: BOOLEAN (0, 1), integers, DATE (days since 1970-01-01), TIME and
  /// TIMESTAMP (microseconds; TIMESTAMP since 1970-01-01T00:00:00 without zone, TIMESTAMP_LTZ since that instant UTC).
  case integer
  /// A Float's bit pattern in the word's low 32 bits.
  case float32
  /// A Double's bit pattern in the word.
  case float64
  /// Variable bytes. Character types: UTF-8. DECIMAL: ASCII `-?digits[.digits]` with exactly the type's scale.
  /// ARRAY and MAP: JSON text. Binary types: the bytes.
  case bytes
}

extension DataType {
  /// How values of this type are stored in a row batch.
  public var physical: Physical {
    switch kind {
    case .boolean, .tinyint, .smallint, .int, .bigint, .date, .time, .timestamp, .timestampLTZ: .integer
    case .float: .float32
    case .double: .float64
    case .decimal, .char, .varchar, .string, .binary, .varbinary, .bytes, .array, .map: .bytes
    }
  }

  /// Whether the bytes of this type are text (UTF-8) rather than binary.
  public var isCharacter: Bool {
    switch kind {
    case .char, .varchar, .string: true
    default: false
    }
  }
}
