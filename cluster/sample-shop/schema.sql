-- A sample shop: eight related tables that use all common column types, one with a composite key inside the main flow
-- (order_lines), one without any key (event_log).

CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
USE shop;

CREATE TABLE customers (
  id           INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name         VARCHAR(120) NOT NULL,
  email        VARCHAR(160) NOT NULL,
  country      CHAR(2) NOT NULL,
  segment      ENUM('private', 'business', 'größter Kunde') NOT NULL,
  interests    SET('books', 'music', 'garden', 'tools') NULL,
  newsletter   TINYINT(1) NOT NULL DEFAULT 0,
  birthday     DATE NULL,
  credit_limit DECIMAL(12,2) NULL,
  profile      JSON NULL,
  created_at   DATETIME(6) NOT NULL,
  changed_at   TIMESTAMP(3) NULL,
  UNIQUE KEY (email)
);

CREATE TABLE products (
  id           BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  sku          VARCHAR(40) NOT NULL,
  title        VARCHAR(200) NOT NULL,
  description  TEXT NULL,
  price        DECIMAL(10,2) NOT NULL,
  tax_rate     DECIMAL(5,4) NOT NULL,
  weight       FLOAT NULL,
  volume       DOUBLE NULL,
  in_stock     BIT(1) NOT NULL,
  flags        BIT(12) NOT NULL,
  rating       TINYINT NULL,
  votes        MEDIUMINT UNSIGNED NOT NULL DEFAULT 0,
  model_year   YEAR NULL,
  checksum     BINARY(16) NOT NULL,
  signature    VARBINARY(64) NULL,
  thumbnail    BLOB NULL
);

CREATE TABLE warehouses (
  code         CHAR(4) NOT NULL PRIMARY KEY,
  city         VARCHAR(80) NOT NULL,
  opens        TIME NOT NULL,
  closes       TIME(3) NOT NULL,
  utc_offset   TIME NOT NULL,
  capacity     SMALLINT UNSIGNED NOT NULL
);

CREATE TABLE orders (
  id           BIGINT NOT NULL PRIMARY KEY,
  customer_id  INT UNSIGNED NOT NULL,
  status       ENUM('new', 'paid', 'sent', 'returned') NOT NULL,
  total        DECIMAL(14,4) NOT NULL,
  discount     SMALLINT NULL,
  is_gift      BOOLEAN NOT NULL,
  note         VARCHAR(300) NULL,
  placed_on    DATE NOT NULL,
  placed_at    DATETIME(3) NOT NULL,
  paid_at      TIMESTAMP(6) NULL,
  KEY (customer_id),
  CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id)
);

CREATE TABLE order_lines (
  order_id     BIGINT NOT NULL,
  line_no      SMALLINT UNSIGNED NOT NULL,
  product_id   BIGINT UNSIGNED NOT NULL,
  quantity     INT NOT NULL,
  unit_price   DECIMAL(10,2) NOT NULL,
  serial       BIGINT UNSIGNED NULL,
  remark       TINYTEXT NULL,
  PRIMARY KEY (order_id, line_no),
  CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT lines_product FOREIGN KEY (product_id) REFERENCES products (id)
);

CREATE TABLE stock_levels (
  warehouse    CHAR(4) NOT NULL,
  product_id   BIGINT UNSIGNED NOT NULL,
  on_hand      INT NOT NULL,
  reserved     MEDIUMINT NOT NULL,
  counted_at   DATETIME NULL,
  PRIMARY KEY (warehouse, product_id)
);

CREATE TABLE price_history (
  product_id   BIGINT UNSIGNED NOT NULL,
  valid_from   DATETIME(6) NOT NULL,
  price        DECIMAL(10,2) NOT NULL,
  reason       VARCHAR(60) NULL,
  PRIMARY KEY (product_id, valid_from)
);

CREATE TABLE event_log (
  happened_at  DATETIME(6) NOT NULL,
  level        ENUM('debug', 'info', 'error') NOT NULL,
  customer_id  INT UNSIGNED NULL,
  took         TIME(3) NULL,
  score        DOUBLE NULL,
  message      VARCHAR(200) NOT NULL,
  payload      MEDIUMBLOB NULL
);
