import FoundationEssentials

/// One run of one program.
struct Run: Codable {
  /// Seconds from start to end of the process.
  var wall: Double
  /// CPU seconds in user mode.
  var user: Double
  /// CPU seconds in the kernel.
  var system: Double
  /// Largest resident set.
  var peakResidentKiB: Int
  /// CPU seconds of the server meanwhile.
  var serverCPU: Double
  /// Cores that other processes used meanwhile; a run with much of it says little.
  var foreignCores: Double

  var cpu: Double { user + system }
}

/// What `bench-limits measure` reports.
private struct Report: Codable {
  var wall: Double
  var user: Double
  var system: Double
  var peakResidentKiB: Int
  var status: Int
}

/// What a limit reader prints.
private struct LimitCount: Codable {
  var rows: Int
}

/// Runs programs under measurement.
struct Meter {
  let options: BenchOptions

  /// Seconds after which a run is given up.
  private static let longestRun = 900

  /// Runs the C limit of a scenario and checks that it has read all rows.
  func limit(_ scenario: Scenario, _ position: LogPosition) throws(BenchError) -> Run {
    let output = "\(options.directory)/limit.out"
    let run = try measure([options.limits] + scenario.limitArguments(options, position), "limit", output)
    let rows = try decode(LimitCount.self, from: output).rows
    guard rows == scenario.rows(options) else {
      throw BenchError("\(scenario.name): the C limit read \(rows) rows instead of \(scenario.rows(options))")
    }
    return run
  }

  /// Runs Tidegate on a scenario, with a data directory of its own.
  func tidegate(_ scenario: Scenario, _ position: LogPosition, _ number: Int) throws(BenchError) -> Run {
    let label = "\(scenario.name)-\(number)"
    let pipeline = "\(options.directory)/\(scenario.name).yaml"
    try Command.write(scenario.pipeline(options, position), to: pipeline)
    let words = [
      options.tidegate, "run", pipeline, "--slots", "\(scenario.slots)", "--data-dir",
      "\(options.directory)/data-\(label)",
      "--until", scenario.until,
    ]
    return try measure(words, label, "\(options.directory)/\(label).out")
  }

  private func measure(_ words: [String], _ label: String, _ output: String) throws(BenchError) -> Run {
    let report = "\(options.directory)/report.json"
    let errors = "\(options.directory)/\(label).err"
    let before = try ProcessorTimes(server: options.serverProcess)
    let status = try Command.run(
      [options.limits, "measure", report, "\(Meter.longestRun)"] + words, output: output, errors: errors)
    let after = try ProcessorTimes(server: options.serverProcess)
    guard status == 0 else {
      let text = try Command.read(errors).split(separator: "\n").suffix(5).joined(separator: "\n")
      throw BenchError("\(words.joined(separator: " ")) ended with status \(status), see \(errors):\n\(text)")
    }
    let found = try decode(Report.self, from: report)
    let server = after.server - before.server
    let foreign = after.machine - before.machine - server - found.user - found.system
    return Run(
      wall: found.wall, user: found.user, system: found.system, peakResidentKiB: found.peakResidentKiB,
      serverCPU: server, foreignCores: max(0, foreign / max(found.wall, 0.01)))
  }

  private func decode<Value: Decodable>(_ type: Value.Type, from path: String) throws(BenchError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(try Command.read(path).utf8))
    } catch {
      throw BenchError("\(path) cannot be read: \(error)")
    }
  }
}
