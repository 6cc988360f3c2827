import Glibc
import TestKit

/// A directory of its own for one test, removed at the end.
final class TemporaryDirectory: Sendable {
  struct Failure: Error {}

  let path: String

  init() throws {
    var template = Array("\(TestFiles.temporaryDirectory)/tidegate-pipeline-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    unlink(file)
    rmdir(path)
  }

  private var file: String { path + "/file" }

  /// The name of a file with this content; there is one file, written anew each time.
  func write(_ bytes: [UInt8]) throws -> String {
    guard let stream = fopen(file, "w") else { throw Failure() }
    defer { fclose(stream) }
    guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw Failure() }
    return file
  }

  func write(_ text: String) throws -> String { try write(Array(text.utf8)) }
}
