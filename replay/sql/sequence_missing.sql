-- Columns of a first load that are to be identity columns, some of those that are none yet.
SELECT r.relation_name, k.target_name, k.identity
  FROM rowferry.relation AS r
  JOIN rowferry."column" AS k USING (source_id, target_schema, table_name)
  JOIN pg_class AS c ON c.relname = r.relation_name
                    AND c.relnamespace = to_regnamespace(quote_ident(r.target_schema))
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = k.target_name AND a.attidentity = ''
                        AND a.attnotnull AND NOT a.attisdropped
 WHERE r.source_id = $1::uuid AND r.target_schema = $2 AND k.identity IS NOT NULL
 LIMIT 300;
