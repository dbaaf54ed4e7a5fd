-- Why values were set aside or altered since snapshot $3, the most frequent reasons first, and how
-- many reasons there are.
SELECT table_name, column_name, reason, outcome = 'altered', count(*), count(*) OVER ()
  FROM rowferry.set_aside
 WHERE source_id = $1::uuid AND target_schema = $2 AND snapshot > $3::bigint AND outcome <> 'kept'
 GROUP BY table_name, column_name, reason, outcome
 ORDER BY count(*) DESC, table_name COLLATE "C", column_name COLLATE "C", reason COLLATE "C", outcome
 LIMIT $4::bigint;
