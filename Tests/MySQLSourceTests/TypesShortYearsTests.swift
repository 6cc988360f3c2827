import Connector
import Model
import TestKit
import Testing

@testable import MySQLSource

/// The years 1 to 99 of DATE and DATETIME: `debezium.enable.time.adjuster`.
@Suite struct TypesShortYearsTests {
  private static let columns =
    "id INT PRIMARY KEY, a DATE, b DATETIME(3) NOT NULL, c DATE DEFAULT '0017-08-12', e DATETIME DEFAULT '0070-01-02 03:04:05'"
  private static let insertion = """
    INSERT INTO t VALUES (1, '0001-01-01', '0069-12-31 23:59:59.999', DEFAULT, DEFAULT),
    (2, '0070-01-01', '0099-12-31 00:00:00', NULL, NULL), (3, '0100-01-01', '0004-02-29 01:02:03.004', NULL, NULL),
    (4, '0072-02-29', '0444-04-04', NULL, NULL)
    """

  /// The text of a date that is carried as so many days, or microseconds, since 1970.
  private func text(_ value: String?, isDate: Bool) throws -> String {
    let number = try #require(value.flatMap { Int64($0) })
    return String(TemporalLiteral.text(number, isDate ? .date : .timestamp(precision: 3)).prefix(10))
  }

  @Test(arguments: SourceServer.available) func areMovedAsTheReferenceDoes(on kind: ServerKind) throws {
    for options in [[:], ["debezium.enable.time.adjuster": "true"]] {
      let paths = try BothPaths("short_years", on: kind, options: options, create: Self.columns)
      try paths.execute(Self.insertion)
      let rows = try paths.rows()
      #expect(
        try rows.map { try text($0.values[1], isDate: true) } == [
          "2001-01-01", "1970-01-01", "0100-01-01", "1972-02-29",
        ])
      #expect(
        try rows.map { try text($0.values[2], isDate: false) } == [
          "2069-12-31", "1999-12-31", "2004-02-29", "0444-04-04",
        ])
      #expect(try text(rows[0].values[3], isDate: true) == "2017-08-12")
      #expect(rows[0].values[4] == "97445000000")
      #expect(
        try paths.schema().columns.map(\.defaultValue)[3...] == ["2017-08-12", "1970-01-02 03:04:05"])
    }
  }

  @Test(
    arguments: SourceServer.available, [["debezium.enable.time.adjuster": "false"], ["types.lossless": "true"]])
  func stayWhereTheOptionsSaySo(on kind: ServerKind, _ options: [String: String]) throws {
    let paths = try BothPaths("kept_years", on: kind, options: options, create: Self.columns)
    try paths.execute(Self.insertion)
    let rows = try paths.rows()
    #expect(
      try rows.map { try text($0.values[1], isDate: true) } == ["0001-01-01", "0070-01-01", "0100-01-01", "0072-02-29"])
    #expect(
      try rows.map { try text($0.values[2], isDate: false) } == [
        "0069-12-31", "0099-12-31", "0004-02-29", "0444-04-04",
      ])
    #expect(try paths.schema().columns.map(\.defaultValue)[3...] == ["0017-08-12", "0070-01-02 03:04:05"])
  }

  /// The years 17 and 2017 must not become one row.
  @Test(arguments: SourceServer.available) func stayInKeys(on kind: ServerKind) throws {
    let paths = try BothPaths("key_years", on: kind, create: "a DATE PRIMARY KEY, b DATE")
    try paths.execute("INSERT INTO t VALUES ('0017-01-01', '0017-01-01')")
    try paths.execute("INSERT INTO t VALUES ('2017-01-01', '2017-01-01')")
    let (read, logged) = (try paths.snapshot(), try paths.logged())
    #expect(Set(read.map(\.values)) == Set(logged.map(\.values)))
    #expect(try Set(read.map { try text($0.values[0], isDate: true) }) == ["0017-01-01", "2017-01-01"])
    #expect(try Set(read.map { try text($0.values[1], isDate: true) }) == ["2017-01-01"])
  }

  @Test func theOptionIsTrueOrFalse() throws {
    let error = #expect(throws: ConnectorError.self) {
      try BothPaths(
        "bad_years", on: .mariaDB, options: ["debezium.enable.time.adjuster": "sometimes"], create: "id INT PRIMARY KEY"
      )
    }
    #expect(error?.message.contains("enable.time.adjuster") == true)
  }
}
