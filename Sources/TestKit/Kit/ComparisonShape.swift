/// Spatial values and vectors in one form for both sides: the source's bytes and the replica's JSON become the same
/// tree, and the tree a text.
///
/// A ring of a polygon may start its way round in either direction: of the two, the smaller one counts.
enum ComparisonShape: Equatable {
  case number(Double)
  case text(String)
  case list([ComparisonShape])
  case object([String: ComparisonShape])

  private static let deepest = 120

  // MARK: Canonical text

  /// The tree as text; nil when it is no spatial value or vector.
  var canonical: String? {
    switch self {
    case .list: return plain
    case .object(let fields): return Self.canonical(fields)
    case .number, .text: return nil
    }
  }

  private static func canonical(_ fields: [String: ComparisonShape]) -> String? {
    guard case .text(let type)? = fields["type"] else { return nil }
    let srid = fields["srid"].map { "@" + $0.plain } ?? ""
    if case .list(let members)? = fields["geometries"], type == "GeometryCollection" {
      var texts: [String] = []
      for member in members {
        guard let text = member.canonical else { return nil }
        texts.append(text)
      }
      return "\(type)\(srid)(\(texts.joined(separator: ";")))"
    }
    guard let coordinates = fields["coordinates"] else { return nil }
    switch type {
    case "Polygon": return type + srid + coordinates.withRings(depth: 1).plain
    case "MultiPolygon": return type + srid + coordinates.withRings(depth: 2).plain
    default: return type + srid + coordinates.plain
    }
  }

  private var plain: String {
    switch self {
    case .number(let value): value == 0 ? "0.0" : value.description
    case .text(let text): text
    case .list(let items): "[" + items.map(\.plain).joined(separator: ",") + "]"
    case .object: canonical ?? "?"
    }
  }

  /// The same with the rings, `depth` lists further in, in their canonical direction.
  private func withRings(depth: Int) -> ComparisonShape {
    guard case .list(let items) = self else { return self }
    if depth > 0 { return .list(items.map { $0.withRings(depth: depth - 1) }) }
    let reversed = ComparisonShape.list(items.reversed())
    return reversed.plain < plain ? reversed : self
  }

  // MARK: The replica's JSON

  /// A JSON text without escapes in its strings; nil when it is something else.
  init?(json: some Sequence<UInt8>) {
    var rest = Array(json)[...]
    guard let shape = Self.value(&rest, depth: 0), rest.isEmpty else { return nil }
    self = shape
  }

  private static func value(_ rest: inout ArraySlice<UInt8>, depth: Int) -> ComparisonShape? {
    guard depth < deepest, let first = rest.first else { return nil }
    switch first {
    case UInt8(ascii: "["):
      var items: [ComparisonShape] = []
      let isComplete = members(&rest, end: "]") { rest in
        guard let item = value(&rest, depth: depth + 1) else { return false }
        items.append(item)
        return true
      }
      return isComplete ? .list(items) : nil
    case UInt8(ascii: "{"):
      var fields: [String: ComparisonShape] = [:]
      let isComplete = members(&rest, end: "}") { rest in
        guard let name = string(&rest), rest.popFirst() == UInt8(ascii: ":"),
          let item = value(&rest, depth: depth + 1)
        else { return false }
        return fields.updateValue(item, forKey: name) == nil
      }
      return isComplete ? .object(fields) : nil
    case UInt8(ascii: "\""): return string(&rest).map { .text($0) }
    default:
      let digits = rest.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "]") && $0 != UInt8(ascii: "}") }
      rest = rest.dropFirst(digits.count)
      return Double(String(decoding: digits, as: UTF8.self)).map { .number($0) }
    }
  }

  private static func members(
    _ rest: inout ArraySlice<UInt8>, end: Unicode.Scalar, _ member: (inout ArraySlice<UInt8>) -> Bool
  ) -> Bool {
    rest.removeFirst()
    if rest.first == UInt8(ascii: end) {
      rest.removeFirst()
      return true
    }
    while member(&rest) {
      switch rest.popFirst() {
      case UInt8(ascii: ","): continue
      case UInt8(ascii: end): return true
      default: return false
      }
    }
    return false
  }

  private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
    guard rest.popFirst() == UInt8(ascii: "\"") else { return nil }
    let text = rest.prefix { $0 != UInt8(ascii: "\"") }
    rest = rest.dropFirst(text.count + 1)
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: The source's bytes

  /// A vector's four-byte floating-point numbers; nil when there are no whole ones.
  init?(vector: UnsafeRawBufferPointer) {
    guard vector.count.isMultiple(of: 4) else { return nil }
    self = .list(
      stride(from: 0, to: vector.count, by: 4).map { offset in
        let bits = UInt32(littleEndian: vector.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        return .number(Double(Float(bitPattern: bits).description) ?? .nan)
      })
  }

  /// Four bytes of SRID and well-known binary in little-endian order, which is what the servers keep; nil for anything
  /// else.
  init?(spatial: UnsafeRawBufferPointer) {
    guard spatial.count >= 9 else { return nil }
    let srid = UInt32(littleEndian: spatial.loadUnaligned(as: UInt32.self))
    var rest = spatial.dropFirst(4)
    guard case .object(var fields)? = Self.geometry(&rest, depth: 0), rest.isEmpty else { return nil }
    fields["srid"] = .number(Double(srid))
    self = .object(fields)
  }

  private static func geometry(_ rest: inout Slice<UnsafeRawBufferPointer>, depth: Int) -> ComparisonShape? {
    let names = [
      "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
    ]
    guard depth < deepest, rest.popFirst() == 1, let type = count(&rest), (1...7).contains(type) else { return nil }
    let content: ComparisonShape? =
      switch type {
      case 1: point(&rest)
      case 2: list(&rest, point)
      case 3: list(&rest) { list(&$0, point) }
      case 7: list(&rest) { geometry(&$0, depth: depth + 1) }
      default:
        list(&rest) { rest in
          guard case .object(let fields)? = geometry(&rest, depth: depth + 1) else { return nil }
          return fields["coordinates"]
        }
      }
    guard let content else { return nil }
    return .object(["type": .text(names[type - 1]), (type == 7 ? "geometries" : "coordinates"): content])
  }

  private static func count(_ rest: inout Slice<UnsafeRawBufferPointer>) -> Int? {
    guard rest.count >= 4 else { return nil }
    let value = UnsafeRawBufferPointer(rebasing: rest).loadUnaligned(as: UInt32.self)
    rest = rest.dropFirst(4)
    return Int(UInt32(littleEndian: value))
  }

  private static func point(_ rest: inout Slice<UnsafeRawBufferPointer>) -> ComparisonShape? {
    guard rest.count >= 16 else { return nil }
    let bytes = UnsafeRawBufferPointer(rebasing: rest)
    rest = rest.dropFirst(16)
    return .list(
      [0, 8].map { offset in
        let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        return .number(Double(bitPattern: bits))
      })
  }

  private static func list(
    _ rest: inout Slice<UnsafeRawBufferPointer>, _ item: (inout Slice<UnsafeRawBufferPointer>) -> ComparisonShape?
  ) -> ComparisonShape? {
    guard let count = count(&rest), count <= rest.count else { return nil }
    var items: [ComparisonShape] = []
    for _ in 0..<count {
      guard let next = item(&rest) else { return nil }
      items.append(next)
    }
    return .list(items)
  }
}
