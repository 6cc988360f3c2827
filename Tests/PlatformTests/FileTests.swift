import Foundation
import Testing

@testable import Platform

@Suite("Files and failpoints")
struct FileTests {
  private let directory: String

  init() throws {
    directory = NSTemporaryDirectory() + "tidegate-platform-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  @Test("A file is replaced as a whole, with its mode, and nothing is left beside it")
  func replace() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let path = directory + "/secrets.json"
    for content in [[UInt8](repeating: 7, count: 300_000), [], Array("short".utf8)] {
      try DurableFile.replace(path, with: content, mode: 0o600)
      #expect(FileManager.default.contents(atPath: path) == Data(content))
    }
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["secrets.json"])
  }

  @Test("A failed replacement says what failed, and leaves the old content")
  func failedReplace() throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let missing = #expect(throws: DurableFile.Failure.self) {
      try DurableFile.replace(directory + "/none/file", with: [1], mode: 0o600)
    }
    #expect(missing?.description.contains("/none/file") == true)
    // A directory in the place of the file cannot be renamed over.
    try FileManager.default.createDirectory(atPath: directory + "/taken/inner", withIntermediateDirectories: true)
    #expect(throws: DurableFile.Failure.self) { try DurableFile.replace(directory + "/taken", with: [1], mode: 0o600) }
    #expect(FileManager.default.fileExists(atPath: directory + "/taken/inner"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["taken"])
  }

  @Test("A lock is held by one, until it is closed")
  func lock() {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let first = FileLock.openAndLock(directory + "/lock")
    #expect(first >= 0)
    #expect(FileLock.openAndLock(directory + "/lock") == -1)
    close(first)
    let second = FileLock.openAndLock(directory + "/lock")
    #expect(second >= 0)
    close(second)
    #expect(FileLock.openAndLock(directory + "/none/lock") == -1)
  }

  #if TIDEGATE_FAILPOINTS
    @Test("Failpoint rules: kill or fail, always or the n-th time; nonsense is passed over")
    func failpoints() {
      let rules = FailpointRule.parse("a.b=kill@3,c=error,d=error@1,=kill,e,f=,g=@,h=kill@x,i=explode")
      #expect(rules["a.b"] == FailpointRule(kill: true, at: 3))
      #expect(rules["c"] == FailpointRule(kill: false, at: nil))
      #expect(rules["d"] == FailpointRule(kill: false, at: 1))
      #expect(rules.keys.sorted() == ["a.b", "c", "d"])
    }
  #endif

  @Test("Identities do not repeat")
  func identity() {
    let names = Set((0..<100).map { _ in ProcessIdentity.randomHex(bytes: 8) })
    #expect(names.count == 100)
    #expect(names.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{16}/) != nil })
    #expect(ProcessIdentity.hostAndPID().hasSuffix(":\(getpid())"))
  }
}
