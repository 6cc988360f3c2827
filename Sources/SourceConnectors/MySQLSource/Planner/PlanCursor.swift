import Connector
import Model

/// Where planning of a table goes on: the opaque text of `ChunkPlan.cursor`.
enum PlanCursor: Hashable {
  /// Integer keys, split by arithmetic: the next chunk's lower bound (nil: none yet), the width of a chunk, the highest
  /// key. All as ordinals (see `KeyOrdinal`).
  case even(next: UInt64?, minimum: UInt64, step: UInt64, maximum: UInt64)
  /// Boundaries are looked up one by one: the next chunk's lower bound (nil: none yet) and the rows of a chunk.
  case keyset(lower: [KeyPart]?, rows: Int)

  /// Reads what `text` writes.
  /// - Throws: `bug` for any other text.
  init(_ text: String) throws(ConnectorError) {
    let fields = text.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
    func number(_ index: Int) -> UInt64? { index < fields.count ? UInt64(fields[index]) : nil }
    switch fields.first {
    case "even":
      guard fields.count == 5, let minimum = number(2), let step = number(3), let maximum = number(4), step > 0 else {
        break
      }
      self = .even(next: number(1), minimum: minimum, step: step, maximum: maximum)
      return
    case "keys":
      guard fields.count >= 2, let rows = Int(fields[1]), rows > 0 else { break }
      let parts = fields.dropFirst(2).compactMap(Self.part)
      guard parts.count == fields.count - 2 else { break }
      self = .keyset(lower: parts.isEmpty ? nil : parts, rows: rows)
      return
    default: break
    }
    throw ConnectorError(.bug, "unreadable planning cursor \(text)")
  }

  /// The cursor's text.
  var text: String {
    switch self {
    case .even(let next, let minimum, let step, let maximum):
      "even;\(next.map { String($0) } ?? "");\(minimum);\(step);\(maximum)"
    case .keyset(let lower, let rows):
      (["keys", String(rows)] + (lower ?? []).map(Self.text)).joined(separator: ";")
    }
  }

  private static func text(_ part: KeyPart) -> String {
    switch part {
    case .integer(let value): "i\(value)"
    case .unsigned(let value): "u\(value)"
    case .text(let value): "t" + Hexadecimal.text(value.utf8)
    case .bytes(let value): "b" + Hexadecimal.text(value)
    }
  }

  private static func part(_ text: String) -> KeyPart? {
    let value = String(text.dropFirst())
    switch text.first {
    case "i": return Int64(value).map { .integer($0) }
    case "u": return UInt64(value).map { .unsigned($0) }
    case "t": return Hexadecimal.bytes(value).map { .text(String(decoding: $0, as: UTF8.self)) }
    case "b": return Hexadecimal.bytes(value).map { .bytes($0) }
    default: return nil
    }
  }
}

/// Integer keys, signed or not, as one unsigned range in the same order.
enum KeyOrdinal {
  /// The ordinal of an integer key part; nil for other parts.
  static func ordinal(_ part: KeyPart) -> UInt64? {
    switch part {
    case .integer(let value): UInt64(bitPattern: value) ^ (1 << 63)
    case .unsigned(let value): value
    case .text, .bytes: nil
    }
  }

  /// The key part of an ordinal.
  static func part(_ ordinal: UInt64, order: KeyColumn.Order) -> KeyPart {
    order == .unsigned ? .unsigned(ordinal) : .integer(Int64(bitPattern: ordinal ^ (1 << 63)))
  }
}
