-- In the transaction that drops or disables it.
INSERT INTO rowferry.put_aside (source_id, target_schema, relation_name, kind, name, definition)
VALUES ($1::uuid, $2, $3, $4, $5, $6);
