UPDATE rowferry.set_aside
   SET table_name = $4
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3;
