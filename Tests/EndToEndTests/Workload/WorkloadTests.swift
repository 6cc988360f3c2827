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
  private static let asked = environment("TIDEGATE_WORKLOAD_SECONDS").flatMap { Int64($0) }
  private static let seconds = asked ?? 30
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
      let round = WorkloadRound(
        kind: kind, seed: seed, milliseconds: min(max(left, 10_000), 30_000), kept: Self.kept)
      try round.run()
      seed += 1
    } while Clock.monotonicMilliseconds() < begin + Self.seconds * 1000
  }
}
