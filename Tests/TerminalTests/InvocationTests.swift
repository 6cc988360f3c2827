import Platform
import Testing
import Wire

@testable import Terminal

@Suite("Command lines")
struct InvocationTests {
  private func parse(_ text: String, _ environment: [String: String] = [:]) throws -> Invocation {
    try Invocation(parse: text.split(separator: " ").map(String.init), environment: environment)
  }

  private func admin(_ text: String, _ environment: [String: String] = [:]) throws -> AdminArguments? {
    guard case .admin(let arguments) = try parse(text, environment).command else { return nil }
    return arguments
  }

  @Test func coordinator() throws {
    #expect(
      try parse("coordinator --data-dir /d").command
        == .coordinator(
          CoordinatorArguments(
            listen: try Endpoint(parse: "127.0.0.1:7411"), dataDirectory: "/d", tokenFile: nil,
            leaseMilliseconds: 10_000)))
    #expect(
      try parse("coordinator --listen=0.0.0.0:9 --data-dir=/d --token-file t --lease 90s").command
        == .coordinator(
          CoordinatorArguments(
            listen: try Endpoint(parse: "0.0.0.0:9"), dataDirectory: "/d", tokenFile: "t",
            leaseMilliseconds: 90_000)))
  }

  @Test func worker() throws {
    #expect(
      try parse("worker --slots 4 --join c:1", ["TIDEGATE_TOKEN_FILE": "t"]).command
        == .worker(WorkerArguments(join: try Endpoint(parse: "c:1"), slots: 4, tokenFile: "t")))
  }

  @Test func run() throws {
    #expect(try parse("run p.yaml").command == .run(RunArguments(file: "p.yaml")))
    #expect(
      try parse("run --until caught-up p.yaml --slots 3 --data-dir d").command
        == .run(RunArguments(file: "p.yaml", slots: 3, dataDirectory: "d", until: .caughtUp)))
    #expect(try parse("run --until=snapshot p").command == .run(RunArguments(file: "p", until: .snapshot)))
    #expect(try parse("run -- --until").command == .run(RunArguments(file: "--until")))
    #expect(try parse("run -").command == .run(RunArguments(file: "-")))
  }

  @Test(arguments: [
    "status", "tables", "splits", "schema", "pause", "resume", "stop", "drop",
  ])
  func verbsWithAName(_ verb: String) throws {
    let arguments = try #require(try admin("\(verb) shop"))
    #expect(arguments.verb == verb)
    #expect(arguments.pipeline == "shop")
    #expect(arguments.file == nil)
    #expect(arguments.arguments.isEmpty)
    #expect(!arguments.json && !arguments.watch)
  }

  @Test func verbArguments() throws {
    #expect(try admin("submit p.yaml")?.file == "p.yaml")
    #expect(try admin("submit p.yaml")?.pipeline == "")
    #expect(try admin("status shop --watch --json")?.watch == true)
    #expect(
      try admin("splits shop --table shop.orders --state running")?.arguments
        == ["table": "shop.orders", "state": "running"])
    #expect(try admin("schema shop --table t")?.arguments == ["table": "t"])
    #expect(try admin("scale shop --snapshot-parallelism 8")?.arguments == ["snapshot-parallelism": "8"])
    #expect(try admin("drop shop --force")?.arguments == ["force": "true"])
    #expect(try admin("list --json")?.json == true)
    #expect(try admin("workers")?.verb == "workers")
  }

  @Test func theCommandLineWinsOverTheEnvironmentOverTheDefault() throws {
    let environment = ["TIDEGATE_COORDINATOR": "env:1", "TIDEGATE_TOKEN_FILE": "envtoken"]
    #expect(try admin("list")?.coordinator == Endpoint(parse: "127.0.0.1:7411"))
    #expect(try admin("list")?.tokenFile == nil)
    #expect(try admin("list", environment)?.coordinator == Endpoint(parse: "env:1"))
    #expect(try admin("list", environment)?.tokenFile == "envtoken")
    #expect(try admin("list --coordinator arg:2", environment)?.coordinator == Endpoint(parse: "arg:2"))
    #expect(try admin("list --token-file t", environment)?.tokenFile == "t")
    #expect(try admin("list", ["TIDEGATE_COORDINATOR": ""])?.coordinator == Endpoint(parse: "127.0.0.1:7411"))
  }

  @Test func logOptions() throws {
    #expect(try parse("list").logLevel == .warning)
    #expect(try parse("run p").logLevel == .warning)
    #expect(try parse("worker --join a:1 --slots 1").logLevel == .info)
    #expect(try parse("coordinator --data-dir d").logLevel == .info)
    #expect(try parse("list").logFormat == .text)
    let both = try parse("--log-level=debug --log-format json list")
    #expect(both.logLevel == .debug)
    #expect(both.logFormat == .json)
    #expect(try parse("list --log-level error").logLevel == .error)
  }

  @Test func localCommands() throws {
    #expect(try parse("version").command == .version(json: false))
    #expect(try parse("version --json").command == .version(json: true))
    #expect(try parse("--version").command == .version(json: false))
    #expect(try parse("validate p.yaml --json").command == .validate(file: "p.yaml", json: true))
    #expect(ProductVersion.text(json: false) == "tidegate \(ProductVersion.current)")
    #expect(ProductVersion.text(json: true) == "{\"version\":\"\(ProductVersion.current)\"}")
  }

  @Test func helpWinsOverEverythingElse() throws {
    let overview = Invocation.Command.help(HelpText.overview())
    for text in ["help", "-h", "--help", "--log-level x --help"] { #expect(try parse(text).command == overview) }
    for spec in CommandCatalog.all {
      let help = Invocation.Command.help(HelpText.command(spec))
      #expect(try parse("\(spec.name) --help").command == help)
      #expect(try parse("\(spec.name) --nonsense -h").command == help)
      #expect(try parse("help \(spec.name)").command == help)
    }
    #expect(try admin("status -- -h")?.pipeline == "-h")
  }
}

@Suite("Help")
struct HelpTests {
  @Test func oneCommandExactly() {
    #expect(
      CommandCatalog.command("worker").map(HelpText.command) == """
        Usage: tidegate worker --join HOST:PORT --slots N [--token-file FILE]

        Read and write the splits that a coordinator assigns.
        Runs until SIGTERM or SIGINT: it commits what is in flight, gives its splits back and ends; a second signal
        ends it at once. It may join and leave at any time.

        Options:
          --join HOST:PORT             The coordinator. Required.
          --slots N                    Splits that may run here at once. Required.
          --token-file FILE            File with the secret that all processes of the cluster share.
                                       Default: $TIDEGATE_TOKEN_FILE.
          --log-format text|json       How log lines are written. Default: text.
          --log-level LEVEL            Log lines below this level are left out. Default: info for
                                       coordinator and worker, else warning.
          -h, --help                   Print this and end.
        """)
  }

  @Test func theOverviewNamesEveryCommand() {
    let lines = HelpText.overview().split(separator: "\n")
    for spec in CommandCatalog.all {
      #expect(lines.contains { $0.hasPrefix("  \(spec.name) ") && $0.hasSuffix(spec.summary) })
    }
  }

  @Test func everyOptionIsExplainedWithinAHundredAndTenColumns() {
    for spec in CommandCatalog.all {
      let help = HelpText.command(spec)
      for parameter in spec.options { #expect(help.contains("\n  \(parameter.name)")) }
      for operand in spec.operands { #expect(help.contains("\n  \(operand.name) ")) }
      for line in help.split(separator: "\n").dropFirst() { #expect(line.count <= 110, "\(line)") }
    }
  }

  @Test(arguments: [
    ("--wacht", "--watch"), ("statis", "status"), ("sumbit", "submit"), ("LIST", "list"), ("qqqqqq", nil),
    ("", nil), ("--coordinater", "--coordinator"),
  ])
  func nearestNames(_ name: String, _ expected: String?) {
    let candidates = CommandCatalog.all.map(\.name) + ["--watch", "--coordinator", "--json"]
    #expect(NearestName.of(name, among: candidates) == expected)
  }

  @Test(arguments: [("abc", "abc", 0), ("abc", "acb", 1), ("", "abc", 3), ("kitten", "sitting", 3), ("ca", "abc", 3)])
  func editDistances(_ left: String, _ right: String, _ distance: Int) {
    #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == distance)
    #expect(NearestName.distance(Array(right.utf8), Array(left.utf8)) == distance)
  }
}
