import CSQLite
import TestKit
import Testing

/// The judge of all other end-to-end tests finds a difference in every family of types, and none where there is none.
@Suite("Replica check")
struct ReplicaCheckTests {
  /// A database at a source and a replica written by hand.
  private final class Sides {
    let server: SourceServer
    let database: String
    let session: SourceConnection
    let directory: String
    private let file: OpaquePointer

    init(_ name: String, on kind: ServerKind) throws {
      server = try SourceServer.shared(kind)
      database = "check_\(name)_\(UInt32.random(in: 0 ... .max))"
      try server.execute("CREATE DATABASE `\(database)` CHARACTER SET utf8mb4")
      session = try SourceConnection(server, database: database)
      try session.query("SET sql_mode = '', time_zone = '+00:00'")
      directory = try TestFiles.makeDirectory("replica-check")
      var opened: OpaquePointer?
      try #require(sqlite3_open("\(directory)/replica.sqlite", &opened) == SQLITE_OK)
      file = try #require(opened)
    }

    deinit {
      session.close()
      sqlite3_close(file)
      TestFiles.remove(directory)
    }

    func source(_ sql: String) throws { try session.query(sql) }

    /// Statements at the replica; `T` is the table's name there.
    func replica(_ sql: String) throws {
      let text = sql.replacing("$T", with: "\"\(database).t\"")
      let status = sqlite3_exec(file, text, nil, nil, nil)
      try #require(status == SQLITE_OK, "\(String(cString: sqlite3_errmsg(file))): \(text)")
    }

    func compare(_ change: (inout ComparisonRequest) -> Void = { _ in }) throws -> [TableComparison] {
      var request = ComparisonRequest(
        host: "127.0.0.1", port: UInt16(server.port), user: SourceServer.account, password: SourceServer.account,
        databases: [database], replica: "\(directory)/replica.sqlite")
      change(&request)
      return try Comparison.run(request)
    }

    func differences() throws -> (count: Int, examples: [String]) {
      let results = try compare()
      return (results.reduce(0) { $0 + $1.differences }, results.flatMap(\.examples))
    }
  }

  private static func families(_ kind: ServerKind) -> [ReplicaFamily] {
    ReplicaFamily.all.filter { $0.only == nil || $0.only == kind }
  }

  /// All families in one table, so that the column that differs must be the one named; with a key and without.
  @Test(arguments: SourceServer.available, [true, false])
  func everyFamily(on kind: ServerKind, hasKey: Bool) throws {
    let families = Self.families(kind)
    let sides = try Sides("families", on: kind)
    let columns = families.enumerated().map { "c\($0) \($1.definition)" }.joined(separator: ", ")
    try sides.source("CREATE TABLE t (id INT\(hasKey ? " PRIMARY KEY" : ""), \(columns))")
    try sides.source("INSERT INTO t VALUES (1, \(families.map(\.source).joined(separator: ", ")))")
    try sides.replica("CREATE TABLE $T (id, \(families.indices.map { "c\($0)" }.joined(separator: ", ")))")
    try sides.replica("INSERT INTO $T VALUES (1, \(families.map(\.replica).joined(separator: ", ")))")
    let equal = try sides.compare()
    #expect(equal.map(\.differences) == [0], "\(equal.flatMap(\.examples))")
    #expect(equal.map(\.sourceRows) == [1] && equal.map(\.replicaRows) == [1])
    for (index, family) in families.enumerated() {
      for wrong in family.wrong + (family.replica == "NULL" ? [] : ["NULL"]) {
        try sides.replica("UPDATE $T SET c\(index) = \(wrong)")
        let (count, examples) = try sides.differences()
        #expect(count == (hasKey ? 1 : 2), "\(family.description) with \(wrong) in the replica")
        if hasKey { #expect(examples.first?.contains(" c\(index) is ") == true, "\(examples)") }
        try sides.replica("UPDATE $T SET c\(index) = \(family.replica)")
      }
    }
    #expect(try sides.differences().count == 0)
  }

  /// Rows that one side has alone are found wherever they lie in the key's order.
  @Test(arguments: SourceServer.available)
  func rowsOfOneSide(on kind: ServerKind) throws {
    let keys: [(definition: String, source: [String], replica: [String])] = [
      ("INT", ["-9", "-1", "0", "2", "10"], ["-9", "-1", "0", "2", "10"]),
      ("BIGINT UNSIGNED", ["9", "10", "18446744073709551615"], ["'9'", "'10'", "'18446744073709551615'"]),
      ("DECIMAL(10,2)", ["-10.5", "-9", "2", "10"], ["'-10.50'", "'-9.00'", "'2.00'", "'10.00'"]),
      ("VARCHAR(10) COLLATE utf8mb4_bin", ["'a'", "'B'", "'b '", "'ä'", "'😀'"], ["'a'", "'B'", "'b '", "'ä'", "'😀'"]),
      ("VARBINARY(4)", ["x''", "x'00'", "x'ff'"], ["x''", "x'00'", "x'ff'"]),
      ("DATE", ["'0017-01-01'", "'1969-12-31'", "'2024-01-01'"], ["'0017-01-01'", "'1969-12-31'", "'2024-01-01'"]),
      ("TIME", ["'-10:00:00'", "'09:00:00'", "'100:00:00'"], ["'-10:00:00'", "'09:00:00'", "'100:00:00'"]),
      ("DOUBLE", ["-1e300", "-0.5", "7"], ["-1e300", "-0.5", "7.0"]),
      ("TINYINT(1)", ["0", "1"], ["0", "1"]),
    ]
    for key in keys {
      let sides = try Sides("keys", on: kind)
      try sides.source("CREATE TABLE t (k \(key.definition) NOT NULL PRIMARY KEY, v INT)")
      try sides.source("INSERT INTO t VALUES \(key.source.map { "(\($0), 1)" }.joined(separator: ", "))")
      try sides.replica("CREATE TABLE $T (k, v)")
      for value in key.replica { try sides.replica("INSERT INTO $T VALUES (\(value), 1)") }
      #expect(try sides.differences() == (0, []), "\(key.definition)")
      for (source, replica) in zip(key.source, key.replica) {
        try sides.replica("DELETE FROM $T WHERE k = \(replica)")
        #expect(try sides.differences().count == 1, "\(key.definition) \(source) is missing in the replica")
        try sides.replica("INSERT INTO $T VALUES (\(replica), 1)")
        try sides.source("DELETE FROM t WHERE k = \(source)")
        #expect(try sides.differences().count == 1, "\(key.definition) \(source) is in the replica only")
        try sides.source("INSERT INTO t VALUES (\(source), 1)")
        try sides.replica("INSERT INTO $T VALUES (\(replica), 1)")
        #expect(try sides.differences().count == 1, "\(key.definition) \(source) is twice in the replica")
        try sides.replica("DELETE FROM $T WHERE rowid = (SELECT max(rowid) FROM $T)")
      }
      #expect(try sides.differences() == (0, []), "\(key.definition)")
    }
  }

  /// Without a key, equal rows count.
  @Test(arguments: SourceServer.available)
  func rowsWithoutAKeyAreCounted(on kind: ServerKind) throws {
    let sides = try Sides("multiset", on: kind)
    try sides.source("CREATE TABLE t (a INT, b VARCHAR(9))")
    try sides.source("INSERT INTO t VALUES (1, 'x'), (1, 'x'), (1, 'x'), (2, NULL)")
    try sides.replica("CREATE TABLE $T (a, b)")
    try sides.replica("INSERT INTO $T VALUES (1, 'x'), (2, NULL), (1, 'x')")
    #expect(try sides.differences().count == 1)
    try sides.replica("INSERT INTO $T VALUES (1, 'x')")
    #expect(try sides.differences().count == 0)
    try sides.replica("INSERT INTO $T VALUES (1, 'x')")
    #expect(try sides.differences().count == 1)
    try sides.replica("UPDATE $T SET b = '' WHERE a = 2")
    #expect(try sides.differences().count == 3)
  }

  /// Columns and tables that one side has alone.
  @Test(arguments: SourceServer.available)
  func columnsAndTables(on kind: ServerKind) throws {
    let sides = try Sides("shapes", on: kind)
    try sides.source("CREATE TABLE t (id INT PRIMARY KEY, a INT)")
    #expect(try sides.differences().count == 1, "the table is missing")
    try sides.replica("CREATE TABLE $T (id, a)")
    #expect(try sides.differences().count == 0)
    try sides.replica("ALTER TABLE $T ADD b")
    #expect(try sides.differences().examples.first?.contains("column b") == true)
    try sides.replica("ALTER TABLE $T DROP b")
    try sides.source("ALTER TABLE t ADD c INT")
    #expect(try sides.differences().examples.first?.contains("column c") == true)
    try sides.replica("ALTER TABLE $T ADD c")
    try sides.replica("CREATE TABLE \"\(sides.database).stray\" (id)")
    #expect(try sides.differences().examples.first?.contains("the source has not") == true)
    #expect(throws: ComparisonError.self) { try sides.compare { $0.tables = ["other"] } }
    #expect(throws: ComparisonError.self) { try sides.compare { $0.replica = "\(sides.directory)/none.sqlite" } }
    #expect(throws: ComparisonError.self) { try sides.compare { $0.password = "wrong" } }
  }

  /// A source that leaves short years as they are.
  @Test(arguments: SourceServer.available)
  func shortYears(on kind: ServerKind) throws {
    let sides = try Sides("years", on: kind)
    try sides.source("CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATETIME)")
    try sides.source("INSERT INTO t VALUES (1, '0017-01-02', '0070-01-02 03:04:05')")
    try sides.replica("CREATE TABLE $T (id, a, b)")
    try sides.replica("INSERT INTO $T VALUES (1, '0017-01-02', '0070-01-02 03:04:05')")
    #expect(try sides.compare { $0.movesShortYears = false }.map(\.differences) == [0])
    #expect(try sides.compare { $0.movesShortYears = true }.map(\.differences) == [1])
  }
}
