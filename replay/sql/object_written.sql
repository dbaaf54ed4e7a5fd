SELECT object_name
  FROM rowferry.object
 WHERE source_id = $1::uuid AND target_schema = $2 AND as_written;
