UPDATE rowferry.index
   SET stands = false, reason = $4
 WHERE source_id = $1::uuid AND target_schema = $2 AND index_name = $3;
