INSERT INTO rowferry."column" (source_id, target_schema, table_name, position, column_name, target_name,
                               cell, declared, type, conversion, on_mismatch, bad_text, asked, not_null,
                               key_part, reason, default_sql, generated_sql, identity, widened)
SELECT $1::uuid, $2, $3, c.position, c.column_name, c.target_name, c.cell, c.declared, c.type,
       c.conversion, c.on_mismatch, c.bad_text, c.asked, c.not_null, c.key_part, c.reason, c.default_sql,
       c.generated_sql, c.identity, c.widened
  FROM unnest($4::text[], $5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::text[], $13::boolean[], $14::integer[], $15::text[], $16::text[],
              $17::text[], $18::text[], $19::boolean[])
       WITH ORDINALITY
       AS c (column_name, target_name, cell, declared, type, conversion, on_mismatch, bad_text, asked,
             not_null, key_part, reason, default_sql, generated_sql, identity, widened,
             position);
