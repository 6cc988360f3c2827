import Wire

/// A way to ask a coordinator. Used by one thread at a time.
public protocol AdminChannel: AnyObject {
  /// Sends a request and waits for its answer. After a failure, the next call connects anew.
  /// - Throws: when the coordinator cannot be reached, refuses the token, or breaks the connection; what it answers is
  ///   returned, whatever its status.
  func ask(_ request: AdminRequest) throws(CommandFailure) -> AdminReply
}

extension AdminChannel {
  /// The document of an answer of status 0.
  /// - Throws: what `ask` throws, and any other status as a failure with the coordinator's words.
  public func document(_ request: AdminRequest) throws(CommandFailure) -> String {
    let reply = try ask(request)
    guard reply.status == 0 else { throw CommandFailure(reply, to: request) }
    return reply.json
  }
}

extension CommandFailure {
  /// An answer of a status other than 0.
  init(_ reply: AdminReply, to request: AdminRequest) {
    let subject = request.pipeline.isEmpty ? request.verb : "\(request.verb) \(request.pipeline)"
    let message = reply.error.isEmpty ? "the coordinator refused it without a reason" : reply.error
    self.init(CommandStatus(reply: reply.status), what: subject, message)
  }
}
