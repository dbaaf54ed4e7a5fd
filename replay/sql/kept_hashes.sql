SELECT row_hash
  FROM rowferry.set_aside
 WHERE source_id = $1::uuid AND target_schema = $2 AND table_name = $3 AND outcome = 'kept';
