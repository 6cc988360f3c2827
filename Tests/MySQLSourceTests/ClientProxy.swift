import Glibc
import Platform
import TestKit

/// A TCP forwarder on 127.0.0.1 between a client and a server: its server can be changed, its connections cut, or left
/// open without a byte going through.
final class ClientProxy: Sendable {
  private struct State {
    var target: UInt16
    var isFrozen = false
    /// What the forwarding thread goes by.
    var hasFrozen = false
    var isClosed = false
    /// Counted up to cut every connection.
    var generation = 0
    /// Changes some of the server's bytes.
    var damage: Damage?
  }

  /// A few bytes are changed in what a connection's server sends, from some number of bytes on.
  private struct Damage {
    var random: SeededGenerator
    var left: Int
  }

  /// Where to connect.
  let port: Int
  private let state: Monitor<State>
  private let listener: Int32

  init(to target: Int) throws {
    state = Monitor(State(target: UInt16(target)))
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.address(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(listener, pointer, size) == 0, listen(listener, 16) == 0 else { return Int32(-1) }
        return getsockname(listener, pointer, &size)
      }
    }
    guard status == 0 else { throw SourceServerError("the proxy cannot listen: \(errno)") }
    port = Int(UInt16(bigEndian: address.sin_port))
    _ = DedicatedThread(name: "proxy") { [self] in run() }
  }

  /// Sends new connections elsewhere and cuts those that there are.
  func move(to target: Int) {
    state.update {
      $0.target = UInt16(target)
      $0.generation += 1
    }
  }

  /// Lets nothing through any more, in connections that there are and in new ones, without closing any.
  /// When it returns, that is so.
  func freeze(_ isFrozen: Bool) {
    state.update { $0.isFrozen = isFrozen }
    _ = state.wait { $0.isClosed || $0.hasFrozen == isFrozen ? true : nil }
  }

  /// Changes a byte in every few hundred that servers send from here on, after the first `behind` ones; nil: none.
  func damage(seed: UInt64?, behind: Int) {
    state.update { $0.damage = seed.map { Damage(random: SeededGenerator(seed: $0), left: behind) } }
  }

  private func spoil(_ bytes: UnsafeMutableRawBufferPointer) {
    state.withLock { state in
      guard var damage = state.damage else { return }
      while damage.left < bytes.count {
        bytes[damage.left] = UInt8(truncatingIfNeeded: damage.random.next())
        damage.left += 1 + Int.random(in: 0..<1000, using: &damage.random)
      }
      damage.left -= bytes.count
      state.damage = damage
    }
  }

  /// Ends everything.
  func close() { state.update { $0.isClosed = true } }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  private func run() {
    var pairs: [(client: Int32, server: Int32)] = []
    var generation = 0
    defer {
      for pair in pairs { Self.close(pair) }
      Glibc.close(listener)
    }
    while true {
      let now = state.update { state in
        state.hasFrozen = state.isFrozen
        return state
      }
      if now.isClosed { return }
      if now.generation != generation {
        generation = now.generation
        for pair in pairs { Self.close(pair) }
        pairs = []
      }
      var polls = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      for pair in pairs where !now.isFrozen {
        polls.append(pollfd(fd: pair.client, events: Int16(POLLIN), revents: 0))
        polls.append(pollfd(fd: pair.server, events: Int16(POLLIN), revents: 0))
      }
      guard poll(&polls, nfds_t(polls.count), 20) > 0 else { continue }
      let ready = Set(polls.filter { $0.revents != 0 }.map(\.fd))
      pairs.removeAll { pair in
        if ready.contains(pair.client), !copy(pair.client, pair.server) { return Self.close(pair) }
        if ready.contains(pair.server), !copy(pair.server, pair.client, spoils: true) { return Self.close(pair) }
        return false
      }
      if ready.contains(listener), let pair = accept(now.target) { pairs.append(pair) }
    }
  }

  private func accept(_ target: UInt16) -> (client: Int32, server: Int32)? {
    let client = Glibc.accept(listener, nil, nil)
    guard client >= 0 else { return nil }
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = Self.address(target)
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      Self.close((client, server))
      return nil
    }
    return (client, server)
  }

  @discardableResult
  private static func close(_ pair: (client: Int32, server: Int32)) -> Bool {
    Glibc.close(pair.client)
    Glibc.close(pair.server)
    return true
  }

  /// False at the end of the stream.
  private func copy(_ from: Int32, _ to: Int32, spoils: Bool = false) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { buffer in
      let count = recv(from, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return false }
      if spoils { spoil(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])) }
      var sent = 0
      while sent < count {
        let part = send(to, buffer.baseAddress.map { $0 + sent }, count - sent, Int32(MSG_NOSIGNAL))
        guard part > 0 else { return false }
        sent += part
      }
      return true
    }
  }
}
