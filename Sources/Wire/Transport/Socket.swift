import Glibc
import Platform

/// A moment of the monotonic clock, or none.
struct Deadline: Sendable {
  /// Milliseconds of the monotonic clock; nil: never.
  let milliseconds: Int64?

  /// Never.
  static let none = Deadline(milliseconds: nil)

  /// So many milliseconds from now.
  static func after(_ milliseconds: Int64) -> Deadline {
    let now = Clock.monotonicMilliseconds()
    let (sum, overflow) = now.addingReportingOverflow(max(0, milliseconds))
    return Deadline(milliseconds: overflow ? nil : sum)
  }

  /// Whether it has passed.
  var hasPassed: Bool { milliseconds.map { $0 <= Clock.monotonicMilliseconds() } ?? false }

  /// What poll(2) wants: -1 for ever, else the milliseconds that are left.
  var pollTimeout: Int32 {
    guard let milliseconds else { return -1 }
    return Int32(clamping: max(0, milliseconds - Clock.monotonicMilliseconds()))
  }
}

/// A connected TCP socket that several threads may use, and any thread may close.
///
/// Reads and writes never block in the socket itself: they wait in poll(2), so that a deadline holds for a whole frame
/// however slowly the other side trickles. The descriptor is given back to the system only when no thread is using
/// it any more, so a closed one can never be another connection's.
final class Socket: Sendable {
  private struct State {
    var users = 0
    var isClosed = false
  }

  private let descriptor: Int32
  private let state = Monitor(State())
  /// The other side's address.
  let peer: String

  /// Takes ownership of a connected descriptor.
  init(adopting descriptor: Int32) {
    self.descriptor = descriptor
    self.peer = SocketAddress { getpeername(descriptor, $0, $1) }?.text ?? "unknown"
    let one: Int32 = 1
    // Refused options cost speed or the notice of a dead peer, not correctness; heartbeats notice one as well.
    for (level, name, value) in [
      (Int32(IPPROTO_TCP), TCP_NODELAY, one), (SOL_SOCKET, SO_KEEPALIVE, one),
      (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 15), (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5),
      (Int32(IPPROTO_TCP), TCP_KEEPCNT, 4),
    ] {
      var value = value
      _ = setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  deinit {
    // Whoever uses the descriptor holds a reference, so there are no users left here.
    if !state.withLock({ $0.isClosed }) { _ = Glibc.close(descriptor) }
  }

  /// Wakes every thread that reads or writes, and closes once they have let go. Callable from any thread, repeatedly.
  func close() {
    let isLast = state.withLock { state in
      if state.isClosed { return false }
      state.isClosed = true
      // Within the lock: the last user must not close the descriptor before this call.
      _ = shutdown(descriptor, Int32(SHUT_RDWR))
      return state.users == 0
    }
    if isLast { _ = Glibc.close(descriptor) }
  }

  /// Whether `close` has been called.
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Fills the whole buffer.
  /// - Throws: `disconnected` when the stream ends before the first byte, `truncated` when it ends later, `timedOut`,
  ///   `closed`, `system`.
  func read(into buffer: UnsafeMutableRawBufferPointer, deadline: Deadline) throws(WireError) {
    try enter()
    defer { leave() }
    var done = 0
    while done < buffer.count {
      if deadline.hasPassed { throw .timedOut("the other side sent no whole frame in time") }
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = recv(descriptor, rest.baseAddress, rest.count, Int32(MSG_DONTWAIT))
      if count > 0 {
        done += count
      } else if count == 0 || errno == ECONNRESET {
        if isClosed { throw .closed }
        throw done == 0 ? .disconnected : .truncated
      } else {
        try wait(POLLIN, "recv", deadline)
      }
    }
  }

  /// Writes all the bytes.
  /// - Throws: `disconnected`, `timedOut`, `closed`, `system`; afterwards nobody knows how much has been written.
  func write(_ bytes: [UInt8], deadline: Deadline) throws(WireError) {
    try enter()
    defer { leave() }
    var done = 0
    while done < bytes.count {
      if deadline.hasPassed { throw .timedOut("the other side did not read a frame in time") }
      let count = bytes.withUnsafeBytes { buffer in
        let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
        return Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
      }
      if count >= 0 {
        done += count
      } else if errno == EPIPE || errno == ECONNRESET {
        throw isClosed ? .closed : .disconnected
      } else {
        try wait(POLLOUT, "send", deadline)
      }
    }
  }

  /// After a call that failed: waits where it would have blocked, throws where it is broken.
  private func wait(_ events: Int32, _ operation: String, _ deadline: Deadline) throws(WireError) {
    let code = errno
    switch code {
    case EINTR: return
    case EAGAIN, EWOULDBLOCK: break
    default: throw isClosed ? .closed : .system(operation: operation, code: code)
    }
    try Self.poll(descriptor, events, deadline)
  }

  /// Waits until the descriptor is ready, broken, or the deadline has passed; the caller finds out which.
  static func poll(_ descriptor: Int32, _ events: Int32, _ deadline: Deadline) throws(WireError) {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    if Glibc.poll(&entry, 1, deadline.pollTimeout) < 0, errno != EINTR {
      throw .system(operation: "poll", code: errno)
    }
  }

  private func enter() throws(WireError) {
    try state.withLock { state throws(WireError) in
      if state.isClosed { throw .closed }
      state.users += 1
    }
  }

  private func leave() {
    let isLast = state.withLock { state in
      state.users -= 1
      return state.isClosed && state.users == 0
    }
    if isLast { _ = Glibc.close(descriptor) }
  }
}

extension Socket {
  /// Connects to one of the endpoint's addresses, trying them in turn until the deadline.
  static func connect(to endpoint: Endpoint, deadline: Deadline) throws(WireError) -> Socket {
    var last = WireError.address("\(endpoint) has no address")
    for address in try SocketAddress.resolve(endpoint) {
      do throws(WireError) {
        return try connect(to: address, endpoint, deadline)
      } catch {
        last = error
      }
      if deadline.hasPassed { break }
    }
    throw last
  }

  private static func connect(
    to address: SocketAddress, _ endpoint: Endpoint, _ deadline: Deadline
  ) throws(WireError) -> Socket {
    let descriptor = socket(
      address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw .system(operation: "socket", code: errno) }
    do throws(WireError) {
      let status = address.withPointer { Glibc.connect(descriptor, $0, $1) }
      // After EINTR, too, the attempt goes on and poll tells its end.
      if status != 0, errno != EINPROGRESS, errno != EINTR {
        throw .system(operation: "connecting to \(endpoint)", code: errno)
      }
      if status != 0 { try finishConnecting(descriptor, endpoint, deadline) }
    } catch {
      _ = Glibc.close(descriptor)
      throw error
    }
    return Socket(adopting: descriptor)
  }

  private static func finishConnecting(
    _ descriptor: Int32, _ endpoint: Endpoint, _ deadline: Deadline
  ) throws(WireError) {
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      let ready = Glibc.poll(&entry, 1, deadline.pollTimeout)
      if ready > 0 { break }
      if ready < 0, errno != EINTR { throw .system(operation: "poll", code: errno) }
      if deadline.hasPassed { throw .timedOut("\(endpoint) did not answer in time") }
    }
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else {
      throw .system(operation: "getsockopt", code: errno)
    }
    guard code == 0 else { throw .system(operation: "connecting to \(endpoint)", code: code) }
  }
}
