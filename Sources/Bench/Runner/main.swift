import Glibc

// The benchmark's runner. It expects a running server (see cluster/bench), fills it, and measures Tidegate and the C
// limits in turn, so that both meet the same machine.

/// A line on standard error, where progress goes.
private func note(_ text: String) {
  let line = Array("\(text)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
}

/// Makes the data a scenario needs; the log position is where its backlog starts.
private func prepare(_ scenario: Scenario, _ database: Database, _ made: inout Set<String>) throws(BenchError)
  -> LogPosition
{
  let options = database.options
  func once(_ name: String, _ sql: String) throws(BenchError) {
    guard made.insert(name).inserted else { return }
    note("making \(name)")
    try database.execute(sql)
  }
  if scenario != .tables10000 { try once("sbtest1", Workload.sysbench(rows: options.rows(Workload.sysbenchRows))) }
  switch scenario {
  case .snapshotSysbench1, .snapshotSysbench2, .snapshotSysbench4: break
  case .snapshotMixed1, .snapshotMixed2, .snapshotMixed4:
    try once("mixed", Workload.mixed(rows: options.rows(Workload.mixedRows)))
  case .snapshotSysbenchDouble:
    try once("sbtest2", Workload.sysbenchDouble(rows: options.rows(Workload.sysbenchRows)))
  case .tables10000: try once("the small tables", Workload.small(options))
  case .tailBulk, .tailBulk2, .tailBulkDouble, .tailSingle, .tailSingle2:
    note("making the changes of \(scenario.name)")
    try database.execute(Workload.changeTables)
    let position = try database.resetLog()
    if scenario.table == "singles" {
      try database.execute(Workload.oneByOne(options))
    } else {
      try database.execute(Workload.bulk(options, base: 0))
      if scenario == .tailBulkDouble {
        try database.execute(Workload.bulk(options, base: options.rows(Workload.inserts)))
      }
    }
    return position
  }
  return LogPosition(file: "", position: 0)
}

private func measure(_ scenario: Scenario, _ position: LogPosition, _ meter: Meter) throws(BenchError) -> Outcome {
  let options = meter.options
  var limit = Series()
  var tidegate = Series()
  // The first run of either warms the server's caches and is not counted.
  for number in 0...options.runs {
    note("\(scenario.name): \(number == 0 ? "warming up" : "run \(number) of \(options.runs)")")
    let first = try meter.limit(scenario, position)
    let second = options.limitsOnly ? nil : try meter.tidegate(scenario, position, number)
    guard number > 0 else { continue }
    limit.runs.append(first)
    if let second { tidegate.runs.append(second) }
  }
  return Outcome(scenario, rows: scenario.rows(options), limit: limit, tidegate: tidegate)
}

private func bench(_ options: BenchOptions) throws(BenchError) {
  setenv("BENCH_HOST", "127.0.0.1", 1)
  setenv("BENCH_PORT", "\(options.port)", 1)
  setenv("BENCH_USER", "shop", 1)
  setenv("BENCH_DATABASE", Workload.database, 1)
  let database = Database(options: options)
  let meter = Meter(options: options)
  var made: Set<String> = []
  var results = Results(rowsScale: options.scale, runsPerScenario: options.runs)
  for scenario in Scenario.allCases where options.wants(scenario) {
    let position = try prepare(scenario, database, &made)
    results.outcomes.append(try measure(scenario, position, meter))
    // Written after each scenario, so that a later failure does not take the figures along.
    try Command.write(try results.json(), to: options.output)
  }
  print(results.table())
}

private let arguments = Array(CommandLine.arguments.dropFirst())
if arguments == ["--list"] {
  print(Scenario.names.joined(separator: "\n"))
  exit(0)
}
do {
  let options: BenchOptions
  do {
    options = try BenchOptions(arguments)
  } catch {
    note("bench: \(error)")
    exit(2)
  }
  try bench(options)
} catch {
  note("bench: \(error)")
  exit(1)
}
