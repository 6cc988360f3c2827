import Platform
import Wire

/// What a command line asks for.
public struct Invocation: Sendable, Hashable {
  /// What to do.
  public var command: Command
  /// `--log-level`, or the command's default.
  public var logLevel: Log.Level
  /// `--log-format`.
  public var logFormat: Log.Format

  /// A command with its checked arguments.
  public enum Command: Sendable, Hashable {
    case coordinator(CoordinatorArguments)
    case worker(WorkerArguments)
    case run(RunArguments)
    case admin(AdminArguments)
    case validate(file: String, json: Bool)
    case version(json: Bool)
    /// Text for stdout.
    case help(String)
  }
}

/// Arguments of `tidegate coordinator`.
public struct CoordinatorArguments: Sendable, Hashable {
  /// Where to listen.
  public var listen: Endpoint
  /// Where the journal is kept.
  public var dataDirectory: String
  /// File of the cluster's shared secret.
  public var tokenFile: String?
  /// How long a silent worker keeps its splits.
  public var leaseMilliseconds: Int64
}

/// Arguments of `tidegate worker`.
public struct WorkerArguments: Sendable, Hashable {
  /// The coordinator.
  public var join: Endpoint
  /// Splits that may run at once.
  public var slots: Int
  /// File of the cluster's shared secret.
  public var tokenFile: String?
}

/// Arguments of `tidegate run`.
public struct RunArguments: Sendable, Hashable {
  /// The pipeline file.
  public var file: String
  /// Splits that may run at once; nil: the number of processors.
  public var slots: Int?
  /// Where the journal is kept; nil: a temporary directory.
  public var dataDirectory: String?
  /// When to end before the pipeline does.
  public var until: Until?

  /// What `--until` can name.
  public enum Until: String, Sendable, Hashable {
    case snapshot
    case caughtUp = "caught-up"
  }
}

/// Arguments of a command that asks a coordinator.
public struct AdminArguments: Sendable, Hashable {
  /// The command's name, which is the request's verb.
  public var verb: String
  /// The pipeline's name, empty where the verb has none.
  public var pipeline = ""
  /// The file of `submit`.
  public var file: String?
  /// Arguments of the request, but for what `submit` reads from its file.
  public var arguments: [String: String] = [:]
  /// Whether to print the coordinator's document.
  public var json = false
  /// `status --watch`.
  public var watch = false
  /// The coordinator.
  public var coordinator: Endpoint
  /// File of the cluster's shared secret.
  public var tokenFile: String?

  /// Makes the arguments of a verb, all else at its default.
  public init(verb: String, coordinator: Endpoint) {
    self.verb = verb
    self.coordinator = coordinator
  }
}
