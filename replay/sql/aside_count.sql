SELECT count(*)
  FROM (SELECT DISTINCT table_name, row_hash, copy
          FROM rowferry.set_aside
         WHERE source_id = $1::uuid AND target_schema = $2 AND outcome <> 'altered') AS r;
