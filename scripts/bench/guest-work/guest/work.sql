-- SPDX-License-Identifier: BSD-2-Clause
CREATE TABLE part (id INTEGER PRIMARY KEY, name TEXT, size INTEGER, price REAL);
BEGIN;
WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < 60000)
INSERT INTO part SELECT n, 'part-' || (n * 7919 % 60000), n * 31 % 977, n / 7.0 FROM counter;
COMMIT;
CREATE INDEX part_name ON part (name);
CREATE INDEX part_size ON part (size, price);
SELECT count(*), sum(size) FROM part WHERE name LIKE 'part-1%';
SELECT size, count(*), printf('%.3f', avg(price)) FROM part GROUP BY size ORDER BY 2 DESC, 1 LIMIT 3;
SELECT count(*) FROM part a JOIN part b ON a.name = 'part-' || b.id WHERE a.size < b.size;
BEGIN;
UPDATE part SET price = price * 1.5 WHERE size BETWEEN 100 AND 400;
DELETE FROM part WHERE id % 3 = 0;
COMMIT;
SELECT count(*), printf('%.3f', total(price)) FROM part;
