-- The columns of all tables of a schema. A domain is followed to the type that it rests on.
WITH RECURSIVE based (relation, number, type, typmod, not_null, has_default) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.atthasdef
      FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
     WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'p')
       AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.relation, b.number, t.typbasetype, t.typtypmod, b.not_null OR t.typnotnull,
           b.has_default OR t.typdefault IS NOT NULL
      FROM based AS b JOIN pg_type AS t ON t.oid = b.type
     WHERE t.typtype = 'd'
)
SELECT c.relname, a.attname, b.number, format_type(a.atttypid, a.atttypmod),
       format_type(b.type, b.typmod), b.type::bigint, b.typmod, t.typtype, n.nspname, t.typname,
       b.not_null, b.has_default, a.attidentity, a.attgenerated
  FROM based AS b
  JOIN pg_type AS t ON t.oid = b.type AND t.typtype <> 'd'
  JOIN pg_namespace AS n ON n.oid = t.typnamespace
  JOIN pg_attribute AS a ON a.attrelid = b.relation AND a.attnum = b.number
  JOIN pg_class AS c ON c.oid = b.relation
 ORDER BY c.relname COLLATE "C", b.number;
