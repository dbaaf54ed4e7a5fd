INSERT INTO rowferry.after (source_id, target_schema, occasion, digest, snapshot, statement)
VALUES ($1::uuid, $2, $3, md5($5), $4::bigint, $5)
ON CONFLICT (source_id, target_schema, occasion, digest)
DO UPDATE SET snapshot = excluded.snapshot, ran = now();
