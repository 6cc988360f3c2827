import Model
import Platform
import Testing

@testable import Wire

/// Assignments that are sent in parts.
@Suite(.timeLimit(.minutes(2))) struct LargeAssignmentTests {
  private let attempt = AttemptID(pipeline: "shop", split: 7, attempt: 2)
  private let connectors = ConnectorSpec(
    sourceType: "mysql", sourceOptions: [:], sinkType: "values", sinkOptions: [:], secrets: [], localTimeZone: nil,
    parallelism: 1)

  private func assignment(_ attempt: AttemptID, tables: Int, columns: Int) -> Assignment {
    let tables = (0..<tables).map { number in
      let schema = TableSchema(
        columns: (0..<columns).map { Column(name: "c\($0)", type: DataType(.bigint), comment: "\(number % 3)") },
        primaryKey: ["c0"])
      let id = TableID(schema: "shop", table: "t\(number)")
      let binding = TableBinding(
        table: id, version: 1, schema: schema, targets: [.init(id: TableID(table: "t\(number)"), schema: schema)])
      return TailTableWork(binding: binding, ignoredThrough: nil, chunks: FinishedChunks())
    }
    let work = TailWork(
      start: Offset("a"), tables: tables, shareIndex: 0, shareCount: 1, notifyAt: nil,
      commitIntervalMilliseconds: 1_000)
    return Assignment(attempt: attempt, connectors: connectors, work: .tail(work))
  }

  /// Sends messages to a worker and gives what has arrived there, up to a last heartbeat's answer.
  private func exchange(
    _ send: @escaping @Sendable (FrameConnection) throws(WireError) -> Void
  ) throws -> [Message] {
    let received = Monitor<[Message]>([])
    let handler: Listener.Handler = { connection throws(WireError) in
      try send(connection)
      try connection.send(.heartbeatAck(HeartbeatAck(sequence: 99)))
      _ = try connection.receive()
    }
    try withListener(token: nil, handler: handler) { _, endpoint in
      let connection = try FrameConnection.connect(to: endpoint, role: .worker, token: nil)
      defer { connection.close() }
      while true {
        let message = try connection.receive().message
        if case .heartbeatAck = message { return }
        received.update { $0.append(message) }
      }
    }
    return received.withLock { $0 }
  }

  @Test("An assignment that is larger than a frame may be arrives as a whole")
  func parts() throws {
    let large = assignment(attempt, tables: 1_500, columns: 12)
    let whole = try MessageCodec.encode(.assign(large)).count
    #expect(whole > 400_000)
    let received = try exchange { connection throws(WireError) in
      try connection.send(.assign(large), limit: 40_000)
    }
    #expect(received == [.assign(large)])
  }

  @Test("Parts of an assignment that never came are not mixed into another one")
  func abandoned() throws {
    let other = AttemptID(pipeline: "shop", split: 8, attempt: 1)
    let first = assignment(attempt, tables: 3, columns: 2)
    let second = assignment(other, tables: 2, columns: 2)
    let empty = assignment(AttemptID(pipeline: "shop", split: 9, attempt: 1), tables: 0, columns: 0)
    let received = try exchange { connection throws(WireError) in
      guard case .tail(let work) = first.work else { return }
      try connection.send(.moreTables(MoreTables(attempt: first.attempt, tables: work.tables)))
      try connection.send(.assign(empty))
      try connection.send(.assign(second))
      try connection.send(.assign(first))
    }
    #expect(received == [.assign(empty), .assign(second), .assign(first)])
  }

  @Test("A table that fits no frame is refused where it is sent, and the connection goes on")
  func singleTable() throws {
    let wide = assignment(attempt, tables: 2, columns: 2_000)
    let small = assignment(AttemptID(pipeline: "shop", split: 9, attempt: 1), tables: 1, columns: 3)
    let failure = Monitor<WireError?>(nil)
    let received = try exchange { connection throws(WireError) in
      do throws(WireError) {
        try connection.send(.assign(wide), limit: 20_000)
      } catch {
        failure.update { $0 = error }
      }
      try connection.send(.assign(small))
    }
    #expect(received == [.assign(small)])
    let error = failure.withLock { $0 }
    #expect(error?.concernsMessage == true)
    guard case .frameTooLarge? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("Tables of one kind share their schema when they have arrived")
  func sharing() throws {
    let large = assignment(attempt, tables: 9, columns: 4)
    guard case .tail(let work) = large.work else { return }
    var tables = AssignmentTables()
    #expect(tables.complete(.moreTables(MoreTables(attempt: attempt, tables: work.tables))) == nil)
    var rest = large
    rest.work = .tail(
      TailWork(
        start: work.start, tables: [], shareIndex: 0, shareCount: 1, notifyAt: nil, commitIntervalMilliseconds: 1_000))
    let whole = tables.complete(.assign(rest))
    #expect(whole == .assign(large))
    guard case .assign(let assignment)? = whole, case .tail(let result) = assignment.work else { return }
    func storage(_ schema: TableSchema) -> UInt {
      schema.columns.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    }
    let schemas = result.tables.flatMap { [$0.binding.schema] + $0.binding.targets.map(\.schema) }
    #expect(Set(schemas.map(storage)).count == 3)
  }
}
