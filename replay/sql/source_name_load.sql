UPDATE rowferry.source
   SET loading_digest = $4
 WHERE source_id = $1::uuid AND target_schema = $2 AND state = 'loading' AND loading_snapshot = $3::bigint;
