import Model
import Testing

@testable import Connector

private func id(_ dotted: String) -> TableID {
  let parts = dotted.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  switch parts.count {
  case 1: return TableID(table: parts[0])
  case 2: return TableID(schema: parts[0], table: parts[1])
  default: return TableID(namespace: parts[0], schema: parts[1], table: parts[2])
  }
}

@Suite struct TableSelectorTests {
  struct Case: Sendable {
    var selector: String
    var yes: [String]
    var no: [String]
    init(_ selector: String, yes: [String], no: [String]) {
      self.selector = selector
      self.yes = yes
      self.no = no
    }
  }

  static let cases: [Case] = [
    Case(
      "shop.orders", yes: ["shop.orders"],
      no: ["shop.orders2", "ashop.orders", "shop.order", "orders", "a.shop.orders"]),
    Case("shop.\\.*", yes: ["shop.a", "shop.orders"], no: ["shop2.a", "a", "shop.a.b"]),
    Case("\\.*.\\.*", yes: ["a.b"], no: ["b", "a.b.c"]),
    Case("db.sc1.A[0-9]+,db.sc2.B[0-1]+", yes: ["db.sc1.A1", "db.sc2.B0"], no: ["db.sc1.A", "db.sc2.B2", "sc1.A1"]),
    Case("db\\..sc1.A[0-9]+", yes: ["db1.sc1.A1", "dba.sc1.A2"], no: ["db.sc1.A1", "dba1.sc1.A1"]),
    Case("\\.A[0-9]+,B[0-1]+,sc1", yes: ["sc1", "1A1", "AA2", "B0"], no: ["sc1.sc1", "A", "B", "2B"]),
    Case(" shop . orders , a.b ,", yes: ["shop.orders", "a.b"], no: ["shop.a", "a.orders"]),
    Case("shop.t{1\\,3}", yes: ["shop.t", "shop.ttt"], no: ["shop.tttt"]),
    Case("shop.t_\\d{2}", yes: ["shop.t_07"], no: ["shop.t_7", "shop.t_٠٧"]),
    Case("shop_(a|b).(x|y)", yes: ["shop_a.x", "shop_b.y"], no: ["shop_c.x", "shop_a"]),
    Case("shop.a|ab", yes: ["shop.a", "shop.ab"], no: ["shop.b", "ab"]),
    Case("shop.[\\.]x", yes: [], no: ["shop.ax"]),
    Case("Shop.ORDERS", yes: ["shop.orders", "SHOP.Orders"], no: ["shop.order"]),
    Case("Shop.ORDERS\\d", yes: ["shop.orders1"], no: ["shop.orders"]),
    Case("shop.naïve-größe", yes: ["shop.naïve-größe", "SHOP.NAïVE-GRößE"], no: ["shop.naive-groesse"]),
    Case("shop.a\\$b", yes: ["shop.a$b"], no: ["shop.a"]),
    Case("shop.\\w+", yes: ["shop.a_1"], no: ["shop.a-1", "shop."]),
    Case("(?i:SHOP).x", yes: ["shop.x"], no: []),
    Case("shop.(?!tmp_)\\.*", yes: ["shop.orders"], no: ["shop.tmp_1"]),
    Case("shop.\\.{3}", yes: ["shop.abc"], no: ["shop.ab"]),
    Case("sh\\.op.x", yes: ["sh1op.x"], no: ["sh.op.x"]),
  ]

  @Test(arguments: cases)
  func matching(_ example: Case) throws {
    let selector = try TableSelector(example.selector)
    for name in example.yes { #expect(selector.matches(id(name)), "\(name)") }
    for name in example.no { #expect(!selector.matches(id(name)), "\(name)") }
    // Once more, from memory.
    for name in example.yes { #expect(selector.matches(id(name)), "\(name)") }
  }

  static let routeCases: [Case] = [
    Case("shop.orders", yes: ["shop.orders"], no: ["shop.Orders", "Shop.orders", "shop.orders.x"]),
    Case("mydb\\.*", yes: ["mydb.web_order", "mydb", "mydb2.a", "mydb.a.b"], no: ["amydb.x"]),
    Case("foo", yes: ["foo"], no: ["foo.foo", "a.foo"]),
    Case("a.x|b.y", yes: ["a.x", "b.y"], no: ["a.y", "b.x", "a.x|b"]),
    Case("a.x|y", yes: ["a.x", "a.y"], no: ["a.x|y", "y"]),
    Case("a.(x|y)", yes: ["a.x", "a.y"], no: ["a.z"]),
    Case("a\\.*.b", yes: ["a.b", "a1.b"], no: ["a.c.b"]),
  ]

  @Test(arguments: routeCases)
  func matchingInRoutes(_ example: Case) throws {
    let selector = try TableSelector(example.selector, style: .route)
    for name in example.yes { #expect(selector.matches(id(name)), "\(name)") }
    for name in example.no { #expect(!selector.matches(id(name)), "\(name)") }
  }

  @Test func dotsInNamesAreNoSeparators() throws {
    let selector = try TableSelector("a.b")
    #expect(!selector.matches(TableID(table: "a.b")))
    #expect(!selector.matches(TableID(schema: "x.a", table: "b")))
    #expect(try TableSelector("a.b[\\.]c").matches(TableID(schema: "a", table: "b.c")))
    #expect(try !TableSelector("a.b[\\.]c").matches(TableID(namespace: "a", schema: "b", table: "c")))
  }

  @Test(arguments: [
    ("", "it is empty"), (" , ,", "it is empty"), ("a..b", "a part between dots is empty"),
    ("a.", "a part between dots is empty"), (".a", "a part between dots is empty"),
    ("a.b.c.d", "a table's name has at most three parts"), ("a.b\\", "it ends with a single backslash"),
    ("shop.t{1,3}", "a brace is cut in two by ,"), ("shop.t{1", "a brace is not closed"),
    ("shop.(a", "no regular expression"),
    ("shop.*", "no regular expression"), ("shop.[z-a]", "no regular expression"), ("(a.b)", "no regular expression"),
    ("a.(?<=x)b", "not currently supported"), ("a.b{99999999}", "no regular expression"),
    ("a." + String(repeating: "(", count: 5000), "nested too deeply"),
    ("a." + String(repeating: "[", count: 5000), "nested too deeply"),
  ])
  func invalid(selector: String, problem: String) throws {
    let error = try #require(throws: ConnectorError.self) { try TableSelector(selector) }
    #expect(error.kind == .configuration && error.message.contains(problem), "\(error)")
    #expect(error.message.contains("\"\(selector)\"") && error.remedy != nil)
  }

  @Test func tooLong() {
    #expect(throws: ConnectorError.self) { try TableSelector(String(repeating: "a.b,", count: 20_000)) }
  }

  @Test func captures() throws {
    let selector = try TableSelector("db_(\\.*).(\\.*)_tbl, x(\\d)?.(?<name>a+)", style: .route)
    #expect(selector.groupCount == 4)
    #expect(selector.captures(id("db_foo.bar_tbl")) == ["db_foo.bar_tbl", "foo", "bar", "", ""])
    #expect(selector.captures(id("x.aa")) == ["x.aa", "", "", "", "aa"])
    #expect(selector.captures(id("x7.a")) == ["x7.a", "", "", "7", "a"])
    #expect(selector.captures(id("y.a")) == nil)
    #expect(try TableSelector("a.b").captures(id("A.B")) == ["A.B"])
  }

  @Test func manyTablesFromManyThreads() async throws {
    let selector = try TableSelector("shop_\\d+.orders_(\\d+), shop_1.\\.*")
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<20_000).count { selector.matches(TableID(schema: "shop_\($0 % 10)", table: "orders_\($0 % 500)")) }
        }
      }
      for await count in group { #expect(count == 20_000) }
    }
    #expect(!selector.matches(id("shop_2.customers")) && selector.matches(id("shop_1.customers")))
  }

  @Test func largeRepetitionsCostNothingUntilTheyMatch() throws {
    let selector = try TableSelector("a.((x{1000}){1000}){1000}, a.(((((((((b?)?)?)?)?)?)?)?)?)")
    #expect(!selector.matches(id("a.xxxx")) && selector.matches(id("a.b")))
  }

  /// Whatever the pattern, making it and asking it ends without a trap.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func randomPatterns(seed: UInt64) {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    func next(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let pieces = [
      "a", "b", "1", ".", "\\.", ",", "\\,", "\\", "(", ")", "[", "]", "{", "}", "|", "?", "*", "+", "^", "$", "\\d",
      "\\Q", "\\E", "(?:", "(?<n>", "(?=", "{2\\,3}", "&&", "-", "\\p{L}", "\\1", "é", "\u{301}", " ", "#", "(?i)", "😀",
    ]
    var valid = 0
    for _ in 0..<400 {
      let text = (0...next(9)).map { _ in pieces[next(pieces.count)] }.joined()
      for style in [TableSelector.Style.tables, .route] {
        guard let selector = try? TableSelector(text, style: style) else { continue }
        valid += 1
        for name in ["a.b", "a", "aab.1", "a.b.c", "é.😀"] where selector.matches(id(name)) {
          #expect(selector.captures(id(name))?.count == selector.groupCount + 1, "\(text) \(name)")
        }
      }
    }
    #expect(valid > 20)
  }
}
