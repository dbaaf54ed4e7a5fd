-- The sample application: a small shop, about 140,000 rows, with the kinds of tables that
-- applications have. The numbers come from a multiplication, so that every run makes the same file.

PRAGMA journal_mode = WAL;
BEGIN;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    city TEXT,
    newsletter BOOLEAN NOT NULL DEFAULT 0,
    joined DATETIME NOT NULL
);
CREATE INDEX customer_city ON customer (city, name);

CREATE TABLE product (
    sku VARCHAR(20) PRIMARY KEY,
    title TEXT NOT NULL,
    price REAL NOT NULL,
    weight NUMERIC,
    picture BLOB
);

CREATE TABLE "order" (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    placed DATETIME NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'sent', 'returned'))
);
CREATE INDEX order_customer ON "order" (customer_id);

CREATE TABLE order_line (
    order_id INTEGER NOT NULL REFERENCES "order" (id),
    line INTEGER NOT NULL,
    sku VARCHAR(20) NOT NULL REFERENCES product (sku),
    quantity INTEGER NOT NULL,
    price REAL NOT NULL,
    PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE INDEX order_line_sku ON order_line (sku);

CREATE TABLE setting (
    section TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    value,
    PRIMARY KEY (section, name)
) WITHOUT ROWID;

-- No key, and the same visit twice in one second is two rows.
CREATE TABLE visit (at DATETIME, page TEXT, visitor INTEGER);

CREATE VIEW revenue AS
    SELECT substr(o.placed, 1, 7) AS month, sum(l.quantity * l.price) AS total
    FROM "order" o JOIN order_line l ON l.order_id = o.id
    GROUP BY month;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 8000)
INSERT INTO customer (email, name, city, newsletter, joined)
SELECT
    printf('customer%05d@example.org', i),
    printf('Customer %d', i),
    CASE i * 7919 % 9
        WHEN 0 THEN 'Zürich' WHEN 1 THEN 'São Paulo' WHEN 2 THEN '東京' WHEN 3 THEN 'Łódź'
        WHEN 4 THEN 'Reykjavík' WHEN 5 THEN 'Cork' WHEN 6 THEN 'Oslo' WHEN 7 THEN NULL ELSE 'Lima'
    END,
    i % 3 = 0,
    datetime('2022-01-01', printf('+%d minutes', i * 173))
FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500)
INSERT INTO product
SELECT
    printf('SKU-%04d', i),
    printf('Article no. %d', i),
    (i * 7919 % 20000) / 100.0,
    CASE WHEN i % 4 = 0 THEN i % 50 WHEN i % 4 = 1 THEN NULL ELSE (i % 500) / 8.0 END,
    CASE WHEN i % 5 > 0 THEN CAST(printf('%.*c', 200 + i % 700, char(1 + i % 126)) AS BLOB) END
FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)
INSERT INTO "order"
SELECT
    i,
    1 + i * 7919 % 8000,
    datetime('2023-01-01', printf('+%d seconds', i * 1571)),
    CASE
        WHEN i % 97 = 0 THEN 'returned' WHEN i > 19800 THEN 'open' WHEN i > 19000 THEN 'paid'
        ELSE 'sent'
    END
FROM n;

INSERT INTO order_line
SELECT o.id, l.line, p.sku, 1 + (o.id * l.line) % 4, p.price
FROM "order" o
JOIN (SELECT 1 AS line UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) l
    ON l.line <= 1 + o.id % 4
JOIN product p ON p.sku = printf('SKU-%04d', 1 + (o.id * 31 + l.line * 17) % 500);

INSERT INTO setting VALUES
    ('mail', 'host', 'smtp.example.org'), ('mail', 'port', 587), ('mail', 'Secure', 'yes'),
    ('shop', 'currency', 'EUR'), ('shop', 'vat', 0.19), ('shop', 'logo', NULL);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000)
INSERT INTO visit
SELECT
    datetime('2024-01-01', printf('+%d seconds', i / 3)),
    CASE i % 4
        WHEN 0 THEN '/' WHEN 1 THEN '/cart' ELSE printf('/product/SKU-%04d', 1 + i * 31 % 500)
    END,
    CASE WHEN i % 6 < 2 THEN NULL ELSE i % 1000 END
FROM n;

COMMIT;
