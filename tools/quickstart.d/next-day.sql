-- What an application does between two trips: new rows, changed rows, deleted rows, a changed key,
-- and a VACUUM, which gives every row of a table without a key of its own another rowid.

BEGIN;

INSERT INTO customer (email, name, city, newsletter, joined)
VALUES
    ('ada@example.org', 'Ada Example', 'London', 1, '2025-01-02 09:00:00'),
    ('o''hara@example.org', 'Scarlett O''Hara', 'Atlanta', 0, '2025-01-02 09:05:00');
UPDATE customer SET city = 'Bergen' WHERE id % 400 = 0;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300)
INSERT INTO "order"
SELECT 20000 + i, 1 + i * 7919 % 8000, datetime('2025-01-02', printf('+%d minutes', i)), 'open'
FROM n;
INSERT INTO order_line
SELECT o.id, 1, 'SKU-0042', 1 + o.id % 3, 12.5 FROM "order" o WHERE o.id > 20000;
UPDATE "order" SET state = 'paid' WHERE state = 'open' AND id % 2 = 0 AND id <= 20000;
DELETE FROM order_line WHERE order_id IN (SELECT id FROM "order" WHERE id % 970 = 0);
DELETE FROM "order" WHERE id % 970 = 0;

UPDATE product SET price = round(price * 1.05, 2) WHERE rowid % 10 = 0;
UPDATE product SET sku = 'SKU-NEW', title = 'A new name' WHERE sku = 'SKU-0500';
UPDATE setting SET value = 465 WHERE section = 'mail' AND name = 'port';
UPDATE product SET picture = x'89504e470d0a1a0a' WHERE sku = 'SKU-0005';

DELETE FROM visit WHERE at < '2024-01-01 00:20:00';
INSERT INTO visit VALUES
    ('2025-01-02 10:00:00', '/', NULL), ('2025-01-02 10:00:00', '/', NULL),
    ('2025-01-02 10:00:01', '/cart', 7);

COMMIT;
VACUUM;
