import Connector
import Model
import Pipeline
import Platform
import Wire

/// How a coordinator is started.
public struct CoordinatorOptions: Sendable {
  /// Where it listens; port 0 takes a free one.
  public var listen: Endpoint
  /// Its journal and secrets; created when it does not exist.
  public var dataDirectory: String
  /// The shared secret; needed to listen on anything but loopback.
  public var token: Token?
  /// The connectors that this binary has.
  public var registry: ConnectorRegistry
  /// How long a worker's lease lasts after a heartbeat, in milliseconds, at least 500.
  public var leaseMilliseconds: Int64
  /// Bytes of a message to a worker, at most `WireLimits.frame`.
  var frameLimit = WireLimits.frame

  /// Makes options.
  public init(
    listen: Endpoint, dataDirectory: String, token: Token?, registry: ConnectorRegistry,
    leaseMilliseconds: Int64 = 10_000
  ) {
    self.listen = listen
    self.dataDirectory = dataDirectory
    self.token = token
    self.registry = registry
    self.leaseMilliseconds = leaseMilliseconds
  }
}

/// Why a coordinator could not be started, or had to stop.
public struct CoordinatorError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened and what to do.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A running coordinator: one loop thread that owns the machine and the journal, a thread for each connection, one for
/// each pipeline's jobs.
public final class CoordinatorService: Sendable {
  private let inbox: Inbox<CoordinatorInput>
  private let listener: Listener
  private let outcome: Monitor<Result<Void, CoordinatorError>?>

  /// Opens the journal, restores what it holds, listens, and starts to work.
  /// - Throws: when the data directory or the address cannot be used.
  public init(_ options: CoordinatorOptions) throws(CoordinatorError) {
    let inbox = Inbox<CoordinatorInput>()
    let outcome = Monitor<Result<Void, CoordinatorError>?>(nil)
    let storage: CoordinatorStorage
    do {
      storage = try CoordinatorStorage(directory: options.dataDirectory)
    } catch {
      throw CoordinatorError(error.description)
    }
    let numbers = ConnectionNumbers()
    do {
      listener = try Listener(options.listen, token: options.token)
    } catch {
      storage.close()
      throw CoordinatorError(error.description)
    }
    self.inbox = inbox
    self.outcome = outcome
    _ = DedicatedThread(name: "coordinator") {
      let result = CoordinatorLoop.run(options: options, storage: storage, inbox: inbox)
      inbox.close()
      outcome.update { $0 = result }
    }
    listener.start { connection in Self.serve(connection, number: numbers.next(), inbox: inbox) }
  }

  /// The port it listens on.
  public var boundPort: Int { Int(listener.boundPort) }

  /// Asks it to stop; nothing is lost, a later start on the same directory goes on. Returns at once.
  public func stop() {
    listener.close()
    inbox.put(.stop)
  }

  /// Waits until it has stopped.
  /// - Throws: when it had to stop by itself, because its journal cannot be written.
  public func wait() throws(CoordinatorError) {
    let result = outcome.wait { $0 }
    listener.close()
    try (result ?? .success(())).get()
  }

  // MARK: - Connections, each on a thread of its own

  private static func serve(_ connection: FrameConnection, number: ConnectionID, inbox: Inbox<CoordinatorInput>) {
    switch connection.role {
    case .worker: serveWorker(connection, number, inbox)
    case .admin: serveAdmin(connection, inbox)
    }
  }

  private static func serveWorker(
    _ connection: FrameConnection, _ number: ConnectionID, _ inbox: Inbox<CoordinatorInput>
  ) {
    inbox.put(.connected(number, connection))
    do throws(WireError) {
      while true {
        let event: ClusterEvent
        switch try connection.receive().message {
        case .join(let join): event = .joined(number, join)
        case .heartbeat(let heartbeat): event = .heartbeat(number, heartbeat)
        case .report(let report): event = .report(number, report)
        case .leave: event = .left(number)
        case .joined, .heartbeatAck, .assign, .order, .moreTables, .adminRequest, .adminReply:
          throw WireError.unexpected("a worker sent a message that only the coordinator sends")
        }
        inbox.put(.event(event))
      }
    } catch {
      connection.close()
      inbox.put(.disconnected(number, reason: error.description))
    }
  }

  private static func serveAdmin(_ connection: FrameConnection, _ inbox: Inbox<CoordinatorInput>) {
    let log = Log("coordinator")
    do throws(WireError) {
      while true {
        let (requestID, message) = try connection.receive()
        guard case .adminRequest(let request) = message else {
          throw WireError.unexpected("an operator's connection carries requests only")
        }
        let ticket = AdminTicket()
        inbox.put(.admin(request, ticket))
        try connection.send(.adminReply(ticket.wait()), requestID: requestID)
      }
    } catch {
      if error != .disconnected, error != .closed {
        log.warning("connection closed", ["peer": connection.peer, "reason": error.description])
      }
      connection.close()
    }
  }
}

/// What reaches the loop thread.
enum CoordinatorInput: Sendable {
  case connected(ConnectionID, FrameConnection)
  case disconnected(ConnectionID, reason: String)
  case event(ClusterEvent)
  case admin(AdminRequest, AdminTicket)
  case stop
}

/// An operator's connection waits here for the loop's answer.
final class AdminTicket: Sendable {
  private let reply = Monitor<AdminReply?>(nil)

  /// Answers; the first answer counts.
  func answer(_ value: AdminReply) { reply.update { if $0 == nil { $0 = value } } }

  /// Waits for the answer; a loop that has ended gives none.
  func wait() -> AdminReply {
    reply.wait(milliseconds: 60_000) { $0 } ?? AdminReply(status: 1, error: "the coordinator is stopping")
  }
}

/// Numbers connections.
private final class ConnectionNumbers: Sendable {
  private let last = Monitor(0)

  func next() -> ConnectionID {
    last.withLock {
      $0 += 1
      return $0
    }
  }
}

/// Journal and secrets of a data directory, opened on one thread and handed to the loop's.
///
/// `@unchecked Sendable` is safe: after `init` only the loop thread uses it, or (when listening failed) only the thread
/// that opened it.
final class CoordinatorStorage: @unchecked Sendable {
  let journal: any Journal
  let secrets: SecretStore

  init(directory: String) throws(JournalError) {
    let journal = try SQLiteJournal(directory: directory)
    do {
      secrets = try SecretStore(directory: directory)
    } catch {
      journal.close()
      throw error
    }
    self.journal = journal
  }

  func close() { journal.close() }
}
