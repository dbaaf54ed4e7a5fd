UPDATE rowferry.relation
   SET rows = $4::bigint, digest = $5
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3;
