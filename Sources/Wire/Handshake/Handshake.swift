/// How two sides find out that they speak the same version and have the same token, without showing it.
///
///     peer                                    coordinator
///     Hello(version, role, nonce, hasToken) ->
///                                          <- Challenge(version, nonce)
///     Proof(HMAC(token, "peer" …))          ->
///                                          <- Welcome(HMAC(token, "coordinator" …))
///
/// Each proof covers version, role and both nonces, so that one that was overheard is worth nothing on any other
/// connection or in the other direction. The peer proves itself first: the coordinator shows nothing that could be
/// guessed from to somebody it does not know. Instead of Challenge and Welcome there may be a Refusal with a reason.
///
/// Without a token on both sides the same runs with an empty key; a listener allows that on loopback only.
struct Handshake: Sendable {
  /// The protocol's version.
  static let version: UInt32 = 2

  var version = Handshake.version
  var token: Token?

  init(version: UInt32 = Handshake.version, token: Token?) {
    self.version = version
    self.token = token
  }

  /// The side that connected.
  func open(_ stream: FrameStream, role: Role, deadline: Deadline) throws(WireError) {
    let nonce = try Authentication.nonce()
    try write(
      .hello(version: version, role: role, nonce: nonce, hasToken: token != nil), to: stream, deadline)
    let answer = try read(from: stream, deadline)
    guard case .challenge(let theirs, let coordinatorNonce) = answer else { throw failure(answer, role, "Challenge") }
    guard theirs == version else {
      throw .versionMismatch(coordinator: Int(theirs), peer: Int(version), role: role)
    }
    let transcript = try transcript(role, peer: nonce, coordinator: coordinatorNonce)
    try write(.proof(try Authentication.proof(by: .peer, of: transcript, token: token)), to: stream, deadline)
    let end = try read(from: stream, deadline)
    guard case .welcome(let mac) = end else { throw failure(end, role, "Welcome") }
    let expected = try Authentication.proof(by: .coordinator, of: transcript, token: token)
    guard Authentication.isEqual(mac, expected) else { throw .tokenRefused(by: .peer) }
  }

  /// The coordinator's side: whoever connected, once it has proved itself.
  func serve(_ stream: FrameStream, deadline: Deadline) throws(WireError) -> Role {
    let first = try read(from: stream, deadline)
    guard case .hello(let theirs, let role, let peerNonce, let hasToken) = first else {
      throw .unexpected("\(first.name) in place of Hello")
    }
    guard theirs == version else {
      refuse(.version, stream, deadline)
      throw .versionMismatch(coordinator: Int(version), peer: Int(theirs), role: role)
    }
    guard hasToken == (token != nil) else {
      refuse(hasToken ? .tokenUnexpected : .tokenMissing, stream, deadline)
      throw hasToken ? .tokenUnexpected(role) : .tokenMissing(role)
    }
    let nonce = try Authentication.nonce()
    let transcript = try transcript(role, peer: peerNonce, coordinator: nonce)
    try write(.challenge(version: version, nonce: nonce), to: stream, deadline)
    let second = try read(from: stream, deadline)
    guard case .proof(let mac) = second else { throw .unexpected("\(second.name) in place of Proof") }
    let expected = try Authentication.proof(by: .peer, of: transcript, token: token)
    guard Authentication.isEqual(mac, expected) else {
      refuse(.tokenWrong, stream, deadline)
      throw .tokenRefused(by: .coordinator)
    }
    try write(.welcome(try Authentication.proof(by: .coordinator, of: transcript, token: token)), to: stream, deadline)
    return role
  }

  /// Tells the other side why it is not let in.
  func refuse(_ reason: HandshakeMessage.Refusal, _ stream: FrameStream, _ deadline: Deadline) {
    // A peer that does not take the refusal is turned away all the same, and the caller throws the reason.
    try? write(.refusal(reason, version: version), to: stream, deadline)
  }

  private func transcript(
    _ role: Role, peer: [UInt8], coordinator: [UInt8]
  ) throws(WireError) -> Authentication.Transcript {
    guard peer.count == Authentication.nonceBytes, coordinator.count == Authentication.nonceBytes else {
      throw .malformed("a nonce has not \(Authentication.nonceBytes) bytes")
    }
    return Authentication.Transcript(
      version: version, role: role, peerNonce: peer, coordinatorNonce: coordinator)
  }

  /// What an answer means that is not the one hoped for.
  private func failure(_ answer: HandshakeMessage, _ role: Role, _ wanted: StaticString) -> WireError {
    guard case .refusal(let reason, let theirs) = answer else {
      return .unexpected("\(answer.name) in place of \(wanted)")
    }
    return switch reason {
    case .version: .versionMismatch(coordinator: Int(theirs), peer: Int(version), role: role)
    case .tokenWrong: .tokenRefused(by: .coordinator)
    case .tokenMissing: .tokenMissing(role)
    case .tokenUnexpected: .tokenUnexpected(role)
    case .busy: .busy
    }
  }

  private func write(_ message: HandshakeMessage, to stream: FrameStream, _ deadline: Deadline) throws(WireError) {
    try stream.write(.handshake(message), requestID: 0, limit: WireLimits.handshakeFrame, deadline: deadline)
  }

  private func read(from stream: FrameStream, _ deadline: Deadline) throws(WireError) -> HandshakeMessage {
    let (_, body) = try stream.read(
      limit: WireLimits.handshakeFrame, memory: WireLimits.handshakeMemory, deadline: deadline)
    guard case .handshake(let message) = body else { throw .unexpected("a message before the handshake") }
    return message
  }
}
