-- Which columns take their numbers from which sequence: as identity or serial columns, by a default
-- that names it, and by its name alone (TABLE_COLUMN_seq) where it belongs to no column. Tables that
-- the source does not feed have no table_name; only owners in the target's schema are told of there.
WITH RECURSIVE fed AS (
    SELECT c.oid, c.relname
      FROM rowferry.relation AS r
      JOIN pg_class AS c ON c.relname = r.relation_name AND c.relkind IN ('r', 'p')
                        AND c.relnamespace = to_regnamespace(quote_ident(r.target_schema))
     WHERE r.source_id = $1::uuid AND r.target_schema = $2
), owner (sequence, relation, number) AS (
    SELECT d.objid, d.refobjid, d.refobjsubid
      FROM pg_sequence AS q
      JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = q.seqrelid
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
                         AND d.deptype IN ('a', 'i')
), orphan AS MATERIALIZED (
    SELECT s.oid, s.relname
      FROM pg_class AS s
     WHERE s.relkind = 'S' AND s.relnamespace = to_regnamespace(quote_ident($2))
       AND NOT EXISTS (SELECT FROM owner AS o WHERE o.sequence = s.oid)
), pair (sequence, relation, number) AS (
    SELECT * FROM owner
    UNION
    SELECT d.refobjid, e.adrelid, e.adnum
      FROM fed
      JOIN pg_attrdef AS e ON e.adrelid = fed.oid
      JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = e.oid
                         AND d.refclassid = 'pg_class'::regclass
      JOIN pg_sequence AS q ON q.seqrelid = d.refobjid
    UNION
    SELECT orphan.oid, named.attrelid, named.attnum
      FROM orphan
     CROSS JOIN LATERAL (
        SELECT a.attrelid, a.attnum
          FROM fed
          JOIN pg_attribute AS a ON a.attrelid = fed.oid AND a.attnum > 0
                                AND fed.relname || '_' || a.attname || '_seq' = orphan.relname
         WHERE starts_with(orphan.relname::text, fed.relname || '_')
        OFFSET 0) AS named
), counting (type) AS (
    SELECT castsource FROM pg_cast WHERE casttarget = 'numeric'::regtype
    UNION ALL
    SELECT t.oid FROM counting AS b JOIN pg_type AS t ON t.typtype = 'd' AND t.typbasetype = b.type
)
SELECT p.sequence::bigint, n.nspname, c.relname, a.attname, r.table_name, k.cell
  FROM pair AS p
  JOIN pg_class AS c ON c.oid = p.relation AND c.relkind IN ('r', 'p')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = p.relation AND a.attnum = p.number
  JOIN counting AS t ON t.type = a.atttypid
  LEFT JOIN rowferry.relation AS r ON r.source_id = $1::uuid AND r.target_schema = $2
                                  AND r.relation_name = c.relname AND n.nspname = $2
  LEFT JOIN rowferry."column" AS k ON k.source_id = $1::uuid AND k.target_schema = $2
                                  AND k.table_name = r.table_name AND k.target_name = a.attname
 WHERE n.nspname = $2 AND has_schema_privilege(n.oid, 'USAGE')
   AND has_column_privilege(c.oid, a.attnum, 'SELECT')
 ORDER BY p.sequence;
