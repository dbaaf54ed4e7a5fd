SELECT table_name, index_name, wanted_name, kind, array_to_string(positions, ','), parts, predicate,
       expressions, stands, reason, carried
  FROM rowferry.index
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C", index_name COLLATE "C";
