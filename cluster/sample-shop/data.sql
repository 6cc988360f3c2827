-- Fills the sample shop inside the server (MariaDB's sequence engine): 500,000 rows, always the same ones.

USE shop;
SET NAMES utf8mb4;
SET time_zone = '+00:00', foreign_key_checks = 0, unique_checks = 0, sql_mode = CONCAT(@@sql_mode, ',NO_UNSIGNED_SUBTRACTION');

INSERT INTO customers
SELECT seq,
  CONCAT(ELT(1 + seq % 6, 'Jürgen', 'Zoë', 'Søren', 'Ana', '太郎', 'Olga 🌻'), ' ',
         ELT(1 + seq % 7, 'Müller', 'Øster', 'Nuñez', 'Smith', 'Straße', '山田', 'Ivanova'), ' ', seq),
  CONCAT('customer', seq, '@example.', ELT(1 + seq % 3, 'com', 'org', 'net')),
  ELT(1 + seq % 5, 'DE', 'FR', 'JP', 'US', 'BR'),
  1 + seq % 3,
  IF(seq % 9 = 0, NULL, seq % 16),
  seq % 2,
  IF(seq % 8 = 0, NULL, DATE '1940-01-01' + INTERVAL (seq * 7 % 25000) DAY),
  IF(seq % 10 = 0, NULL, (seq * 7919 % 10000000) / 100 - 500),
  IF(seq % 4 = 0, NULL,
     CONCAT('{"langs": ["de", "x', seq % 10, '"], "visits": ', seq % 1000, ', "vip": ', IF(seq % 50 = 0, 'true', 'false'),
            ', "motto": "grün 🚀"}')),
  TIMESTAMP '2015-03-01 00:00:00' + INTERVAL seq * 613 SECOND + INTERVAL (seq * 7919 % 1000000) MICROSECOND,
  IF(seq % 6 = 0, NULL, TIMESTAMP '2021-01-01 00:00:00' + INTERVAL seq * 97 SECOND + INTERVAL (seq % 1000) * 1000 MICROSECOND)
FROM seq_1_to_40000;

INSERT INTO products
SELECT
  IF(seq <= 5, CAST('18446744073709551615' AS DECIMAL(20)) - seq, seq),
  CONCAT('SKU-', LPAD(seq, 8, '0')),
  CONCAT(ELT(1 + seq % 5, 'Gießkanne', 'Café crème', 'Häcksler', 'Lamp 💡', '茶碗'), ' no. ', seq),
  IF(seq % 7 = 0, NULL, CONCAT('A "quoted" \\ line\nand ', REPEAT(MD5(seq), 1 + seq % 5))),
  (seq * 37 % 100000) / 100,
  ELT(1 + seq % 3, 0.19, 0.07, 0),
  IF(seq % 5 = 0, NULL, seq * 0.731 + 1 / 3),
  IF(seq % 6 = 0, NULL, seq / 7e3 * IF(seq % 2, 1, -1e12)),
  seq % 2,
  seq % 4096,
  IF(seq % 11 = 0, NULL, seq % 256 - 128),
  seq * 1601 % 16777216,
  IF(seq % 13 = 0, NULL, 1970 + seq % 60),
  IF(seq % 4 = 0, CONCAT(LEFT(UNHEX(MD5(seq)), 12), UNHEX('00000000')), UNHEX(MD5(seq))),
  IF(seq % 3 = 0, NULL, UNHEX(LEFT(SHA2(seq, 512), 2 * (seq % 64)))),
  IF(seq % 4 = 0, NULL, UNHEX(REPEAT(SHA1(seq), seq % 12)))
FROM seq_1_to_10000;

INSERT INTO warehouses
SELECT CONCAT('W', LPAD(seq, 3, '0')), ELT(1 + seq % 4, 'Köln', 'Århus', '大阪', 'Austin'),
  SEC_TO_TIME(6 * 3600 + seq * 60), ADDTIME('18:00:00', SEC_TO_TIME(seq * 61.125)),
  SEC_TO_TIME((seq - 10) * 1800), 1000 + seq * 3000
FROM seq_1_to_20;

INSERT INTO orders
SELECT seq,
  1 + seq * 7919 % 40000,
  1 + seq % 4,
  (seq * 1234577 % 1000000007) / 10000,
  IF(seq % 3 = 0, NULL, seq % 100 - 30),
  seq % 7 = 0,
  IF(seq % 4 > 0, NULL, CONCAT('Bitte ', ELT(1 + seq % 3, 'schnell', 'später', '🎁 als Geschenk'), ' liefern, ', seq)),
  DATE '2020-01-01' + INTERVAL (seq % 2000) DAY,
  TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 61 SECOND + INTERVAL (seq % 1000) * 1000 MICROSECOND,
  IF(seq % 4 = 0, NULL, TIMESTAMP '2020-01-02 00:00:00' + INTERVAL seq * 61 SECOND + INTERVAL (seq * 31 % 1000000) MICROSECOND)
FROM seq_1_to_100000;

INSERT INTO order_lines
SELECT 1 + (seq - 1) DIV 2, 1 + (seq - 1) % 2, 6 + seq * 31 % 9990, 1 + seq % 9, (seq * 37 % 100000) / 100,
  IF(seq % 3 = 0, NULL, CAST('18446744073709551615' AS DECIMAL(20)) - seq * 1000003),
  IF(seq % 5 > 0, NULL, CONCAT('Zeile ', seq, ' ✓'))
FROM seq_1_to_200000;

INSERT INTO stock_levels
SELECT CONCAT('W', LPAD(1 + (seq - 1) DIV 2500, 3, '0')), 6 + (seq - 1) % 2500, seq * 13 % 5000 - 100, seq % 50,
  IF(seq % 9 = 0, NULL, TIMESTAMP '2022-05-01 06:00:00' + INTERVAL seq MINUTE)
FROM seq_1_to_50000;

INSERT INTO price_history
SELECT 6 + (seq - 1) DIV 5,
  TIMESTAMP '2019-01-01 00:00:00' + INTERVAL ((seq - 1) % 5) * 100 DAY + INTERVAL (seq * 7919 % 1000000) MICROSECOND,
  (seq * 53 % 100000) / 100, IF(seq % 2 = 0, NULL, ELT(1 + seq % 3, 'Aktion', 'cost', 'año nuevo'))
FROM seq_1_to_49980;

-- Every tenth event stands in the log twice, alike in every column.
INSERT INTO event_log
SELECT TIMESTAMP '2023-01-01 00:00:00' + INTERVAL n * 17 SECOND + INTERVAL (n * 31 % 1000000) MICROSECOND,
  1 + n % 3, IF(n % 4 = 0, NULL, 1 + n % 40000),
  IF(n % 5 = 0, NULL, SEC_TO_TIME((n * 7 % 100000) / 8 - 900)),
  IF(n % 6 = 0, NULL, n / 3),
  CONCAT(ELT(1 + n % 4, 'login', 'Suche nach Äpfeln', 'checkout 🛒', 'error'), ' #', n),
  IF(n % 7 = 0, NULL, UNHEX(REPEAT(MD5(n), n % 3)))
FROM (SELECT IF(seq % 10 = 0, seq - 1, seq) AS n FROM seq_1_to_50000) AS numbers;

ANALYZE TABLE customers, products, warehouses, orders, order_lines, stock_levels, price_history, event_log;
