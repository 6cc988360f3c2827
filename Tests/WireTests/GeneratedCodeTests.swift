import Glibc
import Testing

/// The committed C code is what the .proto gives.
@Suite struct GeneratedCodeTests {
  @Test(.enabled(if: isInstalled("protoc-c"), "protoc-c is not installed (Debian: apt install protobuf-c-compiler)"))
  func theCommittedCodeIsNotStale() throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let status = try run("/bin/sh", ["/\(root)/cluster/generate-proto", "--check"])
    #expect(status == 0, "run cluster/generate-proto and commit what it writes")
  }
}

/// Whether `PATH` has such a program.
private func isInstalled(_ program: String) -> Bool {
  guard let path = getenv("PATH") else { return false }
  return String(cString: path).split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
}

private struct SpawnError: Error {
  let code: Int32
}

/// Runs a program to its end and returns its exit status.
private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
  var child: pid_t = 0
  var texts: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
  defer { for text in texts { free(text) } }
  let code = posix_spawn(&child, program, nil, nil, &texts, environ)
  guard code == 0 else { throw SpawnError(code: code) }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 {
    guard errno == EINTR else { throw SpawnError(code: errno) }
  }
  guard status & 0x7f == 0 else { throw SpawnError(code: status) }
  return (status >> 8) & 0xff
}
