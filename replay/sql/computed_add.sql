-- A line of how rows are computed, behind those that the table has already.
INSERT INTO rowferry.computed (source_id, target_schema, table_name, position, part, name, alias, sql,
                               stage_position, joined)
SELECT $1::uuid, $2, $3, count(*) + 1, $4, $5, $6, $7, nullif($8::integer, 0), $9::boolean
  FROM rowferry.computed
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3;
