import Connector
import Model
import Testing

@testable import Pipeline

private func id(_ dotted: String) -> TableID {
  let parts = dotted.split(separator: ".").map(String.init)
  return parts.count == 1 ? TableID(table: parts[0]) : TableID(schema: parts[0], table: parts[1])
}

@Suite struct TableRouterTests {
  /// The rules of the reference's own tests.
  private static let rules: [RouteRule] = [
    RouteRule(sourceTable: "db_2.table_1", sinkTable: "db_2.table_2"),
    RouteRule(sourceTable: "db_2.table_2", sinkTable: "db_2.table_3"),
    RouteRule(sourceTable: "db_2.table_3", sinkTable: "db_2.table_1"),
    RouteRule(sourceTable: "db_3.table_\\.*", sinkTable: "db_3.table_merged"),
    RouteRule(sourceTable: "db_4.table_1", sinkTable: "db_4.table_a"),
    RouteRule(sourceTable: "db_4.table_1", sinkTable: "db_4.table_b"),
    RouteRule(sourceTable: "db_4.table_2", sinkTable: "db_4.table_b"),
    RouteRule(sourceTable: "db_5.table_\\.*", sinkTable: "db_5.prefix_<>_suffix", replaceSymbol: "<>"),
    RouteRule(sourceTable: "foo", sinkTable: "bar"),
    RouteRule(sourceTable: "re_\\d+.table_(\\.*)", sinkTable: "database.another_table_with_$1$1$1_index"),
    RouteRule(sourceTable: "(inv_\\d+).(table_\\.*)", sinkTable: "$2.$1"),
  ]

  @Test(arguments: [
    ("db_0.table_1", ["db_0.table_1"]), ("db_2.table_1", ["db_2.table_2"]), ("db_2.table_3", ["db_2.table_1"]),
    ("db_3.table_1", ["db_3.table_merged"]), ("db_3.table_9", ["db_3.table_merged"]),
    ("db_4.table_1", ["db_4.table_a", "db_4.table_b"]), ("db_4.table_2", ["db_4.table_b"]),
    ("db_5.table_1", ["db_5.prefix_table_1_suffix"]), ("re_22.table_22", ["database.another_table_with_222222_index"]),
    ("inv_333.table_baz", ["table_baz.inv_333"]), ("foo", ["bar"]), ("foo.foo", ["foo.foo"]),
  ])
  func reference(source: String, sinks: [String]) throws {
    let router = try TableRouter(Self.rules, mode: .allMatch)
    #expect(router.targets(for: id(source)).map(\.description) == sinks)
  }

  @Test func firstMatch() throws {
    let router = try TableRouter(Self.rules, mode: .firstMatch)
    #expect(router.targets(for: id("db_4.table_1")) == [id("db_4.table_a")])
    #expect(router.targets(for: id("x.y")) == [id("x.y")])
  }

  @Test(arguments: [
    ("db1.(\\.*)", "db1.pre_$1", "db1.tbl2", "db1.pre_tbl2"),
    ("(\\.*).tbl3", "$1_suf.tbl3", "db2.tbl3", "db2_suf.tbl3"),
    ("db(\\.*).(tbl\\.*)", "no$1.$2", "db1.tbl2", "no1.tbl2"), ("mydb\\.*", "mydb.ods", "mydb.web_order", "mydb.ods"),
    ("a.(x),b.(y)", "t.$1$2", "b.y", "t.y"), ("a.(x)", "t.$1$1", "a.x", "t.xx"), ("a.(x)", "t.$12", "a.x", "t.x2"),
    ("a.x", "t.a\\$b", "a.x", "t.a$b"), ("a.(x)", "$0.$1", "a.x", "a.x.x"), ("a.x", "flat", "a.x", "flat"),
  ])
  func groups(source: String, sink: String, table: String, expected: String) throws {
    let router = try TableRouter([RouteRule(sourceTable: source, sinkTable: sink)], mode: .allMatch)
    #expect(router.targets(for: id(table)).map(\.description) == [expected])
  }

  @Test func sameTargetOnce() throws {
    let rules = [
      RouteRule(sourceTable: "a.\\.*", sinkTable: "all.rows"), RouteRule(sourceTable: "\\.*.x", sinkTable: "all.rows"),
    ]
    #expect(try TableRouter(rules, mode: .allMatch).targets(for: id("a.x")) == [id("all.rows")])
  }

  @Test func symbolStandsForTheTableNameAlone() throws {
    let rule = RouteRule(sourceTable: "a.\\.*", sinkTable: "<.>.pre_<.>_<.>", replaceSymbol: "<.>")
    let router = try TableRouter([rule], mode: .allMatch)
    #expect(router.targets(for: id("a.t")) == [TableID(schema: "t", table: "pre_t_t")])
    let dotted = TableID(schema: "a", table: "t.u")
    #expect(router.targets(for: dotted) == [TableID(schema: "t.u", table: "pre_t.u_t.u")])
    let dollar = RouteRule(sourceTable: "a.\\.*", sinkTable: "b.$_x", replaceSymbol: "$")
    #expect(try TableRouter([dollar], mode: .allMatch).targets(for: id("a.t")) == [id("b.t_x")])
  }

  @Test(
    arguments: [
      ("a.b", "x.$1", nil, "uses group $1"), ("a.(b)", "x.$2", nil, "uses group $2"), ("a.b", "x.$", nil, "has a $"),
      ("a.b", "x.$a", nil, "has a $"), ("a.b", "x.y\\", nil, "backslash"),
      ("a.(b)", "x.$1<>", "<>", "beside the replace"),
      ("a.b", "x..y", nil, "empty part"), ("a.b", "", nil, "empty part"), ("a.b", "a.b.c.d", nil, "more than three"),
      ("a.b", "x.y", "", "replace symbol is empty"), ("a.(b", "x.y", nil, "table selector \"a.(b\" is invalid"),
      ("a.b", "x.$99999999999999999999", nil, "uses group"),
    ] as [(String, String, String?, String)])
  func invalid(source: String, sink: String, symbol: String?, message: String) throws {
    let rule = RouteRule(sourceTable: source, sinkTable: sink, replaceSymbol: symbol)
    let error = try #require(throws: ConnectorError.self) { try TableRouter([rule], mode: .allMatch) }
    #expect(error.kind == .configuration && error.message.contains(message), "\(error)")
  }

  @Test func emptyPartsAreFound() throws {
    let rule = RouteRule(sourceTable: "a.t(\\d*)", sinkTable: "x.$1")
    let router = try TableRouter([rule], mode: .allMatch)
    try router.check(id("a.t5"))
    try router.check(id("other.t"))
    let error = try #require(throws: ConnectorError.self) { try router.check(id("a.t")) }
    #expect(error.table == id("a.t") && error.kind == .configuration)
  }
}
