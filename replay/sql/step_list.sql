SELECT table_name, step, item, parts, rows, set_aside, altered, left_out, digest
  FROM rowferry.load_step
 WHERE source_id = $1::uuid AND target_schema = $2;
