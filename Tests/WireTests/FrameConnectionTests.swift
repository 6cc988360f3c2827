import Platform
import Testing

@testable import Wire

/// Authenticated connections over real sockets.
@Suite(.timeLimit(.minutes(2))) struct FrameConnectionTests {
  @Test func messagesAndTheirRequestsGoBothWays() throws {
    let token = try makeToken()
    try withListener(token: token, handler: echo) { _, endpoint in
      let connection = try FrameConnection.connect(to: endpoint, role: .admin, token: token)
      for id in [0, 1, UInt64.max] { try ask(connection, "verb \(id)", id: id) }
      #expect(connection.peer == endpoint.description)
    }
  }

  @Test func framesUpToTheLimitGoThrough() throws {
    try withListener(token: nil, handler: echo) { _, endpoint in
      let connection = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      let text = String(repeating: "0123456789abcdef", count: WireLimits.frame / 16 - 16)
      try connection.send(.adminRequest(AdminRequest(verb: "", pipeline: text)))
      #expect(try connection.receive().message == .adminReply(AdminReply(status: 0, json: text)))
      // Too large: refused here, and the connection goes on.
      let error = thrown { () throws(WireError) in
        try connection.send(.adminRequest(AdminRequest(verb: text, pipeline: text)))
      }
      guard case .frameTooLarge = error else { throw WireError.unexpected("\(String(describing: error))") }
      try ask(connection, "status", id: 3)
    }
  }

  @Test func threadsSendWholeFrames() throws {
    let received = Monitor<[UInt64: [String]]>([:])
    let handler: Listener.Handler = { connection throws(WireError) in
      while true {
        let (id, message) = try connection.receive()
        guard case .adminRequest(let request) = message else { throw .unexpected("not a request") }
        received.update { $0[id, default: []].append(request.verb) }
      }
    }
    try withListener(token: nil, handler: handler) { _, endpoint in
      let connection = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      let senders = (0..<8).map { thread in
        Background { () throws(WireError) in
          for number in 0..<100 {
            let filler = String(repeating: "x", count: number * 200)
            let request = AdminRequest(verb: "\(number)", pipeline: filler)
            try connection.send(.adminRequest(request), requestID: UInt64(thread))
          }
        }
      }
      for sender in senders {
        let error = try sender.error()
        #expect(error == nil)
      }
      let wanted = Dictionary(uniqueKeysWithValues: (0..<8).map { (UInt64($0), (0..<100).map(String.init)) })
      #expect(received.wait(milliseconds: patience) { $0 == wanted ? true : nil } == true)
    }
  }

  @Test func closingFromAnotherThreadEndsReceive() throws {
    try withListener(token: nil, handler: echo) { _, endpoint in
      let connection = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      let receiver = Background { () throws(WireError) in try connection.receive().requestID }
      try connection.send(.adminRequest(AdminRequest(verb: "a")), requestID: 9)
      guard case .success(9) = try receiver.wait() else { throw WireError.unexpected("no answer") }
      let blocked = Background { () throws(WireError) in try connection.receive().requestID }
      connection.close()
      let error = try blocked.error()
      #expect(error == .closed)
      #expect(thrown { () throws(WireError) in try connection.send(.leave) } == .closed)
      connection.close()
    }
  }

  @Test func closingFromAnotherThreadEndsSend() throws {
    try withPeerThatDoesNotRead(sendMilliseconds: patience * 10) { connection in
      let started = Monitor(false)
      let sender = Background { () throws(WireError) in
        while true {
          started.update { $0 = true }
          try connection.send(large)
        }
      }
      #expect(started.wait(milliseconds: patience) { $0 ? true : nil } == true)
      connection.close()
      let error = try sender.error()
      #expect(error == .closed)
    }
  }

  @Test func aPeerThatDoesNotReadIsGivenUp() throws {
    try withPeerThatDoesNotRead(sendMilliseconds: 100) { connection in
      let error = thrown { () throws(WireError) in
        while true { try connection.send(large) }
      }
      #expect(error == .timedOut("the other side did not read a frame in time"))
      // Part of a frame is out, so there is no going on.
      #expect(thrown { () throws(WireError) in try connection.receive() } == .closed)
    }
  }

  private let large = Message.adminRequest(AdminRequest(verb: String(repeating: "x", count: 8_000_000)))

  private func withPeerThatDoesNotRead(sendMilliseconds: Int64, _ body: (FrameConnection) throws -> Void) throws {
    let done = Monitor(false)
    let handler: Listener.Handler = { _ in
      #expect(done.wait(milliseconds: patience * 10) { $0 ? true : nil } == true)
    }
    try withListener(token: nil, handler: handler) { _, endpoint in
      defer { done.update { $0 = true } }
      let timeouts = FrameConnection.Timeouts(sendMilliseconds: sendMilliseconds)
      try body(try FrameConnection.connect(to: endpoint, role: .admin, token: nil, timeouts: timeouts))
    }
  }

  /// What goes wrong on one connection ends that connection, with a typed reason, and no other.
  @Test func aBrokenConnectionHarmsNoOther() throws {
    let patient = Deadline.after(patience)
    let cases: [(String, @Sendable (FrameStream) throws(WireError) -> Void, @Sendable (WireError) -> Bool)] = [
      (
        "over the limit",
        { stream throws(WireError) in
          let length = UInt32(WireLimits.frame + 1)
          try stream.socket.write((0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }, deadline: patient)
        },
        { $0 == .frameTooLarge(length: WireLimits.frame + 1, limit: WireLimits.frame) }
      ),
      (
        "largest length",
        { stream throws(WireError) in try stream.socket.write([255, 255, 255, 255], deadline: patient) },
        { $0 == .frameTooLarge(length: Int(UInt32.max), limit: WireLimits.frame) }
      ),
      (
        "truncated frame",
        { stream throws(WireError) in try stream.socket.write([0, 0, 0, 9, 1, 2], deadline: patient) },
        { $0 == .truncated }
      ),
      (
        "truncated length", { stream throws(WireError) in try stream.socket.write([0, 0], deadline: patient) },
        { $0 == .truncated }
      ),
      (
        "empty frame", { stream throws(WireError) in try stream.socket.write([0, 0, 0, 0], deadline: patient) },
        { $0 == .malformed("the frame is empty") }
      ),
      (
        "garbage",
        { stream throws(WireError) in try stream.socket.write([0, 0, 0, 3, 255, 255, 255], deadline: patient) },
        { if case .malformed = $0 { true } else { false } }
      ),
      (
        "handshake again",
        { stream throws(WireError) in
          try stream.write(.handshake(.welcome([])), requestID: 0, limit: 1000, deadline: patient)
        },
        { if case .unexpected = $0 { true } else { false } }
      ),
      (
        "a worker's message",
        { stream throws(WireError) in try stream.write(.message(.leave), requestID: 0, limit: 1000, deadline: patient)
        },
        { if case .unexpected = $0 { true } else { false } }
      ),
      (
        "a coordinator's message",
        { stream throws(WireError) in
          try stream.write(
            .message(.adminReply(AdminReply(status: 0))), requestID: 0, limit: 1000, deadline: patient)
        },
        { if case .unexpected = $0 { true } else { false } }
      ),
      ("nothing", { _ in }, { $0 == .disconnected }),
    ]
    let ends = Monitor<[WireError]>([])
    let handler: Listener.Handler = { connection throws(WireError) in
      do throws(WireError) {
        try echo(connection)
      } catch {
        ends.update { $0.append(error) }
        throw error
      }
    }
    try withListener(token: nil, handler: handler) { _, endpoint in
      let good = try FrameConnection.connect(to: endpoint, role: .admin, token: nil)
      for (index, (name, misbehave, isExpected)) in cases.enumerated() {
        let stream = try rawConnection(endpoint)
        try Handshake(token: nil).open(stream, role: .admin, deadline: patient)
        try misbehave(stream)
        stream.socket.close()
        let end = ends.wait(milliseconds: patience) { $0.count > index ? $0[index] : nil }
        #expect(end.map(isExpected) == true, "\(name): \(String(describing: end))")
        try ask(good, name, id: UInt64(index))
      }
    }
  }

  @Test func manyConnectionsAtOnce() throws {
    let token = try makeToken()
    try withListener(token: token, handler: echo) { _, endpoint in
      let clients = (0..<48).map { client in
        Background { () throws(WireError) in
          let connection = try FrameConnection.connect(
            to: endpoint, role: .admin, token: token, timeoutMilliseconds: patience)
          defer { connection.close() }
          for number in 0..<20 {
            try connection.send(.adminRequest(AdminRequest(verb: "\(client)/\(number)")), requestID: UInt64(number))
            let (id, reply) = try connection.receive()
            guard id == UInt64(number), reply == .adminReply(AdminReply(status: 0, error: "\(client)/\(number)")) else {
              throw .unexpected("the answer to another question")
            }
          }
        }
      }
      for client in clients {
        let error = try client.error()
        #expect(error == nil)
      }
    }
  }
}
