-- The columns of a table as they are, domains followed to the types that they rest on; no row where there
-- is no such table.
WITH RECURSIVE based (relation, number, type, typmod) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod
      FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = $2
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.relation, b.number, t.typbasetype, t.typtypmod
      FROM based AS b JOIN pg_type AS t ON t.oid = b.type
     WHERE t.typtype = 'd'
)
SELECT a.attname, a.atttypid::bigint, a.attnotnull, format_type(b.type, b.typmod), t.typtype,
       n.nspname, t.typname
  FROM pg_class AS c
  LEFT JOIN (pg_attribute AS a
             JOIN based AS b ON b.relation = a.attrelid AND b.number = a.attnum
             JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
             JOIN pg_namespace AS n ON n.oid = t.typnamespace) ON a.attrelid = c.oid
 WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = $2 AND c.relkind IN ('r', 'p')
 ORDER BY a.attnum;
