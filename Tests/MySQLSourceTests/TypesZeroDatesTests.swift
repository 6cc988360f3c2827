import Connector
import Model
import MySQLSource
import TestKit
import Testing

/// Dates that the calendar does not have, and very old ones.
@Suite struct TypesZeroDatesTests {
  private static let columns = """
    id INT PRIMARY KEY, a DATE, b DATETIME, c DATETIME(3), d TIMESTAMP(6) NULL, na DATE NOT NULL, nb DATETIME(6) NOT NULL,
    nd TIMESTAMP NOT NULL DEFAULT '2000-01-01 00:00:00'
    """

  @Test(arguments: SourceServer.available) func becomeNullOrTheEpoch(on kind: ServerKind) throws {
    let paths = try BothPaths("zero", on: kind, create: Self.columns)
    let zero = "0000-00-00 00:00:00"
    try paths.execute(
      "INSERT INTO t VALUES (1, '0000-00-00', '\(zero)', '\(zero)', '\(zero)', '0000-00-00', '\(zero)', '\(zero)')")
    try paths.execute(
      """
      INSERT INTO t VALUES (2, '2020-00-00', '2020-10-00 11:12:13', '0000-05-06 07:08:09.123', '\(zero)', '2020-10-00',
      '0000-05-06 07:08:09.123456', '2001-02-03 04:05:06'), (3, '0000-12-31', '2020-00-10', '0000-00-01', NULL, '0000-01-01',
      '2020-00-01', '1970-01-01 00:00:01'), (4, '0001-01-01', '0099-12-31 23:59:59', '0019-01-01', NULL, '0001-01-01',
      '0001-01-01', '1970-01-01 00:00:01')
      """)
    let rows = try paths.rows().map(\.values)
    for row in 0..<3 { #expect(rows[row][1...4] == [nil, nil, nil, nil]) }
    #expect(rows[0][5...7] == ["0", "0", "0"])
    #expect(rows[1][5...7] == ["0", "0", "981173106000000"])
    #expect(rows[2][5...7] == ["0", "0", "1000000"])
    #expect(rows[3][1] == "11323")
  }

  @Test(arguments: SourceServer.available) func areRefusedWithoutLoss(on kind: ServerKind) throws {
    for value in ["0000-00-00", "2020-00-01", "2020-01-00"] {
      let paths = try BothPaths(
        "lossless", on: kind, options: ["types.lossless": "true"], create: "id INT PRIMARY KEY, a DATETIME")
      try paths.execute("INSERT INTO t VALUES (5, '\(value)')")
      for error in try paths.errors() {
        #expect(error.kind == .unsupported)
        #expect(error.table == paths.table)
        #expect(error.message.contains("column a") && error.message.contains(value), "\(error)")
        #expect(error.message.contains("id=5") || error.message.contains("id='5'"), "\(error)")
      }
    }
    let paths = try BothPaths(
      "years", on: kind, options: ["types.lossless": "true"], create: "id INT PRIMARY KEY, a DATE, b DATETIME(2)")
    try paths.execute(
      "INSERT INTO t VALUES (1, '0000-02-28', '0000-12-31 23:59:59.99'), (2, '0000-01-01', '0000-01-01')")
    #expect(try paths.values("a") == ["-719470", "-719528"])
    #expect(try paths.values("b")[0] == "-62135596800010000")
  }

  @Test(arguments: SourceServer.available) func areRefusedInKeys(on kind: ServerKind) throws {
    let paths = try BothPaths("keys", on: kind, create: "a DATE PRIMARY KEY")
    try paths.execute("INSERT INTO t VALUES ('0000-00-00')")
    for error in try paths.errors() { #expect(error.kind == .unsupported && error.remedy != nil) }
  }

  @Test(arguments: SourceServer.available) func daysThatDoNotExistAreRefused(on kind: ServerKind) throws {
    let paths = try BothPaths("invalid", on: kind, create: "id INT PRIMARY KEY, a DATE")
    try paths.execute("SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO t VALUES (1, '2023-02-30')")
    for error in try paths.errors() {
      #expect(error.kind == .unsupported && error.message.contains("2023-02-30"), "\(error)")
    }
  }

  @Test(arguments: SourceServer.available) func defaultsFollow(on kind: ServerKind) throws {
    let paths = try BothPaths(
      "defaults", on: kind,
      create:
        "id INT PRIMARY KEY, a DATE DEFAULT '0000-00-00', b DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00', c DATE DEFAULT '2020-01-02'"
    )
    #expect(try paths.schema().columns.map(\.defaultValue) == [nil, nil, "1970-01-01 00:00:00", "2020-01-02"])
  }

  @Test(arguments: SourceServer.available) func ambiguousMembersAreRefusedWithoutLoss(on kind: ServerKind) throws {
    for type in ["ENUM('', 'a')", "SET('', 'a')"] {
      let paths = try BothPaths(
        "ambiguous", on: kind, options: ["types.lossless": "true"], create: "id INT PRIMARY KEY, a \(type)")
      let error = #expect(throws: ConnectorError.self) { try paths.schema() }
      #expect(error?.kind == .unsupported)
      #expect(error?.message.contains("types.lossless") == true)
    }
  }
}
