DELETE FROM rowferry.index
 WHERE source_id = $1::uuid AND target_schema = $2 AND index_name = $3;
