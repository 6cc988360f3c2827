import Glibc
import Platform
import TestKit
import Testing
import Wire

@testable import Terminal

@Suite("Commands to a coordinator")
struct AdminCommandTests {
  private func arguments(_ text: String) throws -> AdminArguments {
    let invocation = try Invocation(parse: text.split(separator: " ").map(String.init))
    guard case .admin(let arguments) = invocation.command else {
      throw CommandFailure(what: "test", "not for a coordinator")
    }
    return arguments
  }

  private func command(
    _ text: String, _ channel: ScriptedChannel, _ console: Console, _ stop: StopRequest = StopRequest()
  ) throws -> AdminCommand {
    AdminCommand(try arguments(text), channel: channel, console: console, stop: stop)
  }

  @Test func jsonIsPrintedUnchanged() throws {
    let paper = Paper()
    let channel = ScriptedChannel([AdminReply(status: 0, json: "[ {\"unknown\" : 1} ]")])
    #expect(try command("list --json", channel, paper.console()).run() == .success)
    #expect(paper.output == "[ {\"unknown\" : 1} ]\n")
    #expect(channel.asked == [AdminRequest(verb: "list")])
  }

  @Test func textIsPrintedAsATable() throws {
    let paper = Paper()
    let channel = ScriptedChannel([AdminReply(status: 0, json: try Samples.json(Samples.workers))])
    #expect(try command("workers", channel, paper.console()).run() == .success)
    #expect(paper.output.hasPrefix("WORKER "))
    #expect(paper.output.hasSuffix("77aa\n"))
  }

  @Test func argumentsReachTheCoordinator() throws {
    let channel = ScriptedChannel([AdminReply(status: 0, json: "[]")])
    _ = try command("splits shop --table t --state failed", channel, Paper().console()).run()
    #expect(
      channel.asked == [AdminRequest(verb: "splits", pipeline: "shop", arguments: ["table": "t", "state": "failed"])])
  }

  @Test(arguments: [(1, CommandStatus.failure), (2, .usage), (9, .failure), (-1, .failure)])
  func refusalsBecomeTheExitStatus(_ status: Int, _ expected: CommandStatus) throws {
    let paper = Paper()
    let channel = ScriptedChannel([AdminReply(status: status, error: "no pipeline shop — see 'tidegate list'")])
    let failure = #expect(throws: CommandFailure.self) {
      try command("pause shop --json", channel, paper.console()).run()
    }
    #expect(failure?.status == expected)
    #expect(failure?.line == "tidegate: pause shop: no pipeline shop — see 'tidegate list'")
    #expect(paper.output == "")
  }

  @Test func errorsShowNoSecret() {
    Secrets.register("s3cr3t-of-this-test")
    let failure = CommandFailure(
      what: "run", "user x, password s3cr3t-of-this-test refused\u{1b}[2J", remedy: "change it")
    #expect(failure.line == "tidegate: run: user x, password *** refused\\u{1b}[2J — change it")
  }

  @Test func submitSendsTheFilesText() throws {
    let path = try TemporaryFile.write(Array("pipeline:\n  name: shöp\n".utf8))
    defer { unlink(path) }
    let channel = ScriptedChannel([AdminReply(status: 0, json: "{\"name\":\"shöp\"}")])
    let paper = Paper()
    #expect(try command("submit \(path)", channel, paper.console()).run() == .success)
    #expect(channel.asked.first?.arguments == ["file": path, "definition": "pipeline:\n  name: shöp\n"])
    #expect(paper.output == "shöp: submitted\n")
  }

  @Test func submitOfAnUnreadableFileAsksNobody() throws {
    let binary = try TemporaryFile.write([0x61, 0xff])
    let large = try TemporaryFile.write([UInt8](repeating: 0x61, count: TextFile.limit + 1))
    defer { for path in [binary, large] { _ = unlink(path) } }
    for (path, message) in [
      ("/nonexistent/p.yaml", "/nonexistent/p.yaml cannot be read: No such file or directory"),
      ("/", "/ cannot be read: Is a directory"), (binary, "\(binary) is not UTF-8"),
      (large, "\(large) is larger than 1.0 MiB"),
    ] {
      let channel = ScriptedChannel([AdminReply]())
      let failure = #expect(throws: CommandFailure.self) {
        try command("submit \(path)", channel, Paper().console()).run()
      }
      #expect(failure?.message == message)
      #expect(failure?.status == .failure)
      #expect(channel.asked.isEmpty)
    }
  }

  @Test func aFullStdoutIsAFailure() throws {
    let console = Console(output: { _ in false }, error: { _ in })
    let channel = ScriptedChannel([AdminReply(status: 0, json: "[]")])
    let failure = #expect(throws: CommandFailure.self) { try command("list", channel, console).run() }
    #expect(failure?.what == "stdout")
  }
}

@Suite("Watching")
struct WatchTests {
  private func watch(
    _ options: String, _ channel: ScriptedChannel, _ console: Console, stop: StopRequest = StopRequest()
  )
    throws -> CommandStatus
  {
    var arguments = AdminArguments(verb: "status", coordinator: try Endpoint(parse: "127.0.0.1:1"))
    arguments.pipeline = "shop"
    arguments.watch = true
    arguments.json = options == "json"
    return try AdminCommand(arguments, channel: channel, console: console, stop: stop).watch(interval: 1)
  }

  private func reply(_ state: String) throws -> AdminReply {
    AdminReply(status: 0, json: try Samples.json(Samples.status(state: state)))
  }

  @Test(arguments: [("finished", CommandStatus.success), ("stopped", .success), ("failed", .failure)])
  func endsWithThePipeline(_ state: String, _ expected: CommandStatus) throws {
    let channel = ScriptedChannel([try reply("snapshot"), try reply("paused"), try reply("tail"), try reply(state)])
    let paper = Paper()
    #expect(try watch("", channel, paper.console()) == expected)
    #expect(channel.asked.count == 4)
    let blocks = paper.output.split(separator: "\n\nshop: ")
    #expect(blocks.count == 4)
    #expect(!paper.output.contains("\u{1b}"))
  }

  @Test func endsWhenAskedTo() throws {
    let stop = StopRequest()
    let channel = ScriptedChannel([try reply("tail"), try reply("tail"), try reply("tail")])
    channel.afterAsking = { if $0 == 2 { stop.request() } }
    #expect(try watch("", channel, Paper().console(), stop: stop) == .success)
    #expect(channel.asked.count == 2)
  }

  @Test func jsonIsOneDocumentALine() throws {
    let channel = ScriptedChannel([try reply("tail"), try reply("finished")])
    let paper = Paper()
    #expect(try watch("json", channel, paper.console()) == .success)
    let expected = try ["tail", "finished"].map { try Samples.json(Samples.status(state: $0)) + "\n" }
    #expect(paper.output == expected.joined())
  }

  @Test func aTerminalIsRenewedInPlace() throws {
    let channel = ScriptedChannel([try reply("snapshot"), try reply("finished")])
    let paper = Paper()
    #expect(try watch("", channel, paper.console(terminal: true, height: 40)) == .success)
    let frames = paper.output.split(separator: "\u{1b}[J\u{1b}[?7h")
    #expect(frames.count == 2)
    #expect(frames[0].hasPrefix("\u{1b}[?7l\r\u{1b}[2Kshop: snapshot"))
    #expect(frames[1].hasPrefix("\u{1b}[7A\u{1b}[?7l\r\u{1b}[2Kshop: finished"))
  }

  @Test func aSmallTerminalNeverScrolls() throws {
    let channel = ScriptedChannel([try reply("snapshot"), try reply("finished")])
    let paper = Paper()
    #expect(try watch("", channel, paper.console(terminal: true, height: 4)) == .success)
    #expect(paper.output.contains("\u{1b}[3A"))
    #expect(paper.output.split(separator: "\u{1b}[J")[0].filter { $0 == "\n" }.count == 3)
  }

  @Test func aCoordinatorThatStartsAgainIsWaitedFor() throws {
    var lost = CommandFailure(what: "coordinator", "connection refused")
    lost.isUnreachable = true
    let channel = ScriptedChannel([
      .success(try reply("tail")), .failure(lost), .failure(lost), .success(try reply("finished")),
    ])
    let paper = Paper()
    #expect(try watch("", channel, paper.console()) == .success)
    #expect(paper.errors == ["tidegate: coordinator: connection refused (trying again)"])
  }

  @Test func patienceHasAnEnd() throws {
    var lost = CommandFailure(what: "coordinator", "connection refused")
    lost.isUnreachable = true
    let never = ScriptedChannel([.failure(lost), .success(try reply("finished"))])
    #expect(throws: lost) { try watch("", never, Paper().console()) }
    #expect(never.asked.count == 1)
    let gone = ScriptedChannel(
      [.success(try reply("tail"))] + Array(repeating: .failure(lost), count: AdminCommand.patience + 5))
    #expect(throws: lost) { try watch("", gone, Paper().console()) }
    #expect(gone.asked.count == AdminCommand.patience + 1)
    let refused = CommandFailure(what: "status shop", "no pipeline shop")
    let dropped = ScriptedChannel([.success(try reply("tail")), .failure(refused)])
    #expect(throws: refused) { try watch("", dropped, Paper().console()) }
  }
}

/// Files for tests, in the system's temporary directory.
enum TemporaryFile {
  static func write(_ bytes: [UInt8]) throws -> String {
    var template = Array("\(TestFiles.temporaryDirectory)/tidegate-terminal-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw CommandFailure(what: "test", "mkstemp failed") }
    defer { close(file) }
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else {
      throw CommandFailure(what: "test", "write failed")
    }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
