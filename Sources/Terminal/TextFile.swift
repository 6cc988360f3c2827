import Glibc
import Platform

/// Reads a text file that the command line names.
public enum TextFile {
  /// The largest file that is read, in bytes: no pipeline file comes near it.
  public static let limit = 1 << 20

  /// The file's text.
  /// - Parameter what: the command that wants it, for messages.
  /// - Throws: when it cannot be read, is too large, or is not UTF-8.
  public static func read(_ path: String, what: String) throws(CommandFailure) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure(path, what) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(file, &block, block.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(path, what) }
      guard count > 0 else { break }
      bytes += block[..<count]
      guard bytes.count <= limit else {
        throw CommandFailure(what: what, "\(path) is larger than \(Figures.bytes(limit))", remedy: "check its name")
      }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CommandFailure(what: what, "\(path) is not UTF-8", remedy: "save it as UTF-8")
    }
    return text
  }

  private static func failure(_ path: String, _ what: String) -> CommandFailure {
    CommandFailure(
      what: what, "\(path) cannot be read: \(String(cString: strerror(errno)))", remedy: "check its name and rights")
  }
}
