internal import CProtobufC
internal import CWire
import Model

/// Builds the C structures of one message in an arena. The pointers live as long as the encoder.
struct WireEncoder {
  let arena = WireArena()

  /// An initialised structure.
  func make<T>(_ initialise: (UnsafeMutablePointer<T>?) -> Void) throws(WireError) -> UnsafeMutablePointer<T> {
    let pointer = try allocate(MemoryLayout<T>.size).assumingMemoryBound(to: T.self)
    initialise(pointer)
    return pointer
  }

  private func allocate(_ size: Int) throws(WireError) -> UnsafeMutableRawPointer {
    guard let memory = arena.allocate(size) else { throw .system(operation: "allocating a message", code: 12) }
    return memory
  }

  /// A text's UTF-8.
  func text(_ text: String) throws(WireError) -> ProtobufCBinaryData {
    var text = text
    let data = text.withUTF8 { utf8 in copy(UnsafeRawBufferPointer(utf8)) }
    return try data.get()
  }

  /// Bytes.
  func binary(_ bytes: [UInt8]) throws(WireError) -> ProtobufCBinaryData {
    try bytes.withUnsafeBytes { copy($0) }.get()
  }

  private func copy(_ bytes: UnsafeRawBufferPointer) -> Result<ProtobufCBinaryData, WireError> {
    guard let source = bytes.baseAddress, !bytes.isEmpty else { return .success(ProtobufCBinaryData(len: 0, data: nil)) }
    do throws(WireError) {
      let memory = try allocate(bytes.count)
      memory.copyMemory(from: source, byteCount: bytes.count)
      return .success(ProtobufCBinaryData(len: bytes.count, data: memory.assumingMemoryBound(to: UInt8.self)))
    } catch {
      return .failure(error)
    }
  }

  /// A structure where there is a value, nil where there is none.
  func optional<Value, T>(
    _ value: Value?, _ encode: (Value) throws(WireError) -> UnsafeMutablePointer<T>
  ) throws(WireError) -> UnsafeMutablePointer<T>? {
    guard let value else { return nil }
    return try encode(value)
  }

  /// A repeated field of structures: its count and its array.
  func list<Element, T>(
    _ items: [Element], _ encode: (Element) throws(WireError) -> UnsafeMutablePointer<T>
  ) throws(WireError) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<T>?>?) {
    if items.isEmpty { return (0, nil) }
    let memory = try allocate(items.count * MemoryLayout<UnsafeMutablePointer<T>?>.stride)
    let array = memory.bindMemory(to: UnsafeMutablePointer<T>?.self, capacity: items.count)
    for (index, item) in items.enumerated() {
      (array + index).initialize(to: try encode(item))
    }
    return (items.count, array)
  }

  /// A repeated field of texts.
  func texts(_ items: [String]) throws(WireError) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
    if items.isEmpty { return (0, nil) }
    let memory = try allocate(items.count * MemoryLayout<ProtobufCBinaryData>.stride)
    let array = memory.bindMemory(to: ProtobufCBinaryData.self, capacity: items.count)
    for (index, item) in items.enumerated() {
      (array + index).initialize(to: try text(item))
    }
    return (items.count, array)
  }

  /// A text that may be absent, where it is present.
  func wrapped(_ value: String) throws(WireError) -> UnsafeMutablePointer<Tidegate__Text> {
    let message = try make(tidegate__text__init)
    message.pointee.utf8 = try text(value)
    return message
  }

  /// A message without fields.
  func empty() throws(WireError) -> UnsafeMutablePointer<Tidegate__Empty> { try make(tidegate__empty__init) }

  /// Names and values, sorted by name.
  func options(
    _ options: [String: String]
  ) throws(WireError) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Tidegate__Option>?>?) {
    try list(options.sorted { $0.key < $1.key }) { option throws(WireError) in
      let message = try make(tidegate__option__init)
      message.pointee.name = try text(option.key)
      message.pointee.value = try text(option.value)
      return message
    }
  }

  /// A count, size or duration.
  func count(_ value: Int, _ field: StaticString) throws(WireError) -> Int64 {
    try WireNumbers.count(Int64(value), field)
  }
}
