-- The foreign keys that begin or end in a schema, each with a query that counts the rows it should not
-- have. Those that a partition has from its table go with it.
SELECT fn.nspname, f.relname, tn.nspname, t.relname, k.conname, pg_get_constraintdef(k.oid),
       k.convalidated, k.condeferrable, k.confdeltype, k.confupdtype,
       pg_has_role(f.relowner, 'USAGE'), pg_get_userbyid(f.relowner),
       has_table_privilege(t.oid, 'REFERENCES'),
       has_table_privilege(f.oid, 'SELECT') AND has_table_privilege(t.oid, 'SELECT'),
       format('SELECT count(*) FROM %s%I.%I AS f WHERE %s AND NOT EXISTS (SELECT FROM %s%I.%I AS t WHERE %s)',
              CASE f.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, fn.nspname, f.relname, p.asked,
              CASE t.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, tn.nspname, t.relname, p.met)
  FROM pg_constraint AS k
  JOIN pg_class AS f ON f.oid = k.conrelid
  JOIN pg_namespace AS fn ON fn.oid = f.relnamespace
  JOIN pg_class AS t ON t.oid = k.confrelid
  JOIN pg_namespace AS tn ON tn.oid = t.relnamespace
 CROSS JOIN LATERAL (
       SELECT CASE k.confmatchtype WHEN 'f'
              THEN '(' || string_agg(format('f.%I IS NOT NULL', fa.attname), ' OR ') || ')'
              ELSE string_agg(format('f.%I IS NOT NULL', fa.attname), ' AND ') END AS asked,
              string_agg(format('t.%I = f.%I', ta.attname, fa.attname), ' AND ') AS met
         FROM unnest(k.conkey, k.confkey) AS u (mine, its)
         JOIN pg_attribute AS fa ON fa.attrelid = k.conrelid AND fa.attnum = u.mine
         JOIN pg_attribute AS ta ON ta.attrelid = k.confrelid AND ta.attnum = u.its) AS p
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND to_regnamespace(quote_ident($1)) IN (f.relnamespace, t.relnamespace)
 ORDER BY fn.nspname COLLATE "C", f.relname COLLATE "C", k.conname COLLATE "C";
