-- The identity columns of rowferry's tables that still are such, each with its sequence as a literal.
SELECT r.table_name, r.relation_name, a.attname, quote_literal(s.oid::regclass) || '::regclass'
  FROM rowferry.relation AS r
  JOIN rowferry."column" AS k USING (source_id, target_schema, table_name)
  JOIN pg_class AS c ON c.relname = r.relation_name
                    AND c.relnamespace = to_regnamespace(quote_ident(r.target_schema))
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = k.target_name
                        AND a.attidentity <> '' AND NOT a.attisdropped
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                     AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass
                     AND d.deptype = 'i'
  JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
 WHERE r.source_id = $1::uuid AND r.target_schema = $2 AND k.identity IS NOT NULL
 ORDER BY r.table_name COLLATE "C";
