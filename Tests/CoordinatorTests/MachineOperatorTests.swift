import Connector
import Model
import Testing
import Wire

@testable import Coordinator

@Suite("Cluster machine: operators and jobs")
struct MachineOperatorTests {
  @Test("A pause lets commits happen, then cancels, and a resume goes on")
  func pause() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    try cluster.plan(chunks: 1)
    cluster.join(1, "w", slots: 1)
    let attempt = try #require(cluster.assignments(to: 1).first?.attempt)
    cluster.tell(.command(token: 2, .pause(pipeline: "p")))
    #expect(cluster.orders(to: 1) == [Order(attempt: attempt, action: .cancel(afterCommit: true))])
    #expect(cluster.state?.stateName == "pausing")
    for sequence in 1...5 {
      cluster.tell(.heartbeat(1, Heartbeat(sequence: Int64(sequence), attempts: [])), after: 1_990)
    }
    #expect(cluster.orders(to: 1).isEmpty)
    cluster.tell(.tick, after: 100)
    #expect(cluster.orders(to: 1) == [Order(attempt: attempt, action: .cancel(afterCommit: false))])
    cluster.report(1, attempt, .cancelled)
    #expect(cluster.state?.stateName == "paused")
    #expect(cluster.assignments(to: 1).isEmpty)
    cluster.tell(.command(token: 3, .resume(pipeline: "p", cluster.profile)))
    #expect(cluster.assignments(to: 1).map(\.attempt.attempt) == [2])
  }

  @Test("A pause ends its attempts even if the coordinator is started again meanwhile")
  func pauseOverRestart() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.tell(.command(token: 2, .pause(pipeline: "p")))
    cluster.restart()
    cluster.join(1, "w", slots: 4, running: [tail])
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .cancel(afterCommit: true))])
    for sequence in 1...6 {
      cluster.tell(.heartbeat(1, Heartbeat(sequence: Int64(sequence), attempts: [])), after: 1_990)
    }
    #expect(cluster.machine.pipelines["p"]?.cancelled[2] == false)
  }

  @Test("A stopped pipeline stays stopped; names that do not exist are answered with those that do")
  func stop() throws {
    var cluster = MachineHarness()
    try cluster.discover()
    cluster.tell(.command(token: 2, .stop(pipeline: "q")))
    #expect(cluster.answer == "there is no pipeline q; there are: p")
    cluster.tell(.command(token: 2, .stop(pipeline: "p")))
    cluster.tell(.command(token: 3, .resume(pipeline: "p", cluster.profile)))
    #expect(cluster.answer?.contains("has been stopped") == true)
    cluster.tell(.command(token: 4, .pause(pipeline: "p")))
    #expect(cluster.answer?.contains("has been stopped") == true)
    cluster.submit()
    #expect(cluster.answer?.contains("exists") == true)
  }

  @Test("A drop waits for the workers, survives a restart, and then leaves nothing")
  func drop() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.tell(.command(token: 2, .drop(pipeline: "p", force: false)))
    #expect(cluster.answer?.contains("is running") == true)
    cluster.tell(.command(token: 3, .drop(pipeline: "p", force: true)))
    #expect(cluster.orders(to: 1) == [Order(attempt: tail, action: .cancel(afterCommit: false))])
    cluster.restart()
    cluster.join(1, "w", slots: 4, running: [tail])
    #expect(cluster.orders(to: 1).map(\.attempt) == [tail])
    cluster.tell(.command(token: 4, .resume(pipeline: "p", cluster.profile)))
    #expect(cluster.answer?.contains("being dropped") == true)
    cluster.report(1, tail, .cancelled)
    #expect(cluster.step.records == [.removePipeline("p")])
    #expect(cluster.machine.pipelines.isEmpty)
    #expect(cluster.journal.load().isEmpty)
  }

  @Test("A pipeline can be dropped although its sink cannot tell what became of a committable")
  func dropWithoutSink() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, .prepared(MachineHarness.committable(tail, 1, at: "30", isFinal: false)))
    cluster.tell(.left(1))
    try cluster.end(.failed(ConnectorError(.connection, "refused")))
    #expect(cluster.jobs.isEmpty)
    cluster.tell(.command(token: 2, .drop(pipeline: "p", force: true)))
    #expect(cluster.machine.pipelines.isEmpty)
  }

  @Test("Failed jobs wait before they are tried again, also in a pipeline that has failed")
  func failingJobs() throws {
    var cluster = MachineHarness()
    let tail = try cluster.reachTail()[0]
    cluster.report(1, tail, .prepared(MachineHarness.committable(tail, 1, at: "30", isFinal: false)))
    cluster.tell(.left(1))
    for kind in [ConnectorError.Kind.connection, .connection, .connection, .permission] {
      try cluster.end(.failed(ConnectorError(kind, "refused")))
      #expect(cluster.jobs.isEmpty)
      cluster.tell(.tick)
      #expect(cluster.jobs.isEmpty)
      cluster.tell(.tick, after: 30_000)
      #expect(cluster.jobs.count == 1)
    }
    #expect(cluster.state?.stateName == "failed")
  }

  @Test("A resume starts the jobs again that it has made the service give up")
  func resumeWithJobs() throws {
    var cluster = MachineHarness()
    cluster.submit()
    cluster.tell(.command(token: 2, .pause(pipeline: "p")))
    cluster.tell(.command(token: 3, .resume(pipeline: "p", cluster.profile)))
    #expect(cluster.jobs.map(\.kind) == [.discover])
    cluster.tell(.jobEnded(1, .failed(ConnectorError(.cancelled, "interrupted"))))
    #expect(cluster.state?.record.error == nil)
    #expect(cluster.state?.jobs.count == 1)
  }

  @Test("A pipeline until caught up ends behind the end that was taken when its tail began")
  func untilCaughtUp() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail(untilCaughtUp: true)
    #expect(tails.count == 2)
    cluster.report(1, tails[0], .caughtUp(end: Offset("30")))
    #expect(cluster.state?.record.phase == .tail)
    cluster.report(1, tails[1], .caughtUp(end: Offset("30")))
    #expect(cluster.state?.stateName == "stopping")
    #expect(cluster.orders(to: 1).map(\.action) == [.cancel(afterCommit: true), .cancel(afterCommit: true)])
    cluster.report(1, tails[0], .cancelled)
    // The other one waits at a schema change that nobody else will come to.
    for sequence in 1...6 {
      cluster.tell(.heartbeat(1, Heartbeat(sequence: Int64(sequence), attempts: [])), after: 1_990)
    }
    cluster.report(1, tails[1], .cancelled)
    #expect(cluster.state?.stateName == "finished")
    #expect(cluster.machine.pipelines["p"]?.graceEnds == nil)
  }

  @Test("A pipeline that reads chunks only ends with the last one; one that reads the log only begins with it")
  func startups() throws {
    var chunks = MachineHarness(startup: .snapshotOnly)
    try chunks.discover()
    try chunks.plan(chunks: 1)
    chunks.join(1, "w", slots: 1)
    let attempt = try #require(chunks.assignments(to: 1).first?.attempt)
    chunks.report(1, attempt, .started(low: Offset("20")))
    chunks.commit(1, attempt, 1, at: "20", isFinal: true)
    #expect(chunks.state?.stateName == "finished")
    for startup in [SourceStartup.latestOffset, .specificOffset(Offset("5")), .earliestOffset, .timestamp(7)] {
      var log = MachineHarness(startup: startup)
      log.join(1, "w", slots: 1)
      try log.discover()
      guard case .tail(let work)? = log.assignments(to: 1).first?.work else {
        Issue.record("no tail")
        continue
      }
      // What the planner has made of the mode.
      #expect(work.start == Offset("10"))
      #expect(work.tables.map(\.ignoredThrough) == [nil])
    }
  }

  @Test("Chunks that every tail has passed become two numbers")
  func folding() throws {
    var cluster = MachineHarness(tails: 2)
    let tails = try cluster.reachTail()
    cluster.report(1, tails[0], .pastWatermarks)
    #expect(cluster.state?.splits.count == 3)
    cluster.report(1, tails[1], .pastWatermarks)
    #expect(cluster.journal.splits.keys.sorted() == [2, 3])
    #expect(cluster.journal.tables[MachineHarness.orders]?.foldedChunks == 1)
    #expect(cluster.journal.tables[MachineHarness.orders]?.foldedRows == 7)
    cluster.restart()
    #expect(cluster.state?.rows(of: MachineHarness.orders) == 7)
  }
}
