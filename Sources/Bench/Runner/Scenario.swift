/// One thing to measure.
enum Scenario: CaseIterable {
  case snapshotSysbench1, snapshotSysbench2, snapshotSysbench4, snapshotMixed1, snapshotMixed2, snapshotMixed4
  case snapshotSysbenchDouble
  case tables10000
  case tailBulk, tailBulk2, tailBulkDouble, tailSingle, tailSingle2

  static var names: [String] { allCases.map(\.name) }

  var name: String {
    switch self {
    case .snapshotSysbench1: "snapshot-sysbench-1"
    case .snapshotSysbench2: "snapshot-sysbench-2"
    case .snapshotSysbench4: "snapshot-sysbench-4"
    case .snapshotMixed1: "snapshot-mixed-1"
    case .snapshotMixed2: "snapshot-mixed-2"
    case .snapshotMixed4: "snapshot-mixed-4"
    case .snapshotSysbenchDouble: "snapshot-sysbench-2-double"
    case .tables10000: "tables-10000"
    case .tailBulk: "tail-bulk"
    case .tailBulk2: "tail-bulk-2"
    case .tailBulkDouble: "tail-bulk-double"
    case .tailSingle: "tail-single"
    case .tailSingle2: "tail-single-2"
    }
  }

  /// Whether it is there to show that memory does not grow with the rows.
  var isDouble: Bool { self == .snapshotSysbenchDouble || self == .tailBulkDouble }

  var isTail: Bool { name.hasPrefix("tail-") }

  /// When Tidegate has done its work: with many tables, once the tail of all of them runs.
  var until: String { isTail || self == .tables10000 ? "caught-up" : "snapshot" }

  /// Splits of the tail.
  var tailSplits: Int { self == .tailBulk2 || self == .tailSingle2 ? 2 : 1 }

  /// Slots, and the limit's connections.
  var slots: Int {
    switch self {
    case .snapshotSysbench2, .snapshotMixed2, .snapshotSysbenchDouble, .tailBulk2, .tailSingle2:
      2
    case .tables10000: 2
    case .snapshotSysbench4, .snapshotMixed4: 4
    default: 1
    }
  }

  var table: String {
    switch self {
    case .snapshotSysbench1, .snapshotSysbench2, .snapshotSysbench4: "sbtest1"
    case .snapshotMixed1, .snapshotMixed2, .snapshotMixed4: "mixed"
    case .snapshotSysbenchDouble: "sbtest2"
    case .tables10000: "\(Workload.smallPrefix)\\.*"
    case .tailBulk, .tailBulk2, .tailBulkDouble: "changes"
    case .tailSingle, .tailSingle2: "singles"
    }
  }

  /// Rows, or row changes, that a run must deliver.
  func rows(_ options: BenchOptions) -> Int {
    let bulk = options.rows(Workload.inserts) + options.rows(Workload.updates) + options.rows(Workload.deletes)
    switch self {
    case .snapshotSysbench1, .snapshotSysbench2, .snapshotSysbench4: return options.rows(Workload.sysbenchRows)
    case .snapshotMixed1, .snapshotMixed2, .snapshotMixed4: return options.rows(Workload.mixedRows)
    case .snapshotSysbenchDouble: return 2 * options.rows(Workload.sysbenchRows)
    case .tables10000: return Workload.smallTables(options) * Workload.smallRows
    case .tailBulk, .tailBulk2: return bulk
    case .tailBulkDouble: return 2 * bulk
    case .tailSingle, .tailSingle2: return options.rows(Workload.singles)
    }
  }

  /// The C program's arguments.
  func limitArguments(_ options: BenchOptions, _ position: LogPosition) -> [String] {
    if self == .tables10000 {
      return ["tables", Workload.smallPrefix, "\(Workload.smallTables(options))", "\(slots)"]
    }
    return isTail ? ["binlog", position.file, "\(position.position)", "walk"] : ["snapshot", table, "\(slots)"]
  }

  /// The pipeline that Tidegate is given. The password stands in the environment.
  func pipeline(_ options: BenchOptions, _ position: LogPosition) -> String {
    let startup =
      isTail
      ? """
      scan.startup.mode: specific-offset
        scan.startup.specific-offset.file: \(position.file)
        scan.startup.specific-offset.pos: \(position.position)
      """ : "scan.startup.mode: \(self == .tables10000 ? "initial" : "snapshot")"
    return """
      source:
        type: mysql
        hostname: 127.0.0.1
        port: \(options.port)
        username: shop
        password: ${env:MYSQL_PWD}
        tables: \(Workload.database).\(table)
        server-time-zone: UTC
        \(startup)

      sink:
        type: blackhole

      pipeline:
        name: bench
        parallelism: \(slots)
        tail.parallelism: \(tailSplits)

      """
  }
}
