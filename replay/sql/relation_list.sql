SELECT table_name, relation_name, key_given, owned, kept, rows, digest
  FROM rowferry.relation
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C";
