INSERT INTO rowferry.index (source_id, target_schema, table_name, index_name, wanted_name, kind,
                            positions, parts, predicate, expressions, definition, stands, reason,
                            carried)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7::integer[], $8, $9, $10::boolean, $11, $12::boolean, $13,
        $14::boolean);
