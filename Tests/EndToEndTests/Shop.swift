import TestKit

/// The sample tables of the end-to-end tests: keys of several kinds, a composite key, a table without any, and all
/// common types; and a random load on them.
struct Shop {
  let database: String

  /// Creates the database, creates and fills the tables.
  func create(on server: SourceServer, rows: Int) throws {
    try server.execute("CREATE DATABASE `\(database)` CHARACTER SET utf8mb4")
    for statement in statements(rows: rows) { try server.execute(statement, database: database) }
  }

  private func statements(rows: Int) -> [String] {
    [
      """
      CREATE TABLE `\(database)`.customers (
        id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120) NULL,
        vip TINYINT(1) NOT NULL DEFAULT 0, born DATE NULL, credit DECIMAL(12,2) NOT NULL DEFAULT 0,
        rating FLOAT NULL, created DATETIME(6) NOT NULL, seen TIMESTAMP(3) NULL, KEY (email))
      """,
      """
      CREATE TABLE `\(database)`.products (
        sku VARCHAR(20) NOT NULL PRIMARY KEY, title VARCHAR(200) CHARACTER SET latin1 NOT NULL, price DECIMAL(20,6) NOT NULL,
        weight DOUBLE NULL, stock BIGINT UNSIGNED NOT NULL, kind ENUM('book','tool','food','other') NOT NULL,
        tags SET('new','sale','rare') NULL, photo BLOB NULL, attrs JSON NULL, opens TIME(2) NULL, made YEAR NULL,
        code BINARY(6) NULL, flags BIT(12) NULL)
      """,
      """
      CREATE TABLE `\(database)`.order_lines (
        order_id BIGINT NOT NULL, line SMALLINT NOT NULL, sku VARCHAR(20) NOT NULL, quantity MEDIUMINT NOT NULL,
        note TEXT NULL, PRIMARY KEY (order_id, line))
      """,
      """
      CREATE TABLE `\(database)`.events (at DATETIME(3) NOT NULL, kind CHAR(8) NOT NULL, payload VARCHAR(100) NULL)
      """,
      """
      INSERT INTO `\(database)`.customers (name, email, vip, born, credit, rating, created, seen)
      SELECT CONCAT('Kundin №', seq), IF(seq % 3 = 0, NULL, CONCAT('c', seq, '@example.com')), seq % 2,
        IF(seq % 5 = 0, NULL, DATE '1950-01-01' + INTERVAL seq % 20000 DAY), (seq * 7919 % 100000) / 100,
        IF(seq % 4 = 0, NULL, seq * 0.37), TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 1234567 MICROSECOND,
        IF(seq % 6 = 0, NULL, TIMESTAMP '2021-06-01 00:00:00' + INTERVAL seq SECOND)
      FROM seq_1_to_\(rows)
      """,
      """
      INSERT INTO `\(database)`.products
      SELECT CONCAT('SKU-', LPAD(seq, 8, '0')), CONCAT('Gerät ', seq), seq * 1.234567, IF(seq % 7 = 0, NULL, seq / 3),
        18446744073709551615 - seq, ELT(1 + seq % 4, 'book', 'tool', 'food', 'other'),
        IF(seq % 5 = 0, NULL, ELT(1 + seq % 3, 'new', 'new,sale', 'rare')), IF(seq % 3 = 0, NULL, UNHEX(SHA2(seq, 224))),
        IF(seq % 4 = 0, NULL, CONCAT('{"n": ', seq, ', "s": "ü', seq % 10, '"}')),
        IF(seq % 6 = 0, NULL, SEC_TO_TIME(seq * 61 % 80000)), 1980 + seq % 60, LPAD(seq, 6, 'x'), seq % 4096
      FROM seq_1_to_\(rows / 2)
      """,
      """
      INSERT INTO `\(database)`.order_lines
      SELECT 1 + seq DIV 3, 1 + seq % 3, CONCAT('SKU-', LPAD(1 + seq % \(max(1, rows / 2)), 8, '0')), CAST(seq % 100 AS SIGNED) - 50,
        IF(seq % 2 = 0, NULL, REPEAT(CONCAT('note ', seq, ' '), 1 + seq % 5))
      FROM seq_0_to_\(rows * 2 - 1)
      """,
      """
      INSERT INTO `\(database)`.events
      SELECT TIMESTAMP '2022-02-02 00:00:00' + INTERVAL seq DIV 2 SECOND, ELT(1 + seq % 3, 'click', 'view', 'buy'),
        IF(seq % 9 = 0, NULL, CONCAT('p', seq DIV 2))
      FROM seq_1_to_\(rows / 4)
      """,
    ]
  }

  /// One random transaction: inserts, updates, deletes, changed keys, equal rows without a key.
  func randomTransaction(using random: inout SeededRandom, rows: Int) -> [String] {
    let count = 1 + random.below(4)
    return ["BEGIN"] + (0..<count).map { _ in randomStatement(using: &random, rows: rows) }
      + [random.below(10) == 0 ? "ROLLBACK" : "COMMIT"]
  }

  private func randomStatement(using random: inout SeededRandom, rows: Int) -> String {
    let id = 1 + random.below(rows * 2)
    let other = random.below(1_000_000)
    switch random.below(12) {
    case 0:
      return
        "INSERT IGNORE INTO `\(database)`.customers (name, email, created) VALUES ('New ✓ \(other)', 'n\(other)@x', NOW(6))"
    case 1: return "UPDATE `\(database)`.customers SET credit = credit + 0.01, vip = NOT vip WHERE id = \(id)"
    case 2: return "DELETE FROM `\(database)`.customers WHERE id = \(id)"
    case 3: return "UPDATE IGNORE `\(database)`.customers SET id = id + \(1_000_000 + other) WHERE id = \(id)"
    case 4:
      return "UPDATE `\(database)`.products SET price = price * 1.01, photo = UNHEX(SHA2(\(other), 224)) "
        + "WHERE sku = 'SKU-\(padded(id))'"
    case 5:
      return
        "INSERT IGNORE INTO `\(database)`.products VALUES ('NEW-\(padded(other))', 'Neu', 1.5, NULL, \(other), 'other', "
        + "'sale', NULL, '{\"a\": [1, 2]}', '-12:34:56.78', 1999, 'abc', 7)"
    case 6: return "DELETE FROM `\(database)`.products WHERE sku = 'SKU-\(padded(id))'"
    case 7:
      return "UPDATE `\(database)`.order_lines SET quantity = quantity + 1, note = CONCAT('x', \(other)) "
        + "WHERE order_id = \(id / 3)"
    case 8: return "DELETE FROM `\(database)`.order_lines WHERE order_id = \(id / 3) AND line = \(1 + other % 3)"
    case 9:
      return
        "INSERT INTO `\(database)`.order_lines SELECT MAX(order_id) + 1, 1, 'SKU-x', 5, NULL FROM `\(database)`.order_lines"
    case 10: return "INSERT INTO `\(database)`.events VALUES (NOW(3), 'load', 'w\(other % 50)')"
    default:
      return
        "UPDATE `\(database)`.events SET payload = 'seen' WHERE kind = 'load' AND payload = 'w\(other % 50)' LIMIT 2"
    }
  }

  private func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}

/// A generator whose sequence follows from its seed alone (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 up to, not including, the limit.
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
