SELECT table_name, column_name, target_name, cell, declared, conversion, on_mismatch, bad_text, asked,
       not_null, key_part, reason, default_sql, generated_sql, identity, widened
  FROM rowferry."column"
 WHERE source_id = $1::uuid AND target_schema = $2
 ORDER BY table_name COLLATE "C", position;
