import Glibc
import Platform
import Testing

@testable import Wire

/// A port on this machine that the system chooses.
let anyPort = Endpoint(host: "127.0.0.1", port: 0)

/// Long enough for any machine; nothing is expected to take that long.
let patience: Int64 = 30_000

func makeToken(_ text: String = "correct horse battery staple") throws -> Token { try Token(text) }

/// A listener that is closed, with all its connections, in the end.
func withListener<R>(
  token: Token?, limits: Listener.Limits = Listener.Limits(), handler: @escaping Listener.Handler,
  _ body: (Listener, Endpoint) throws -> R
) throws -> R {
  let listener = try Listener(anyPort, token: token, limits: limits)
  listener.start(handler)
  defer {
    listener.close()
    #expect(listener.join(milliseconds: patience), "a handler did not return")
  }
  return try body(listener, Endpoint(host: "127.0.0.1", port: listener.boundPort))
}

/// Answers each request of an operator with its verb.
let echo: Listener.Handler = { connection throws(WireError) in
  while true {
    let (id, message) = try connection.receive()
    guard case .adminRequest(let request) = message else { throw .unexpected("not a request") }
    try connection.send(.adminReply(AdminReply(status: 0, error: request.verb, json: request.pipeline)), requestID: id)
  }
}

/// Asks an echoing listener and checks the answer.
func ask(_ connection: FrameConnection, _ verb: String, id: UInt64) throws {
  try connection.send(.adminRequest(AdminRequest(verb: verb)), requestID: id)
  let (answered, reply) = try connection.receive()
  #expect(answered == id && reply == .adminReply(AdminReply(status: 0, error: verb)))
}

/// A connection without handshake, for saying what no client of ours would say.
func rawConnection(_ endpoint: Endpoint) throws -> FrameStream {
  FrameStream(socket: try Socket.connect(to: endpoint, deadline: .after(patience)))
}

/// Two connected sockets.
func socketPair() throws -> (Socket, Socket) {
  var descriptors: [Int32] = [0, 0]
  guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &descriptors) == 0 else {
    throw WireError.system(operation: "socketpair", code: errno)
  }
  return (Socket(adopting: descriptors[0]), Socket(adopting: descriptors[1]))
}

/// Runs `body` on a thread of its own; `wait` gives its result.
struct Background<Value: Sendable>: Sendable {
  private let result = Monitor<Result<Value, WireError>?>(nil)

  init(_ body: @escaping @Sendable () throws(WireError) -> Value) {
    let result = result
    _ = DedicatedThread(name: "test") {
      let value: Result<Value, WireError>
      do throws(WireError) {
        value = .success(try body())
      } catch {
        value = .failure(error)
      }
      result.update { $0 = value }
    }
  }

  func wait() throws -> Result<Value, WireError> {
    try #require(result.wait(milliseconds: patience) { $0 }, "the thread did not end")
  }

  /// The error it ended with.
  func error() throws -> WireError? {
    if case .failure(let error) = try wait() { error } else { nil }
  }
}

/// The error that `body` throws, nil when it throws none.
func thrown<R>(_ body: () throws(WireError) -> R) -> WireError? {
  do throws(WireError) {
    _ = try body()
    return nil
  } catch {
    return error
  }
}

/// Reads until the other side has closed, whatever it still says.
func readToEnd(_ socket: Socket, patience: Int64 = patience) -> WireError {
  var byte: UInt8 = 0
  while true {
    let error = withUnsafeMutableBytes(of: &byte) { buffer -> WireError? in
      thrown { () throws(WireError) in try socket.read(into: buffer, deadline: .after(patience)) }
    }
    if let error { return error }
  }
}
