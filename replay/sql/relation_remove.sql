DELETE FROM rowferry.relation
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3;
