import Connector
import Glibc

/// What is needed to connect to the server.
struct ConnectionSettings: Sendable, Hashable {
  /// How a connection is protected.
  enum TLSMode: String, Sendable, CaseIterable {
    /// Plain.
    case disabled
    /// Encrypted if the server can, whoever it is; else plain.
    case preferred
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
  /// Milliseconds of silence after which a statement's connection counts as broken; nil: long.
  var readTimeout: Int64?
  /// Milliseconds of silence after which the server is asked for a sign of life over another connection.
  var silence: Int64 = 60_000
  /// Whether the server may be asked for the public key with which a password is sent over a connection that is not
  /// encrypted; nil: only where the user has not asked for encryption.
  var allowsKeyRetrieval: Bool?
  /// How the connection is protected.
  var tls = TLSMode.preferred
  /// Versions of TLS, separated by commas, such as `TLSv1.2,TLSv1.3`; nil: those of the library.
  var tlsVersions: String?
  /// File with the certificates of authorities, PEM.
  var tlsAuthority: String?
  /// File with the client's certificate, PEM.
  var tlsCertificate: String?
  /// File with the client's key, PEM.
  var tlsKey: String?
}

extension ConnectionSettings {
  /// The machine's list of authorities.
  static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

  /// Whether the files of certificates can be read: the library's own message names none.
  /// - Throws: `configuration` naming option and file.
  func checkFiles() throws(ConnectorError) {
    guard tls != .disabled else { return }
    var files = [("ssl.cert", tlsCertificate), ("ssl.key", tlsKey)]
    if tls.verifies { files.append(("ssl.ca", tlsAuthority ?? Self.systemAuthorities)) }
    for (option, path) in files {
      guard let path, access(path, R_OK) != 0 else { continue }
      throw ConnectorError(
        .configuration, "the file \(path) cannot be read: \(String(cString: strerror(errno)))",
        remedy: "the option \(option) names a file of PEM on every machine that runs coordinator or worker")
    }
  }
}
