import Glibc

/// What can go wrong between two processes of a cluster. Every case closes the connection that it happened on, and
/// nothing else.
public enum WireError: Error, Sendable, Hashable {
  /// This side has closed the connection.
  case closed
  /// The other side has closed the connection, between two frames.
  case disconnected
  /// The connection ended within a frame.
  case truncated
  /// A frame is longer than the limit that holds for it at this moment, in bytes.
  case frameTooLarge(length: Int, limit: Int)
  /// A frame's bytes are no message, or one that contradicts itself.
  case malformed(String)
  /// A message that has no place at this point of the conversation.
  case unexpected(String)
  /// The other side did not read, write or answer in time.
  case timedOut(String)
  /// The operating system refused.
  case system(operation: String, code: Int32)
  /// An endpoint's text or name cannot be used.
  case address(String)
  /// The listener would be reachable from other machines, and there is no token.
  case tokenRequired(Endpoint)
  /// A token file or text cannot be used.
  case token(String)
  /// The two sides speak different versions of the protocol.
  case versionMismatch(coordinator: Int, peer: Int, role: Role)
  /// The two sides have different tokens; `by` tells who found out.
  case tokenRefused(by: TokenJudge)
  /// The coordinator has a token, and the side that connects has none.
  case tokenMissing(Role)
  /// The side that connects has a token, and the coordinator has none.
  case tokenUnexpected(Role)
  /// The coordinator has as many connections as it takes.
  case busy
}

extension WireError {
  /// Whether a message, and not the connection, is what is wrong: sending it again, here or elsewhere, fails again.
  public var concernsMessage: Bool {
    switch self {
    case .frameTooLarge, .malformed: true
    case .closed, .disconnected, .truncated, .unexpected, .timedOut, .system, .address, .tokenRequired, .token,
      .versionMismatch, .tokenRefused, .tokenMissing, .tokenUnexpected, .busy:
      false
    }
  }
}

/// Who has found the other side's token wrong.
public enum TokenJudge: Sendable, Hashable {
  /// The coordinator refused the token of whoever connected.
  case coordinator
  /// Whoever connected refused the coordinator's.
  case peer
}

extension WireError: CustomStringConvertible {
  /// What happened, and what to do where something can be done. Never holds a secret.
  public var description: String {
    switch self {
    case .closed: "the connection has been closed by this side"
    case .disconnected: "the other side has closed the connection"
    case .truncated: "the connection broke within a frame"
    case .frameTooLarge(let length, let limit): "a frame of \(length) bytes is over the limit of \(limit)"
    case .malformed(let what): "malformed frame: \(what)"
    case .unexpected(let what): "unexpected message: \(what)"
    case .timedOut(let what): "timed out: \(what)"
    case .system(let operation, let code): "\(operation) failed: \(String(cString: strerror(code)))"
    case .address(let what): what
    case .tokenRequired(let endpoint):
      "\(endpoint) can be reached from other machines, which needs a token — give --token-file, or listen on "
        + "127.0.0.1"
    case .token(let what): what
    case .versionMismatch(let coordinator, let peer, let role):
      "the coordinator speaks version \(coordinator) of the protocol, this \(role) \(peer) — run the same version "
        + "of Tidegate everywhere"
    case .tokenRefused(.coordinator):
      "the token was refused: it is not the coordinator's — give both sides the same token file"
    case .tokenRefused(.peer):
      "the coordinator's token was refused: it is not the one given here — give both sides the same token file"
    case .tokenMissing(let role):
      "the coordinator asks for a token and this \(role) has none — give --token-file"
    case .tokenUnexpected(let role):
      "this \(role) has a token and the coordinator has none — give the coordinator the same --token-file, or "
        + "leave it out here"
    case .busy: "the coordinator has no room for another connection — try again later"
    }
  }
}
