import Platform
import Testing
import Wire

@testable import Terminal

/// A wrong command line and the line that it is answered with.
struct Misuse: Sendable, CustomTestStringConvertible {
  var arguments: String
  var line: String
  var environment: [String: String] = [:]

  init(_ arguments: String, _ line: String, _ environment: [String: String] = [:]) {
    self.arguments = arguments
    self.line = line
    self.environment = environment
  }

  var testDescription: String { arguments }
}

@Suite("Wrong usage")
struct UsageTests {
  @Test(arguments: [
    Misuse("", "tidegate: no command given — see 'tidegate --help'"),
    Misuse("--log-level debug", "tidegate: no command given — see 'tidegate --help'"),
    Misuse("statis shop", "tidegate: unknown command 'statis' — did you mean status? (see 'tidegate --help')"),
    Misuse("frobnicate", "tidegate: unknown command 'frobnicate' — see 'tidegate --help'"),
    Misuse(
      "--log-levle debug list",
      "tidegate: unknown option --log-levle before the command — did you mean --log-level? (see 'tidegate --help')"),
    Misuse(
      "--xyz list",
      "tidegate: unknown option --xyz before the command — options of a command follow its name "
        + "(see 'tidegate --help')"),
    Misuse(
      "--log-level", "tidegate: no command given — see 'tidegate --help'"),
    Misuse("help statsu", "tidegate: unknown command 'statsu' — did you mean status? (see 'tidegate --help')"),
    Misuse("help run list", "tidegate: help: unexpected argument 'list' — see 'tidegate help --help'"),
    Misuse("version 2", "tidegate: version: unexpected argument '2' — see 'tidegate version --help'"),
  ])
  func beforeTheCommand(_ misuse: Misuse) { expect(misuse) }

  @Test(arguments: [
    Misuse(
      "coordinator", "tidegate: coordinator: --data-dir DIR is missing — see 'tidegate coordinator --help'"),
    Misuse(
      "coordinator --data-dir",
      "tidegate: coordinator: --data-dir has no value — write --data-dir DIR "
        + "(see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dir=",
      "tidegate: coordinator: --data-dir has no value — write --data-dir DIR "
        + "(see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dir --lease 3s",
      "tidegate: coordinator: --data-dir has no value — write --data-dir DIR (see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dri x",
      "tidegate: coordinator: unknown option --data-dri — did you mean --data-dir? "
        + "(see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dir x --lease soon",
      "tidegate: coordinator: --lease is no duration from 500ms to 1h 00m: 'soon' — write it like 500ms, 30s or 5min "
        + "(see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dir x --lease 10ms",
      "tidegate: coordinator: --lease is no duration from 500ms to 1h 00m: '10ms' — write it like 500ms, 30s or 5min "
        + "(see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator --data-dir x --data-dir y",
      "tidegate: coordinator: --data-dir is given twice — give it once (see 'tidegate coordinator --help')"),
    Misuse(
      "coordinator here --data-dir x",
      "tidegate: coordinator: unexpected argument 'here' — see "
        + "'tidegate coordinator --help'"),
    Misuse("worker --slots 2", "tidegate: worker: --join HOST:PORT is missing — see 'tidegate worker --help'"),
    Misuse(
      "worker --join localhost:1", "tidegate: worker: --slots N is missing — see 'tidegate worker --help'"),
    Misuse(
      "worker --join localhost:1 --slots 0",
      "tidegate: worker: --slots is no integer from 1 to 1024: '0' — see 'tidegate worker --help'"),
    Misuse(
      "worker --join localhost:1 --slots -3",
      "tidegate: worker: --slots is no integer from 1 to 1024: '-3' — see 'tidegate worker --help'"),
    Misuse(
      "worker --join localhost:1 --slots two",
      "tidegate: worker: --slots is no integer from 1 to 1024: 'two' — see 'tidegate worker --help'"),
    Misuse("run", "tidegate: run: FILE is missing — see 'tidegate run --help'"),
    Misuse("run a.yaml b.yaml", "tidegate: run: unexpected argument 'b.yaml' — see 'tidegate run --help'"),
    Misuse(
      "run a.yaml --until caughtup",
      "tidegate: run: --until is 'caughtup' — it is one of snapshot, caught-up; did you mean caught-up? "
        + "(see 'tidegate run --help')"),
    Misuse(
      "run a.yaml --json", "tidegate: run: unknown option --json — see 'tidegate run --help'"),
  ])
  func services(_ misuse: Misuse) { expect(misuse) }

  @Test(arguments: [
    Misuse("submit", "tidegate: submit: FILE is missing — see 'tidegate submit --help'"),
    Misuse("status", "tidegate: status: NAME is missing — see 'tidegate status --help'"),
    Misuse("list shop", "tidegate: list: unexpected argument 'shop' — see 'tidegate list --help'"),
    Misuse("tables", "tidegate: tables: NAME is missing — see 'tidegate tables --help'"),
    Misuse("splits", "tidegate: splits: NAME is missing — see 'tidegate splits --help'"),
    Misuse("schema", "tidegate: schema: NAME is missing — see 'tidegate schema --help'"),
    Misuse("pause", "tidegate: pause: NAME is missing — see 'tidegate pause --help'"),
    Misuse("resume", "tidegate: resume: NAME is missing — see 'tidegate resume --help'"),
    Misuse("stop", "tidegate: stop: NAME is missing — see 'tidegate stop --help'"),
    Misuse("drop --force", "tidegate: drop: NAME is missing — see 'tidegate drop --help'"),
    Misuse("validate", "tidegate: validate: FILE is missing — see 'tidegate validate --help'"),
    Misuse("workers x", "tidegate: workers: unexpected argument 'x' — see 'tidegate workers --help'"),
    Misuse(
      "status shop --wacht",
      "tidegate: status: unknown option --wacht — did you mean --watch? (see 'tidegate status --help')"),
    Misuse(
      "status shop --watch=yes",
      "tidegate: status: --watch takes no value — write --watch alone (see 'tidegate status --help')"),
    Misuse(
      "status shop -w", "tidegate: status: unknown option -w — see 'tidegate status --help'"),
    Misuse(
      "list --json --json", "tidegate: list: --json is given twice — give it once (see 'tidegate list --help')"),
    Misuse(
      "splits shop --state comitted",
      "tidegate: splits: --state is 'comitted' — it is one of pending, assigned, running, prepared, committed, "
        + "waiting, failed; did you mean committed? (see 'tidegate splits --help')"),
    Misuse(
      "scale shop", "tidegate: scale: give either --snapshot-parallelism N or --tail N — see 'tidegate scale --help'"),
    Misuse(
      "scale shop --snapshot-parallelism 1e3",
      "tidegate: scale: --snapshot-parallelism is no integer from 1 to 1024: '1e3' — see 'tidegate scale --help'"),
    Misuse(
      "list --log-level loud",
      "tidegate: list: --log-level is 'loud' — it is one of debug, info, warning, error (see 'tidegate list --help')"),
    Misuse(
      "list --log-format xml",
      "tidegate: list: --log-format is 'xml' — it is one of text, json (see 'tidegate list --help')"),
    Misuse(
      "status -- --watch --json",
      "tidegate: status: unexpected argument '--json' — see "
        + "'tidegate status --help'"),
  ])
  func administration(_ misuse: Misuse) { expect(misuse) }

  @Test(arguments: [
    ("list --coordinator nowhere", [:]), ("list --coordinator host:99999", [:]), ("list --coordinator :x", [:]),
    ("worker --join host --slots 1", [:]), ("coordinator --data-dir d --listen 7411x", [:]),
    ("list", ["TIDEGATE_COORDINATOR": "host:port"]),
  ])
  func addresses(_ arguments: String, _ environment: [String: String]) {
    let failure = failure(arguments, environment)
    #expect(failure?.status == .usage)
    #expect(failure?.line.contains(" — write HOST:PORT") == true)
    let source = environment.isEmpty ? "--" : "TIDEGATE_COORDINATOR: "
    #expect(failure?.message.hasPrefix(source) == true)
  }

  @Test func emptyNamesAreRefused() {
    let failure = #expect(throws: CommandFailure.self) { try Invocation(parse: ["status", ""]) }
    #expect(failure?.line == "tidegate: status: NAME is empty — see 'tidegate status --help'")
  }

  private func failure(_ arguments: String, _ environment: [String: String]) -> CommandFailure? {
    #expect(throws: CommandFailure.self) {
      try Invocation(parse: arguments.split(separator: " ").map(String.init), environment: environment)
    }
  }

  private func expect(_ misuse: Misuse) {
    let failure = failure(misuse.arguments, misuse.environment)
    // Other tests of the process may have registered a secret that is a word of this line.
    #expect(failure?.line == Secrets.redact(misuse.line))
    #expect(failure?.status == .usage)
  }
}
