-- Nothing is added where another run of the same load was quicker.
INSERT INTO rowferry.relation (source_id, target_schema, table_name, relation_name, rows, digest)
VALUES ($1::uuid, $2, $3, $4, $5::bigint, $6)
ON CONFLICT DO NOTHING;
