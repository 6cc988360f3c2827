import Connector
import Model

/// One pipeline's MySQL source.
struct MySQLSourceConnector: SourceConnector {
  var settings: MySQLSourceSettings
  /// Where random server ids begin when the user gives no range; chosen once for a pipeline's process.
  let serverIDBase: UInt32

  init(settings: MySQLSourceSettings) {
    self.settings = settings
    self.serverIDBase = settings.serverIDs?.lowerBound ?? UInt32.random(in: 5400...6400)
  }

  var startup: SourceStartup { settings.startup }
  var newTables: NewTables { settings.newTables }

  func selects(_ table: TableID) -> Bool { settings.selects(table) }

  func validate() throws(ConnectorError) -> [String] { try validate(tables: true) }

  func validateServer() throws(ConnectorError) -> [String] { try validate(tables: false) }

  private func validate(tables: Bool) throws(ConnectorError) -> [String] {
    let client = try MySQLClient.connect(settings.connection, interrupter: Interrupter())
    defer { client.close() }
    var preflight = Preflight(client: client, facts: try ServerFacts(client), settings: settings)
    return try preflight.run(tables: tables)
  }

  func openPlanner() throws(ConnectorError) -> any SourcePlanner {
    let interrupter = Interrupter()
    let client = try MySQLClient.connect(settings.connection, interrupter: interrupter)
    return MySQLPlanner(settings: settings, client: client, interrupter: interrupter, facts: try ServerFacts(client))
  }

  func makeSnapshotReader(_ request: SnapshotRequest) throws(ConnectorError) -> any SnapshotReader {
    try MySQLSnapshotReader(settings: settings, request: request)
  }

  func makeTailReader(_ request: TailRequest) throws(ConnectorError) -> any TailReader {
    try MySQLTailReader(settings: settings, request: request, serverIDs: try serverIDs(request))
  }

  /// The server ids that a reader of the log may present: its own, then those that no other reader of this pipeline has.
  private func serverIDs(_ request: TailRequest) throws(ConnectorError) -> [UInt32] {
    let own = request.clientIndex
    guard let range = settings.serverIDs else {
      return [serverIDBase &+ UInt32(truncatingIfNeeded: own)] + (0..<3).map { _ in UInt32.random(in: 5400...6400) }
    }
    guard own >= 0, own < range.count else {
      throw ConnectorError(
        .configuration, "option server-id has \(range.count) numbers, reader \(own + 1) needs one more",
        remedy: "widen the range server-id")
    }
    return stride(from: own, to: min(range.count, own + 64), by: max(1, request.shareCount)).map {
      range.lowerBound + UInt32($0)
    }
  }
}
