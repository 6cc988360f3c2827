/// What the command line asks for.
struct BenchOptions {
  /// The binaries and places that `cluster/bench` hands over.
  var tidegate = ""
  var limits = ""
  var directory = ""
  var output = ""
  var port = 0
  var serverProcess = 0
  /// Factor for all numbers of rows.
  var scale = 1.0
  /// Runs of each scenario; the median counts.
  var runs = 3
  /// Scenarios to run; empty for all.
  var only: [String] = []
  /// Measure the C limits alone.
  var limitsOnly = false
  /// Leave out the runs with twice the rows.
  var withoutDoubles = false

  static let usage = """
    usage: bench --tidegate FILE --limits FILE --dir DIR --output FILE --port PORT --server-pid PID
                 [--rows-scale FACTOR] [--runs N] [--only NAME]... [--limits-only] [--no-double] [--list]
    """

  /// Reads the command line.
  init(_ arguments: [String]) throws(BenchError) {
    var rest = arguments[...]
    func value(_ name: String) throws(BenchError) -> String {
      guard let value = rest.popFirst() else { throw BenchError("\(name) needs a value") }
      return value
    }
    func number<N: LosslessStringConvertible & Comparable>(_ name: String, from lowest: N) throws(BenchError) -> N {
      guard let number = N(try value(name)), number >= lowest else {
        throw BenchError("\(name) wants a number from \(lowest) on")
      }
      return number
    }
    while let name = rest.popFirst() {
      switch name {
      case "--tidegate": tidegate = try value(name)
      case "--limits": limits = try value(name)
      case "--dir": directory = try value(name)
      case "--output": output = try value(name)
      case "--port": port = try number(name, from: 1)
      case "--server-pid": serverProcess = try number(name, from: 1)
      case "--rows-scale": scale = try number(name, from: 0.0001)
      case "--runs": runs = try number(name, from: 1)
      case "--only": only.append(try value(name))
      case "--limits-only": limitsOnly = true
      case "--no-double": withoutDoubles = true
      default: throw BenchError("unknown option \(name)\n\(BenchOptions.usage)")
      }
    }
    for (name, text) in [("--tidegate", tidegate), ("--limits", limits), ("--dir", directory), ("--output", output)]
    where text.isEmpty {
      throw BenchError("\(name) is missing\n\(BenchOptions.usage)")
    }
    guard port > 0, serverProcess > 0 else { throw BenchError("--port or --server-pid is missing") }
    for name in only where !Scenario.names.contains(name) {
      throw BenchError("no scenario \(name); there are \(Scenario.names.joined(separator: ", "))")
    }
  }

  /// A number of rows under the scale, a multiple of 100.
  func rows(_ full: Int) -> Int { max(1, Int(Double(full) * scale) / 100) * 100 }

  func wants(_ scenario: Scenario) -> Bool {
    (only.isEmpty || only.contains(scenario.name)) && !(withoutDoubles && scenario.isDouble)
  }
}
