import Glibc
import Platform
import Testing

@testable import Wire

/// Where and for whom a coordinator listens.
@Suite(.timeLimit(.minutes(2))) struct ListenerTests {
  @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1"])
  func otherMachinesNeedAToken(host: String) throws {
    let endpoint = Endpoint(host: host, port: 0)
    #expect(throws: WireError.tokenRequired(endpoint)) { try Listener(endpoint, token: nil) }
    #expect(WireError.tokenRequired(endpoint).description.contains("--token-file"))
  }

  @Test func withATokenItMayListenEverywhere() throws {
    let listener = try Listener(Endpoint(host: "0.0.0.0", port: 0), token: makeToken())
    #expect(listener.boundPort != 0)
    listener.close()
  }

  @Test(arguments: ["127.0.0.1", "127.8.9.10", "localhost"])
  func loopbackNeedsNone(host: String) throws {
    let listener = try Listener(Endpoint(host: host, port: 0), token: nil)
    listener.start(echo)
    let connection = try FrameConnection.connect(
      to: Endpoint(host: host, port: listener.boundPort), role: .admin, token: nil)
    try ask(connection, "list", id: 1)
    listener.close()
    #expect(listener.join(milliseconds: patience))
  }

  @Test func aUsedPortIsAnError() throws {
    let first = try Listener(anyPort, token: nil)
    let endpoint = Endpoint(host: "127.0.0.1", port: first.boundPort)
    #expect(throws: WireError.system(operation: "listening on \(endpoint)", code: EADDRINUSE)) {
      try Listener(endpoint, token: nil)
    }
    first.close()
    // Closed, it is free again.
    try Listener(endpoint, token: nil).close()
  }

  @Test func closingEndsEveryConnection() throws {
    let listener = try Listener(anyPort, token: nil)
    listener.start(echo)
    let endpoint = Endpoint(host: "127.0.0.1", port: listener.boundPort)
    let connection = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
    try ask(connection, "list", id: 1)
    let silent = try rawConnection(endpoint)
    #expect(listener.connectionCount >= 1)
    listener.close()
    #expect(listener.join(milliseconds: patience))
    #expect(thrown { () throws(WireError) in try connection.receive() } == .disconnected)
    #expect(readToEnd(silent.socket) == .disconnected)
    #expect(throws: WireError.self) { try FrameConnection.connect(to: endpoint, role: .admin, token: nil) }
  }

  @Test func silentAndTricklingPeersAreShutOut() throws {
    let limits = Listener.Limits(timeouts: FrameConnection.Timeouts(handshakeMilliseconds: 100))
    try withListener(token: nil, limits: limits, handler: echo) { _, endpoint in
      let silent = try rawConnection(endpoint)
      #expect(readToEnd(silent.socket) == .disconnected)
      // Every byte comes well within any deadline of a single read.
      let slow = try rawConnection(endpoint)
      let frame: [UInt8] = [0, 0, 0x40, 0] + [UInt8](repeating: 0x0a, count: 0x3fff)
      let error = thrown { () throws(WireError) in
        for byte in frame {
          try slow.socket.write([byte], deadline: .after(patience))
          // Whether it is shut out shows within a millisecond, or with one of the next bytes.
          if readToEnd(slow.socket, patience: 1) == .disconnected { throw WireError.disconnected }
        }
      }
      #expect(error == .disconnected)
    }
  }

  @Test func aCrowdOfSilentPeersKeepsNobodyOut() throws {
    let token = try makeToken()
    let limits = Listener.Limits(
      connections: 100, unauthenticated: 4,
      timeouts: FrameConnection.Timeouts(handshakeMilliseconds: patience * 10))
    try withListener(token: token, limits: limits, handler: echo) { _, endpoint in
      let crowd = try (0..<20).map { _ in try rawConnection(endpoint) }
      let good = try FrameConnection.connect(to: endpoint, role: .admin, token: token)
      try ask(good, "list", id: 1)
      // The oldest had to make room; the youngest three are still there beside it.
      for stream in crowd.prefix(16) { #expect(readToEnd(stream.socket) == .disconnected) }
      try ask(good, "list", id: 2)
    }
  }

  @Test func overTheLimitNobodyIsLetIn() throws {
    let limits = Listener.Limits(connections: 2)
    try withListener(token: nil, limits: limits, handler: echo) { listener, endpoint in
      let first = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      let second = try FrameConnection.connect(to: endpoint, role: .worker, token: nil)
      let refusal = thrown { () throws(WireError) in
        try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      }
      // The refusal may be overtaken by the end of the connection.
      #expect([.busy, .disconnected].contains(refusal), "\(String(describing: refusal))")
      try ask(first, "list", id: 1)
      second.close()
      while listener.connectionCount > 1 { sched_yield() }
      try ask(try FrameConnection.connect(to: endpoint, role: .admin, token: nil), "list", id: 2)
    }
  }

  @Test func nobodyThereIsAnError() throws {
    let listener = try Listener(anyPort, token: nil)
    let endpoint = Endpoint(host: "127.0.0.1", port: listener.boundPort)
    listener.close()
    #expect(throws: WireError.system(operation: "connecting to \(endpoint)", code: ECONNREFUSED)) {
      try FrameConnection.connect(to: endpoint, role: .worker, token: nil)
    }
  }

  @Test func aServerThatSaysNothingIsGivenUp() throws {
    // Never started: the system accepts, nobody answers.
    let listener = try Listener(anyPort, token: nil)
    let endpoint = Endpoint(host: "127.0.0.1", port: listener.boundPort)
    let error = thrown { () throws(WireError) in
      try FrameConnection.connect(to: endpoint, role: .worker, token: nil, timeoutMilliseconds: 50)
    }
    #expect(error == .timedOut("the other side sent no whole frame in time"))
    listener.close()
  }

  @Test func acceptTakesAnyConnectedDescriptor() throws {
    var descriptors: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors) == 0)
    let (served, other) = (descriptors[0], descriptors[1])
    let server = Background { () throws(WireError) in
      let (connection, role) = try FrameConnection.accept(descriptor: served, token: nil)
      #expect(role == .worker && connection.role == .worker)
      return try connection.receive().message
    }
    let stream = FrameStream(socket: Socket(adopting: other))
    try Handshake(token: nil).open(stream, role: .worker, deadline: .after(patience))
    try stream.write(.message(.leave), requestID: 0, limit: 100, deadline: .after(patience))
    guard case .success(.leave) = try server.wait() else { throw WireError.unexpected("no message") }
  }
}
