import Connector
import Model
import Pipeline
import Platform
import TestKit
import Testing
import Wire

@testable import Coordinator

@Suite struct ServiceTests {
  /// After a pause a coordinator finds many heartbeats of a worker that it has given up: they are one thing to say.
  @Test func heartbeatsOfAStrangerCloseItsConnectionOnce() throws {
    let lines = Monitor<[String]>([])
    Log.configure(level: .info, format: .text) { line in lines.withLock { $0.append(line) } }
    defer { Log.configure(level: .info, format: .text) }
    let directory = try TestFiles.makeDirectory("coordinator")
    defer { TestFiles.remove(directory) }
    let service = try CoordinatorService(
      CoordinatorOptions(
        listen: Endpoint(host: "127.0.0.1", port: 0), dataDirectory: directory, token: nil,
        registry: ConnectorRegistry(sources: [], sinks: [])))
    let endpoint = Endpoint(host: "127.0.0.1", port: UInt16(service.boundPort))
    let stranger = try FrameConnection.connect(to: endpoint, role: .worker, token: nil)
    for sequence in 1...300 {
      do {
        try stranger.send(.heartbeat(Heartbeat(sequence: Int64(sequence), attempts: [])))
      } catch {
        break
      }
    }
    #expect(throws: WireError.self) {
      while true { _ = try stranger.receive() }
    }
    stranger.close()
    service.stop()
    try service.wait()
    #expect(lines.withLock { $0.filter { $0.contains("a heartbeat before the join") } }.count == 1)
  }
}
