-- The indexes of all tables of a schema: their definition, the constraint that rests on each, the numbers
-- of their columns where there is nothing else to them, and whether something is said of them that their
-- definition does not repeat (a comment, a tablespace, being clustered by, a replica's identity). Of a
-- deferrable constraint also a query that counts what it should not have.
SELECT c.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisunique,
       k.conname, pg_get_constraintdef(k.oid),
       CASE WHEN x.indpred IS NULL AND x.indexprs IS NULL AND x.indisvalid
            THEN array_to_string((x.indkey::smallint[])[0:x.indnkeyatts - 1], ',') END,
       x.indisvalid,
       x.indisreplident OR x.indisclustered OR i.reltablespace <> 0
       OR (k.oid IS NOT NULL AND i.reloptions IS NOT NULL)
       OR obj_description(i.oid, 'pg_class') IS NOT NULL
       OR obj_description(k.oid, 'pg_constraint') IS NOT NULL
       OR EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.oid),
       NOT x.indimmediate,
       CASE WHEN k.contype IN ('p', 'u') THEN (
            SELECT format('SELECT count(*) FROM (SELECT FROM ONLY %I.%I WHERE %s GROUP BY %s HAVING count(*) > 1) AS d',
                          n.nspname, c.relname,
                          CASE WHEN pg_get_constraintdef(k.oid) LIKE '%NULLS NOT DISTINCT%' THEN 'true'
                               ELSE string_agg(format('%I IS NOT NULL', a.attname), ' AND ') END,
                          string_agg(format('%I', a.attname), ', '))
              FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (k.conkey)) END
  FROM pg_index AS x
  JOIN pg_class AS c ON c.oid = x.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_class AS i ON i.oid = x.indexrelid
  LEFT JOIN pg_constraint AS k
         ON k.conindid = x.indexrelid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
 WHERE c.relnamespace = to_regnamespace(quote_ident($1)) AND c.relkind IN ('r', 'p')
 ORDER BY c.relname COLLATE "C", i.relname COLLATE "C";
