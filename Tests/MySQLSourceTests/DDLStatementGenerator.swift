/// Random CREATE TABLE, ALTER TABLE and index statements, most of which a server accepts.
struct DDLStatementGenerator {
  var random: SeededGenerator
  let isMariaDB: Bool
  private var nextName = 0

  init(seed: UInt64, isMariaDB: Bool) {
    random = SeededGenerator(seed: seed)
    self.isMariaDB = isMariaDB
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &random)]
  }

  private mutating func fresh(_ prefix: String) -> String {
    nextName += 1
    let name = "\(prefix)\(nextName)"
    return chance(10) ? "\(name) `é" : name
  }

  static func quoted(_ name: String) -> String { "`" + name.replacing("`", with: "``") + "`" }

  // MARK: Columns

  private mutating func charset() -> String {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: " CHARACTER SET latin1"
    case 1: " CHARSET utf8mb4 COLLATE utf8mb4_bin"
    case 2: " COLLATE latin1_bin"
    case 3: " CHARACTER SET ascii"
    case 4: " CHARACTER SET binary"
    case 5: " CHARACTER SET utf8mb4"
    default: ""
    }
  }

  /// A type with a literal default of it.
  private mutating func type() -> (String, [String]) {
    let digits = Int.random(in: 0...6, using: &random)
    let length = Int.random(in: 1...40, using: &random)
    let integers = ["0", "1", "'7'", "12", "0x11", "b'101'", "TRUE"]
    let texts = ["''", "'a'", "'it''s'", "'a\\\\b'", "'x' 'y'", "x'41'", "'A  '", "_utf8mb4'n'", "0x4d"]
    switch Int.random(in: 0..<26, using: &random) {
    case 0: return (pick(["TINYINT", "TINYINT(1)", "BOOL", "INT1", "TINYINT(3)"]), integers)
    case 1: return (pick(["SMALLINT", "SMALLINT UNSIGNED", "INT2", "MEDIUMINT", "MIDDLEINT UNSIGNED"]), integers)
    case 2, 3:
      return (pick(["INT", "INTEGER", "INT(5)", "INT4", "INT UNSIGNED", "INT ZEROFILL", "INT SIGNED"]), integers)
    case 4, 5: return (pick(["BIGINT", "BIGINT UNSIGNED", "INT8", "BIGINT(7) ZEROFILL"]), integers + ["-5"])
    case 6:
      return (
        pick(["DECIMAL", "DEC(8,3)", "NUMERIC(5)", "FIXED(12,4)", "DECIMAL(30,10) UNSIGNED"]),
        ["1.5", "2", "'3.25'", "1e1"]
      )
    case 7:
      return (
        pick(["FLOAT", "DOUBLE", "DOUBLE PRECISION", "REAL", "FLOAT(30)", "FLOAT(7,3)"]), ["1.5", "0", "1e3", "2.25"]
      )
    case 8: return (pick(["BIT", "BIT(1)", "BIT(9)"]), ["b'1'", "0", "1"])
    case 9: return ("DATE", ["'2020-01-02'", "'2021-3-4'", "20220506", "DATE'2023-01-01'"])
    case 10: return (digits == 0 ? "TIME" : "TIME(\(digits))", ["'01:02:03'", "'-1:2:3.5'", "'10:11'"])
    case 11, 12:
      return (
        digits == 0 ? "DATETIME" : "DATETIME(\(digits))",
        ["'2020-01-02'", "'2020-01-02 03:04:05.25'", "CURRENT_TIMESTAMP\(digits == 0 ? "" : "(\(digits))")"]
      )
    case 13: return (digits == 0 ? "TIMESTAMP" : "TIMESTAMP(\(digits))", ["'2020-01-02 03:04:05'", "NOW(\(digits))"])
    case 14: return ("YEAR", ["2020", "'1999'", "'70'"])
    case 15:
      return (
        pick(["CHAR", "CHAR(\(length))", "CHARACTER(\(length))", "NCHAR(5)", "CHAR(9) BINARY"]),
        texts.filter { $0 != "'it''s'" }
      )
    case 16, 17, 18:
      return (
        pick(["VARCHAR(\(length))", "CHARACTER VARYING(20)", "VARCHAR(20) BINARY", "NATIONAL VARCHAR(7)"]) + charset(),
        texts
      )
    case 19, 20:
      return (
        pick(["TEXT", "TINYTEXT", "MEDIUMTEXT", "LONGTEXT", "TEXT(300)", "TEXT(60)", "LONG VARCHAR"]) + charset(), []
      )
    case 21: return (pick(["BLOB", "TINYBLOB", "LONGBLOB", "BLOB(70000)", "LONG VARBINARY"]), [])
    case 22: return (pick(["VARBINARY(\(length))", "BINARY", "BINARY(6)", "CHAR BYTE"]), [])
    case 23: return ("ENUM('a','b,c','d''e','F ')", ["'a'", "'B,C'", "'f'"])
    case 24: return ("SET('x','y','z')", ["''", "'z,x'", "'y'"])
    default: return ("JSON", [])
    }
  }

  /// A definition behind the column's name.
  mutating func definition(others: [String]) -> String {
    let (type, defaults) = type()
    var parts = [type]
    if !others.isEmpty, chance(4) {
      return "\(type.hasPrefix("INT") ? type : "INT") AS (1 + 2) \(pick(["VIRTUAL", "STORED"]))"
    }
    let required = chance(30)
    if required { parts.append("NOT NULL") } else if chance(30) { parts.append("NULL") }
    if !defaults.isEmpty, chance(45) {
      parts.append("DEFAULT \(pick(defaults))")
    } else if !required, chance(20) {
      parts.append("DEFAULT NULL")
    }
    if chance(15) { parts.append("COMMENT \(pick(["'c'", "'it''s, (a) comment'", "''", "'ADD COLUMN z INT'"]))") }
    return parts.joined(separator: " ")
  }

  // MARK: Statements

  private mutating func keyParts(_ columns: [String]) -> String {
    let count = min(columns.count, Int.random(in: 1...2, using: &random))
    let chosen = columns.shuffled(using: &random).prefix(count)
    return chosen.map { Self.quoted($0) + (chance(10) ? " DESC" : "") }.joined(separator: ", ")
  }

  private mutating func key(_ columns: [String]) -> String {
    let name = chance(50) ? " " + Self.quoted(fresh("k")) : ""
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return "INDEX\(name) (\(keyParts(columns)))"
    case 1: return "CONSTRAINT\(name) UNIQUE (\(keyParts(columns)))"
    default: return "UNIQUE \(pick(["", "KEY", "INDEX"]))\(name) (\(keyParts(columns)))"
    }
  }

  mutating func createTable() -> String {
    var elements: [String] = []
    var names: [String] = []
    for _ in 0..<Int.random(in: 1...7, using: &random) {
      let name = fresh("c")
      elements.append("\(Self.quoted(name)) \(definition(others: names))")
      names.append(name)
    }
    if chance(60) {
      let name = fresh("id")
      elements.insert(
        pick([
          "\(Self.quoted(name)) INT PRIMARY KEY", "\(Self.quoted(name)) SERIAL", "PRIMARY KEY (\(keyParts(names)))",
        ]),
        at: 0)
    }
    for _ in 0..<Int.random(in: 0...2, using: &random) { elements.append(key(names)) }
    if chance(20) { elements.append("CHECK (1 > 0)") }
    var options = ""
    if chance(40) { options += pick([" CHARSET=latin1", " DEFAULT CHARACTER SET utf8mb4", " COLLATE=utf8mb4_bin"]) }
    if chance(30) { options += " COMMENT='of the, table'" }
    return "CREATE TABLE t (\(elements.joined(separator: ", "))) ENGINE=InnoDB\(options)"
  }

  private mutating func place(_ columns: [String]) -> String {
    switch Int.random(in: 0..<5, using: &random) {
    case 0: " FIRST"
    case 1, 2: columns.isEmpty ? "" : " AFTER \(Self.quoted(pick(columns)))"
    default: ""
    }
  }

  private mutating func spec(_ columns: [String], _ indexes: [String]) -> String {
    let column = Self.quoted(pick(columns))
    switch Int.random(in: 0..<21, using: &random) {
    case 0, 1, 2: return "ADD COLUMN \(Self.quoted(fresh("a"))) \(definition(others: columns))\(place(columns))"
    case 3:
      return "ADD (\(Self.quoted(fresh("a"))) \(definition(others: [])), \(Self.quoted(fresh("a"))) INT)"
    case 4: return "DROP COLUMN \(column)"
    case 5, 6, 7: return "MODIFY \(column) \(definition(others: []))\(place(columns))"
    case 8, 9: return "CHANGE \(column) \(Self.quoted(fresh("r"))) \(definition(others: []))\(place(columns))"
    case 10: return "RENAME COLUMN \(column) TO \(Self.quoted(fresh("n")))"
    case 11: return "ALTER \(column) SET DEFAULT \(pick(["1", "'2020-01-02'", "NULL"]))"
    case 12: return "ALTER COLUMN \(column) DROP DEFAULT"
    case 13, 14: return "ADD \(key(columns))"
    case 15: return indexes.isEmpty ? "FORCE" : "DROP INDEX \(Self.quoted(pick(indexes)))"
    case 16:
      return indexes.isEmpty
        ? "ENGINE=InnoDB" : "RENAME INDEX \(Self.quoted(pick(indexes))) TO \(Self.quoted(fresh("j")))"
    case 17:
      return pick([
        "DROP PRIMARY KEY", "ADD PRIMARY KEY (\(keyParts(columns)))",
        "DROP PRIMARY KEY, ADD PRIMARY KEY (\(keyParts(columns)))",
      ])
    case 18:
      return pick([
        "CONVERT TO CHARACTER SET utf8mb4", "CONVERT TO CHARACTER SET latin1", "DEFAULT CHARACTER SET latin1",
        "COLLATE utf8mb4_bin",
      ])
    case 19: return "COMMENT = 'new, comment'"
    default: return "MODIFY \(column) \(pick(["INT", "BIGINT", "VARCHAR(50)", "TEXT"])) FIRST"
    }
  }

  /// A statement about the table `t` with these columns and indexes.
  mutating func change(columns: [String], indexes: [String]) -> String {
    if chance(10) {
      return "CREATE \(pick(["", "UNIQUE "]))INDEX \(Self.quoted(fresh("x"))) ON t (\(keyParts(columns)))"
    }
    if chance(5), let index = indexes.first { return "DROP INDEX \(Self.quoted(index)) ON t" }
    let specs = (0..<Int.random(in: 1...3, using: &random)).map { _ in spec(columns, indexes) }
    return "ALTER TABLE t " + specs.joined(separator: ", ")
  }
}
