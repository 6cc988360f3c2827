import Platform
import Wire

/// Asks a coordinator over the cluster's protocol. One connection serves all questions; it is made when the first one is
/// asked, and again after it broke.
public final class CoordinatorChannel: AdminChannel {
  private let endpoint: Endpoint
  private let token: Token?
  private let patience: Int64
  private var connection: FrameConnection?
  private var lastRequest: UInt64 = 0

  /// Connects to nobody yet.
  /// - Parameter patienceMilliseconds: how long an answer may take.
  public init(_ endpoint: Endpoint, token: Token?, patienceMilliseconds: Int64 = 300_000) {
    self.endpoint = endpoint
    self.token = token
    self.patience = patienceMilliseconds
  }

  deinit { connection?.close() }

  /// Sends a request and waits for its answer.
  /// - Throws: when there is no coordinator, it does not accept this side, or the connection breaks.
  public func ask(_ request: AdminRequest) throws(CommandFailure) -> AdminReply {
    do throws(WireError) {
      return try exchange(request)
    } catch {
      connection?.close()
      connection = nil
      throw failure(error)
    }
  }

  private func exchange(_ request: AdminRequest) throws(WireError) -> AdminReply {
    let connection = try open()
    lastRequest += 1
    let number = lastRequest
    try connection.send(.adminRequest(request), requestID: number)
    let answer = Monitor<Result<(requestID: UInt64, message: Message), WireError>?>(nil)
    // `receive` knows no limit of time, so it waits on a thread of its own; closing the connection ends it.
    _ = DedicatedThread(name: "answer") {
      do throws(WireError) {
        let received = try connection.receive()
        answer.update { $0 = .success(received) }
      } catch {
        answer.update { $0 = .failure(error) }
      }
    }
    guard let result = answer.wait(milliseconds: patience, { $0 }) else {
      throw .timedOut("no answer within \(Figures.duration(milliseconds: patience))")
    }
    let received = try result.get()
    guard received.requestID == number, case .adminReply(let reply) = received.message else {
      throw .unexpected("an answer to another question")
    }
    return reply
  }

  private func open() throws(WireError) -> FrameConnection {
    if let connection { return connection }
    let made = try FrameConnection.connect(to: endpoint, role: .admin, token: token)
    connection = made
    return made
  }

  private func failure(_ error: WireError) -> CommandFailure {
    var failure = CommandFailure(what: "coordinator \(endpoint)", error.description)
    switch error {
    case .system, .timedOut, .disconnected, .truncated, .closed, .busy:
      failure.isUnreachable = true
      failure.remedy = "check that it is running there (--coordinator, TIDEGATE_COORDINATOR)"
    default: break
    }
    return failure
  }
}
