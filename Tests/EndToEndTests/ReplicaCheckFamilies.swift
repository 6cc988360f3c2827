import TestKit

/// A family of types: how a value is written at the source, what the replica must hold, and what it must not.
struct ReplicaFamily: Sendable {
  let definition: String
  /// A value, as SQL at the source.
  let source: String
  /// The same value, as SQL at the replica.
  let replica: String
  /// Values next to it, of other classes, and of other forms: each of them is a difference.
  let wrong: [String]
  var only: ServerKind?

  init(_ definition: String, _ source: String, _ replica: String, wrong: [String], only: ServerKind? = nil) {
    self.definition = definition
    self.source = source
    self.replica = replica
    self.wrong = wrong
    self.only = only
  }

  var description: String { "\(definition) \(source)" }

  static let all = numbers + times + texts + bytes + objects

  private static let numbers = [
    ReplicaFamily("INT", "-7", "-7", wrong: ["-8", "7", "'-7'", "-7.0"]),
    ReplicaFamily("TINYINT", "-128", "-128", wrong: ["128", "-127"]),
    ReplicaFamily("SMALLINT ZEROFILL", "7", "7", wrong: ["'00007'", "70"]),
    ReplicaFamily("BIGINT", "9223372036854775807", "9223372036854775807", wrong: ["9223372036854775806", "9.223e18"]),
    ReplicaFamily(
      "BIGINT UNSIGNED", "18446744073709551615", "'18446744073709551615'",
      wrong: ["'18446744073709551614'", "-1", "1.8446744073709552e19"]),
    ReplicaFamily("TINYINT(1)", "5", "1", wrong: ["0", "5", "'1'"]),
    ReplicaFamily("TINYINT(1)", "0", "0", wrong: ["1"]),
    ReplicaFamily("BIT(1)", "b'1'", "1", wrong: ["0", "x'01'"]),
    ReplicaFamily("BIT(9)", "b'100000001'", "x'0101'", wrong: ["x'0001'", "x'01'", "257"]),
    ReplicaFamily("YEAR", "2155", "2155", wrong: ["2154", "255", "'2155'"]),
    ReplicaFamily("DECIMAL(10,2)", "-1.50", "'-1.50'", wrong: ["'-1.51'", "'1.50'", "'-1.5'", "-1.5"]),
    ReplicaFamily(
      "DECIMAL(65,30)", "0.000000000000000000000000000001", "'0.000000000000000000000000000001'",
      wrong: ["'0.000000000000000000000000000002'", "'0.000000000000000000000000000000'", "1e-30"]),
    ReplicaFamily("FLOAT", "0.1", "0.10000000149011612", wrong: ["0.10000000894069672", "'0.1'", "0"]),
    ReplicaFamily("DOUBLE", "0.1", "0.1", wrong: ["0.10000000000000002", "'0.1'"]),
  ]

  private static let times = [
    ReplicaFamily("DATE", "'2024-02-29'", "'2024-02-29'", wrong: ["'2024-03-01'", "19782", "'2024-02-29 00:00:00'"]),
    ReplicaFamily("DATE", "'0017-08-12'", "'2017-08-12'", wrong: ["'0017-08-12'", "'1917-08-12'"]),
    ReplicaFamily("DATE", "'0000-00-00'", "NULL", wrong: ["'0000-00-00'", "'1970-01-01'"]),
    ReplicaFamily("DATE NOT NULL", "'2024-00-00'", "'1970-01-01'", wrong: ["'2024-00-00'", "'2024-01-01'"]),
    ReplicaFamily(
      "DATETIME(6)", "'2024-02-29 23:59:59.000001'", "'2024-02-29 23:59:59.000001'",
      wrong: ["'2024-02-29 23:59:59.000000'", "'2024-02-29 23:59:59.000001Z'", "'2024-02-29 23:59:58.000001'"]),
    ReplicaFamily(
      "DATETIME", "'0099-12-31 01:02:03'", "'1999-12-31 01:02:03'", wrong: ["'0099-12-31 01:02:03'", "NULL"]),
    ReplicaFamily(
      "TIMESTAMP(3) NULL", "'2001-09-09 01:46:40.123'", "'2001-09-09 01:46:40.123Z'",
      wrong: ["'2001-09-09 01:46:40.124Z'", "'2001-09-09 02:46:40.123Z'", "1000000000123"]),
    ReplicaFamily(
      "TIME(3)", "'-838:59:58.999'", "'-838:59:58.999'", wrong: ["'838:59:58.999'", "'-838:59:58.998'", "'-838:59:58'"]),
  ]

  private static let texts = [
    ReplicaFamily("VARCHAR(20)", "'Straße 😀'", "'Straße 😀'", wrong: ["'Strasse 😀'", "'straße 😀'", "'Straße ?'"]),
    ReplicaFamily("VARCHAR(20)", "'a '", "'a '", wrong: ["'a'", "'a  '", "x'6120'"]),
    ReplicaFamily("VARCHAR(20)", "''", "''", wrong: ["NULL", "' '"]),
    ReplicaFamily("CHAR(5)", "'ab'", "'ab'", wrong: ["'ab   '", "'AB'"]),
    ReplicaFamily("TEXT CHARACTER SET latin1", "'Gerät'", "'Gerät'", wrong: ["'Geraet'", "'GerÃ¤t'"]),
    ReplicaFamily("ENUM('a','b')", "'b'", "'b'", wrong: ["'a'", "2", "''"]),
    ReplicaFamily("SET('a','b','c')", "'a,c'", "'a,c'", wrong: ["'a'", "'c,a'", "5"]),
  ]

  private static let bytes = [
    ReplicaFamily("BINARY(4)", "x'0102'", "x'01020000'", wrong: ["x'0102'", "x'01020001'", "'abcd'"]),
    ReplicaFamily("VARBINARY(4)", "x'00ff'", "x'00ff'", wrong: ["x'00fe'", "x'ff'", "x'00ff00'"]),
    ReplicaFamily("BLOB", "''", "x''", wrong: ["NULL", "x'00'", "''"]),
  ]

  private static let point =
    #"'{"coordinates":[1,2.5],"type":"Point","srid":0}'"#
  private static let polygon =
    #"'{"coordinates":[[[0,0],[9,0],[9,9],[0,0]]],"type":"Polygon","srid":0}'"#

  private static let objects = [
    ReplicaFamily(
      "JSON", #"'{"a": [1, 2], "b": "x y"}'"#, #"'{"a":[1,2],"b":"x y"}'"#,
      wrong: [
        #"'{"a":[2,1],"b":"x y"}'"#, #"'{"a":[1,2],"b":"xy"}'"#, #"'{"A":[1,2],"b":"x y"}'"#, "x'7b7d'",
      ], only: .mySQL),
    // MariaDB's JSON is text.
    ReplicaFamily(
      "JSON", #"'{"a": [1, 2]}'"#, #"'{"a": [1, 2]}'"#, wrong: [#"'{"a": [2, 1]}'"#, #"'{"a":[1,2]}'"#],
      only: .mariaDB),
    ReplicaFamily(
      "POINT", "ST_GeomFromText('POINT(1 2.5)')", point,
      wrong: [
        point.replacing("2.5", with: "2.6"), point.replacing("\"srid\":0", with: "\"srid\":1"),
        point.replacing("Point", with: "LineString"), "'POINT(1 2.5)'",
      ]),
    ReplicaFamily(
      "POLYGON", "ST_GeomFromText('POLYGON((0 0, 9 0, 9 9, 0 0))')", polygon,
      wrong: [polygon.replacing("9,9", with: "9,8"), polygon.replacing("[9,0],", with: "")]),
    ReplicaFamily(
      "UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440000'",
      wrong: ["'123e4567-e89b-12d3-a456-426655440001'", "'123E4567-E89B-12D3-A456-426655440000'"], only: .mariaDB),
    ReplicaFamily("INET6", "'::1'", "'::1'", wrong: ["'::2'", "'0:0:0:0:0:0:0:1'"], only: .mariaDB),
    ReplicaFamily(
      "VECTOR(2)", "TO_VECTOR('[1, -2.5]')", "'[1,-2.5]'", wrong: ["'[1,2.5]'", "'[1]'", "'[-2.5,1]'"], only: .mySQL),
  ]
}
