import CPlatform
import Glibc

/// Files that are replaced as a whole: after a crash there is the old content or the new, never a part.
public enum DurableFile {
  /// A system call on a file that failed.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    /// What failed, on which file, and why.
    public let description: String
  }

  /// Writes a file beside the path, synchronises it, renames it over the path, and synchronises the directory.
  /// - Throws: `Failure`; the old content is still there then.
  public static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(Failure) {
    let temporary = path + ".new"
    let descriptor = tg_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode)
    guard descriptor >= 0 else { throw failure("create", temporary) }
    do throws(Failure) {
      try writeAll(descriptor, bytes, temporary)
      guard fsync(descriptor) == 0 else { throw failure("synchronise", temporary) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else {
      let reason = failure("rename", temporary)
      unlink(temporary)
      throw reason
    }
    try synchroniseDirectory(of: path)
  }

  private static func writeAll(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws(Failure) {
    var start = 0
    while start < bytes.count {
      let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + start }, bytes.count - start) }
      if written < 0 {
        if errno == EINTR { continue }
        throw failure("write", path)
      }
      start += written
    }
  }

  private static func synchroniseDirectory(of path: String) throws(Failure) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let directory = parts.joined(separator: "/")
    let descriptor = tg_open(directory.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : directory, O_RDONLY, 0)
    guard descriptor >= 0 else { throw failure("open", directory) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("synchronise", directory) }
  }

  private static func failure(_ verb: String, _ path: String) -> Failure {
    Failure(description: "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}
