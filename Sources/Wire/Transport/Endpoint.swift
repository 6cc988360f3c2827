/// Where a coordinator listens: a host (name or address) and a TCP port.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  /// A name, an IPv4 address, or an IPv6 address without brackets.
  public let host: String
  /// The port; 0 asks a listener for any free one.
  public let port: UInt16

  /// Puts one together.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Reads `HOST:PORT`, with an IPv6 address in brackets: `127.0.0.1:7700`, `[::1]:7700`, `coordinator.example:7700`.
  /// Names are resolved when the endpoint is used.
  /// - Throws: `WireError.address`.
  public init(parse text: String) throws(WireError) {
    let wanted = "— write HOST:PORT, an IPv6 address in brackets"
    guard let colon = text.lastIndex(of: ":") else { throw .address("\(text) has no port \(wanted)") }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else {
      throw .address("\(text) does not end with a port of 0 to 65535 \(wanted)")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { throw .address("\(text): only an IPv6 address goes in brackets \(wanted)") }
    } else if host.contains(":") {
      throw .address("\(text) has more than one colon \(wanted)")
    }
    let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != 0x5b && $0 != 0x5d }
    guard !host.isEmpty, isPlain else { throw .address("\(text) has no host \(wanted)") }
    self.host = String(host)
    self.port = port
  }

  /// `127.0.0.1:7700`, `[::1]:7700`.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
