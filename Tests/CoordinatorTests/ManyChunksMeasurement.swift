import Connector
import Foundation
import Glibc
import Model
import Testing
import Wire

@testable import Coordinator

/// One table in very many chunks, read by one worker: the machine with the journal behind it, without a source.
struct ManyChunksRun {
  private var harness = MachineHarness()
  private let journal: SQLiteJournal
  private var records: [JournalRecord] = []
  private let total: Int
  private var planned = 0
  private var place = 1_000
  private static let slots = 8
  /// What became of the tail's assignment.
  private(set) var tail: TailWork?

  init(chunks: Int, directory: String) throws {
    total = chunks
    journal = try SQLiteJournal(directory: directory)
  }

  var state: PipelineState? { harness.state }

  private mutating func tell(_ event: ClusterEvent) -> [Action] {
    harness.now += 1
    let step = harness.machine.handle(event, now: harness.now)
    records += step.records
    return step.actions
  }

  /// One journal transaction for all that has happened, as the service does it.
  private mutating func flush() throws {
    try journal.write(records)
    records = []
  }

  private mutating func offset() -> Offset {
    place += 517
    return Offset("file=mysql-bin.000123;pos=\(place * 37);domains=0-1-\(place);server=4f2c11de-90aa-11ee-b9d1")
  }

  private mutating func plan(_ limit: Int) -> JobResult {
    let end = min(total, planned + limit)
    let ranges = (planned..<end).map { number in
      ChunkRange(
        columns: ["id"], lower: number == 0 ? nil : [.integer(Int64(number) * 8096)],
        upper: number + 1 == total ? nil : [.integer(Int64(number + 1) * 8096)])
    }
    planned = end
    return .planned([ChunkPlan(chunks: ranges, cursor: end == total ? nil : String(end))])
  }

  /// Runs the snapshot to its end, and until the tail is assigned.
  mutating func run(_ sample: (Int) -> Void) throws {
    harness.submit()
    try harness.end(
      .discovered(
        [DiscoveredTable(id: MachineHarness.orders, schema: MachineHarness.schema, chunkKey: ["id"], estimatedRows: 9)],
        before: Offset("10"), after: Offset("11")))
    try harness.end(.schemaApplied)
    try journal.write(harness.journal.load())
    var actions = tell(
      .joined(1, Join(workerID: "w", name: "w", slots: Self.slots, running: [])))
    if let id = harness.state?.jobs.keys.min() { actions += tell(.jobEnded(id, plan(32))) }
    var done = 0
    while tail == nil {
      var attempts: [AttemptID] = []
      var jobs: [Job] = []
      for action in actions {
        switch action {
        case .send(_, .assign(let assignment)):
          if case .tail(let work) = assignment.work { tail = work } else { attempts.append(assignment.attempt) }
        case .start(let job): jobs.append(job)
        default: break
        }
      }
      if tail != nil { break }
      actions = []
      for job in jobs {
        if case .plan(_, let limit) = job.kind { actions += tell(.jobEnded(job.id, plan(limit))) }
      }
      actions += try finish(attempts)
      done += attempts.count
      actions += tell(.heartbeat(1, Heartbeat(sequence: 1, attempts: [])))
      if attempts.count > 0 { sample(done) }
    }
    try flush()
  }

  private mutating func finish(_ attempts: [AttemptID]) throws -> [Action] {
    var actions: [Action] = []
    for attempt in attempts { actions += tell(.report(1, Report(attempt: attempt, event: .started(low: offset())))) }
    try flush()
    var committables: [Committable] = []
    for attempt in attempts {
      let committable = MachineHarness.committable(attempt, 1, at: offset().text, rows: 8096, isFinal: true)
      committables.append(committable)
      actions += tell(.report(1, Report(attempt: attempt, event: .prepared(committable))))
    }
    try flush()
    for item in committables {
      let event = Report.Event.committed(sequence: 1, progress: item.progress, recovered: false)
      actions += tell(.report(1, Report(attempt: item.attempt, event: event)))
    }
    try flush()
    return actions
  }

  func close() { journal.close() }
}

/// What the process has used so far.
struct ProcessUse {
  let cpuSeconds: Double
  let residentBytes: Int

  static var now: ProcessUse {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
    let system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let fields = text.split(separator: " ")
    let pages = fields.count > 1 ? Int(fields[1]) ?? 0 : 0
    return ProcessUse(cpuSeconds: user + system, residentBytes: pages * 4096)
  }
}

@Suite("Very many chunks")
struct ManyChunksTests {
  private static let wanted = ProcessInfo.processInfo.environment["TIDEGATE_MEASURE_CHUNKS"].flatMap { Int($0) }

  private static func directory() throws -> String {
    let path = NSTemporaryDirectory() + "tidegate-chunks-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// `TIDEGATE_MEASURE_CHUNKS=1000000 swift test -c release -Xswiftc -enable-testing --filter "Very many chunks"` prints
  /// what each chunk costs.
  @Test("Measured: time and memory of each chunk", .enabled(if: wanted != nil))
  func measure() throws {
    let count = try #require(Self.wanted)
    let directory = try Self.directory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var run = try ManyChunksRun(chunks: count, directory: directory)
    let (start, begin) = (ProcessUse.now, Date())
    var last = start
    var next = count / 10
    try run.run { done in
      guard done >= next else { return }
      let use = ProcessUse.now
      print(
        "\(done) chunks: \(Int((use.cpuSeconds - last.cpuSeconds) * 1e6 / Double(count / 10))) µs CPU each lately, "
          + "resident \(use.residentBytes >> 20) MiB, \((use.residentBytes - start.residentBytes) / done) bytes each")
      last = use
      next += count / 10
    }
    let end = ProcessUse.now
    run.close()
    let size = try FileManager.default.attributesOfItem(atPath: directory + "/journal.sqlite")[.size] as? Int
    print(
      "\(count) chunks: \(Date().timeIntervalSince(begin)) s, \(end.cpuSeconds - start.cpuSeconds) s CPU, "
        + "resident \(end.residentBytes >> 20) MiB, journal \((size ?? 0) / count) bytes each")
    let frame = try run.tail.map {
      try MessageCodec.encode(
        .assign(
          Assignment(
            attempt: AttemptID(pipeline: "p", split: 1, attempt: 1), connectors: ManyChunksTests.connectors,
            work: .tail($0)))
      ).count
    }
    print("the tail's assignment: \((frame ?? 0) / count) bytes each")
  }

  private static let connectors = ConnectorSpec(
    sourceType: "s", sourceOptions: [:], sinkType: "k", sinkOptions: [:], secrets: [], localTimeZone: nil,
    parallelism: 1)
}
