-- The SQL that was run for this snapshot as one that is the last.
SELECT statement FROM rowferry.after
 WHERE source_id = $1::uuid AND target_schema = $2 AND occasion = 'final' AND snapshot = $3::bigint;
