-- What happens in the shop while it is being replicated: inserts, updates and deletes in every table, a key that changes,
-- and a column that is added in the middle of it.

USE shop;
SET NAMES utf8mb4;
SET time_zone = '+00:00';

INSERT INTO customers (id, name, email, country, segment, interests, newsletter, birthday, credit_limit, profile, created_at, changed_at)
SELECT 100000 + seq, CONCAT('Neu 🌱 ', seq), CONCAT('neu', seq, '@example.com'), 'DE', 1 + seq % 3, seq % 16, seq % 2,
  IF(seq % 2 = 0, NULL, '2000-02-29'), seq + 0.5, IF(seq % 2 = 0, NULL, '{"new": true}'), NOW(6), NOW(3)
FROM seq_1_to_500;
UPDATE customers SET name = CONCAT(name, ' ♥'), credit_limit = NULL, changed_at = NOW(3) WHERE id BETWEEN 100 AND 600;
UPDATE customers SET id = id + 200000 WHERE id BETWEEN 100001 AND 100020;
DELETE FROM customers WHERE id BETWEEN 100400 AND 100450;

UPDATE products SET price = price + 0.01, weight = weight * 1.1, flags = ~flags & 4095, in_stock = NOT in_stock,
  thumbnail = UNHEX(SHA1(id)) WHERE id % 97 = 0;
INSERT INTO products (id, sku, title, price, tax_rate, in_stock, flags, checksum)
SELECT 9223372036854775807 + seq, CONCAT('NEW-', seq), 'Früchtetee', 4.99, 0.07, 1, seq % 4096, UNHEX(MD5(seq)) FROM seq_1_to_50;
DELETE FROM products WHERE id BETWEEN 9223372036854775838 AND 9223372036854775847;

INSERT INTO warehouses VALUES ('W999', 'Zürich', '-01:30:00', '23:59:59.999', '00:00:00', 65535);
UPDATE warehouses SET city = CONCAT(city, ' Süd'), closes = ADDTIME(closes, '00:00:00.005') WHERE code < 'W005';
DELETE FROM warehouses WHERE code = 'W020';

INSERT INTO orders (id, customer_id, status, total, is_gift, note, placed_on, placed_at, paid_at)
SELECT 1000000 + seq, 1 + seq, 'new', seq * 1.2345, seq % 2, IF(seq % 2 = 0, NULL, 'während der Replikation'),
  CURRENT_DATE, NOW(3), NULL
FROM seq_1_to_2000;
INSERT INTO order_lines (order_id, line_no, product_id, quantity, unit_price)
SELECT 1000000 + 1 + (seq - 1) DIV 3, 1 + (seq - 1) % 3, 6 + seq, seq % 5 + 1, seq / 100 FROM seq_1_to_6000;
UPDATE orders SET status = 'paid', paid_at = NOW(6) WHERE id BETWEEN 1000001 AND 1000500;
DELETE FROM order_lines WHERE order_id BETWEEN 500 AND 700;
DELETE FROM orders WHERE id BETWEEN 500 AND 700;
UPDATE order_lines SET serial = 18446744073709551615, line_no = line_no + 10 WHERE order_id BETWEEN 1000 AND 1100;

ALTER TABLE orders ADD COLUMN channel VARCHAR(20) NULL AFTER status;

UPDATE orders SET channel = ELT(1 + id % 3, 'web', 'shop', 'Telefon ☎') WHERE id BETWEEN 1 AND 3000 AND id % 2 = 0;
INSERT INTO orders (id, customer_id, status, channel, total, is_gift, placed_on, placed_at)
SELECT 2000000 + seq, 1 + seq, 'new', 'app', seq, 0, CURRENT_DATE, NOW(3) FROM seq_1_to_300;

UPDATE stock_levels SET on_hand = on_hand - 1, counted_at = NOW() WHERE warehouse = 'W003';
UPDATE stock_levels SET warehouse = 'W999' WHERE warehouse = 'W019' AND product_id < 300;
DELETE FROM stock_levels WHERE warehouse = 'W020';
INSERT INTO stock_levels VALUES ('W999', 18446744073709551615, 1, 0, NULL);

INSERT INTO price_history SELECT product_id, valid_from + INTERVAL 3 YEAR, price * 1.1, 'später' FROM price_history
  WHERE product_id < 200;
UPDATE price_history SET price = price + 1 WHERE product_id BETWEEN 300 AND 400;
DELETE FROM price_history WHERE product_id BETWEEN 500 AND 510;

INSERT INTO event_log SELECT NOW(6), 'info', seq, NULL, 1 / seq, CONCAT('live ', seq), NULL FROM seq_1_to_1000;
UPDATE event_log SET level = 'error', message = CONCAT(message, ' !') WHERE customer_id BETWEEN 50 AND 90;
DELETE FROM event_log WHERE customer_id BETWEEN 200 AND 260;
DELETE FROM event_log WHERE customer_id = 19 LIMIT 1;
