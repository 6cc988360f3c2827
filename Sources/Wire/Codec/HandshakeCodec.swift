internal import CWire

extension WireEncoder {
  /// Sets the frame's body to a handshake message.
  func handshake(_ message: HandshakeMessage, into frame: inout Tidegate__Frame) throws(WireError) {
    switch message {
    case .hello(let version, let role, let nonce, let hasToken):
      frame.body_case = TIDEGATE__FRAME__BODY_HELLO
      frame.hello = try make(tidegate__hello__init)
      frame.hello.pointee.version = version
      frame.hello.pointee.role = role == .worker ? TIDEGATE__ROLE__ROLE_WORKER : TIDEGATE__ROLE__ROLE_ADMIN
      frame.hello.pointee.nonce = try binary(nonce)
      frame.hello.pointee.has_token = hasToken ? 1 : 0
    case .challenge(let version, let nonce):
      frame.body_case = TIDEGATE__FRAME__BODY_CHALLENGE
      frame.challenge = try make(tidegate__challenge__init)
      frame.challenge.pointee.version = version
      frame.challenge.pointee.nonce = try binary(nonce)
    case .proof(let mac):
      frame.body_case = TIDEGATE__FRAME__BODY_PROOF
      frame.proof = try make(tidegate__proof__init)
      frame.proof.pointee.mac = try binary(mac)
    case .welcome(let mac):
      frame.body_case = TIDEGATE__FRAME__BODY_WELCOME
      frame.welcome = try make(tidegate__welcome__init)
      frame.welcome.pointee.mac = try binary(mac)
    case .refusal(let reason, let version):
      frame.body_case = TIDEGATE__FRAME__BODY_REFUSAL
      frame.refusal = try make(tidegate__refusal__init)
      frame.refusal.pointee.reason = reason.wire
      frame.refusal.pointee.version = version
    }
  }
}

extension WireDecoder {
  /// The handshake message that a frame carries; nil when it carries another.
  static func handshake(_ frame: Tidegate__Frame) throws(WireError) -> HandshakeMessage? {
    switch frame.body_case {
    case TIDEGATE__FRAME__BODY_HELLO:
      let hello = try required(frame.hello, "Frame.hello").pointee
      return .hello(
        version: hello.version, role: try role(hello.role), nonce: binary(hello.nonce), hasToken: hello.has_token != 0)
    case TIDEGATE__FRAME__BODY_CHALLENGE:
      let challenge = try required(frame.challenge, "Frame.challenge").pointee
      return .challenge(version: challenge.version, nonce: binary(challenge.nonce))
    case TIDEGATE__FRAME__BODY_PROOF:
      return .proof(binary(try required(frame.proof, "Frame.proof").pointee.mac))
    case TIDEGATE__FRAME__BODY_WELCOME:
      return .welcome(binary(try required(frame.welcome, "Frame.welcome").pointee.mac))
    case TIDEGATE__FRAME__BODY_REFUSAL:
      let refusal = try required(frame.refusal, "Frame.refusal").pointee
      guard let reason = HandshakeMessage.Refusal.allCases.first(where: { $0.wire == refusal.reason }) else {
        throw .malformed("Refusal has no reason that is known here")
      }
      return .refusal(reason, version: refusal.version)
    default: return nil
    }
  }

  private static func role(_ role: Tidegate__Role) throws(WireError) -> Role {
    switch role {
    case TIDEGATE__ROLE__ROLE_WORKER: .worker
    case TIDEGATE__ROLE__ROLE_ADMIN: .admin
    default: throw .malformed("Hello has no role that is known here")
    }
  }
}

extension HandshakeMessage.Refusal {
  fileprivate var wire: Tidegate__RefusalReason {
    switch self {
    case .version: TIDEGATE__REFUSAL_REASON__REFUSAL_REASON_VERSION
    case .tokenWrong: TIDEGATE__REFUSAL_REASON__REFUSAL_REASON_TOKEN_WRONG
    case .tokenMissing: TIDEGATE__REFUSAL_REASON__REFUSAL_REASON_TOKEN_MISSING
    case .tokenUnexpected: TIDEGATE__REFUSAL_REASON__REFUSAL_REASON_TOKEN_UNEXPECTED
    case .busy: TIDEGATE__REFUSAL_REASON__REFUSAL_REASON_BUSY
    }
  }
}
