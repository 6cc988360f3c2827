import Platform
import Testing
import Wire

@testable import Terminal

/// A coordinator's door with scripted answers behind it.
private final class Door {
  let listener: Listener
  let requests = Monitor<[AdminRequest]>([])

  var endpoint: Endpoint { Endpoint(host: "127.0.0.1", port: listener.boundPort) }

  init(token: Token? = nil, _ answer: @escaping @Sendable (AdminRequest) -> (AdminReply?, shift: UInt64)) throws {
    listener = try Listener(Endpoint(host: "127.0.0.1", port: 0), token: token)
    let requests = requests
    listener.start { connection throws(WireError) in
      while true {
        let (number, message) = try connection.receive()
        guard case .adminRequest(let request) = message else { return }
        requests.update { $0.append(request) }
        let (reply, shift) = answer(request)
        guard let reply else { return }
        try connection.send(.adminReply(reply), requestID: number + shift)
      }
    }
  }

  deinit { listener.close() }
}

@Suite("Talking to a coordinator")
struct CoordinatorChannelTests {
  @Test func asksAndTellsTheAnswer() throws {
    let door = try Door { request in (AdminReply(status: 1, error: "no \(request.verb)", json: "{}"), 0) }
    let channel = CoordinatorChannel(door.endpoint, token: nil)
    let request = AdminRequest(verb: "status", pipeline: "shöp", arguments: ["a": "b"])
    #expect(try channel.ask(request) == AdminReply(status: 1, error: "no status", json: "{}"))
    #expect(try channel.ask(AdminRequest(verb: "list")).error == "no list")
    #expect(door.requests.withLock { $0 } == [request, AdminRequest(verb: "list")])
    #expect(door.listener.connectionCount == 1)
  }

  @Test func nobodyThere() throws {
    let door = try Door { _ in (nil, 0) }
    door.listener.close()
    door.listener.join()
    let channel = CoordinatorChannel(door.endpoint, token: nil)
    let failure = #expect(throws: CommandFailure.self) { try channel.ask(AdminRequest(verb: "list")) }
    #expect(failure?.isUnreachable == true)
    #expect(failure?.line.hasPrefix("tidegate: coordinator \(door.endpoint): ") == true)
    #expect(failure?.line.hasSuffix("check that it is running there (--coordinator, TIDEGATE_COORDINATOR)") == true)
  }

  @Test func aBrokenConnectionIsMadeAnew() throws {
    let door = try Door { request in (request.verb == "list" ? AdminReply(status: 0) : nil, 0) }
    let channel = CoordinatorChannel(door.endpoint, token: nil)
    #expect(try channel.ask(AdminRequest(verb: "list")).status == 0)
    let failure = #expect(throws: CommandFailure.self) { try channel.ask(AdminRequest(verb: "workers")) }
    #expect(failure?.isUnreachable == true)
    #expect(try channel.ask(AdminRequest(verb: "list")).status == 0)
  }

  @Test func anAnswerToAnotherQuestionIsRefused() throws {
    let door = try Door { _ in (AdminReply(status: 0), 1) }
    let channel = CoordinatorChannel(door.endpoint, token: nil)
    let failure = #expect(throws: CommandFailure.self) { try channel.ask(AdminRequest(verb: "list")) }
    #expect(failure?.message == "unexpected message: an answer to another question")
    #expect(failure?.isUnreachable == false)
  }

  @Test func silenceHasAnEnd() throws {
    let stop = StopRequest()
    let door = try Door { _ in
      stop.wait()
      return (nil, 0)
    }
    let channel = CoordinatorChannel(door.endpoint, token: nil, patienceMilliseconds: 20)
    let failure = #expect(throws: CommandFailure.self) { try channel.ask(AdminRequest(verb: "list")) }
    stop.request()
    #expect(failure?.message == "timed out: no answer within 20ms")
    #expect(failure?.isUnreachable == true)
  }

  @Test func tokensMustMatch() throws {
    let token = try Token("the-right-token-of-this-test")
    let door = try Door(token: token) { _ in (AdminReply(status: 0, json: "[]"), 0) }
    #expect(try CoordinatorChannel(door.endpoint, token: token).ask(AdminRequest(verb: "list")).json == "[]")
    for wrong in [nil, try Token("another-token-of-this-test")] {
      let failure = #expect(throws: CommandFailure.self) {
        try CoordinatorChannel(door.endpoint, token: wrong).ask(AdminRequest(verb: "list"))
      }
      #expect(failure?.isUnreachable == false)
      #expect(failure?.line.contains("token") == true)
      #expect(failure?.line.contains("of-this-test") == false)
    }
    #expect(door.requests.withLock { $0.count } == 1)
  }
}

@Suite("Validation reports")
struct ValidationReportTests {
  @Test func texts() {
    #expect(ValidationReport(warnings: []).text(json: false) == "ok")
    #expect(ValidationReport(warnings: []).text(json: true) == "{\"ok\":true,\"warnings\":[]}")
    let report = ValidationReport(warnings: ["a \"quoted\"\nline", "b"])
    #expect(report.text(json: false) == "warning: a \"quoted\"\\nline\nwarning: b\nok")
    #expect(report.text(json: true) == "{\"ok\":true,\"warnings\":[\"a \\\"quoted\\\"\\nline\",\"b\"]}")
  }
}
