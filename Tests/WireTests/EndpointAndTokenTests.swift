import Glibc
import Platform
import TestKit
import Testing

@testable import Wire

@Suite struct EndpointAndTokenTests {
  @Test(arguments: [
    ("127.0.0.1:7700", "127.0.0.1", UInt16(7700)), ("[::1]:0", "::1", 0),
    ("coordinator.example:65535", "coordinator.example", 65535),
    ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
  ])
  func endpointsAreReadAndWritten(text: String, host: String, port: UInt16) throws {
    let endpoint = try Endpoint(parse: text)
    #expect(endpoint.host == host && endpoint.port == port && endpoint.description == text)
  }

  @Test(arguments: [
    "", ":", "host", "host:", ":1", "host:65536", "host:-1", "host:+1", "host:1x", "::1:7700", "[::1]", "[::1]7700",
    "[host]:1", "[]:1", "a b:1", "[::1:1", "host:١",
  ])
  func otherTextsAreRefused(text: String) {
    #expect { try Endpoint(parse: text) } throws: { error in
      if case .address = error as? WireError { true } else { false }
    }
  }

  @Test func anUnknownNameIsAnError() {
    let endpoint = Endpoint(host: "no-such-host.invalid", port: 1)
    #expect { try FrameConnection.connect(to: endpoint, role: .admin, token: nil) } throws: { error in
      if case .address = error as? WireError { true } else { false }
    }
  }

  @Test func aTokenFileIsReadWithoutItsLineEnd() throws {
    for end in ["", "\n", "\r\n"] {
      try withFile("0123456789abcdef 0123" + end) { path in
        let bytes = try Token.load(file: path).bytes
        #expect(bytes == Array("0123456789abcdef 0123".utf8))
      }
    }
  }

  @Test func aTokenNeverShows() throws {
    let token = try Token("never show this token")
    #expect("\(token)" == "***" && String(reflecting: token) == "***")
    #expect(Secrets.redact("a never show this token b") == "a *** b")
  }

  @Test func tokensThatAreNoneAreRefused() throws {
    for content in ["", "\n\n\n", "fifteen bytes..", String(repeating: "x", count: 4097)] {
      try withFile(content) { path in
        #expect { try Token.load(file: path) } throws: { error in
          if case .token(let reason) = error as? WireError { reason.contains(path) } else { false }
        }
      }
    }
    #expect(throws: WireError.self) { try Token.load(file: "/nonexistent/token") }
    #expect(throws: WireError.self) { try Token.load(file: "/") }
  }

  private func withFile(_ content: String, _ body: (String) throws -> Void) throws {
    var template = Array("\(TestFiles.temporaryDirectory)/tidegate-token-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    try #require(descriptor >= 0)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      unlink(path)
      close(descriptor)
    }
    #expect(write(descriptor, content, content.utf8.count) == content.utf8.count)
    try body(path)
  }
}
