import Connector
import Model
import Pipeline
import Platform
import Wire

/// The coordinator's loop: takes what has arrived, folds it into the machine, makes the records durable in one
/// transaction, and only then acts.
struct CoordinatorLoop {
  private let options: CoordinatorOptions
  private let storage: CoordinatorStorage
  private let inbox: Inbox<CoordinatorInput>
  private let log = Log("coordinator")
  private var machine: ClusterMachine
  private var connections: [ConnectionID: FrameConnection] = [:]
  private var jobs: [String: PipelineJobs] = [:]
  /// Runners that were closed; the last job of one may still be under way.
  private var retiredJobs: [String: PipelineJobs] = [:]
  private var loaded: [String: LoadedPipeline] = [:]
  /// Operators who wait for an answer, and the pipeline that they asked about.
  private var tickets: [Int: (ticket: AdminTicket, pipeline: String)] = [:]
  private var nextToken = 1
  private var rates: [StatusDocuments.RateKey: RateMeter] = [:]
  private var nextSample: Int64 = 0
  private var pending = Step()

  /// Runs until it is told to stop or the journal fails.
  static func run(options: CoordinatorOptions, storage: CoordinatorStorage, inbox: Inbox<CoordinatorInput>)
    -> Result<Void, CoordinatorError>
  {
    var loop = CoordinatorLoop(options: options, storage: storage, inbox: inbox)
    defer { loop.shutDown() }
    do {
      try loop.restore()
      try loop.loop()
      return .success(())
    } catch {
      loop.log.error("coordinator stops", ["error": error.description])
      return .failure(CoordinatorError(error.description))
    }
  }

  private init(options: CoordinatorOptions, storage: CoordinatorStorage, inbox: Inbox<CoordinatorInput>) {
    self.options = options
    self.storage = storage
    self.inbox = inbox
    var settings = ClusterMachine.Settings()
    settings.lease = max(500, options.leaseMilliseconds)
    settings.leaseMargin = max(100, settings.lease / 10)
    settings.heartbeat = max(100, min(500, settings.lease / 4))
    machine = ClusterMachine(settings: settings, epoch: storage.journal.epoch)
  }

  private mutating func restore() throws(JournalError) {
    let records = try storage.journal.load()
    var profiles: [String: PipelineProfile] = [:]
    for case .putPipeline(let record) in records {
      do {
        let pipeline = try load(record)
        loaded[record.name] = pipeline
        profiles[record.name] = pipeline.profile
      } catch {
        log.error("pipeline cannot go on", ["pipeline": record.name, "error": error.description])
      }
    }
    machine.restore(records, profiles: profiles, now: Clock.monotonicMilliseconds())
    if !profiles.isEmpty { log.info("journal restored", ["pipelines": String(profiles.count)]) }
  }

  private mutating func loop() throws(JournalError) {
    while true {
      let now = Clock.monotonicMilliseconds()
      let deadline = machine.nextDeadline.map { max(1, $0 - now) } ?? 1_000
      let inputs = inbox.takeAll(milliseconds: min(deadline, 1_000))
      for input in inputs {
        if case .stop = input { return try flush() }
        take(input)
      }
      fold(.tick)
      try flush()
      sampleRates()
    }
  }

  private mutating func fold(_ event: ClusterEvent) {
    let step = machine.handle(event, now: Clock.monotonicMilliseconds())
    pending.records += step.records
    pending.actions += step.actions
  }

  /// Journal first, act second.
  private mutating func flush() throws(JournalError) {
    let step = pending
    pending = Step()
    try storage.journal.write(step.records)
    for action in step.actions { perform(action) }
  }

  private mutating func shutDown() {
    for runner in jobs.values { runner.close() }
    for connection in connections.values { connection.close() }
    for (ticket, _) in tickets.values { ticket.answer(AdminReply(status: 1, error: "the coordinator is stopping")) }
    storage.close()
  }

  // MARK: - Inputs

  private mutating func take(_ input: CoordinatorInput) {
    switch input {
    case .connected(let number, let connection): connections[number] = connection
    case .disconnected(let number, let reason):
      connections.removeValue(forKey: number)?.close()
      log.info("worker connection closed", ["reason": reason])
      fold(.disconnected(number))
    case .event(let event): fold(event)
    case .admin(let request, let ticket): admin(request, ticket)
    case .stop: break
    }
  }

  // MARK: - Actions

  private mutating func perform(_ action: Action) {
    switch action {
    case .send(let number, let message): send(number, message)
    case .close(let number, let reason):
      // What had come before it was closed is still on its way through the inbox, and asks for the same again.
      guard let connection = connections.removeValue(forKey: number) else { return }
      log.warning("worker connection closed", ["reason": reason])
      connection.close()
    case .start(let job): start(job)
    case .forget(let pipeline): forget(pipeline)
    case .answer(let token, let error):
      guard let (ticket, pipeline) = tickets.removeValue(forKey: token) else { return }
      ticket.answer(error.map { AdminReply(status: 1, error: $0) } ?? answers(about: pipeline).accepted(pipeline))
    case .note(let note): write(note)
    }
  }

  private mutating func send(_ number: ConnectionID, _ message: Message) {
    guard let connection = connections[number] else { return }
    do {
      try connection.send(message, limit: options.frameLimit)
    } catch  where error.concernsMessage {
      // The connection goes on, and the next worker could not be told either.
      log.error("a message cannot be sent", ["message": "\(message.name)", "error": error.description])
      switch message {
      case .assign(let work):
        fold(.undeliverable(work.attempt, isAssignment: true, problem: error.description))
      case .order(let order):
        fold(.undeliverable(order.attempt, isAssignment: false, problem: error.description))
      default: break
      }
    } catch {
      log.warning("cannot send to a worker", ["peer": connection.peer, "error": error.description])
      connection.close()
    }
  }

  private mutating func start(_ job: Job) {
    guard let pipeline = loaded[job.pipeline] else {
      let error = ConnectorError(.configuration, "the definition of \(job.pipeline) could not be read")
      return fold(.jobEnded(job.id, .failed(error)))
    }
    if jobs[job.pipeline] == nil {
      let inbox = inbox
      jobs[job.pipeline] = PipelineJobs(
        after: retiredJobs.removeValue(forKey: job.pipeline), source: pipeline.source, sink: pipeline.sink
      ) {
        inbox.put(.event(.jobEnded($0, $1)))
      }
    }
    jobs[job.pipeline]?.run(job)
  }

  private mutating func retireJobs(_ name: String) {
    guard let runner = jobs.removeValue(forKey: name) else { return }
    runner.close()
    retiredJobs[name] = runner
  }

  private mutating func forget(_ name: String) {
    retireJobs(name)
    loaded[name] = nil
    rates = rates.filter { $0.key.pipeline != name }
    do {
      try storage.secrets.set([:], for: name)
    } catch {
      log.warning("secrets of a dropped pipeline are left behind", ["pipeline": name, "error": error.description])
    }
  }

  private func write(_ note: Note) {
    let level: Log.Level =
      switch note.level {
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    log.event(level, note.message, note.fields.sorted { $0.key < $1.key })
  }

  /// A few times a second, and only of what workers have in hand: there may be many tables, and many events.
  private mutating func sampleRates() {
    let now = Clock.monotonicMilliseconds()
    guard now >= nextSample else { return }
    nextSample = now + Self.sampleInterval
    for (name, state) in machine.pipelines where state.isActive {
      for id in Set(state.heldSplits.compactMap(\.table)) {
        rates[.init(name, .table(id)), default: RateMeter()].add(rows: state.rows(of: id), now: now)
      }
      rates[.init(name, .snapshot), default: RateMeter()].add(rows: state.snapshotRows, now: now)
      rates[.init(name, .tail), default: RateMeter()].add(rows: state.tailRows, now: now)
    }
    rates = rates.filter { !$0.value.isStale(now: now) }
  }

  /// Milliseconds between two samples of the rates.
  private static let sampleInterval: Int64 = 200

  // MARK: - Definitions

  private func load(_ record: PipelineRecord) throws(CoordinatorError) -> LoadedPipeline {
    let resolver = ValueResolver.live.with(secrets: storage.secrets[record.name])
    do {
      let definition = try PipelineDefinition.parse(
        record.definition, file: record.file, registry: options.registry, resolver: resolver)
      return try LoadedPipeline(definition, uid: record.uid, registry: options.registry)
    } catch let error as DefinitionError {
      throw CoordinatorError(error.description)
    } catch let error as ConnectorError {
      throw CoordinatorError(error.description)
    } catch {
      throw CoordinatorError("\(error)")
    }
  }

  // MARK: - Operators

  private mutating func admin(_ request: AdminRequest, _ ticket: AdminTicket) {
    switch request.verb {
    case "submit": submit(request, ticket)
    case "scale":
      if let text = request.arguments["tail"] {
        guard let value = Int(text) else {
          return ticket.answer(AdminReply(status: 2, error: "the tail's parallelism must be an integer"))
        }
        return command(.scaleTail(pipeline: request.pipeline, parallelism: value), ticket)
      }
      guard let text = request.arguments["snapshot-parallelism"], let value = Int(text), value > 0 else {
        return ticket.answer(AdminReply(status: 2, error: "the snapshot parallelism must be an integer of at least 1"))
      }
      command(.scale(pipeline: request.pipeline, snapshotParallelism: value), ticket)
    case "pause": command(.pause(pipeline: request.pipeline), ticket)
    case "stop": command(.stop(pipeline: request.pipeline), ticket)
    case "drop": command(.drop(pipeline: request.pipeline, force: request.arguments["force"] == "true"), ticket)
    case "resume": resume(request, ticket)
    default: ticket.answer(answers(about: request.pipeline).answer(request))
    }
  }

  private mutating func command(_ command: Command, _ ticket: AdminTicket) {
    let token = nextToken
    nextToken += 1
    tickets[token] = (ticket, command.pipeline)
    fold(.command(token: token, command))
  }

  private mutating func submit(_ request: AdminRequest, _ ticket: AdminTicket) {
    let file = request.arguments["file"] ?? "pipeline.yaml"
    let text = request.arguments["definition"] ?? ""
    do {
      // The original first, so that messages carry the columns of the user's file.
      _ = try PipelineDefinition.parse(text, file: file, registry: options.registry, resolver: .live)
      let sealed = try PipelineDefinition.seal(text, file: file, registry: options.registry)
      let definition = try PipelineDefinition.parse(
        sealed.text, file: file, registry: options.registry, resolver: ValueResolver.live.with(secrets: sealed.secrets))
      guard machine.pipelines[definition.name] == nil else {
        return ticket.answer(
          AdminReply(
            status: 1,
            error: "exists: there is a pipeline \(definition.name) already — drop it first, or rename this one"))
      }
      let uid = "\(definition.name).\(ProcessIdentity.randomHex(bytes: 4))"
      let pipeline = try LoadedPipeline(definition, uid: uid, registry: options.registry)
      try storage.secrets.set(sealed.secrets, for: definition.name)
      for warning in definition.warnings { log.warning("pipeline file", ["file": file, "warning": warning]) }
      loaded[definition.name] = pipeline
      retireJobs(definition.name)
      let record = PipelineRecord(
        name: definition.name, uid: uid, definition: sealed.text, file: file,
        untilCaughtUp: request.arguments["until"] == "caught-up")
      command(.submit(record, pipeline.profile), ticket)
    } catch {
      ticket.answer(AdminReply(status: 1, error: Secrets.redact("\(error)")))
    }
  }

  /// The definition is read again: what `${env:…}` and `${file:…}` stand for may have been mended meanwhile.
  private mutating func resume(_ request: AdminRequest, _ ticket: AdminTicket) {
    guard let record = machine.pipelines[request.pipeline]?.record else {
      return ticket.answer(AdminReply(status: 1, error: "there is no pipeline \(request.pipeline)"))
    }
    do {
      let (changed, pipeline) = try resumed(record, request)
      loaded[record.name] = pipeline
      retireJobs(record.name)
      let until = request.arguments["until"].map { $0 == "caught-up" }
      command(.resume(pipeline: record.name, pipeline.profile, untilCaughtUp: until, changed), ticket)
    } catch {
      ticket.answer(AdminReply(status: 1, error: Secrets.redact("\(error)")))
    }
  }

  /// The definition to go on with: the one of before, or another one that an operator sends along. Source, sink and name
  /// are what the pipeline's progress belongs to, and stay.
  private func resumed(
    _ record: PipelineRecord, _ request: AdminRequest
  ) throws -> (ChangedDefinition?, LoadedPipeline) {
    guard let text = request.arguments["definition"] else { return (nil, try load(record)) }
    let file = request.arguments["file"] ?? record.file
    _ = try PipelineDefinition.parse(text, file: file, registry: options.registry, resolver: .live)
    let sealed = try PipelineDefinition.seal(text, file: file, registry: options.registry)
    let definition = try PipelineDefinition.parse(
      sealed.text, file: file, registry: options.registry, resolver: ValueResolver.live.with(secrets: sealed.secrets))
    if let before = loaded[record.name]?.definition,
      before.sourceType != definition.sourceType || before.sinkType != definition.sinkType
    {
      throw CoordinatorError("\(file) names another type of source or sink — drop the pipeline and submit the file")
    }
    guard definition.name == record.name else {
      throw CoordinatorError("\(file) is of pipeline \(definition.name), not of \(record.name)")
    }
    let pipeline = try LoadedPipeline(definition, uid: record.uid, registry: options.registry)
    try storage.secrets.set(sealed.secrets, for: record.name)
    return (ChangedDefinition(text: sealed.text, file: file), pipeline)
  }

  private func answers(about pipeline: String) -> AdminAnswers {
    let documents = StatusDocuments(
      machine: machine, rates: rates, now: Clock.monotonicMilliseconds(), wallMilliseconds: Clock.wallMilliseconds())
    return AdminAnswers(documents: documents, exists: machine.pipelines[pipeline] != nil)
  }
}
