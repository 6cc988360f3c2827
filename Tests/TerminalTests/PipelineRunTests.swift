import Testing
import Wire

@testable import Terminal

@Suite("Running one pipeline")
struct PipelineRunTests {
  private func run(
    _ channel: ScriptedChannel, until: RunArguments.Until? = nil, paper: Paper = Paper(),
    stop: StopRequest = StopRequest(), report: Int64 = 60_000
  ) throws -> CommandStatus {
    try PipelineRun(
      file: "shop.yaml", definition: "source: …", name: "shop", until: until, channel: channel,
      console: paper.console(), stop: stop
    ).run(poll: 1, report: report)
  }

  private func status(_ state: String, tablesDone: Int = 1, error: String? = nil) throws -> AdminReply {
    AdminReply(
      status: 0, json: try Samples.json(Samples.status(state: state, error: error, tablesDone: tablesDone)))
  }

  private let accepted = AdminReply(status: 0, json: "{}")

  @Test func submitsAndEndsWhenThePipelineIsFinished() throws {
    let channel = ScriptedChannel([accepted, try status("planning"), try status("snapshot"), try status("finished")])
    let paper = Paper()
    #expect(try run(channel, paper: paper) == .success)
    #expect(
      channel.asked.first
        == AdminRequest(verb: "submit", arguments: ["file": "shop.yaml", "definition": "source: …"]))
    // The state alone: it is asked for many times a second.
    let question = AdminRequest(verb: "status", pipeline: "shop", arguments: ["tables": "none"])
    #expect(channel.asked.dropFirst().allSatisfy { $0 == question })
    #expect(paper.output == "")
    #expect(paper.errors.last?.hasPrefix("shop finished: 3 tables, 1,234,567 rows of the snapshot, 0 changes") == true)
  }

  @Test func aPipelineThatIsThereIsResumed() throws {
    let exists = AdminReply(status: 1, error: "exists: pipeline shop is there already")
    let channel = ScriptedChannel([exists, accepted, try status("finished")])
    #expect(try run(channel, until: .caughtUp) == .success)
    #expect(channel.asked[0].arguments["until"] == "caught-up")
    #expect(channel.asked[1] == AdminRequest(verb: "resume", pipeline: "shop", arguments: ["until": "caught-up"]))
  }

  @Test func otherRefusalsEndTheRun() {
    let channel = ScriptedChannel([AdminReply(status: 2, error: "shop.yaml:3:1: unknown option")])
    let failure = #expect(throws: CommandFailure.self) { try run(channel) }
    #expect(failure?.status == .usage)
    #expect(failure?.message == "shop.yaml:3:1: unknown option")
    #expect(channel.asked.count == 1)
  }

  @Test func aFailedPipelineEndsWithItsError() throws {
    let channel = ScriptedChannel([accepted, try status("failed", error: "log purged — copy again")])
    let failure = #expect(throws: CommandFailure.self) { try run(channel, until: .snapshot) }
    #expect(failure?.status == .failure)
    #expect(failure?.line == "tidegate: run shop: log purged — copy again")
  }

  @Test func untilSnapshotEndsWithTheLastTable() throws {
    let channel = ScriptedChannel([
      accepted, try status("snapshot", tablesDone: 3), try status("tail", tablesDone: 2),
      try status("tail", tablesDone: 3),
    ])
    #expect(try run(channel, until: .snapshot) == .success)
    #expect(channel.asked.count == 4)
    #expect(channel.asked[0].arguments["until"] == "snapshot")
  }

  @Test func untilCaughtUpDoesNotEndWithTheSnapshot() throws {
    let channel = ScriptedChannel([accepted, try status("tail", tablesDone: 3), try status("finished", tablesDone: 3)])
    #expect(try run(channel, until: .caughtUp) == .success)
    #expect(channel.asked.count == 3)
  }

  @Test func aStopBeforeTheEndIsAFailureOnlyWithUntil() throws {
    for (until, expected) in [
      (nil, CommandStatus.success), (RunArguments.Until.snapshot, .failure), (.caughtUp, .failure),
    ] {
      let stop = StopRequest()
      let channel = ScriptedChannel([accepted, try status("snapshot"), try status("snapshot")])
      channel.afterAsking = { if $0 == 3 { stop.request() } }
      let paper = Paper()
      #expect(try run(channel, until: until, paper: paper, stop: stop) == expected)
      #expect(channel.asked.count == 3)
      #expect(paper.errors.isEmpty == (until == nil))
    }
  }

  @Test func progressGoesToStderr() throws {
    let channel = ScriptedChannel([accepted, try status("snapshot"), try status("snapshot"), try status("finished")])
    let paper = Paper()
    #expect(try run(channel, paper: paper, report: 0) == .success)
    #expect(channel.asked[2] == AdminRequest(verb: "status", pipeline: "shop", arguments: ["tables": "0"]))
    #expect(paper.errors.first?.hasPrefix("shop snapshot: 1 of 3 tables, 1,234,567 rows, 98,765 rows/s") == true)
    #expect(paper.output == "")
  }
}
