/// What a connection is used for, told in the handshake; decides which messages may follow.
public enum Role: Sendable, Hashable, CustomStringConvertible {
  /// Runs splits.
  case worker
  /// Asks and commands for an operator.
  case admin

  /// `worker` or `admin`.
  public var description: String {
    switch self {
    case .worker: "worker"
    case .admin: "admin"
    }
  }
}

/// The messages before authentication; see `Handshake`.
enum HandshakeMessage: Sendable, Hashable {
  case hello(version: UInt32, role: Role, nonce: [UInt8], hasToken: Bool)
  case challenge(version: UInt32, nonce: [UInt8])
  case proof([UInt8])
  case welcome([UInt8])
  case refusal(Refusal, version: UInt32)

  /// Why the coordinator does not go on.
  enum Refusal: Sendable, Hashable, CaseIterable {
    case version, tokenWrong, tokenMissing, tokenUnexpected, busy
  }

  /// For errors: the kind, not the content.
  var name: StaticString {
    switch self {
    case .hello: "Hello"
    case .challenge: "Challenge"
    case .proof: "Proof"
    case .welcome: "Welcome"
    case .refusal: "Refusal"
    }
  }
}
