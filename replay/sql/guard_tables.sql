-- The tables that came from the source and are there, and how many rows each should have. Rows that a
-- rule leaves out (where) are in no other count than that of the rows that the trips wrote.
SELECT r.table_name, r.relation_name,
       coalesce(f.rows, w.rows, r.rows - coalesce(a.rows, 0) + coalesce(k.rows, 0)) AS expected
  FROM rowferry.relation AS r
  JOIN pg_class AS c ON c.relnamespace = to_regnamespace(quote_ident(r.target_schema))
                    AND c.relname = r.relation_name AND c.relkind = 'r'
  LEFT JOIN (SELECT s.table_name, count(*) AS rows
               FROM (SELECT DISTINCT table_name, row_hash, copy
                       FROM rowferry.set_aside
                      WHERE source_id = $1::uuid AND target_schema = $2 AND outcome <> 'altered') AS s
              GROUP BY s.table_name) AS a ON a.table_name = r.table_name
  LEFT JOIN (SELECT table_name, count(*) AS rows
               FROM rowferry.kept_row
              WHERE source_id = $1::uuid AND target_schema = $2
              GROUP BY table_name) AS k ON k.table_name = r.table_name
  LEFT JOIN (SELECT g.table_name, g.rows + coalesce(sum(t.inserted - t.deleted), 0) AS rows
               FROM rowferry.guarded AS g
               LEFT JOIN rowferry.trip AS t
                      ON t.source_id = g.source_id AND t.target_schema = g.target_schema
                     AND t.table_name = g.table_name AND t.trip > g.trip
              WHERE g.source_id = $1::uuid AND g.target_schema = $2
              GROUP BY g.table_name, g.rows) AS f ON f.table_name = r.table_name
  LEFT JOIN (SELECT t.table_name, sum(t.inserted - t.deleted) AS rows
               FROM rowferry.trip AS t
               JOIN rowferry.computed AS c USING (source_id, target_schema, table_name)
              WHERE t.source_id = $1::uuid AND t.target_schema = $2 AND c.part = 'where'
              GROUP BY t.table_name) AS w ON w.table_name = r.table_name
 WHERE r.source_id = $1::uuid AND r.target_schema = $2
 ORDER BY r.table_name COLLATE "C";
