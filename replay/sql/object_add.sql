INSERT INTO rowferry.object (source_id, target_schema, object_name, kind, as_written, definition)
VALUES ($1::uuid, $2, $3, $4, $5::boolean, $6);
