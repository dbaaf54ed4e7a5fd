-- Nothing is added where another run of the same load was quicker.
INSERT INTO rowferry.relation (source_id, target_schema, table_name, relation_name, key_given, rows, digest)
VALUES ($1::uuid, $2, $3, $4, $5::boolean, $6::bigint, $7)
ON CONFLICT DO NOTHING;
