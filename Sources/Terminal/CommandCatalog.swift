/// Every command with its arguments, options and help.
public enum CommandCatalog {
  /// The address that coordinators listen on, and that everybody else asks, unless told otherwise.
  public static let defaultEndpoint = "127.0.0.1:7411"

  /// Options of every command, besides `-h` and `--help`.
  public static let common = [
    Parameter("--log-format", "text|json", .choice(["text", "json"]), default: "text", "How log lines are written."),
    Parameter(
      "--log-level", "LEVEL", .choice(["debug", "info", "warning", "error"]),
      otherwise: "info for coordinator and worker, else warning", "Log lines below this level are left out."),
  ]

  static let tokenFile = Parameter(
    "--token-file", "FILE", .text, environment: "TIDEGATE_TOKEN_FILE",
    "File with the secret that all processes of the cluster share.")
  static let json = Parameter.flag("--json", "Print the JSON document instead of text for people.")
  static let admin = [
    Parameter(
      "--coordinator", "HOST:PORT", .endpoint, default: defaultEndpoint, environment: "TIDEGATE_COORDINATOR",
      "The coordinator to ask."),
    tokenFile, json,
  ]
  static let slotRange = 1...1024
  static let name = Operand("NAME", "The pipeline's name: pipeline.name in its file.")
  static let file = Operand("FILE", "The pipeline file (YAML).")

  /// All commands, in the order of the overview.
  public static let all: [CommandSpec] =
    services + [submit, list, status, tables, splits, workers, schema, scale] + changes + [validate, version, help]

  /// The command of that name.
  public static func command(_ name: String) -> CommandSpec? { all.first { $0.name == name } }
}

// Services.
extension CommandCatalog {
  private static let services = [
    CommandSpec(
      "coordinator", .services, "Plan, assign and journal the work of a cluster.",
      details: [
        "Runs until SIGTERM or SIGINT, which end it in order; a second signal ends it at once.",
        "Killed at any moment and started again on the same directory, it carries on.",
        "An address that other machines can reach needs --token-file.",
      ],
      options: [
        Parameter("--listen", "HOST:PORT", .endpoint, default: defaultEndpoint, "Where to listen; port 0 takes any."),
        Parameter(
          "--data-dir", "DIR", .text, required: true, "Where the journal is kept; made if it is not there."),
        tokenFile,
        Parameter(
          "--lease", "DURATION", .duration(500...3_600_000), default: "10s",
          "How long a worker that is not heard of keeps its splits."),
      ]),
    CommandSpec(
      "worker", .services, "Read and write the splits that a coordinator assigns.",
      details: [
        "Runs until SIGTERM or SIGINT: it commits what is in flight, gives its splits back and ends; a second signal",
        "ends it at once. It may join and leave at any time.",
      ],
      options: [
        Parameter("--join", "HOST:PORT", .endpoint, required: true, "The coordinator."),
        Parameter("--slots", "N", .integer(slotRange), required: true, "Splits that may run here at once."),
        tokenFile,
      ]),
    CommandSpec(
      "run", .services, "Run one pipeline in this process: coordinator and worker over loopback.",
      details: [
        "Progress goes to stderr. Ends with the pipeline, or with SIGTERM or SIGINT after a last commit; a second",
        "signal ends it at once. With --data-dir, the same command again carries on where it ended.",
        "Status 0: finished, what --until names was reached, or stopped by a signal without --until. Status 1: the",
        "pipeline failed, or a signal came before what --until names.",
      ],
      operands: [file],
      options: [
        Parameter(
          "--slots", "N", .integer(slotRange), otherwise: "the number of processors", "Splits that may run at once."),
        Parameter(
          "--data-dir", "DIR", .text, otherwise: "a temporary one, removed at the end", "Where the journal is kept."),
        Parameter(
          "--until", "snapshot|caught-up", .choice(["snapshot", "caught-up"]),
          "End once the snapshot is done, or once the tail has passed the source's end offset as it was when the "
            + "snapshot finished (at the start, when there is no snapshot)."),
      ]),
  ]
}

// Questions to a coordinator.
extension CommandCatalog {
  private static let table = Parameter("--table", "TABLE", .text, "Only this source table, such as shop.orders.")

  private static let submit = CommandSpec(
    "submit", .pipelines, "Start a pipeline.",
    details: [
      "${env:NAME} and ${file:PATH} in the file are resolved by the coordinator, on its machine."
    ],
    operands: [file], options: admin)

  private static let list = CommandSpec("list", .pipelines, "List the pipelines.", options: admin)

  private static let status = CommandSpec(
    "status", .pipelines, "Show a pipeline's progress, tables and tail.",
    details: [
      "With --watch: every second until the pipeline ends or Ctrl-C is pressed; status 1 if the pipeline failed.",
      "On a terminal the display is renewed in place; with --json there is one document a line.",
    ],
    operands: [name],
    options: [Parameter.flag("--watch", "Go on showing it every second.")] + admin)

  private static let tables = CommandSpec(
    "tables", .pipelines, "List a pipeline's tables.", operands: [name], options: admin)

  private static let splits = CommandSpec(
    "splits", .pipelines, "List a pipeline's splits, with worker, attempt and watermarks.", operands: [name],
    options: [
      table,
      Parameter(
        "--state", "STATE",
        .choice(["pending", "assigned", "running", "prepared", "committed", "waiting", "failed"]),
        "Only splits in this state: pending, assigned, running, prepared, committed, waiting (for a retry) or failed."),
    ] + admin)

  private static let workers = CommandSpec("workers", .pipelines, "List the workers.", options: admin)

  private static let schema = CommandSpec(
    "schema", .pipelines, "Show the versions of the tables' schemas.", operands: [name], options: [table] + admin)

  private static let scale = CommandSpec(
    "scale", .pipelines, "Change how many splits of a pipeline may run at once: of its snapshot, or of its tail.",
    details: [
      "Takes effect at once, up and down; splits that are running are finished. The tail's splits end after a commit,",
      "and as many new ones go on from there. Exactly one of the two options is given.",
    ], operands: [name],
    options: [
      Parameter("--snapshot-parallelism", "N", .integer(slotRange), "Snapshot splits that may run at once."),
      Parameter("--tail", "N", .integer(1...64), "Splits that share the keys of the tail."),
    ] + admin)

  private static let changes = [
    CommandSpec(
      "pause", .pipelines, "Commit what is in flight and give the slots back; 'resume' goes on from there.",
      operands: [name], options: admin),
    CommandSpec(
      "resume", .pipelines, "Go on with a pipeline that is paused or has failed.",
      details: [
        "With --file, under another definition: tables, options and parallelism may differ, not name, source or sink."
      ],
      operands: [name],
      options: [Parameter("--file", "FILE", .text, "The pipeline file to go on with.")] + admin),
    CommandSpec("stop", .pipelines, "End a pipeline after a last commit.", operands: [name], options: admin),
    CommandSpec(
      "drop", .pipelines, "Forget an ended pipeline: its journal, never the sink's tables.",
      details: ["A pipeline that has not ended is dropped only with --force, without a last commit."],
      operands: [name],
      options: [Parameter.flag("--force", "Drop it even while it is running.")] + admin),
  ]
}

// Commands that ask nobody.
extension CommandCatalog {
  private static let validate = CommandSpec(
    "validate", .local, "Check a pipeline file and the systems that it names; starts nothing.",
    details: ["Prints warnings, then ok. Status 1 with the first thing that makes the pipeline impossible."],
    operands: [file], options: [json])

  private static let version = CommandSpec("version", .local, "Print the version.", options: [json])

  private static let help = CommandSpec(
    "help", .local, "Show the commands, or one of them exactly.",
    operands: [Operand("COMMAND", optional: true, "The command.")])
}
