/// What to compare: a MySQL or MariaDB source and a SQLite replica of it.
public struct ComparisonRequest: Sendable {
  /// How the replica names its tables.
  public enum NameStyle: String, Sendable {
    /// `database.table`, in one name.
    case full
    /// The bare table name.
    case table
  }

  /// Host of the source, an address or a name.
  public var host: String
  /// TCP port of the source.
  public var port: UInt16
  /// Account at the source; it needs SELECT on the tables.
  public var user: String
  /// The account's password.
  public var password: String
  /// Databases whose base tables are compared.
  public var databases: [String]
  /// Tables to compare, bare or as `database.table`; nil for all of them.
  public var tables: [String]?
  /// Beginnings of `database.table` that are not compared, and of which the replica must have none.
  public var leftOut: [String] = []
  /// The SQLite file.
  public var replica: String
  /// How the replica names its tables.
  public var nameStyle: NameStyle
  /// Whether the replica has the years 1 to 99 of dates outside primary keys as 1970 to 2069, as the source's option
  /// `debezium.enable.time.adjuster` makes them.
  public var movesShortYears: Bool
  /// Differences of a table that are described; the rest is counted.
  public var examplesPerTable: Int

  /// Makes one.
  public init(
    host: String, port: UInt16, user: String, password: String, databases: [String], tables: [String]? = nil,
    replica: String, nameStyle: NameStyle = .full, movesShortYears: Bool = true, examplesPerTable: Int = 10
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.password = password
    self.databases = databases
    self.tables = tables
    self.replica = replica
    self.nameStyle = nameStyle
    self.movesShortYears = movesShortYears
    self.examplesPerTable = examplesPerTable
  }
}

/// The result of one table.
public struct TableComparison: Sendable {
  /// `database.table` at the source.
  public var table: String
  /// Rows read from the source.
  public var sourceRows = 0
  /// Rows read from the replica.
  public var replicaRows = 0
  /// Number of differences: rows missing, rows too many, rows that differ, columns missing or too many.
  public var differences = 0
  /// The first differences, described.
  public var examples: [String] = []
  private let limit: Int

  /// Makes an empty one.
  /// - Parameter limit: differences to describe.
  init(table: String, limit: Int) {
    self.table = table
    self.limit = limit
  }

  /// Counts a difference, and describes it while there is room.
  mutating func differ(_ text: @autoclosure () -> String) {
    differences += 1
    if examples.count < limit { examples.append(text()) }
  }
}

/// Why a comparison could not be made (as opposed to: found differences).
public struct ComparisonError: Error, Sendable, CustomStringConvertible {
  /// What happened, to what.
  public let description: String

  /// Makes one.
  init(_ description: String) {
    self.description = description
  }
}
