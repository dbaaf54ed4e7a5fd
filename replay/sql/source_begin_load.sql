INSERT INTO rowferry.source (source_id, target_schema, state, loading_snapshot, loading_digest, staging_schema)
VALUES ($1::uuid, $2, 'loading', $3::bigint, $4, $5);
