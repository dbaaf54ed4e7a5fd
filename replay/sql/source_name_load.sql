-- A transaction by itself, which has its mark (guard.h).
WITH named AS (
    UPDATE rowferry.source
       SET loading_digest = $4
     WHERE source_id = $1::uuid AND target_schema = $2 AND state = 'loading' AND loading_snapshot = $3::bigint
    RETURNING source_id, target_schema
)
INSERT INTO rowferry.writing (source_id, target_schema) SELECT source_id, target_schema FROM named;
