-- Maybe a transaction by itself, which has its mark (guard.h).
WITH cleared AS (
    DELETE FROM rowferry.load_step WHERE source_id = $1::uuid AND target_schema = $2
    RETURNING source_id, target_schema
)
INSERT INTO rowferry.writing (source_id, target_schema)
SELECT DISTINCT source_id, target_schema FROM cleared;
