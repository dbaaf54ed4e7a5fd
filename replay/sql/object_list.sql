SELECT object_name, as_written, definition
  FROM rowferry.object
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY object_name COLLATE "C";
