-- Added before the step's work, in the same transaction. When the line is there already, committed or
-- about to be, the step is done, and nothing is added.
INSERT INTO rowferry.load_step (source_id, target_schema, table_name, step, item, parts)
VALUES ($1::uuid, $2, $3, $4, $5, $6::bigint)
ON CONFLICT DO NOTHING;
