-- The line of the source, held until the transaction ends: whoever else would move it waits.
SELECT source_id, state, snapshot, digest, loading_snapshot, loading_digest, staging_schema,
       to_char(updated AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
  FROM rowferry.source
 WHERE target_schema = $1
   FOR UPDATE;
