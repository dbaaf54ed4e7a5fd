INSERT INTO rowferry."column" (source_id, target_schema, table_name, position, column_name, declared,
                               type, conversion, not_null, key_part, reason)
SELECT $1::uuid, $2, $3, c.position, c.column_name, c.declared, c.type, c.conversion, c.not_null,
       c.key_part, c.reason
  FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::integer[], $10::text[])
       WITH ORDINALITY
       AS c (column_name, declared, type, conversion, not_null, key_part, reason, position);
