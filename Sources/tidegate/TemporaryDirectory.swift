import FoundationEssentials
import Glibc
import Platform
import Terminal

/// A fresh directory for one run, in `TMPDIR` or `/tmp`.
struct TemporaryDirectory {
  let path: String

  /// Makes it, for this user alone.
  init() throws(CommandFailure) {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/tidegate-run-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw CommandFailure(
        what: "run", "no temporary directory in \(parent): \(String(cString: strerror(errno)))",
        remedy: "set TMPDIR, or name a --data-dir")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes it with all that it holds.
  func remove() {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      Log("run").warning("temporary directory not removed", ["path": path, "reason": "\(error)"])
    }
  }
}
