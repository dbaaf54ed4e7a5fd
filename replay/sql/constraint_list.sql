SELECT table_name, constraint_name, wanted_name, kind, parent_table, definition, carried, stands,
       valid, reason
  FROM rowferry."constraint"
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C", constraint_name COLLATE "C";
