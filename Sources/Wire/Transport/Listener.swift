import Glibc
import Platform

/// Where a coordinator takes connections: a thread that accepts, and one for each connection.
///
/// Peers that have not authenticated are few and have little time: when their places are taken, the one that has been
/// silent longest has to go, so that a crowd of slow peers cannot keep out one that knows the token.
///
/// Call `start` once and `close` in the end: until then its thread keeps the listener alive.
public final class Listener: Sendable {
  /// How many connections, and how long they may take.
  public struct Limits: Sendable, Hashable {
    /// Connections at once.
    public var connections: Int
    /// Those among them that have not authenticated yet.
    public var unauthenticated: Int
    /// Deadlines of every connection.
    public var timeouts: FrameConnection.Timeouts

    /// 256 connections, 64 of them unauthenticated, unless told otherwise; at least one of each.
    public init(
      connections: Int = 256, unauthenticated: Int = 64,
      timeouts: FrameConnection.Timeouts = FrameConnection.Timeouts()
    ) {
      self.connections = max(1, connections)
      self.unauthenticated = max(1, unauthenticated)
      self.timeouts = timeouts
    }
  }

  private struct State {
    var isClosed = false
    var isStarted = false
    /// Connections that have a thread, whether authenticated or not.
    var sockets: [ObjectIdentifier: Socket] = [:]
    /// Those that have not authenticated, oldest first.
    var strangers: [Socket] = []
    /// Whether the last connection had to be turned away, for want of a place.
    var isFull = false
  }

  private enum Admission: Sendable {
    case admitted(evicted: Socket?)
    case full(isNew: Bool)
    case closed
  }

  /// What runs on a connection's own thread once it has authenticated. The connection is closed when it returns, and
  /// what it throws is logged as the reason.
  public typealias Handler = @Sendable (FrameConnection) throws(WireError) -> Void

  /// Where it was asked to listen.
  public let endpoint: Endpoint
  /// The port, also where the endpoint has 0.
  public let boundPort: UInt16

  private let descriptor: Int32
  private let token: Token?
  private let limits: Limits
  private let state = Monitor(State())
  private let log = Log("wire")

  /// Binds and listens; connections wait in the system's queue until `start`.
  /// - Throws: `tokenRequired` when there is no token and the host is, or resolves to, an address that other machines
  ///   can reach; `address`, `system`.
  public init(_ endpoint: Endpoint, token: Token?, limits: Limits = Limits()) throws(WireError) {
    let addresses = try SocketAddress.resolve(endpoint)
    guard token != nil || addresses.allSatisfy(\.isLoopback) else { throw .tokenRequired(endpoint) }
    let (descriptor, port) = try Self.listen(addresses, endpoint)
    self.endpoint = endpoint
    self.boundPort = port
    self.descriptor = descriptor
    self.token = token
    self.limits = limits
  }

  private static func listen(_ addresses: [SocketAddress], _ endpoint: Endpoint) throws(WireError) -> (Int32, UInt16) {
    var last = WireError.address("\(endpoint) has no address")
    for address in addresses {
      let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else {
        last = .system(operation: "socket", code: errno)
        continue
      }
      var one: Int32 = 1
      _ = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
      if address.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 128) == 0,
        let bound = SocketAddress({ getsockname(descriptor, $0, $1) })
      {
        return (descriptor, bound.port)
      }
      last = .system(operation: "listening on \(endpoint)", code: errno)
      _ = Glibc.close(descriptor)
    }
    throw last
  }

  deinit {
    // Without `start` there is no thread that would close it; with it, the thread has done so before it let go.
    if !state.withLock({ $0.isStarted || $0.isClosed }) { _ = Glibc.close(descriptor) }
  }

  /// Begins to take connections. A second call, or one after `close`, does nothing.
  public func start(_ handler: @escaping Handler) {
    let isFirst = state.withLock { state in
      defer { state.isStarted = true }
      return !state.isStarted && !state.isClosed
    }
    guard isFirst else { return }
    _ = DedicatedThread(name: "wire-accept") { self.acceptLoop(handler) }
  }

  /// Takes no more connections and closes those there are. Callable from any thread, repeatedly; returns at once, see
  /// `join`.
  public func close() {
    let sockets = state.update { state -> [Socket] in
      if state.isClosed { return [] }
      state.isClosed = true
      // Wakes the accepting thread, which closes the descriptor; within the lock, so that it has not done so yet.
      if state.isStarted { _ = shutdown(descriptor, Int32(SHUT_RDWR)) } else { _ = Glibc.close(descriptor) }
      return Array(state.sockets.values)
    }
    for socket in sockets { socket.close() }
  }

  /// Waits after `close` until every handler has returned; false when `milliseconds` have passed first. Not from a
  /// handler.
  @discardableResult
  public func join(milliseconds: Int64? = nil) -> Bool {
    state.wait(milliseconds: milliseconds) { $0.isClosed && $0.sockets.isEmpty ? true : nil } ?? false
  }

  /// Connections at this moment, authenticated or not.
  public var connectionCount: Int { state.withLock { $0.sockets.count } }

  private func acceptLoop(_ handler: @escaping Handler) {
    while let socket = acceptOne() {
      switch admit(socket) {
      case .admitted(let evicted):
        evicted?.close()
        _ = DedicatedThread(name: "wire-connection") { self.serve(socket, handler) }
      case .full(let isNew):
        if isNew { log.warning("no room for more connections", ["limit": "\(limits.connections)"]) }
        // Never blocks: an empty send buffer takes a refusal at once, and the deadline has passed otherwise.
        Handshake(token: token).refuse(.busy, FrameStream(socket: socket), .after(10))
        socket.close()
      case .closed: socket.close()
      }
    }
    state.withLock { _ in _ = Glibc.close(descriptor) }
  }

  /// The next connection; nil when the listener has been closed.
  private func acceptOne() -> Socket? {
    while !state.withLock({ $0.isClosed }) {
      let accepted = Glibc.accept(descriptor, nil, nil)
      if accepted >= 0 {
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return Socket(adopting: accepted)
      }
      let code = errno
      if code == EINTR || code == ECONNABORTED { continue }
      if state.withLock({ $0.isClosed }) { break }
      log.warning("accept failed", ["error": String(cString: strerror(code))])
      // Out of descriptors or memory: whoever holds them may let go.
      _ = state.wait(milliseconds: 200) { $0.isClosed ? true : nil }
    }
    return nil
  }

  private func admit(_ socket: Socket) -> Admission {
    state.withLock { state in
      if state.isClosed { return .closed }
      if state.sockets.count >= limits.connections {
        defer { state.isFull = true }
        return .full(isNew: !state.isFull)
      }
      state.isFull = false
      let evicted = state.strangers.count >= limits.unauthenticated ? state.strangers.removeFirst() : nil
      state.sockets[ObjectIdentifier(socket)] = socket
      state.strangers.append(socket)
      return .admitted(evicted: evicted)
    }
  }

  /// A connection's life, on its own thread.
  private func serve(_ socket: Socket, _ handler: Handler) {
    defer {
      socket.close()
      state.update { state in
        state.sockets[ObjectIdentifier(socket)] = nil
        state.strangers.removeAll { $0 === socket }
      }
    }
    do throws(WireError) {
      let connection = try FrameConnection.accept(socket, token: token, timeouts: limits.timeouts)
      state.withLock { state in state.strangers.removeAll { $0 === socket } }
      do throws(WireError) {
        try handler(connection)
      } catch {
        logEnd(of: connection, error)
      }
    } catch {
      log.warning("connection refused", ["peer": socket.peer, "reason": error.description])
    }
  }

  private func logEnd(of connection: FrameConnection, _ error: WireError) {
    switch error {
    case .closed, .disconnected:
      log.debug("connection ended", ["peer": connection.peer, "role": connection.role.description])
    default:
      log.warning(
        "connection closed",
        ["peer": connection.peer, "role": connection.role.description, "reason": error.description])
    }
  }
}
