SELECT number, relation_name, kind, name, definition
  FROM rowferry.put_aside
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY number;
