/// The limits of the protocol. Both sides check them: a message that breaks one is refused where it is made, and again
/// where it is received.
public enum WireLimits {
  /// Bytes of a frame between authenticated sides, without its four length bytes. The largest ones tell a tail of some of
  /// its tables: 55 bytes or so for each of their columns, 20 for each finished chunk.
  public static let frame = 64 * 1024 * 1024
  /// Bytes of a frame before authentication.
  public static let handshakeFrame = 64 * 1024
  /// Bytes that decoding a frame may allocate before authentication, whatever its length.
  static let handshakeMemory = 16 * 1024
  /// The largest count, size or duration: JSON carries it exactly, and sums stay far from overflow.
  public static let number: Int64 = 1 << 53
  /// The largest parameter of a type: a length, a precision, a scale.
  static let typeParameter = Int(Int32.max)
  /// Bytes of a type's text, without its annotation.
  static let typeText = 4096
  /// How deep ARRAY and MAP may nest.
  static let typeDepth = 16

  /// Bytes that decoding a frame may allocate. Every two bytes of a frame can ask for a structure of some dozens; true
  /// messages need less than half of this.
  static func memory(forFrame length: Int) -> Int { 64 * 1024 + 32 * min(length, frame) }
}
