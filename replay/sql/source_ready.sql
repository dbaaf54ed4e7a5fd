UPDATE rowferry.source
   SET state = 'ready', snapshot = $3::bigint, digest = $4,
       loading_snapshot = NULL, loading_digest = NULL, staging_schema = NULL, updated = now()
 WHERE source_id = $1::uuid AND target_schema = $2;
