-- Columns of a first load that are to be identity columns, some of those that are none yet. Each is looked
-- up by itself: nothing is known yet of how many lines the ledger has, and a join would be planned for few.
WITH wanted AS MATERIALIZED (
    SELECT r.relation_name, k.target_name, k.identity,
           to_regclass(format('%I.%I', r.target_schema, r.relation_name)) AS relation
      FROM rowferry."column" AS k
      JOIN rowferry.relation AS r USING (source_id, target_schema, table_name)
     WHERE k.source_id = $1::uuid AND k.target_schema = $2 AND k.identity IS NOT NULL
)
SELECT w.relation_name, w.target_name, w.identity
  FROM wanted AS w
 WHERE (SELECT a.attidentity = '' AND a.attnotnull AND NOT a.attisdropped
          FROM pg_attribute AS a
         WHERE a.attrelid = w.relation AND a.attname = w.target_name)
 LIMIT 300;
