import Connector

/// What is needed to connect to the server.
struct ConnectionSettings: Sendable, Hashable {
  /// How a connection is protected.
  enum TLSMode: String, Sendable, CaseIterable {
    /// Plain.
    case disabled
    /// Encrypted, whoever the server is.
    case required
    /// Encrypted, and the certificate must be signed by `tlsAuthority`.
    case verifyCA = "verify-ca"
    /// As `verifyCA`, and the certificate must carry the host's name.
    case verifyIdentity = "verify-identity"
  }

  /// Name or address of the server.
  var host: String
  /// TCP port.
  var port: UInt32
  /// Account.
  var user: String
  /// Its password; never printed.
  var password: String
  /// Milliseconds until an attempt to connect is given up.
  var connectTimeout: Int64 = 30_000
  /// How often a failed attempt is repeated.
  var connectRetries = 3
  /// How the connection is protected.
  var tls = TLSMode.disabled
  /// File with the certificates of authorities, PEM.
  var tlsAuthority: String?
  /// File with the client's certificate, PEM.
  var tlsCertificate: String?
  /// File with the client's key, PEM.
  var tlsKey: String?
}
