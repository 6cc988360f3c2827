/// The tables and change backlogs, made by the server itself.
enum Workload {
  static let database = "bench"
  static let sysbenchRows = 2_000_000
  static let mixedRows = 1_000_000
  static let inserts = 1_000_000
  static let updates = 500_000
  static let deletes = 200_000
  static let singles = 200_000

  private static let shape = """
    id INT NOT NULL PRIMARY KEY, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT ''
    """

  private static func digits(groups: Int) -> String {
    let group = "LPAD(FLOOR(RAND() * 100000000000), 11, '0')"
    return "CONCAT_WS('-', \(Array(repeating: group, count: groups).joined(separator: ", ")))"
  }

  /// The table of sysbench's OLTP tests: id, an indexed number, 119 and 59 characters of digits.
  static func sysbench(rows: Int) -> String {
    """
    SET SESSION sql_log_bin = 0;
    CREATE OR REPLACE TABLE sbtest1 (\(shape), KEY k_1 (k));
    INSERT INTO sbtest1 SELECT seq, 1 + FLOOR(RAND(1) * \(rows)), \(digits(groups: 10)), \(digits(groups: 5))
    FROM seq_1_to_\(rows);
    ANALYZE TABLE sbtest1;
    """
  }

  /// The same rows twice.
  static func sysbenchDouble(rows: Int) -> String {
    """
    SET SESSION sql_log_bin = 0;
    CREATE OR REPLACE TABLE sbtest2 (\(shape), KEY k_2 (k));
    INSERT INTO sbtest2 SELECT * FROM sbtest1;
    INSERT INTO sbtest2 SELECT id + \(rows), k, c, pad FROM sbtest1;
    ANALYZE TABLE sbtest2;
    """
  }

  static let smallPrefix = "small_"
  static let smallRows = 10

  /// How many small tables there are under the scale.
  static func smallTables(_ options: BenchOptions) -> Int { max(1, Int(10_000 * options.scale)) }

  /// Many tables of a few rows each.
  static func small(_ options: BenchOptions) -> String {
    let tables = (0..<smallTables(options)).map { number in
      """
      CREATE OR REPLACE TABLE \(smallPrefix)\(number) (
        id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(60) NOT NULL, amount DECIMAL(12,2) NULL, created DATETIME(3) NOT NULL,
        active TINYINT(1) NOT NULL, remark TEXT NULL, k INT NOT NULL, ratio DOUBLE NULL, KEY k (k));
      INSERT INTO \(smallPrefix)\(number) SELECT seq, CONCAT('name ', seq), seq * 1.25, '2024-01-01' + INTERVAL seq DAY,
        seq % 2, IF(seq % 3 = 0, NULL, 'remark'), seq * 7, seq / 3 FROM seq_1_to_\(smallRows);

      """
    }
    return "SET SESSION sql_log_bin = 0;\n" + tables.joined()
  }

  /// Sixteen columns of the usual types, a quarter of them nullable.
  static func mixed(rows: Int) -> String {
    """
    SET SESSION sql_log_bin = 0, time_zone = '+00:00';
    CREATE OR REPLACE TABLE mixed (
      id BIGINT NOT NULL PRIMARY KEY, account INT UNSIGNED NOT NULL, kind SMALLINT NOT NULL, active TINYINT(1) NOT NULL,
      amount DECIMAL(18,4) NOT NULL, fee DECIMAL(9,2) NULL, ratio DOUBLE NULL, currency CHAR(3) NOT NULL,
      reference VARCHAR(64) NOT NULL, email VARCHAR(120) NOT NULL, city VARCHAR(80) NULL, remark TEXT NULL,
      attributes JSON NULL, booked DATE NOT NULL, created DATETIME(6) NOT NULL, changed TIMESTAMP(3) NULL);
    INSERT INTO mixed SELECT
      seq, seq * 7919 % 1000003, seq % 11, seq % 2,
      (seq * 1234577 % 1000000007) / 10000, IF(seq % 5 = 0, NULL, (seq % 9973) / 100),
      IF(seq % 7 = 0, NULL, seq * 0.731 + 1 / 3), ELT(1 + seq % 4, 'EUR', 'USD', 'GBP', 'JPY'),
      UPPER(MD5(seq)), CONCAT('user', seq * 7919 % 100000, '.name', seq % 97, '@example-', seq % 13, '.com'),
      IF(seq % 11 = 0, NULL, ELT(1 + seq % 5, 'Zürich', 'London', 'New York', 'São Paulo', '東京')),
      IF(seq % 3 = 0, NULL, CONCAT('remark ', REPEAT(SHA1(seq), 1 + seq % 3))),
      IF(seq % 4 = 0, NULL, CONCAT('{"source": "web", "n": ', seq % 1000, ', "tags": ["a", "b', seq % 10, '"]}')),
      DATE '2020-01-01' + INTERVAL (seq % 2000) DAY,
      TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 61 SECOND + INTERVAL (seq % 1000000) MICROSECOND,
      IF(seq % 6 = 0, NULL, TIMESTAMP '2021-01-01 00:00:00' + INTERVAL seq * 37 SECOND + INTERVAL (seq % 1000) * 1000 MICROSECOND)
    FROM seq_1_to_\(rows);
    ANALYZE TABLE mixed;
    """
  }

  /// The tables that the backlogs change, and the procedures that do it.
  static let changeTables = """
    CREATE OR REPLACE TABLE changes (\(shape), KEY k_3 (k));
    CREATE OR REPLACE TABLE singles (\(shape));
    DELIMITER //
    CREATE OR REPLACE PROCEDURE change_in_bulk(base INT, inserts INT, updates INT, deletes INT)
    BEGIN
      DECLARE i INT DEFAULT 0;
      WHILE i < inserts DO
        INSERT INTO changes SELECT id + base, k, c, pad FROM sbtest1 WHERE id BETWEEN i + 1 AND i + 100;
        COMMIT;
        SET i = i + 100;
      END WHILE;
      SET i = base;
      WHILE i < base + updates DO
        UPDATE changes SET k = k + 1, c = CONCAT('U', SUBSTR(c, 2)) WHERE id BETWEEN i + 1 AND i + 100;
        COMMIT;
        SET i = i + 100;
      END WHILE;
      SET i = base;
      WHILE i < base + deletes DO
        DELETE FROM changes WHERE id BETWEEN i + 1 AND i + 100;
        COMMIT;
        SET i = i + 100;
      END WHILE;
    END//
    CREATE OR REPLACE PROCEDURE change_one_by_one(inserts INT)
    BEGIN
      DECLARE i INT DEFAULT 0;
      WHILE i < inserts DO
        SET i = i + 1;
        INSERT INTO singles SELECT id, k, c, pad FROM sbtest1 WHERE id = i;
        COMMIT;
      END WHILE;
    END//
    DELIMITER ;
    """

  /// 100 rows in each transaction.
  static func bulk(_ options: BenchOptions, base: Int) -> String {
    let counts = [base, options.rows(inserts), options.rows(updates), options.rows(deletes)]
    return "SET autocommit = 0; CALL change_in_bulk(\(counts.map(String.init).joined(separator: ", ")));"
  }

  static func oneByOne(_ options: BenchOptions) -> String {
    "SET autocommit = 0; CALL change_one_by_one(\(options.rows(singles)));"
  }
}
