/// Frames on a socket: four bytes of length, big-endian, then so many bytes of `Frame`.
struct FrameStream: Sendable {
  let socket: Socket

  /// The next frame. Its length is checked before anything is allocated for it.
  func read(limit: Int, deadline: Deadline) throws(WireError) -> (requestID: UInt64, body: MessageCodec.Body) {
    let length = try readLength(limit: limit, deadline: deadline)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
    defer { buffer.deallocate() }
    do throws(WireError) {
      try socket.read(into: buffer, deadline: deadline)
    } catch .disconnected {
      throw .truncated
    }
    return try MessageCodec.decodeBody(UnsafeRawBufferPointer(buffer).bytes)
  }

  private func readLength(limit: Int, deadline: Deadline) throws(WireError) -> Int {
    var prefix: UInt32 = 0
    let result = withUnsafeMutableBytes(of: &prefix) { buffer in
      do throws(WireError) {
        return Result<Void, WireError>.success(try socket.read(into: buffer, deadline: deadline))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
    let length = Int(UInt32(bigEndian: prefix))
    guard length <= limit else { throw .frameTooLarge(length: length, limit: limit) }
    guard length > 0 else { throw .malformed("the frame is empty") }
    return length
  }

  /// Writes a frame.
  func write(_ body: MessageCodec.Body, requestID: UInt64, limit: Int, deadline: Deadline) throws(WireError) {
    try socket.write(
      try MessageCodec.encode(body, requestID: requestID, prefix: true, limit: limit), deadline: deadline)
  }
}
