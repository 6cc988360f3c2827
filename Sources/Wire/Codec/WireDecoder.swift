internal import CProtobufC
internal import CWire
import Model

/// Turns the C structures of a received message into the Swift ones, trusting nothing: every pointer may be nil, every
/// number anything, every text any bytes.
enum WireDecoder {
  /// What a message cannot do without.
  static func required<T>(
    _ pointer: UnsafeMutablePointer<T>?, _ field: StaticString
  ) throws(WireError) -> UnsafeMutablePointer<T> {
    guard let pointer else { throw .malformed("\(field) is missing") }
    return pointer
  }

  /// A value where there is a structure, nil where there is none.
  static func optional<T, Value>(
    _ pointer: UnsafeMutablePointer<T>?, _ decode: (UnsafeMutablePointer<T>) throws(WireError) -> Value
  ) throws(WireError) -> Value? {
    guard let pointer else { return nil }
    return try decode(pointer)
  }

  /// A text, which must be UTF-8.
  static func text(_ data: ProtobufCBinaryData, _ field: StaticString) throws(WireError) -> String {
    guard data.len > 0, let bytes = data.data else { return "" }
    let buffer = UnsafeBufferPointer(start: UnsafePointer(bytes), count: data.len)
    guard let text = String(validating: buffer, as: UTF8.self) else { throw .malformed("\(field) is not UTF-8") }
    return text
  }

  /// Bytes.
  static func binary(_ data: ProtobufCBinaryData) -> [UInt8] {
    guard data.len > 0, let bytes = data.data else { return [] }
    return Array(UnsafeBufferPointer(start: UnsafePointer(bytes), count: data.len))
  }

  /// A text that is present.
  static func unwrapped(_ message: UnsafeMutablePointer<Tidegate__Text>) throws(WireError) -> String {
    try text(message.pointee.utf8, "Text.utf8")
  }

  /// A repeated field of structures.
  static func list<T, Element>(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<T>?>?,
    _ decode: (UnsafeMutablePointer<T>) throws(WireError) -> Element
  ) throws(WireError) -> [Element] {
    guard count > 0, let array else { return [] }
    var result: [Element] = []
    result.reserveCapacity(count)
    for index in 0..<count {
      guard let item = array[index] else { throw .malformed("an element of a list is missing") }
      result.append(try decode(item))
    }
    return result
  }

  /// A repeated field of texts.
  static func texts(
    _ count: Int, _ array: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: StaticString
  ) throws(WireError) -> [String] {
    guard count > 0, let array else { return [] }
    var result: [String] = []
    result.reserveCapacity(count)
    for index in 0..<count { result.append(try text(array[index], field)) }
    return result
  }

  /// Names and values; a name that comes twice is an error.
  static func options(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<Tidegate__Option>?>?
  ) throws(WireError) -> [String: String] {
    let pairs = try list(count, array) { option throws(WireError) in
      (try text(option.pointee.name, "Option.name"), try text(option.pointee.value, "Option.value"))
    }
    return try dictionary(pairs)
  }

  static func dictionary<Value>(_ pairs: [(String, Value)]) throws(WireError) -> [String: Value] {
    var result: [String: Value] = [:]
    for (name, value) in pairs {
      guard result.updateValue(value, forKey: name) == nil else { throw .malformed("a name comes twice in a list") }
    }
    return result
  }

  /// A count, size or duration.
  static func count(_ value: Int64, _ field: StaticString) throws(WireError) -> Int {
    guard let count = Int(exactly: try WireNumbers.count(value, field)) else {
      throw .malformed("\(field) does not fit this machine")
    }
    return count
  }
}
