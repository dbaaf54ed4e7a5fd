DELETE FROM rowferry."constraint"
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3 AND constraint_name = $4;
