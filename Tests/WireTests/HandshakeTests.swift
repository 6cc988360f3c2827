import Platform
import Testing

@testable import Wire

/// Who is let in, and what both sides are told when somebody is not.
@Suite(.timeLimit(.minutes(2))) struct HandshakeTests {
  private struct Outcome {
    var peer: WireError?
    var coordinator: WireError?
    var role: Role?
  }

  private func shakeHands(_ peer: Handshake, _ coordinator: Handshake, role: Role = .worker) throws -> Outcome {
    let (left, right) = try socketPair()
    let server = Background { () throws(WireError) in
      do throws(WireError) {
        let role = try coordinator.serve(FrameStream(socket: right), deadline: .after(patience))
        return role
      } catch {
        right.close()
        throw error
      }
    }
    let error = thrown { () throws(WireError) in
      try peer.open(FrameStream(socket: left), role: role, deadline: .after(patience))
    }
    left.close()
    switch try server.wait() {
    case .success(let role): return Outcome(peer: error, coordinator: nil, role: role)
    case .failure(let failure): return Outcome(peer: error, coordinator: failure, role: nil)
    }
  }

  @Test(arguments: [Role.worker, .admin])
  func theSameTokenLetsIn(role: Role) throws {
    for token in [nil, try makeToken()] {
      let outcome = try shakeHands(Handshake(token: token), Handshake(token: token), role: role)
      #expect(outcome.peer == nil && outcome.coordinator == nil && outcome.role == role)
    }
  }

  @Test func anotherTokenIsRefused() throws {
    let outcome = try shakeHands(Handshake(token: makeToken()), Handshake(token: makeToken("0123456789abcdef")))
    #expect(outcome.peer == .tokenRefused(by: .coordinator))
    #expect(outcome.coordinator == .tokenRefused(by: .coordinator))
    #expect(outcome.peer?.description.contains("token was refused") == true)
  }

  @Test func aMissingTokenIsTold() throws {
    let missing = try shakeHands(Handshake(token: nil), Handshake(token: makeToken()))
    #expect(missing.peer == .tokenMissing(.worker) && missing.coordinator == .tokenMissing(.worker))
    let unexpected = try shakeHands(Handshake(token: makeToken()), Handshake(token: nil), role: .admin)
    #expect(unexpected.peer == .tokenUnexpected(.admin) && unexpected.coordinator == .tokenUnexpected(.admin))
  }

  @Test func anotherVersionIsTold() throws {
    let token = try makeToken()
    let outcome = try shakeHands(Handshake(version: 1, token: token), Handshake(version: 2, token: token))
    let expected = WireError.versionMismatch(coordinator: 2, peer: 1, role: .worker)
    #expect(outcome.peer == expected && outcome.coordinator == expected)
    #expect(expected.description.hasPrefix("the coordinator speaks version 2 of the protocol, this worker 1"))
  }

  @Test func aCoordinatorThatDoesNotKnowTheTokenIsRefused() throws {
    let (left, right) = try socketPair()
    let impostor = Background { () throws(WireError) in
      let stream = FrameStream(socket: right)
      _ = try stream.read(limit: WireLimits.handshakeFrame, deadline: .after(patience))
      let challenge = HandshakeMessage.challenge(version: Handshake.version, nonce: try Authentication.nonce())
      try stream.write(.handshake(challenge), requestID: 0, limit: 1000, deadline: .after(patience))
      // It sends back what it has heard.
      let (_, proof) = try stream.read(limit: WireLimits.handshakeFrame, deadline: .after(patience))
      guard case .handshake(.proof(let mac)) = proof else { throw .unexpected("no proof") }
      try stream.write(.handshake(.welcome(mac)), requestID: 0, limit: 1000, deadline: .after(patience))
    }
    let token = try makeToken()
    let error = thrown { () throws(WireError) in
      try Handshake(token: token).open(FrameStream(socket: left), role: .worker, deadline: .after(patience))
    }
    #expect(error == .tokenRefused(by: .peer))
    #expect(try impostor.error() == nil)
  }

  @Test func anOverheardHandshakeIsWorthNothing() throws {
    let token = try makeToken()
    try withListener(token: token, handler: echo) { _, endpoint in
      // A true handshake by hand, which shows everything that goes over the network.
      let nonce = try Authentication.nonce()
      let hello = HandshakeMessage.hello(version: Handshake.version, role: .admin, nonce: nonce, hasToken: true)
      let first = try rawConnection(endpoint)
      let transcript = Authentication.Transcript(
        version: Handshake.version, role: .admin, peerNonce: nonce, coordinatorNonce: try challenge(first, hello))
      let proof = HandshakeMessage.proof(try Authentication.proof(by: .peer, of: transcript, token: token))
      guard case .welcome = try say(first, proof) else { throw WireError.unexpected("no welcome") }

      let second = try rawConnection(endpoint)
      _ = try challenge(second, hello)
      #expect(try say(second, proof) == .refusal(.tokenWrong, version: Handshake.version))
      #expect(readToEnd(second.socket) == .disconnected)
    }
  }

  @Test func aProofHoldsForOneRoleOnly() throws {
    let token = try makeToken()
    try withListener(token: token, handler: echo) { _, endpoint in
      let nonce = try Authentication.nonce()
      let stream = try rawConnection(endpoint)
      let answer = try challenge(stream, .hello(version: Handshake.version, role: .admin, nonce: nonce, hasToken: true))
      let transcript = Authentication.Transcript(
        version: Handshake.version, role: .worker, peerNonce: nonce, coordinatorNonce: answer)
      let proof = HandshakeMessage.proof(try Authentication.proof(by: .peer, of: transcript, token: token))
      #expect(try say(stream, proof) == .refusal(.tokenWrong, version: Handshake.version))
    }
  }

  @Test func whatIsNotAHandshakeClosesThatConnectionOnly() throws {
    let token = try makeToken()
    try withListener(token: token, handler: echo) { _, endpoint in
      let good = try FrameConnection.connect(to: endpoint, role: .admin, token: token)
      for seed in UInt64(0)..<40 {
        var random = SeededRandom(seed: seed)
        let stream = try rawConnection(endpoint)
        switch seed % 5 {
        case 0: try stream.socket.write([0, 1, 0, 1], deadline: .after(patience))  // one byte over the limit
        case 1: try stream.socket.write(Array("GET / HTTP/1.1\r\n\r\n".utf8), deadline: .after(patience))
        case 2: try stream.write(.message(.leave), requestID: 0, limit: 1000, deadline: .after(patience))
        case 3: try stream.write(.handshake(.proof([1])), requestID: 0, limit: 1000, deadline: .after(patience))
        default:
          let bytes = (0..<60).map { _ in UInt8(truncatingIfNeeded: random.next()) }
          try stream.socket.write([0, 0, 0, 60] + bytes, deadline: .after(patience))
        }
        let end = readToEnd(stream.socket)
        #expect(end == .disconnected || end == .truncated, "seed \(seed)")
        try ask(good, "list", id: seed)
      }
    }
  }

  @Test func mutatedHandshakesNeverLetIn() throws {
    let token = try makeToken()
    let wrong = try makeToken("another token, as long as need be")
    let served = Monitor(0)
    try withListener(token: token, handler: { _ in served.update { $0 += 1 } }) { _, endpoint in
      for seed in UInt64(0)..<100 {
        var random = SeededRandom(seed: seed)
        let stream = try rawConnection(endpoint)
        let hello = HandshakeMessage.hello(
          version: Handshake.version, role: .worker, nonce: try Authentication.nonce(), hasToken: true)
        var frame = try MessageCodec.encode(.handshake(hello), requestID: 0, prefix: true, limit: 1000)
        frame[4 + random.below(frame.count - 4)] = UInt8(truncatingIfNeeded: random.next())
        try stream.socket.write(frame, deadline: .after(patience))
        let proof = HandshakeMessage.proof(
          try Authentication.proof(
            by: .peer, of: .init(version: Handshake.version, role: .worker, peerNonce: [], coordinatorNonce: []),
            token: wrong))
        // The other side may have closed already.
        _ = thrown { () throws(WireError) in
          try stream.write(.handshake(proof), requestID: 0, limit: 1000, deadline: .after(patience))
        }
        let end = readToEnd(stream.socket)
        #expect(end == .disconnected || end == .truncated, "seed \(seed)")
      }
    }
    #expect(served.withLock { $0 } == 0)
  }

  /// Sends a Hello and gives the nonce of the answer.
  private func challenge(_ stream: FrameStream, _ hello: HandshakeMessage) throws -> [UInt8] {
    guard case .challenge(_, let nonce) = try say(stream, hello) else { throw WireError.unexpected("no challenge") }
    return nonce
  }

  private func say(_ stream: FrameStream, _ message: HandshakeMessage) throws -> HandshakeMessage {
    try stream.write(.handshake(message), requestID: 0, limit: 1000, deadline: .after(patience))
    guard case .handshake(let answer) = try stream.read(limit: 1000, deadline: .after(patience)).body else {
      throw WireError.unexpected("no handshake message")
    }
    return answer
  }
}
