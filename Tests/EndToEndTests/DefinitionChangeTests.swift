import TestKit
import Testing
import Wire

/// `tidegate resume --file`: a pipeline goes on under another definition, or refuses it and goes on as it was.
@Suite("Changed definitions", .serialized)
struct DefinitionChangeTests {
  private func prepared(_ name: String) throws -> (ClusterFixture, Shop) {
    let server = try SourceServer.shared()
    let cluster = try ClusterFixture(name, server: server)
    let shop = Shop(database: cluster.database)
    try shop.create(on: server, rows: 800)
    try cluster.startCoordinator()
    try cluster.startWorker(slots: 4)
    return (cluster, shop)
  }

  private func resume(_ cluster: ClusterFixture, _ text: String) throws -> ClusterFixture.CommandResult {
    let file = "\(cluster.directory)/changed.yaml"
    try TestFiles.write(file, text)
    return try cluster.command(["resume", "shop", "--file", file])
  }

  private func states(_ cluster: ClusterFixture) throws -> [String: String] {
    let tables = try cluster.status()?.tables ?? []
    return Dictionary(
      uniqueKeysWithValues: tables.map { (String($0.table.split(separator: ".").last ?? ""), $0.state) })
  }

  @Test("options and tables of a running pipeline change under load", .timeLimit(.minutes(4)))
  func changed() throws {
    let (cluster, shop) = try prepared("changed")
    let database = cluster.database
    let some = "\(database).customers,\(database).products,\(database).events"
    let ids = ClusterFixture.serverIDs()
    try cluster.submit(cluster.pipelineText(source: ["tables": some, "server-id": ids]))
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 41, rows: 800)
    load.awaitTransactions(40)
    // More tail splits, another interval, one table more and one less.
    let others = "\(database).customers,\(database).order_lines,\(database).events"
    let options = ["tables": others, "server-id": ids, "scan.newly-added-table.enabled": "true"]
    let settings = ["tail.parallelism": "2", "commit.interval": "100ms"]
    let result = try resume(cluster, cluster.pipelineText(source: options, pipeline: settings))
    #expect(result.status == 0, "\(result.error)")
    let reached = try eventually(within: ClusterFixture.patience) {
      let states = try states(cluster)
      let splits = try cluster.status()?.tail?.splits
      return splits == 2 && states["order_lines"] == "tail" && states["products"] != "tail"
    }
    let seen = try states(cluster)
    #expect(reached, "\(seen) \(cluster.logs)")
    load.awaitTransactions(200)
    #expect(load.stop() == nil)
    cluster.comparedTables = ["customers", "order_lines", "events"]
    try cluster.awaitEqual()
    // What is not captured any more stays as it was; it comes back with its rows.
    cluster.comparedTables = nil
    #expect(!cluster.differences().isEmpty)
    var all = options
    all["tables"] = "\(database).\\.*"
    let again = try resume(cluster, cluster.pipelineText(source: all))
    #expect(again.status == 0, "\(again.error)")
    try cluster.awaitEqual()
    let isWhole = try eventually(within: ClusterFixture.patience) {
      let ends = try states(cluster)
      return ends.count == 4 && ends.values.allSatisfy { $0 == "tail" }
    }
    let ends = try states(cluster)
    #expect(isWhole, "\(ends)")
  }

  @Test("a definition that does not fit is refused, and the pipeline goes on", .timeLimit(.minutes(4)))
  func refused() throws {
    let (cluster, shop) = try prepared("refused")
    try cluster.submit(cluster.pipelineText())
    try cluster.awaitState("tail")
    let load = BackgroundLoad(shop, server: cluster.server, seed: 42, rows: 800)
    load.awaitTransactions(20)
    let texts = [
      (cluster.pipelineText(pipeline: ["name": "another"]), "another"),
      (cluster.pipelineText(sink: ["type": "blackhole"]).replacing("  path:", with: "  #"), "sink"),
      (cluster.pipelineText(source: ["scan.startup.mod": "initial"]), "scan.startup.mode"),
      (cluster.pipelineText(source: ["scan.incremental.snapshot.chunk.size": "few"]), "chunk.size"),
      ("source: [", "YAML"),
    ]
    for (text, word) in texts {
      let result = try resume(cluster, text)
      #expect(result.status != 0, "\(text)")
      #expect((result.error + result.output).contains(word), "\(result.error)")
    }
    load.awaitTransactions(60)
    #expect(load.stop() == nil)
    try cluster.awaitEqual()
    #expect(try cluster.status()?.pipeline.state == "tail")
  }
}
