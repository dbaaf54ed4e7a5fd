-- For COPY: each row that stands aside once. {source}, {schema} and {table} are literals.
COPY (SELECT DISTINCT row_hash, copy
        FROM rowferry.set_aside
       WHERE source_id = {source}::uuid AND target_schema = {schema} AND table_name = {table}
         AND outcome <> 'altered')
TO STDOUT (FORMAT binary)
