import Glibc
import Platform

/// The secret that coordinator, workers and command lines share. It never travels: each side proves that it has it.
public struct Token: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The least number of bytes: a proof can be seen on the network, and a short token could be guessed from it.
  public static let minimumBytes = 16
  /// The largest number of bytes.
  public static let maximumBytes = 4096

  let bytes: [UInt8]

  /// Takes the text, without line ends at its end, and hides it from logs and errors.
  /// - Throws: `WireError.token` when it is too short or too long.
  public init(_ text: String) throws(WireError) {
    try self.init(Array(text.utf8), from: "the token")
  }

  private init(_ bytes: [UInt8], from origin: String) throws(WireError) {
    var bytes = bytes
    while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
    guard bytes.count >= Self.minimumBytes else {
      throw .token(
        "\(origin) has \(bytes.count) bytes, at least \(Self.minimumBytes) are needed — make one with "
          + "`openssl rand -hex 32`")
    }
    guard bytes.count <= Self.maximumBytes else {
      throw .token("\(origin) has more than \(Self.maximumBytes) bytes")
    }
    self.bytes = bytes
    Secrets.register(String(decoding: bytes, as: UTF8.self))
  }

  /// Reads a token file. A file that others can read is used, with a warning in the log.
  /// - Throws: `WireError.token` when it cannot be read, or holds no token.
  public static func load(file path: String) throws(WireError) -> Token {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .token("the token file \(path) cannot be opened: \(String(cString: strerror(errno)))")
    }
    defer { _ = Glibc.close(descriptor) }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & 0o077 != 0 {
      Log("wire").warning("token file can be read by others; chmod 600 it", ["file": path])
    }
    return try Token(try read(descriptor, path), from: "the token file \(path)")
  }

  private static func read(_ descriptor: Int32, _ path: String) throws(WireError) -> [UInt8] {
    // Two more bytes than a token may have: a line end, and one that shows that there is more.
    let capacity = maximumBytes + 3
    var bytes = [UInt8](repeating: 0, count: capacity)
    var done = 0
    while done < capacity {
      let count = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).baseAddress, capacity - done)
      }
      if count == 0 { break }
      if count > 0 {
        done += count
      } else if errno != EINTR {
        throw .token("the token file \(path) cannot be read: \(String(cString: strerror(errno)))")
      }
    }
    return Array(bytes[..<done])
  }

  /// Never the token.
  public var description: String { "***" }
  /// Never the token.
  public var debugDescription: String { "***" }
}
