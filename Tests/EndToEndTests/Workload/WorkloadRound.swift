import Platform
import TestKit
import Wire

/// One cluster, one pipeline, one seed. The seed chooses the server's settings and the number of tail splits as well.
struct WorkloadRound {
  let kind: ServerKind
  let seed: UInt64
  let milliseconds: Int64
  /// Where the files of a failed round go.
  let kept: String
  private let settings: [ServerSetting]
  private let parallelism: Int
  private let capturesNewTables: Bool

  init(kind: ServerKind, seed: UInt64, milliseconds: Int64, kept: String) {
    self.kind = kind
    self.seed = seed
    self.milliseconds = milliseconds
    self.kept = kept
    var settings: [[ServerSetting]] = [
      [], [.compressedLog, .fullMetadata], [.durable], [.withoutGTIDs, .durable],
    ]
    let late = ServerSetting.lateCommits(milliseconds: 20)
    if kind == .mySQL { settings += [[late], [late, .withoutGTIDs]] }
    var random = SeededRandom(seed: seed &+ 2)
    self.settings = settings[random.below(settings.count)]
    parallelism = [1, 2, 2, 3][random.below(4)]
    capturesNewTables = random.below(3) > 0
  }

  /// Runs it.
  /// - Throws: what went wrong, with the seed, and where everything is to be found.
  func run() throws {
    let server = try settings.isEmpty ? SourceServer.shared(kind) : SourceServer(kind, settings: settings)
    defer { if !settings.isEmpty { server.stop() } }
    let cluster = try ClusterFixture("workload", server: server)
    let log = try WorkloadLog(path: "\(cluster.directory)/workload.log")
    print(
      "workload on \(kind) \(settings), tail.parallelism \(parallelism), new tables \(capturesNewTables ? "captured" : "ignored"), "
        + "\(milliseconds / 1000) s: TIDEGATE_WORKLOAD_SEED=\(seed)")
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
    let aside = "\(cluster.database)_aside"
    for name in [cluster.database, aside] {
      try cluster.server.execute("CREATE DATABASE `\(name)` CHARACTER SET utf8mb4")
    }
    let excluded = "\(cluster.database).\(WorkloadTable.Place.asidePrefix)"
    cluster.notCaptured = [excluded, "\(aside)."]
    let schema = Monitor(
      WorkloadSchema(WorkloadTable.Shape.allCases, asideDatabase: aside, capturesNewTables: capturesNewTables))
    let writers = try writers(cluster, log, schema)
    defer { for writer in writers { _ = writer.stop() } }
    let user = try cluster.ownUser()
    let chaos = WorkloadChaos(
      cluster, log: log, seed: seed &+ 7, user: user, writers: writers, mayRestartServer: settings.contains(.durable))
    try chaos.start()
    try cluster.submit(
      cluster.pipelineText(
        source: [
          "username": user, "password": "own-secret", "scan.incremental.snapshot.chunk.size": "150",
          "tables.exclude": "\(excluded)\\.*", "scan.newly-added-table.enabled": "\(capturesNewTables)",
        ], pipeline: ["tail.parallelism": "\(parallelism)"]))
    try chaos.run(milliseconds: milliseconds) {
      if try check(cluster, writers) != nil { writers[0].letGo() }
    }
    try chaos.calm()
    for writer in writers { _ = writer.stop() }
    log.write("round", "the writers have stopped")
    // Without GTIDs, tables without a key are read only once the current log file has nothing of them.
    if settings.contains(.withoutGTIDs) { try cluster.server.execute("FLUSH BINARY LOGS") }
    _ = try check(cluster, writers)
    let end = Clock.monotonicMilliseconds()
    try cluster.awaitEqual()
    print(
      "workload on \(kind), seed \(seed): equal after \(writers[0].steps) and \(writers[1].steps) steps, "
        + "\(Clock.monotonicMilliseconds() - end) ms after the last")
  }

  /// Makes the tables; one writer that changes rows and schemas, and begins once the pipeline runs, and one that changes
  /// rows from the beginning.
  private func writers(
    _ cluster: ClusterFixture, _ log: WorkloadLog, _ schema: Monitor<WorkloadSchema>
  ) throws -> [WorkloadWriter] {
    let start = schema.withLock { $0 }
    let changing = WorkloadGenerator(seed: seed, schema: start, changes: WorkloadDDL.supported(kind))
    for statement in changing.preparation() { try cluster.server.execute(statement, database: cluster.database) }
    let rowsOnly = WorkloadGenerator(seed: seed &+ 1, schema: start, changes: [])
    return [
      WorkloadWriter(
        changing, name: "all", cluster: cluster, log: log, schema: schema, pause: 6, changesSchema: true, isHeld: true),
      WorkloadWriter(
        rowsOnly, name: "rows", cluster: cluster, log: log, schema: schema, pause: 12, changesSchema: false),
    ]
  }

  /// The pipeline's status; nil while nobody can tell.
  /// - Throws: when it has failed, or a writer has.
  private func check(_ cluster: ClusterFixture, _ writers: [WorkloadWriter]) throws -> PipelineStatus? {
    if let problem = writers.compactMap(\.error).first {
      throw ClusterFixture.Problem(description: "a writer has stopped: \(problem)")
    }
    let status = try cluster.status()
    if let status, status.pipeline.state == "failed" {
      throw ClusterFixture.Problem(description: "failed: \(status.pipeline.error ?? "")\n\(cluster.logs)")
    }
    return status
  }
}
