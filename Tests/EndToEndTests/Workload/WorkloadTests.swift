import Glibc
import Platform
import TestKit
import Testing
import Wire

/// A random workload of row and schema changes on a real cluster whose processes are killed and stopped at random. In the
/// end source and replica are equal, row by row and typed.
@Suite("Workload", .serialized)
struct WorkloadTests {
  /// `TIDEGATE_WORKLOAD_SECONDS`: how long, for each server.
  private static let seconds = environment("TIDEGATE_WORKLOAD_SECONDS").flatMap { Int64($0) } ?? 30
  /// `TIDEGATE_WORKLOAD_SEED`: the workload to do again.
  private static let seed = environment("TIDEGATE_WORKLOAD_SEED").flatMap { UInt64($0) }
  /// `TIDEGATE_WORKLOAD_DIR`: where the files of a round that has failed are kept.
  private static let kept = environment("TIDEGATE_WORKLOAD_DIR") ?? TestFiles.temporaryDirectory

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  @Test("random changes and faults", .timeLimit(.minutes(60)), arguments: SourceServer.available)
  func rounds(on kind: ServerKind) throws {
    let begin = Clock.monotonicMilliseconds()
    var seed = Self.seed ?? UInt64.random(in: 1...999_999_999)
    repeat {
      let left = begin + Self.seconds * 1000 - Clock.monotonicMilliseconds()
      try WorkloadRound(kind: kind, seed: seed, milliseconds: min(max(left, 10_000), 30_000), kept: Self.kept).run()
      seed += 1
    } while Clock.monotonicMilliseconds() < begin + Self.seconds * 1000
  }
}

/// One cluster, one pipeline, one seed.
struct WorkloadRound {
  let kind: ServerKind
  let seed: UInt64
  let milliseconds: Int64
  let kept: String

  func run() throws {
    let server = try SourceServer.shared(kind)
    let cluster = try ClusterFixture("workload", server: server)
    let log = try WorkloadLog(path: "\(cluster.directory)/workload.log")
    print("workload on \(kind): TIDEGATE_WORKLOAD_SEED=\(seed), \(milliseconds / 1000) s")
    do {
      try run(cluster, log)
    } catch {
      let place = "\(kept)/workload-\(kind)-\(seed)"
      try cluster.keep(place)
      throw ClusterFixture.Problem(
        description: "workload on \(kind), TIDEGATE_WORKLOAD_SEED=\(seed), files in \(place): \(error)")
    }
  }

  private func run(_ cluster: ClusterFixture, _ log: WorkloadLog) throws {
    try cluster.server.execute("CREATE DATABASE `\(cluster.database)` CHARACTER SET utf8mb4")
    let changing = WorkloadGenerator(seed: seed, changes: WorkloadDDL.supported)
    for statement in changing.preparation() { try cluster.server.execute(statement, database: cluster.database) }
    let user = try cluster.ownUser()
    let chaos = WorkloadChaos(cluster, log: log, seed: seed &+ 7, user: user)
    try chaos.start()
    let parallelism = [2, 1, 2, 3][Int(seed % 4)]
    let text = cluster.pipelineText(
      source: ["username": user, "password": "own-secret", "scan.incremental.snapshot.chunk.size": "150"],
      pipeline: ["tail.parallelism": "\(parallelism)"])
    let rowsOnly = WorkloadGenerator(seed: seed &+ 1, changes: [])
    let second = WorkloadWriter(rowsOnly, name: "rows", cluster: cluster, log: log, pause: 12, knowsSchema: false)
    let first = WorkloadWriter(changing, name: "all", cluster: cluster, log: log, pause: 6, knowsSchema: true)
    first.setPaused(true)
    defer { for writer in [first, second] { _ = writer.stop() } }
    try cluster.submit(text)
    try chaos.run(milliseconds: milliseconds) {
      for problem in [first.error, second.error].compactMap({ $0 }) {
        throw ClusterFixture.Problem(description: "a writer has stopped: \(problem)")
      }
      guard let status = try cluster.status() else { return }
      // A table that is emptied while it is read is refused: schemas change when all has been read.
      if status.pipeline.state == "tail" { first.setPaused(false) }
      if status.pipeline.state == "failed" {
        throw ClusterFixture.Problem(description: "failed: \(status.pipeline.error ?? "")\n\(cluster.logs)")
      }
    }
    try chaos.calm()
    for writer in [first, second] {
      if let problem = writer.stop() { throw ClusterFixture.Problem(description: "a writer has stopped: \(problem)") }
    }
    print("workload on \(kind), seed \(seed): \(first.steps) and \(second.steps) steps")
    try cluster.awaitEqual()
  }
}
