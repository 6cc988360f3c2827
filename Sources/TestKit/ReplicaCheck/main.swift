import Glibc
import TestKit

private let usage = """
  usage: replica-check --host HOST --port PORT --user USER [--password-env VARIABLE] --database DB[,DB...]
                       [--tables TABLE[,TABLE...]] --replica FILE [--name-style full|table]
                       [--short-years moved|kept]

  Compares a MySQL or MariaDB source with its SQLite replica, row by row and typed.
  --short-years kept is for a source with debezium.enable.time.adjuster: false.
  Status: 0 equal, 1 different, 2 wrong usage or a side that cannot be read.
  """

/// Ends the program with a message on standard error.
private func fail(_ message: String) -> Never {
  let line = Array("replica-check: \(message)\n".utf8)
  _ = write(STDERR_FILENO, line, line.count)
  exit(2)
}

/// Reads `--name value` pairs.
private func options(_ arguments: [String]) -> [String: String] {
  let known: Set<String> = [
    "--host", "--port", "--user", "--password-env", "--database", "--tables", "--replica", "--name-style",
    "--short-years",
  ]
  var found: [String: String] = [:]
  var rest = arguments[...]
  while let name = rest.popFirst() {
    if name == "--help" || name == "-h" {
      print(usage)
      exit(0)
    }
    guard known.contains(name) else { fail("unknown option \(name)\n\(usage)") }
    guard let value = rest.popFirst() else { fail("\(name) needs a value") }
    found[name] = value
  }
  return found
}

private func request(_ options: [String: String]) -> ComparisonRequest {
  func required(_ name: String) -> String {
    guard let value = options[name], !value.isEmpty else { fail("\(name) is missing\n\(usage)") }
    return value
  }
  func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
  guard let port = UInt16(required("--port")) else { fail("--port wants a number from 1 to 65535") }
  guard let style = ComparisonRequest.NameStyle(rawValue: options["--name-style"] ?? "full") else {
    fail("--name-style wants full or table")
  }
  guard let years = ["moved": true, "kept": false][options["--short-years"] ?? "moved"] else {
    fail("--short-years wants moved or kept")
  }
  var password = ""
  if let variable = options["--password-env"] {
    guard let value = getenv(variable) else { fail("the environment has no variable \(variable)") }
    password = String(cString: value)
  }
  return ComparisonRequest(
    host: required("--host"), port: port, user: required("--user"), password: password,
    databases: list(required("--database")), tables: options["--tables"].map(list), replica: required("--replica"),
    nameStyle: style, movesShortYears: years)
}

private func count(_ differences: Int) -> String {
  "\(differences) difference\(differences == 1 ? "" : "s")"
}

private func show(_ result: TableComparison) {
  let verdict = result.differences == 0 ? "equal" : count(result.differences)
  print("\(result.table): \(result.sourceRows) rows at the source, \(result.replicaRows) in the replica: \(verdict)")
  for example in result.examples { print("  \(example)") }
  if result.differences > result.examples.count {
    print("  and \(result.differences - result.examples.count) more")
  }
}

do {
  let results = try Comparison.run(request(options(Array(CommandLine.arguments.dropFirst()))), each: show)
  let rows = results.reduce(0) { $0 + $1.sourceRows }
  let differences = results.reduce(0) { $0 + $1.differences }
  print("\(results.count) tables, \(rows) rows: \(differences == 0 ? "equal" : count(differences))")
  exit(differences == 0 ? 0 : 1)
} catch {
  fail(error.description)
}
