import Foundation
import Testing

@Suite("Simulation of whole clusters")
struct SimulationTests {
  /// Seeds of one run, and the seed that is to be replayed alone.
  private static let seedCount = number("TIDEGATE_SIM_SEEDS") ?? 1_000
  private static let replayed = number("TIDEGATE_SIM_SEED")
  private static let shards = 8

  private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

  private static func failure(_ seed: Int, _ violation: String) -> String {
    let world = SimulationWorld(seed: seed, traces: true)
    _ = world.run()
    let last = world.trace.suffix(60).joined(separator: "\n")
    return "seed \(seed): \(violation)\n\(world.plan)\n\(last)\n"
      + "the whole history: TIDEGATE_SIM_SEED=\(seed) swift test --filter Simulation"
  }

  @Test("Every history ends with a sink that equals its source", .enabled(if: replayed == nil), arguments: 0..<shards)
  func histories(shard: Int) {
    for seed in stride(from: shard + 1, through: Self.seedCount, by: Self.shards) {
      if let violation = SimulationWorld(seed: seed).run() {
        Issue.record(Comment(rawValue: Self.failure(seed, violation)))
        return
      }
    }
  }

  @Test("One history, told in full", .enabled(if: replayed != nil))
  func replay() throws {
    let world = SimulationWorld(seed: try #require(Self.replayed), traces: true)
    let violation = world.run()
    print(world.plan)
    print(world.trace.joined(separator: "\n"))
    #expect(violation == nil)
  }

  @Test("A defect that is put in is seen", .enabled(if: replayed == nil), arguments: SimulationMutation.allCases)
  func mutations(mutation: SimulationMutation) {
    let caught = (1...1_000).first { SimulationWorld(seed: $0, mutation: mutation).run() != nil }
    #expect(caught != nil, "a thousand histories with a defect have ended well")
    if ProcessInfo.processInfo.environment["TIDEGATE_SIM_TELL"] != nil { print("\(mutation): seed \(caught ?? 0)") }
  }
}
