INSERT INTO rowferry."constraint" (source_id, target_schema, table_name, constraint_name, wanted_name,
                                   kind, parent_table, definition, carried, stands, valid, reason)
VALUES ($1::uuid, $2, $3, $4, $5, $6, $7, $8, $9::boolean, $10::boolean, $11::boolean, $12);
