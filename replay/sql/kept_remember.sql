-- Braces: literals, the table, and its columns in the types of the plan.
INSERT INTO rowferry.kept_row (source_id, target_schema, table_name, image)
SELECT {source}::uuid, {schema}, {table}, sha256(record_send(ROW({columns})))
  FROM ONLY {relation} AS t
