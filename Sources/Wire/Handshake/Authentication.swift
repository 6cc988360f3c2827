internal import COpenSSL
import Glibc

/// The cryptography of the handshake.
enum Authentication {
  /// Bytes of a nonce.
  static let nonceBytes = 32

  /// What both sides have said, which a proof is about.
  struct Transcript: Sendable {
    var version: UInt32
    var role: Role
    /// Of whoever connected.
    var peerNonce: [UInt8]
    /// The coordinator's.
    var coordinatorNonce: [UInt8]
  }

  /// Random bytes that nobody can foresee.
  static func nonce() throws(WireError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: nonceBytes)
    guard RAND_bytes(&bytes, Int32(nonceBytes)) == 1 else { throw .system(operation: "RAND_bytes", code: EIO) }
    return bytes
  }

  /// The proof of one side that it has the token (RFC 2104 with SHA-256). The side is part of it, so that a proof
  /// cannot be sent back to where it came from.
  static func proof(by side: Side, of transcript: Transcript, token: Token?) throws(WireError) -> [UInt8] {
    var text = Array("tidegate handshake, \(side == .coordinator ? "coordinator" : "peer")".utf8)
    text.append(0)
    for shift in [24, 16, 8, 0] { text.append(UInt8(truncatingIfNeeded: transcript.version >> UInt32(shift))) }
    text.append(transcript.role == .worker ? 1 : 2)
    text += transcript.peerNonce
    text += transcript.coordinatorNonce

    // HMAC fills a key up with zeros, so one zero is the empty key; the library wants a pointer that is not null.
    let key = token?.bytes ?? [0]
    var mac = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard HMAC(EVP_sha256(), key, Int32(key.count), text, text.count, &mac, &length) != nil, length == 32 else {
      throw .system(operation: "HMAC", code: EIO)
    }
    return Array(mac[..<Int(length)])
  }

  /// Whether a proof is the expected one; takes the same time wherever they differ.
  static func isEqual(_ proof: [UInt8], _ expected: [UInt8]) -> Bool {
    proof.count == expected.count && CRYPTO_memcmp(proof, expected, expected.count) == 0
  }
}
