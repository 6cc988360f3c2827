/// An option of a command: the one place from which parsing, messages and help come.
public struct Parameter: Sendable, Hashable {
  /// What a value must look like.
  public enum Kind: Sendable, Hashable {
    /// No value: given or not.
    case flag
    /// Any text that is not empty.
    case text
    /// `HOST:PORT`.
    case endpoint
    /// An integer within the range.
    case integer(ClosedRange<Int>)
    /// `500ms`, `30s`, `5 min` …, within the range of milliseconds.
    case duration(ClosedRange<Int64>)
    /// One of the words.
    case choice([String])
  }

  /// The option with its dashes: `--listen`.
  public var name: String
  /// What stands for the value in the help: `HOST:PORT`; empty for a flag.
  public var placeholder: String
  /// What a value must look like.
  public var kind: Kind
  /// Whether it must be given.
  public var isRequired: Bool
  /// The value where none is given.
  public var defaultValue: String?
  /// What happens where none is given and there is no default value, for the help.
  public var otherwise: String?
  /// The environment variable that is asked before the default.
  public var environment: String?
  /// What it does, for the help.
  public var summary: String

  /// Makes one.
  public init(
    _ name: String, _ placeholder: String, _ kind: Kind, required: Bool = false,
    default defaultValue: String? = nil, otherwise: String? = nil, environment: String? = nil, _ summary: String
  ) {
    self.name = name
    self.placeholder = placeholder
    self.kind = kind
    self.isRequired = required
    self.defaultValue = defaultValue
    self.otherwise = otherwise
    self.environment = environment
    self.summary = summary
  }
}

extension Parameter {
  /// An option without a value.
  public static func flag(_ name: String, _ summary: String) -> Parameter { Parameter(name, "", .flag, summary) }
}

/// An argument that is known by its place.
public struct Operand: Sendable, Hashable {
  /// As the help shows it: `NAME`.
  public var name: String
  /// Whether it may be left out.
  public var isOptional: Bool
  /// What it is, for the help.
  public var summary: String

  /// Makes one.
  public init(_ name: String, optional: Bool = false, _ summary: String) {
    self.name = name
    self.isOptional = optional
    self.summary = summary
  }
}

/// A command: what it takes, and its help.
public struct CommandSpec: Sendable, Hashable {
  /// The groups under which the overview lists commands.
  public enum Group: String, Sendable, Hashable, CaseIterable {
    case services = "Services"
    case pipelines = "Pipelines on a coordinator"
    case local = "Other"
  }

  /// The first argument.
  public var name: String
  /// Where the overview lists it.
  public var group: Group
  /// One line for the overview.
  public var summary: String
  /// What it does exactly, in lines for the help.
  public var details: [String]
  /// Arguments by place.
  public var operands: [Operand]
  /// Options of its own; those of all commands are in `CommandCatalog.common`.
  public var options: [Parameter]

  /// Makes one.
  public init(
    _ name: String, _ group: Group, _ summary: String, details: [String] = [], operands: [Operand] = [],
    options: [Parameter] = []
  ) {
    self.name = name
    self.group = group
    self.summary = summary
    self.details = details
    self.operands = operands
    self.options = options
  }
}
