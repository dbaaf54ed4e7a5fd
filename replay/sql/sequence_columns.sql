-- Which columns take their numbers from which sequence: as identity or serial columns, by a default
-- that names it, and by its name alone (TABLE_COLUMN_seq) where it belongs to no column. Tables that
-- the source does not feed have no table_name; only owners are told of there.
WITH RECURSIVE fed AS (
    SELECT c.oid, c.relname, r.table_name
      FROM rowferry.relation AS r
      JOIN pg_class AS c ON c.relname = r.relation_name AND c.relkind IN ('r', 'p')
                        AND c.relnamespace = to_regnamespace(quote_ident(r.target_schema))
     WHERE r.source_id = $1::uuid AND r.target_schema = $2
), pair (sequence, relation, number) AS (
    SELECT d.objid, d.refobjid, d.refobjsubid
      FROM pg_sequence AS q
      JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                         AND d.deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, e.adrelid, e.adnum
      FROM fed
      JOIN pg_attrdef AS e ON e.adrelid = fed.oid
      JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
                         AND d.refclassid = 'pg_class'::regclass
      JOIN pg_sequence AS q ON q.seqrelid = d.refobjid
    UNION
    SELECT s.oid, fed.oid, a.attnum
      FROM fed
      JOIN pg_attribute AS a ON a.attrelid = fed.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_class AS s ON s.relkind = 'S' AND s.relnamespace = to_regnamespace(quote_ident($2))
                        AND s.relname = fed.relname || '_' || a.attname || '_seq'
     WHERE NOT EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = s.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                          AND d.deptype IN ('a', 'i'))
), based (type, base) AS (
    SELECT oid, oid FROM pg_type WHERE typtype IN ('b', 'd')
    UNION ALL
    SELECT b.type, t.typbasetype
      FROM based AS b JOIN pg_type AS t ON t.oid = b.base AND t.typtype = 'd'
)
SELECT p.sequence::bigint, n.nspname, c.relname, a.attname, fed.table_name, k.cell
  FROM pair AS p
  JOIN pg_class AS c ON c.oid = p.relation AND c.relkind IN ('r', 'p')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attnum = p.number
  JOIN based AS b ON b.type = a.atttypid
  JOIN pg_cast AS x ON x.castsource = b.base AND x.casttarget = 'numeric'::regtype
  LEFT JOIN fed ON fed.oid = p.relation
  LEFT JOIN rowferry."column" AS k ON k.source_id = $1::uuid AND k.target_schema = $2
                                  AND k.table_name = fed.table_name AND k.target_name = a.attname
 WHERE has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
 ORDER BY p.sequence;
