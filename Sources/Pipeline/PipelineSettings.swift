/// The `pipeline` block of a pipeline file, but for the name.
public struct PipelineSettings: Sendable, Hashable {
  /// `parallelism`: splits that may run at once; 1 … 1024.
  public var parallelism: Int?
  /// `execution.runtime-mode`.
  public var runtimeMode = RuntimeMode.streaming
  /// `schema.change.behavior`.
  public var schemaChangeBehavior = SchemaChangeBehavior.lenient
  /// `route-mode`.
  public var routeMode = RouteMode.allMatch
  /// `local-time-zone`; nil for the system's.
  public var localTimeZone: String?
  /// `schema-operator.rpc-timeout`: how long a schema change may take, in milliseconds.
  public var schemaOperatorTimeoutMilliseconds: Int64 = 180_000
  /// `tail.parallelism` (Tidegate's own): splits that share the log's keys among them; 1 … 64.
  public var tailParallelism = 1
  /// `commit.interval` (Tidegate's own): how often a tail commits, in milliseconds; 1 … 3,600,000.
  public var commitIntervalMilliseconds: Int64 = 1000

  /// The defaults.
  public init() {}
}

/// Whether a pipeline ends.
public enum RuntimeMode: String, Sendable, Hashable, Codable, CaseIterable {
  /// Snapshot, then the log for ever.
  case streaming = "STREAMING"
  /// The snapshot alone; needs `scan.startup.mode: snapshot`.
  case batch = "BATCH"
}

/// What becomes of a schema change of the source.
public enum SchemaChangeBehavior: String, Sendable, Hashable, Codable, CaseIterable {
  /// Any change but the creation of a table stops the pipeline.
  case exception
  /// Every change is applied; one that the sink cannot do stops the pipeline.
  case evolve
  /// Like `evolve`, but a change that the sink does not support is passed over.
  case tryEvolve = "try_evolve"
  /// Changes are rewritten so that the sink loses nothing.
  case lenient
  /// Changes are swallowed.
  case ignore
}

/// What happens when several routes match one table.
public enum RouteMode: String, Sendable, Hashable, Codable, CaseIterable {
  /// Every one of them gives a sink table.
  case allMatch = "ALL_MATCH"
  /// Only the first one counts.
  case firstMatch = "FIRST_MATCH"
}

/// The kinds of schema changes by which a sink lets them through or not: `include.schema.changes` and
/// `exclude.schema.changes`.
enum SchemaChangeTags {
  private static let families: [String: Set<String>] = [
    "add": ["add.column"], "alter": ["alter.column.type"], "create": ["create.table"],
    "drop": ["drop.column", "drop.table"], "rename": ["rename.column"],
    "table": ["create.table", "drop.table", "truncate.table", "alter.table.comment"],
    "column": ["add.column", "alter.column.type", "drop.column", "rename.column"], "all": all,
  ]
  private static let all: Set<String> = [
    "add.column", "alter.column.type", "create.table", "drop.column", "drop.table", "rename.column",
    "truncate.table", "alter.table.comment",
  ]

  /// Every tag and family that may stand in a file, sorted.
  static let known: [String] = (Array(families.keys) + all).sorted()

  /// What a tag or family stands for; empty for an unknown one.
  static func resolve(_ tag: String) -> Set<String> { families[tag] ?? (all.contains(tag) ? [tag] : []) }

  /// Changes that have no tag of their own in pipeline files go with others: a key with the columns, a table's other name
  /// with dropping the one and creating the other.
  static func requirements(of tag: String) -> [String] {
    switch tag {
    case "alter.primary.key": ["alter.column.type"]
    case "rename.table", "replace.table": ["drop.table", "create.table"]
    default: [tag]
    }
  }

  /// What passes: exclusion beats inclusion, no inclusion means all, and a list of inclusions contains the creation of
  /// tables by itself.
  static func allowed(include: [String], exclude: [String]) -> Set<String> {
    var result = include.isEmpty ? all : include.reduce(into: ["create.table"]) { $0.formUnion(resolve($1)) }
    for tag in exclude { result.subtract(resolve(tag)) }
    return result
  }
}
