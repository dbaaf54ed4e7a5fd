SELECT table_name, column_name, declared, conversion, not_null, key_part, reason
  FROM rowferry."column"
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C", position;
