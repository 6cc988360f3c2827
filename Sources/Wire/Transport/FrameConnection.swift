import Model
import Platform

/// An authenticated connection between a coordinator and a worker or a command line.
///
/// `send` may be called from any thread, `receive` from one thread at a time, `close` from any thread at any time: it
/// makes the others throw `closed`. After an error of `send` or `receive` that concerns the connection it is closed;
/// a message that cannot be encoded harms nothing. The threads block, so they are dedicated ones.
public final class FrameConnection: Sendable {
  /// How long a peer may take.
  public struct Timeouts: Sendable, Hashable {
    /// For the whole handshake, in milliseconds.
    public var handshakeMilliseconds: Int64
    /// For taking in one frame, in milliseconds.
    public var sendMilliseconds: Int64

    /// 10 s and 30 s unless told otherwise.
    public init(handshakeMilliseconds: Int64 = 10_000, sendMilliseconds: Int64 = 30_000) {
      self.handshakeMilliseconds = handshakeMilliseconds
      self.sendMilliseconds = sendMilliseconds
    }
  }

  /// What the handshake said the connection is for.
  public let role: Role
  /// The other side's address, `127.0.0.1:40112`.
  public var peer: String { stream.socket.peer }

  private let stream: FrameStream
  private let side: Side
  private let timeouts: Timeouts
  /// Whether a thread is writing a frame: frames are written one after the other, each as a whole.
  private let isWriting = Monitor(false)
  /// Tables that have come of an assignment which follows.
  private let tables = Monitor(AssignmentTables())

  init(_ stream: FrameStream, side: Side, role: Role, timeouts: Timeouts) {
    self.stream = stream
    self.side = side
    self.role = role
    self.timeouts = timeouts
  }

  /// Connects to a coordinator and authenticates both ways. `timeoutMilliseconds` is for all of it together, except
  /// for a name server's answer.
  /// - Throws: `system`, `timedOut` or `address` when there is nobody, `versionMismatch`, `tokenRefused`,
  ///   `tokenMissing`, `tokenUnexpected`, `busy`, or what a broken connection throws.
  public static func connect(
    to endpoint: Endpoint, role: Role, token: Token?, timeoutMilliseconds: Int64 = 10_000,
    timeouts: Timeouts = Timeouts()
  ) throws(WireError) -> FrameConnection {
    let deadline = Deadline.after(timeoutMilliseconds)
    let stream = FrameStream(socket: try Socket.connect(to: endpoint, deadline: deadline))
    do throws(WireError) {
      try Handshake(token: token).open(stream, role: role, deadline: deadline)
    } catch {
      stream.socket.close()
      throw error
    }
    return FrameConnection(stream, side: .peer, role: role, timeouts: timeouts)
  }

  /// Authenticates whoever has connected to the coordinator; takes ownership of the connected descriptor. `Listener`
  /// does this for every connection.
  /// - Throws: what is wrong with the other side; it has been told, and the descriptor is closed.
  public static func accept(
    descriptor: Int32, token: Token?, timeouts: Timeouts = Timeouts()
  ) throws(WireError) -> (connection: FrameConnection, role: Role) {
    let connection = try accept(Socket(adopting: descriptor), token: token, timeouts: timeouts)
    return (connection, connection.role)
  }

  static func accept(_ socket: Socket, token: Token?, timeouts: Timeouts) throws(WireError) -> FrameConnection {
    let stream = FrameStream(socket: socket)
    do throws(WireError) {
      let role = try Handshake(token: token).serve(stream, deadline: .after(timeouts.handshakeMilliseconds))
      return FrameConnection(stream, side: .coordinator, role: role, timeouts: timeouts)
    } catch {
      socket.close()
      throw error
    }
  }

  /// Writes one message, after those that other threads are writing. A tail's assignment goes out in several frames when
  /// it has many tables: neither side ever holds all of them as bytes.
  /// - Throws: `malformed` or `frameTooLarge` when the message cannot be sent (the connection goes on); `timedOut`,
  ///   `disconnected`, `closed` or `system` when the connection is gone.
  /// - Parameter limit: bytes of the frame, at most `WireLimits.frame`.
  public func send(
    _ message: Message, requestID: UInt64 = 0, limit: Int = WireLimits.frame
  ) throws(WireError) {
    _ = isWriting.wait { isWriting -> Bool? in
      if isWriting { return nil }
      isWriting = true
      return true
    }
    defer { isWriting.update { $0 = false } }
    guard case .assign(var assignment) = message, case .tail(var work) = assignment.work else {
      return try write(message, requestID, limit)
    }
    try writeTables(work.tables[...], of: assignment.attempt, limit)
    work.tables = []
    assignment.work = .tail(work)
    try write(.assign(assignment), requestID, limit)
  }

  /// Tables of a frame; fewer where they would be too large.
  private static let tablesPerFrame = 200

  private func writeTables(
    _ tables: ArraySlice<TailTableWork>, of attempt: AttemptID, _ limit: Int
  ) throws(WireError) {
    var rest = tables
    var count = Self.tablesPerFrame
    while !rest.isEmpty {
      do throws(WireError) {
        try write(.moreTables(MoreTables(attempt: attempt, tables: Array(rest.prefix(count)))), 0, limit)
        rest = rest.dropFirst(count)
      } catch {
        guard case .frameTooLarge = error, min(count, rest.count) > 1 else { throw error }
        count = min(count, rest.count) / 2
      }
    }
  }

  private func write(_ message: Message, _ requestID: UInt64, _ limit: Int) throws(WireError) {
    let frame = try MessageCodec.encode(
      .message(message), requestID: requestID, prefix: true, limit: min(limit, WireLimits.frame))
    do throws(WireError) {
      try stream.socket.write(frame, deadline: .after(timeouts.sendMilliseconds))
    } catch {
      // A part of the frame may be out: nothing sensible can follow it.
      close()
      throw error
    }
  }

  /// Waits for the next message. One thread at a time.
  /// - Throws: `disconnected` when the other side has closed between frames, `closed` when this side has; `truncated`,
  ///   `frameTooLarge`, `malformed`, `unexpected` or `system` when the connection is of no use any more.
  public func receive() throws(WireError) -> (requestID: UInt64, message: Message) {
    do throws(WireError) {
      while true {
        let (requestID, body) = try stream.read(limit: WireLimits.frame, deadline: .none)
        guard case .message(let message) = body else { throw .unexpected("a handshake message after the handshake") }
        guard message.sender == (side.other, role) else {
          throw .unexpected("\(message.name), which the other side of a connection of role \(role) does not send")
        }
        if let whole = tables.update({ $0.complete(message) }) { return (requestID, whole) }
      }
    } catch {
      close()
      throw error
    }
  }

  /// Closes the connection and makes every blocked `send` and `receive` throw. Callable from any thread, repeatedly.
  public func close() { stream.socket.close() }
}

/// The two ends of a connection.
enum Side: Sendable, Hashable {
  case coordinator
  /// A worker or a command line.
  case peer

  var other: Side { self == .coordinator ? .peer : .coordinator }
}

extension Message {
  /// Who sends this message, on a connection of which role.
  fileprivate var sender: (Side, Role) {
    switch self {
    case .join, .heartbeat, .report, .leave: (.peer, .worker)
    case .joined, .heartbeatAck, .assign, .order, .moreTables: (.coordinator, .worker)
    case .adminRequest: (.peer, .admin)
    case .adminReply: (.coordinator, .admin)
    }
  }

  /// The kind of message, for logs and errors: an assignment's content holds secrets.
  public var name: StaticString {
    switch self {
    case .join: "Join"
    case .heartbeat: "Heartbeat"
    case .report: "Report"
    case .leave: "Leave"
    case .joined: "Joined"
    case .heartbeatAck: "HeartbeatAck"
    case .assign: "Assignment"
    case .order: "Order"
    case .moreTables: "MoreTables"
    case .adminRequest: "AdminRequest"
    case .adminReply: "AdminReply"
    }
  }
}
