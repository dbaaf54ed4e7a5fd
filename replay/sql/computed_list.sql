SELECT table_name, part, name, alias, sql, stage_position, joined
  FROM rowferry.computed
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C", position;
