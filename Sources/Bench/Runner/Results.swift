import FoundationEssentials

/// Runs of one program in one scenario.
struct Series: Codable {
  var runs: [Run] = []

  private func median(_ value: (Run) -> Double) -> Double {
    let sorted = runs.map(value).sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  var wall: Double { median(\.wall) }
  var cpu: Double { median(\.cpu) }
  var foreignCores: Double { median(\.foreignCores) }
  var shortest: Double { runs.map(\.wall).min() ?? 0 }
  var longest: Double { runs.map(\.wall).max() ?? 0 }
  var peakResidentMiB: Double { Double(runs.map(\.peakResidentKiB).max() ?? 0) / 1024 }
}

/// The figures of one program in one scenario: medians, but the largest memory.
struct Figures: Codable {
  var wallSeconds: Double
  var wallSecondsMin: Double
  var wallSecondsMax: Double
  var cpuSeconds: Double
  var peakResidentMiB: Double
  var rowsPerSecond: Double
  var rowsPerCPUSecond: Double
  var foreignCores: Double
  var runs: [Run]

  init(_ series: Series, rows: Int) {
    wallSeconds = series.wall
    wallSecondsMin = series.shortest
    wallSecondsMax = series.longest
    cpuSeconds = series.cpu
    peakResidentMiB = series.peakResidentMiB
    rowsPerSecond = Double(rows) / max(series.wall, 1e-6)
    rowsPerCPUSecond = Double(rows) / max(series.cpu, 1e-6)
    foreignCores = series.foreignCores
    runs = series.runs
  }
}

/// One scenario's outcome.
struct Outcome: Codable {
  var scenario: String
  var rows: Int
  var slots: Int
  var limit: Figures
  /// Nil when only the limits were asked for.
  var tidegate: Figures?
  /// Tidegate's wall time over the limit's.
  var wallRatio: Double?
  /// Tidegate's CPU time over the limit's.
  var cpuRatio: Double?

  init(_ scenario: Scenario, rows: Int, limit: Series, tidegate: Series) {
    self.scenario = scenario.name
    self.rows = rows
    slots = scenario.slots
    self.limit = Figures(limit, rows: rows)
    guard !tidegate.runs.isEmpty else { return }
    self.tidegate = Figures(tidegate, rows: rows)
    wallRatio = tidegate.wall / max(limit.wall, 1e-6)
    cpuRatio = tidegate.cpu / max(limit.cpu, 1e-6)
  }
}

/// The report of one benchmark.
struct Results: Codable {
  var rowsScale: Double
  var runsPerScenario: Int
  var outcomes: [Outcome] = []

  /// As JSON, with stable keys.
  func json() throws(BenchError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do {
      return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    } catch {
      throw BenchError("the results cannot be written as JSON: \(error)")
    }
  }

  /// As a table for people. A star marks medians during which other processes used more than a tenth of a core.
  func table() -> String {
    let head = [
      "scenario", "program", "rows", "wall s", "min-max", "CPU s", "RSS MiB", "rows/s", "rows/CPU s", "x wall", "x CPU",
    ]
    var lines = [head]
    for outcome in outcomes {
      lines.append(cells(outcome, "C limit", outcome.limit, nil, nil))
      if let figures = outcome.tidegate {
        lines.append(cells(outcome, "tidegate", figures, outcome.wallRatio, outcome.cpuRatio))
      }
    }
    let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      line.indices.map { index in
        let padding = String(repeating: " ", count: widths[index] - line[index].count)
        return index < 2 ? line[index] + padding : padding + line[index]
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  private func cells(_ outcome: Outcome, _ program: String, _ figures: Figures, _ wall: Double?, _ cpu: Double?)
    -> [String]
  {
    let star = figures.foreignCores > 0.1 ? "*" : ""
    return [
      outcome.scenario, program, "\(outcome.rows)", Results.fixed(figures.wallSeconds) + star,
      "\(Results.fixed(figures.wallSecondsMin))-\(Results.fixed(figures.wallSecondsMax))",
      Results.fixed(figures.cpuSeconds), Results.fixed(figures.peakResidentMiB, digits: 1),
      "\(Int(figures.rowsPerSecond))", "\(Int(figures.rowsPerCPUSecond))", wall.map { Results.fixed($0) } ?? "",
      cpu.map { Results.fixed($0) } ?? "",
    ]
  }

  /// A number that is not negative, with so many digits behind the point.
  static func fixed(_ value: Double, digits: Int = 2) -> String {
    let factor = (0..<digits).reduce(1) { product, _ in product * 10 }
    let scaled = Int((value * Double(factor)).rounded())
    let fraction = String(scaled % factor)
    return "\(scaled / factor)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}
