DELETE FROM rowferry.object
 WHERE source_id = $1::uuid AND target_schema = $2 AND object_name = $3;
