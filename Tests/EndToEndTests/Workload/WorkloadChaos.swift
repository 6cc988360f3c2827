import Glibc
import Platform
import TestKit
import Wire

/// Faults at random moments: processes killed and stopped, connections cut, logs rotated, commands of operators.
final class WorkloadChaos {
  private enum Fault: CaseIterable {
    case killWorker, killCoordinator, killEverything, freezeWorker, freezeCoordinator, leaveWorker, cutConnections
    case rotateLog, pauseAndResume, scale, scaleTail, restartServer, killServer
  }

  private let cluster: ClusterFixture
  private let log: WorkloadLog
  private let user: String
  private var random: SeededRandom
  private var workers: [ChildProcess] = []
  /// Whether the server is this round's own, and loses nothing when it is killed.
  private let mayRestartServer: Bool
  private let writers: [WorkloadWriter]
  private var frozen: [(process: ChildProcess, until: Int64)] = []

  init(
    _ cluster: ClusterFixture, log: WorkloadLog, seed: UInt64, user: String, writers: [WorkloadWriter],
    mayRestartServer: Bool
  ) {
    self.writers = writers
    self.mayRestartServer = mayRestartServer
    self.cluster = cluster
    self.log = log
    self.user = user
    random = SeededRandom(seed: seed)
  }

  func start() throws {
    try cluster.startCoordinator()
    for _ in 0..<2 { workers.append(try cluster.startWorker(slots: 3)) }
  }

  /// Does one fault after the other for so many milliseconds.
  /// - Throws: when the pipeline has failed, or a process has ended without being told to.
  func run(milliseconds: Int64, _ check: () throws -> Void) throws {
    let end = Clock.monotonicMilliseconds() + milliseconds
    while Clock.monotonicMilliseconds() < end {
      let next = Clock.monotonicMilliseconds() + Int64(150 + random.below(2500))
      while Clock.monotonicMilliseconds() < min(next, end) {
        try wake(Clock.monotonicMilliseconds())
        poll(nil, 0, 25)
      }
      try check()
      try fault(Fault.allCases[random.below(Fault.allCases.count)])
      try replaceWorkers()
    }
  }

  /// Ends all faults: everything runs.
  func calm() throws {
    try wake(.max)
    try replaceWorkers()
    log.write("chaos", "calm")
    let answers = try eventually(within: ClusterFixture.patience) {
      guard let status = try cluster.status() else { return false }
      if status.pipeline.state == "paused" { _ = try cluster.command(["resume", "shop"]) }
      return status.pipeline.state != "paused"
    }
    guard answers else { throw ClusterFixture.Problem(description: "the coordinator does not answer\n\(cluster.logs)") }
  }

  private func fault(_ fault: Fault) throws {
    let worker = workers.isEmpty ? nil : workers[random.below(workers.count)]
    log.write("chaos", "\(fault) \(worker.map { "worker \($0.pid)" } ?? "")")
    switch fault {
    case .killWorker: worker?.kill()
    case .killCoordinator: try restartCoordinator()
    case .killEverything:
      for worker in workers { worker.kill() }
      try restartCoordinator()
    case .freezeWorker: if let worker { freeze(worker, milliseconds: 300 + random.below(5000)) }
    case .freezeCoordinator:
      if let coordinator = cluster.coordinator { freeze(coordinator, milliseconds: 200 + random.below(3000)) }
    case .leaveWorker: worker?.signal(SIGTERM)
    case .cutConnections:
      let own = "SELECT id FROM information_schema.processlist WHERE user = '\(user)'"
      for row in try cluster.server.query(own) {
        // A connection may have ended by itself meanwhile.
        if let id = row.first ?? nil { try? cluster.server.execute("KILL \(id)") }
      }
    case .rotateLog: try cluster.server.execute("FLUSH BINARY LOGS")
    case .pauseAndResume:
      _ = try cluster.command(["pause", "shop"])
      poll(nil, 0, Int32(random.below(500)))
      _ = try cluster.command(["resume", "shop"])
    case .restartServer, .killServer: try restartServer(kill: fault == .killServer)
    case .scale: _ = try cluster.command(["scale", "shop", "--snapshot-parallelism", "\(1 + random.below(4))"])
    case .scaleTail: _ = try cluster.command(["scale", "shop", "--tail", "\(1 + random.below(3))"])
    }
  }

  private func freeze(_ process: ChildProcess, milliseconds: Int) {
    process.signal(SIGSTOP)
    frozen.append((process, Clock.monotonicMilliseconds() + Int64(milliseconds)))
  }

  private func wake(_ now: Int64) throws {
    for process in frozen.filter({ $0.until <= now }).map(\.process) { process.signal(SIGCONT) }
    frozen.removeAll { $0.until <= now }
  }

  /// The writers are held back: what a server answers when it dies, the schema that it leaves, would else be unknown.
  private func restartServer(kill: Bool) throws {
    guard mayRestartServer else { return }
    let held = writers.filter { $0.holdIfRunning() }
    if kill {
      cluster.server.kill()
      try cluster.server.startAgain()
    } else {
      try cluster.server.restart()
    }
    for writer in held { writer.letGo() }
  }

  private func restartCoordinator() throws {
    cluster.coordinator?.kill()
    try cluster.startCoordinator()
  }

  /// Two workers at all times; one that has ended is replaced. A frozen one counts as running.
  private func replaceWorkers() throws {
    workers.removeAll { !$0.isRunning }
    while workers.count < 2 { workers.append(try cluster.startWorker(slots: 3)) }
    guard cluster.coordinator?.isRunning == true else {
      throw ClusterFixture.Problem(description: "the coordinator has ended by itself\n\(cluster.logs)")
    }
  }
}
