-- The sequences that columns of a schema's tables take their numbers from: of identity columns, of
-- serial ones, and those that a default names. Whether this role may set them.
SELECT DISTINCT c.relname, a.attname, n.nspname, s.relname, q.seqincrement > 0,
       has_sequence_privilege(s.oid, 'UPDATE') AND has_sequence_privilege(s.oid, 'SELECT')
  FROM pg_depend AS d
  JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S' AND d.classid = 'pg_class'::regclass
  JOIN pg_sequence AS q ON q.seqrelid = s.oid
  JOIN pg_namespace AS n ON n.oid = s.relnamespace
  JOIN pg_class AS c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
 WHERE d.deptype IN ('a', 'i') AND c.relkind IN ('r', 'p')
   AND c.relnamespace = to_regnamespace(quote_ident($1))
UNION
SELECT c.relname, a.attname, n.nspname, s.relname, q.seqincrement > 0,
       has_sequence_privilege(s.oid, 'UPDATE') AND has_sequence_privilege(s.oid, 'SELECT')
  FROM pg_attrdef AS e
  JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
                     AND d.refclassid = 'pg_class'::regclass
  JOIN pg_class AS s ON s.oid = d.refobjid AND s.relkind = 'S'
  JOIN pg_sequence AS q ON q.seqrelid = s.oid
  JOIN pg_namespace AS n ON n.oid = s.relnamespace
  JOIN pg_class AS c ON c.oid = e.adrelid
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = e.adnum
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = to_regnamespace(quote_ident($1))
 ORDER BY 1, 2, 3, 4;
