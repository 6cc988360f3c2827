import Glibc

/// An IPv4 or IPv6 address with a port, as the socket calls want it.
struct SocketAddress: Sendable {
  private var storage: sockaddr_storage
  private let length: socklen_t

  /// Copies an address of `length` bytes; nil when it is longer than any address.
  init?(_ pointer: UnsafePointer<sockaddr>, length: socklen_t) {
    guard length <= MemoryLayout<sockaddr_storage>.size else { return nil }
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(length))) }
    self.storage = storage
    self.length = length
  }

  /// What `getsockname`, `getpeername` or `accept` fill in; nil with `errno` set when they fail.
  init?(_ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
    }
    guard status >= 0 else { return nil }
    self.storage = storage
    self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
  }

  /// Calls `body` with the address.
  func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  /// `AF_INET` or `AF_INET6`.
  var family: Int32 { Int32(storage.ss_family) }

  /// The addresses of an endpoint's host, in the resolver's order. May ask a name server, and wait for it.
  /// - Throws: `WireError.address`.
  static func resolve(_ endpoint: Endpoint) throws(WireError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var first: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &first)
    guard status == 0 else {
      throw .address("\(endpoint.host) cannot be resolved: \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(first) }
    var addresses: [SocketAddress] = []
    var next = first
    while let entry = next {
      if let pointer = entry.pointee.ai_addr,
        let address = SocketAddress(UnsafePointer(pointer), length: entry.pointee.ai_addrlen)
      {
        addresses.append(address)
      }
      next = entry.pointee.ai_next
    }
    guard !addresses.isEmpty else { throw .address("\(endpoint.host) has no address") }
    return addresses
  }

  /// Whether only this machine can reach it: 127.0.0.0/8, ::1, and the former within IPv6.
  var isLoopback: Bool {
    switch family {
    case AF_INET: bytes(at: MemoryLayout<sockaddr_in>.offset(of: \.sin_addr), count: 4).first == 127
    case AF_INET6:
      switch bytes(at: MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr), count: 16) {
      case [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]: true
      case let mapped: mapped.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127])
      }
    default: false
    }
  }

  /// The port.
  var port: UInt16 {
    let offset =
      family == AF_INET6
      ? MemoryLayout<sockaddr_in6>.offset(of: \.sin6_port) : MemoryLayout<sockaddr_in>.offset(of: \.sin_port)
    return bytes(at: offset, count: 2).reduce(0) { $0 << 8 | UInt16($1) }
  }

  private func bytes(at offset: Int?, count: Int) -> [UInt8] {
    guard let offset else { return [] }
    return withUnsafeBytes(of: storage) { Array($0[offset..<offset + count]) }
  }

  /// Address and port as numbers, `127.0.0.1:7700`.
  var text: String {
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status = withPointer { pointer, length in
      getnameinfo(pointer, length, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
    }
    guard status == 0 else { return "unknown" }
    let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)"
  }
}
