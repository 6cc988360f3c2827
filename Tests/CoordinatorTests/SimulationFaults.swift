import Model

/// What goes wrong, and what operators do.
extension SimulationWorld {
  func injectFault() {
    guard isTroubled, let every = plan.faultEvery else { return }
    queue.add(.fault, at: now + random.between(1, every * 2))
    let worker = random.pick(workers.keys.sorted()).flatMap { workers[$0] }
    switch random.below(20) {
    case 0..<2: crashCoordinator()
    case 2..<4:
      guard let worker else { return }
      kill(worker, noticedWithin: random.chance(500) ? 10 : 20_000)
      queue.add(.fault, at: now + 1)
      if workers.count < 2 || random.chance(600) { addWorker() }
    case 4..<8: pause(worker)
    case 8..<14:
      guard let number = worker?.connection, let connection = connections[number] else { return }
      note("connection \(number) is cut")
      cut(
        connection, coordinatorWithin: random.chance(700) ? 100 : 8_000, workerWithin: random.chance(700) ? 100 : 8_000)
    case 14: if workers.count < 4 { addWorker() }
    case 15: stopWorker(worker)
    case 16..<18:
      coordinator.frozenUntil = now + random.between(100, 9_000)
      note("coordinator stands still until \(coordinator.frozenUntil)")
    default:
      // Everything stands still, and time goes on.
      now += random.between(100, 9_000)
      note("time has jumped")
    }
  }

  func pause(_ worker: SimulationWorker?) {
    guard let worker else { return }
    worker.pausedUntil = now + (random.chance(500) ? random.between(4_000, 12_000) : random.between(50, 4_000))
    note("\(worker.id) stands still until \(worker.pausedUntil)")
  }

  private func stopWorker(_ worker: SimulationWorker?) {
    guard let worker, workers.values.contains(where: { $0 !== worker && !$0.isStopping }) else { return }
    note("\(worker.id) is told to leave")
    worker.isStopping = true
    post(.stop, to: worker.id)
  }

  func operate() {
    guard isTroubled else { return }
    queue.add(.operatorCommand, at: now + random.between(500, 12_000))
    switch random.below(announcesNewTables ? 10 : 8) {
    case 8..<10:
      // The definition changes: a table less, or all of them again.
      let captured = source.tables.keys.sorted()
      unselected = random.chance(600) ? Set([random.pick(captured)].compactMap(\.self)) : []
      note("selected are all but \(unselected.sorted())")
      resume()
    case 6..<8: command(.scaleTail(pipeline: "p", parallelism: 1 + random.below(3)))
    case 0..<3: command(.scale(pipeline: "p", snapshotParallelism: 1 + random.below(5)))
    case 3..<5: command(.pause(pipeline: "p"))
    default: resume()
    }
    if random.chance(500) { resume() }
  }
}
