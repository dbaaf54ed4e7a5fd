-- The columns of a table as they are; no row where there is no such table.
SELECT a.attname, a.atttypid::bigint, a.attnotnull
  FROM pg_class AS c
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relname = $2 AND c.relkind IN ('r', 'p')
 ORDER BY a.attnum;
