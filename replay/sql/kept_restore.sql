-- All rows go but those that the table had before the first load. Braces as in kept_remember.
DELETE FROM ONLY {relation} AS t
 WHERE NOT EXISTS (SELECT FROM rowferry.kept_row AS k
                    WHERE k.source_id = {source}::uuid AND k.target_schema = {schema}
                      AND k.table_name = {table}
                      AND k.image = sha256(record_send(ROW({columns}))))
