-- Nothing is added where another run of the same load was quicker.
INSERT INTO rowferry.relation (source_id, target_schema, table_name, relation_name, key_given, owned,
                               kept, rows, digest)
VALUES ($1::uuid, $2, $3, $4, $5::boolean, $6::boolean, $7::boolean, $8::bigint, $9)
ON CONFLICT DO NOTHING;
