internal import CProtobufC
internal import CWire

/// `Message` to bytes and back, through protobuf-c; `proto/tidegate.proto` is the format. The bytes are one `Frame`,
/// without the length that goes before it on a connection.
///
/// Decoding trusts nothing: whatever the bytes are, the result is a message or an error, and the memory it takes is
/// bounded by the number of bytes (`WireLimits`).
public enum MessageCodec {
  /// A frame's bytes.
  /// - Throws: `malformed` for a message that breaks a limit of the protocol (a negative count, a share that does not
  ///   exist), `frameTooLarge` over `WireLimits.frame` bytes.
  public static func encode(_ message: Message, requestID: UInt64 = 0) throws(WireError) -> [UInt8] {
    try encode(.message(message), requestID: requestID, prefix: false, limit: WireLimits.frame)
  }

  /// The message of a frame.
  /// - Throws: `malformed`, or `unexpected` for a handshake message.
  public static func decode(_ bytes: [UInt8]) throws(WireError) -> (requestID: UInt64, message: Message) {
    let (requestID, body) = try decodeBody(bytes.span.bytes)
    guard case .message(let message) = body else { throw .unexpected("a handshake message after the handshake") }
    return (requestID, message)
  }

  /// What a frame carries.
  enum Body: Sendable, Hashable {
    case handshake(HandshakeMessage)
    case message(Message)
  }

  /// A frame's bytes; with its four length bytes when `prefix` is set.
  static func encode(_ body: Body, requestID: UInt64, prefix: Bool, limit: Int) throws(WireError) -> [UInt8] {
    let encoder = WireEncoder()
    defer { withExtendedLifetime(encoder.arena) {} }
    let frame = try encoder.make(tidegate__frame__init)
    frame.pointee.request_id = requestID
    switch body {
    case .handshake(let message): try encoder.handshake(message, into: &frame.pointee)
    case .message(let message): try encoder.message(message, into: &frame.pointee)
    }
    let length = tidegate__frame__get_packed_size(frame)
    guard length <= limit else { throw .frameTooLarge(length: length, limit: limit) }
    let start = prefix ? 4 : 0
    return [UInt8](unsafeUninitializedCapacity: start + length) { buffer, count in
      for index in 0..<start { buffer[index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * index)) }
      if length > 0, let base = buffer.baseAddress { tidegate__frame__pack(frame, base + start) }
      count = start + length
    }
  }

  /// What a frame carries. Takes at most `memory` bytes for the C structures.
  static func decodeBody(_ bytes: RawSpan, memory: Int? = nil) throws(WireError) -> (requestID: UInt64, body: Body) {
    guard bytes.byteCount <= WireLimits.frame else {
      throw .frameTooLarge(length: bytes.byteCount, limit: WireLimits.frame)
    }
    let arena = WireArena(budget: memory ?? WireLimits.memory(forFrame: bytes.byteCount))
    defer { withExtendedLifetime(arena) {} }
    let frame = bytes.withUnsafeBytes { buffer in
      arena.withAllocator { allocator in
        tidegate__frame__unpack(allocator, buffer.count, buffer.bindMemory(to: UInt8.self).baseAddress)
      }
    }
    guard let frame else {
      throw .malformed(arena.isExhausted ? "it asks for too much memory" : "it is no protobuf message of this protocol")
    }
    let requestID = frame.pointee.request_id
    if let handshake = try WireDecoder.handshake(frame.pointee) { return (requestID, .handshake(handshake)) }
    return (requestID, .message(try WireDecoder.message(frame.pointee)))
  }
}

extension WireEncoder {
  /// Sets the frame's body.
  fileprivate func message(_ message: Message, into frame: inout Tidegate__Frame) throws(WireError) {
    switch message {
    case .join(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_JOIN
      frame.join = try join(value)
    case .heartbeat(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_HEARTBEAT
      frame.heartbeat = try heartbeat(value)
    case .report(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_REPORT
      frame.report = try report(value)
    case .leave:
      frame.body_case = TIDEGATE__FRAME__BODY_LEAVE
      frame.leave = try empty()
    case .joined(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_JOINED
      frame.joined = try joined(value)
    case .heartbeatAck(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_HEARTBEAT_ACK
      frame.heartbeat_ack = try heartbeatAck(value)
    case .assign(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_ASSIGN
      frame.assign = try assignment(value)
    case .order(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_ORDER
      frame.order = try order(value)
    case .moreTables(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_MORE_TABLES
      frame.more_tables = try moreTables(value)
    case .adminRequest(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_ADMIN_REQUEST
      frame.admin_request = try adminRequest(value)
    case .adminReply(let value):
      frame.body_case = TIDEGATE__FRAME__BODY_ADMIN_REPLY
      frame.admin_reply = try adminReply(value)
    }
  }
}

extension WireDecoder {
  /// The message that a frame carries after the handshake.
  fileprivate static func message(_ frame: Tidegate__Frame) throws(WireError) -> Message {
    switch frame.body_case {
    case TIDEGATE__FRAME__BODY_JOIN: .join(try join(required(frame.join, "Frame.join")))
    case TIDEGATE__FRAME__BODY_HEARTBEAT: .heartbeat(try heartbeat(required(frame.heartbeat, "Frame.heartbeat")))
    case TIDEGATE__FRAME__BODY_REPORT: .report(try report(required(frame.report, "Frame.report")))
    case TIDEGATE__FRAME__BODY_LEAVE: .leave
    case TIDEGATE__FRAME__BODY_JOINED: .joined(try joined(required(frame.joined, "Frame.joined")))
    case TIDEGATE__FRAME__BODY_HEARTBEAT_ACK:
      .heartbeatAck(try heartbeatAck(required(frame.heartbeat_ack, "Frame.heartbeat_ack")))
    case TIDEGATE__FRAME__BODY_ASSIGN: .assign(try assignment(required(frame.assign, "Frame.assign")))
    case TIDEGATE__FRAME__BODY_ORDER: .order(try order(required(frame.order, "Frame.order")))
    case TIDEGATE__FRAME__BODY_MORE_TABLES:
      .moreTables(try moreTables(required(frame.more_tables, "Frame.more_tables")))
    case TIDEGATE__FRAME__BODY_ADMIN_REQUEST:
      .adminRequest(try adminRequest(required(frame.admin_request, "Frame.admin_request")))
    case TIDEGATE__FRAME__BODY_ADMIN_REPLY:
      .adminReply(try adminReply(required(frame.admin_reply, "Frame.admin_reply")))
    default: throw .malformed("the frame has no body that is known here")
    }
  }
}
